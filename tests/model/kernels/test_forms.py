"""All forms of a precision give the same bits."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from bot.model.kernels.float_forms import SMALLEST
from bot.model.kernels.form import Form
from bot.model.kernels.forms import FORMS, form_of
from bot.model.kernels.int8_forms import DotUnsigned256
from bot.model.kernels.lesser_processors import Limit
from bot.model.kernels.processor import Processor, processor_of, this_processor
from bot.model.model_info import Precision
from tests.support.layers import bits, hard_numbers, layer_of, matmul_of

# [in, out]: odd ones, and some that fill vectors, words and panels.
SHAPES = [(70, 83), (1, 5), (16, 48), (259, 31)]
CASES = [(precision, form) for precision, forms in FORMS.items() for form in forms]


def runs_here(form: Form) -> bool:
    here = this_processor()
    # AVX-512 has AVX-VNNI's instruction in another encoding.
    also = isinstance(form, DotUnsigned256) and here.has("avx512vnni", "avx512vl")
    return also or here.has(*form.needs)


def output(precision: Precision, processor: Processor, numbers: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    weight, bias, x = numbers
    return layer_of(matmul_of(precision, processor), weight, bias)(x)


@pytest.mark.parametrize(("precision", "form"), CASES, ids=lambda case: getattr(type(case), "__name__", case))
def test_a_form_gives_the_bits_of_the_fastest(
    precision: Precision, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not runs_here(form):
        pytest.skip(f"this processor lacks {', '.join(form.needs)}")
    fastest = matmul_of(precision, this_processor())
    monkeypatch.setitem(FORMS, precision, (form,))
    monkeypatch.setattr(type(form), "needs", ())
    other = matmul_of(precision, this_processor())
    for inputs, outputs in SHAPES:
        weight, bias, x = hard_numbers(inputs, outputs, rows=21)
        expected, layer = (layer_of(each, weight, bias) for each in (fastest, other))
        for rows in (1, 2, 3, 5, 21):
            assert torch.equal(bits(layer(x[:rows])), bits(expected(x[:rows]))), (inputs, outputs, rows)


@pytest.mark.parametrize("limit", get_args(Limit))
@pytest.mark.parametrize("precision", get_args(Precision))
def test_a_lesser_processor_gives_the_same_bits(precision: Precision, limit: Limit) -> None:
    numbers = hard_numbers(70, 83, rows=21)
    here, there = (output(precision, this_processor(kind), numbers) for kind in (None, limit))
    assert torch.equal(bits(there), bits(here))


@pytest.mark.parametrize("limit", [None, "avx2"])
def test_a_bfloat16_output_is_one_chain_of_float32_in_which_the_second_of_a_pair_comes_first(
    limit: Limit | None,
) -> None:
    generator = torch.Generator().manual_seed(1)
    weight, bias = torch.randn(20, 38, generator=generator), torch.randn(20, generator=generator)
    x = torch.randn(3, 38, generator=generator)
    chain = bias.expand(3, 20)
    rounded, weights = x.bfloat16().double(), weight.bfloat16().double()
    for n in range(0, 38, 2):
        for place in (n + 1, n):
            # The products are exact, also in float32, so that rounding the sum twice cannot differ.
            chain = (chain.double() + rounded[:, place : place + 1] * weights[:, place]).float()
    layer = layer_of(matmul_of("bfloat16", this_processor(limit)), weight, bias, "none")
    assert torch.equal(layer(x), chain)


@pytest.mark.parametrize("limit", [None, "avx2"])
def test_bfloat16_takes_the_smallest_numbers_for_0(limit: Limit | None) -> None:
    x = torch.tensor([[SMALLEST], [-SMALLEST], [SMALLEST * 1.5], [1.0]])
    weight, bias = torch.tensor([[1.0], [SMALLEST], [SMALLEST * 1.5], [0.0]]), torch.zeros(4)
    bias[3] = SMALLEST
    layer = layer_of(matmul_of("bfloat16", this_processor(limit)), weight, bias, "none")
    got = layer(x)
    assert got[:, 0].tolist() == [0, 0, SMALLEST * 1.5, 1]
    assert got[3].tolist() == [1, 0, SMALLEST * 1.5, 0]


@pytest.mark.parametrize(
    ("features", "bfloat16", "int8"),
    [
        ("avx512f avx512bw avx512vnni avx512bf16 avxvnni avx2 sse2", "BFloat16Pairs", "DotUnsigned512"),
        ("avx512f avx512bw avx512vnni avx2 sse2", "Widened", "DotUnsigned512"),
        ("avx512f avx512bw avx2 sse2", "Widened", "PairSums512"),
        ("avxvnni avx2 sse2", "Widened", "DotUnsigned256"),
        ("avx2 sse2", "Widened", "PairSums256"),
        ("sse2", "Widened", "PairSums128"),
        ("neon dotprod i8mm", "Widened", "Matrices"),
        ("neon dotprod", "Widened", "DotSigned"),
        ("neon", "Widened", "MultiplyLong"),
        ("", "Widened", "Pairs"),
    ],
)
def test_a_processor_gets_the_fastest_form_that_it_has_instructions_for(
    features: str, bfloat16: str, int8: str
) -> None:
    processor = processor_of("generic", dict.fromkeys(features.split(), True))
    chosen = {precision: type(form_of(precision, processor)).__name__ for precision in FORMS}
    assert chosen == {"float32": "Fused", "bfloat16": bfloat16, "int8": int8}
