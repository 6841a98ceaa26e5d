"""OpenVINO, with a model converted as by optimum-intel: the keys and values are its state."""

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

DISTRIBUTIONS = ("openvino", "nncf")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "int8")
NOTE = (
    "stateful model with fused attention; int8 is nncf's compression of the weights (INT8_ASYM), "
    "computed in bfloat16; eight requests are a batch of eight rows; drawn at temperature 1 by numpy."
)

HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "bf16"}


def prepare(model: Path, files: Path, precision: Precision) -> None:
    openvino = importlib.import_module("openvino")
    full = path(files, "float32")
    if not full.exists():
        openvino.save_model(converted(model), full, compress_to_fp16=False)
    if precision == "int8" and not path(files, "int8").exists():
        nncf = importlib.import_module("nncf")
        compressed = nncf.compress_weights(
            openvino.Core().read_model(full), mode=nncf.CompressWeightsMode.INT8_ASYM
        )
        openvino.save_model(compressed, path(files, "int8"), compress_to_fp16=False)


def path(files: Path, precision: Precision) -> Path:
    """The model's file; bfloat16 uses float32's, which is converted while loading."""
    return files / ("int8.xml" if precision == "int8" else "float32.xml")


def converted(model: Path) -> Any:
    import torch

    from tests.benchmarks.peers.traced import step

    openvino = importlib.import_module("openvino")
    module = step(model)
    example = module.example()
    jit: Any = torch.jit
    with torch.no_grad():
        traced = jit.trace(module, example, check_trace=False)
    past = openvino.PartialShape([-1, module.heads, -1, module.width])
    shapes = [openvino.PartialShape([-1, -1]), *[past] * (len(example) - 1)]
    return stateful(openvino.convert_model(traced, example_input=example, input=shapes))


def stateful(model: Any) -> Any:
    """Make past and present the model's state, whose rows an input ``beam_idx`` reorders."""
    openvino = importlib.import_module("openvino")
    ops = openvino.opset13
    transformations = importlib.import_module("openvino._offline_transformations")
    rows = ops.parameter(openvino.PartialShape([-1]), openvino.Type.i32, name="beam_idx")
    rows.output(0).get_tensor().set_names({"beam_idx"})
    model.inputs[0].get_tensor().set_names({"input_ids"})
    pairs = dict[str, str]()
    for number, (past, present) in enumerate(zip(model.inputs[1:], model.outputs[1:], strict=True)):
        past.get_tensor().set_names({f"past.{number}"})
        present.get_tensor().set_names({f"present.{number}"})
        pairs[f"past.{number}"] = f"present.{number}"
        readers = past.get_target_inputs()
        reordered = ops.gather(past, rows, ops.constant(0))
        for reader in readers:
            reader.replace_source_output(reordered.output(0))
    model.add_parameters([rows])
    model.validate_nodes_and_infer_types()
    transformations.apply_make_stateful_transformation(model, pairs)
    begin_empty(model, ops)
    return model


def begin_empty(model: Any, ops: Any) -> None:
    """Let the state begin with as many rows as the input, and no positions."""
    shape = ops.shape_of(model.input("input_ids"), output_type="i64")
    count = ops.gather(shape, ops.constant([0]), ops.constant(0))
    for op in model.get_ops():
        if op.get_type_name() == "ReadValue":
            others = [dimension.min_length for dimension in op.get_output_partial_shape(0)][1:]
            sizes = ops.concat([count, ops.constant(numpy.array(others, dtype=numpy.int64))], axis=0)
            op.set_arguments([ops.broadcast(ops.constant(numpy.float32(0)), sizes)])
    model.validate_nodes_and_infer_types()


def load(model: Path, files: Path, precision: Precision, threads: int) -> Rows:
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": HINTS[precision],
    }
    core = importlib.import_module("openvino").Core()
    return Rows(core.compile_model(path(files, precision), "CPU", settings).create_infer_request())


class Rows:
    def __init__(self, request: Any) -> None:
        self._request = request

    def generate(self, prompts: Prompts, new_tokens: int) -> Prompts:
        self._request.reset_state()
        ids = numpy.array(prompts)
        rows = numpy.arange(len(prompts), dtype=numpy.int32)
        made = []
        for _ in range(new_tokens):
            inputs = {"input_ids": ids, "beam_idx": rows}
            logits = self._request.infer(inputs, share_inputs=True, share_outputs=True)[0]
            ids = numpy.array(draw(logits))[:, None]
            made.append(ids)
        return cast("Prompts", numpy.concatenate(made, axis=1).tolist())


if __name__ == "__main__":
    main(cast("Peer", sys.modules[__name__]))
