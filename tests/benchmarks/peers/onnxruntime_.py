"""onnxruntime, with the keys and values bound as inputs and outputs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, cast

import numpy

from tests.benchmarks.peers import Peer
from tests.benchmarks.peers.child import main
from tests.benchmarks.peers.sampling import draw
from tests.benchmarks.workload import Precision, Prompts

DISTRIBUTIONS = ("onnxruntime", "onnx", "onnxscript")
PRECISIONS: tuple[Precision, ...] = ("float32", "int8")
NOTE = (
    "exported by torch.onnx with the operator Attention; int8 is its quantize_dynamic, with a "
    "scale for each of a weight's columns; eight requests are a batch of eight rows; drawn at temperature 1 "
    "by numpy; bfloat16 is left out, as it has no kernels for it on the CPU."
)

ATTENTION = 24  # the version of ONNX's operators that introduced Attention


def prepare(model: Path, files: Path, precision: Precision) -> None:
    path = files / f"{precision}.onnx"
    if path.exists():
        return
    if precision == "float32":
        export(model, path, untied=False)
        return
    full = files / "untied.onnx"  # quantize_dynamic takes only constants, not the transposed embedding
    export(model, full, untied=True)
    quantization = importlib.import_module("onnxruntime.quantization")
    quantization.quantize_dynamic(
        full,
        path,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
        use_external_data_format=True,
    )


def export(model: Path, path: Path, *, untied: bool) -> None:
    import torch

    from tests.benchmarks.peers.traced import step

    module = step(model, untied=untied)
    example = module.example()
    program = torch.onnx.export(
        module,
        example,
        dynamic_shapes=({0: "rows", 1: "new"}, ({0: "rows", 2: "past"},) * (len(example) - 1)),
        opset_version=ATTENTION,
        dynamo=True,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export made nothing")
    program.save(str(path), external_data=True)


def load(model: Path, files: Path, precision: Precision, threads: int) -> Rows:
    runtime = importlib.import_module("onnxruntime")
    settings = runtime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = runtime.InferenceSession(files / f"{precision}.onnx", settings, ["CPUExecutionProvider"])
    return Rows(runtime, session)


class Rows:
    def __init__(self, runtime: Any, session: Any) -> None:
        self._runtime, self._session = runtime, session
        self._ids, *self._pasts = session.get_inputs()
        self._outputs = [output.name for output in session.get_outputs()]

    def generate(self, prompts: Prompts, new_tokens: int) -> Prompts:
        ids = numpy.array(prompts)
        past = [self._empty(len(prompts), place.shape) for place in self._pasts]
        made = []
        for _ in range(new_tokens):
            logits, *past = self._step(ids, past)
            ids = numpy.array(draw(logits.numpy()))[:, None]
            made.append(ids)
        return cast("Prompts", numpy.concatenate(made, axis=1).tolist())

    def _empty(self, rows: int, shape: list[Any]) -> Any:
        none = numpy.zeros((rows, shape[1], 0, shape[3]), numpy.float32)
        return self._runtime.OrtValue.ortvalue_from_numpy(none)

    def _step(self, ids: Any, past: list[Any]) -> list[Any]:
        """Bind this step's outputs as the next one's inputs, so that nothing is copied."""
        binding = self._session.io_binding()
        binding.bind_cpu_input(self._ids.name, ids)
        for place, value in zip(self._pasts, past, strict=True):
            binding.bind_ortvalue_input(place.name, value)
        for output in self._outputs:
            binding.bind_output(output, "cpu")
        self._session.run_with_iobinding(binding)
        return list(binding.get_outputs())


if __name__ == "__main__":
    main(cast("Peer", sys.modules[__name__]))
