"""Lesser processors, as which this one can be used: in tests, in comparisons, and for the report of a bug."""

from __future__ import annotations

from typing import Literal

Limit = Literal["avx512", "avxvnni", "avx2", "x86-64"]

# The instructions that came after x86-64's first: the beginnings of LLVM's names.
_WIDEST = ("avx512", "amx", "avx10")
_LATER = ("avx", "amx", "f16c", "fma", "sha512", "sm3", "sm4", "sse3", "sse4", "ssse3", "vaes", "vpcl", "xop")

#: What a lesser processor lacks.
LIMITS: dict[Limit, tuple[str, ...]] = {
    "avx512": ("avx512vnni", "avx512bf16", "avxvnni", "amx", "avx10"),
    "avxvnni": _WIDEST,
    "avx2": (*_WIDEST, "avxvnni"),
    "x86-64": _LATER,
}
