"""The forms of each precision's products, and which of them a processor gets."""

from __future__ import annotations

from bot.model.kernels.float_forms import BFloat16Pairs, Fused, Widened
from bot.model.kernels.form import Form
from bot.model.kernels.int8_forms import (
    DotSigned,
    DotUnsigned256,
    DotUnsigned512,
    Matrices,
    MultiplyLong,
    Pairs,
    PairSums128,
    PairSums256,
    PairSums512,
)
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision

#: Fastest first. Those of one precision give the same bits, and the last needs nothing.
FORMS: dict[Precision, tuple[Form, ...]] = {
    "float32": (Fused(),),
    "bfloat16": (BFloat16Pairs(), Widened()),
    "int8": (
        DotUnsigned512(),
        DotUnsigned256(),
        PairSums512(),
        PairSums256(),
        PairSums128(),
        Matrices(),
        DotSigned(),
        MultiplyLong(),
        Pairs(),
    ),
}


def form_of(precision: Precision, processor: Processor) -> Form:
    """The fastest form of ``precision`` on ``processor``."""
    return next(form for form in FORMS[precision] if processor.has(*form.needs))
