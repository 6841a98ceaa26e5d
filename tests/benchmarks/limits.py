"""How each program is kept to the instructions of a lesser processor, and how it is seen that it obeys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: What ``--processor`` may be. The worker itself takes more, but others cannot follow it.
ProcessorLimit = Literal["avx2"]

#: Read by the libraries that programs compute with; all programs get all of them.
_VARIABLES: Mapping[ProcessorLimit, Mapping[str, str]] = {
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",  # torch
        "ONEDNN_MAX_CPU_ISA": "AVX2",  # in torch and CTranslate2
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",  # in torch and CTranslate2
        "CT2_FORCE_CPU_ISA": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # NumPy
    }
}
#: Programs that take no limit, and why.
_UNLIMITABLE: Mapping[str, str] = {
    "openvino_": "with oneDNN limited, most of its float32 products still use AVX-512, and int8 fails",
    "onnxruntime_": "its kernels are chosen by what the processor has, and no setting changes that",
}


@dataclass(frozen=True, slots=True)
class Limited:
    """A comparison in which all programs are kept to ``processor``'s instructions, or to none.

    llama.cpp has them built in: ``llama_cpp`` is the folder of a build without the others.
    """

    processor: ProcessorLimit | None = None
    llama_cpp: Path | None = None

    def obstacle(self, name: str) -> str | None:
        """Why the program ``name`` cannot be compared; None if it can."""
        if self.processor is None:
            return None
        if name == "llama_cpp" and self.llama_cpp is None:
            return "it needs a build of its own, which --llama-cpp names"
        return _UNLIMITABLE.get(name)

    def variables(self, name: str = "") -> dict[str, str]:
        """What the environment of the program ``name`` needs."""
        if self.processor is None:
            return {}
        own = {"PYTHONPATH": str(self.llama_cpp.resolve())} if name == "llama_cpp" and self.llama_cpp else {}
        return {**_VARIABLES[self.processor], **own}


UNLIMITED = Limited()
