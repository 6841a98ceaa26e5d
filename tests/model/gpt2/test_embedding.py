from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from bot.model.gpt2.embedding import packed_table, token_embedding
from bot.model.model_info import Precision

VOCABULARY = 90


def model_of(width: int) -> GPT2LMHeadModel:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCABULARY, n_embd=width, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=0
    )
    return GPT2LMHeadModel(config)


def no_head(ids: Tensor) -> Tensor:
    raise AssertionError(f"the rows {ids} were looked up in the head")


def embedded(precision: Precision, width: int) -> tuple[Tensor, Tensor]:
    """All rows in ``precision``, and the exact ones."""
    model = model_of(width)
    with torch.no_grad():
        model.transformer.wte.weight[3] = 0.0
        model.transformer.wte.weight[4, 0] = 50.0
    weight = model.transformer.wte.weight.detach()
    table = token_embedding(packed_table(weight, precision, tied=False), no_head, width)
    return table(torch.arange(VOCABULARY)), weight


@pytest.mark.parametrize("width", [32, 50, 96])
def test_int8_rows_are_within_half_a_scale_of_each_32_numbers(width: int) -> None:
    got, exact = embedded("int8", width)
    assert got.dtype == torch.float32
    for start in range(0, width, 32):
        block = exact[:, start : start + 32]
        scale = block.abs().amax(dim=1, keepdim=True) / 127
        assert ((got[:, start : start + 32] - block).abs() <= 0.5001 * scale).all()


def test_a_row_of_zeros_stays_zeros() -> None:
    got, _ = embedded("int8", 50)
    assert (got[3] == 0).all()


def test_a_large_number_costs_precision_only_in_its_own_block() -> None:
    got, exact = embedded("int8", 96)
    torch.testing.assert_close(got[4, 32:], exact[4, 32:], atol=3e-4, rtol=0)


def test_the_other_precisions_return_the_weights_themselves() -> None:
    assert torch.equal(*embedded("float32", 50))
    got, exact = embedded("bfloat16", 50)
    assert torch.equal(got, exact.bfloat16().float())
