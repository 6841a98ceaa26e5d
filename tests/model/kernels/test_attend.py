from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.attention import Attention, spans
from bot.model.gpt2.kv_cache import KVCache, KVStore
from bot.model.kernels.attend import room_for_scores, write_attend
from bot.model.kernels.builder import KernelModule
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import Processor, this_processor
from tests.support.driving import torch_threads

CONTEXT = 150
HEADS = 3
# The scores of this many positions would not fit a thread's stack.
LONG_CONTEXT = 500_000


@dataclass(frozen=True)
class Compiled:
    """An attention and its kernels; keys and values are kept as ``dtype``."""

    kernels: Kernels
    attention: Attention
    dtype: torch.dtype

    @property
    def head_width(self) -> int:
        return self.attention.head_width


@cache
def attention(
    head_width: int, processor: Processor, context: int = CONTEXT, dtype: torch.dtype = torch.float32
) -> Compiled:
    module = KernelModule()
    rounds = dtype is torch.bfloat16
    write_attend(module, head_width=head_width, context=context, processor=processor, rounds=rounds)
    kernels = Kernels.compiled(module, processor)
    scores = room_for_scores(head_width, context, processor)
    return Compiled(kernels, Attention(kernels, heads=HEADS, head_width=head_width, scores=scores), dtype)


def new_store(by: Compiled, *, slots: int = 1) -> KVStore:
    width, dtype = by.head_width, by.dtype
    store = KVStore(slots=slots, layers=1, heads=HEADS, head_width=width, context=CONTEXT, dtype=dtype)
    # What lies beyond a sequence's end must make no difference.
    store.layers[0].fill_(torch.nan)
    return store


def some_qkv(count: int, head_width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3 * HEADS * head_width, generator=generator)


def attended(by: Compiled, qkv: Tensor, cuts: Sequence[int] = ()) -> Tensor:
    """The outputs of a sequence whose rows are attended in passes that end at ``cuts``."""
    sequence = new_store(by).new_cache()
    return torch.cat([step(by, [(sequence, part)])[0] for part in qkv.tensor_split(list(cuts)) if len(part)])


def step(by: Compiled, parts: Sequence[tuple[KVCache, Tensor]]) -> list[Tensor]:
    numbers = torch.cat([qkv for _, qkv in parts])
    layer = parts[0][0].store.layers[0]
    padded = layer.size(-1)
    out = torch.full((len(numbers), HEADS, padded), torch.nan)
    rows = spans((sequence, len(qkv)) for sequence, qkv in parts)
    by.kernels.run(by.attention.call(rows, layer, by.head_width**-0.5, numbers, out))
    assert (out[..., by.head_width :].nan_to_num() == 0).all()
    for sequence, qkv in parts:
        sequence.length += len(qkv)
    return list(torch.split(out[..., : by.head_width].flatten(1), [len(qkv) for _, qkv in parts]))


@pytest.mark.slow
@pytest.mark.parametrize("head_width", [1, 5, 8, 16, 24, 64, 80])
def test_it_computes_the_attention_of_torch(head_width: int, processor: Processor) -> None:
    qkv = some_qkv(CONTEXT, head_width)
    got = attended(attention(head_width, processor), qkv)
    query, key, value = qkv.double().view(CONTEXT, 3, HEADS, head_width).permute(1, 2, 0, 3)
    expected = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(got.double(), expected.transpose(0, 1).flatten(1), atol=2e-6, rtol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("head_width", [1, 5, 16, 24, 64, 80])
def test_with_keys_and_values_in_bfloat16_it_is_that_of_rounded_ones(
    head_width: int, processor: Processor
) -> None:
    qkv = some_qkv(CONTEXT, head_width)
    rounded = qkv.clone()
    rounded[:, HEADS * head_width :] = qkv[:, HEADS * head_width :].bfloat16().float()
    got = attended(attention(head_width, processor, dtype=torch.bfloat16), qkv)
    assert torch.equal(got, attended(attention(head_width, processor), rounded))


@pytest.mark.slow
@given(st.lists(st.integers(0, CONTEXT), max_size=6), st.sampled_from([5, 16, 64]))
@settings(max_examples=40)
def test_chunk_boundaries_change_no_bit(cuts: list[int], head_width: int) -> None:
    by, qkv = attention(head_width, this_processor()), some_qkv(CONTEXT, head_width)
    assert torch.equal(attended(by, qkv, sorted(cuts)), attended(by, qkv))


@pytest.mark.slow
@pytest.mark.parametrize("head_width", [5, 64])
def test_row_by_row_is_the_same_to_the_bit(head_width: int, processor: Processor) -> None:
    by, qkv = attention(head_width, processor), some_qkv(CONTEXT, head_width)
    assert torch.equal(attended(by, qkv, range(1, CONTEXT)), attended(by, qkv))


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [this_processor("avx2"), replace(this_processor(), rows=1), replace(this_processor(), rows=7)],
    ids=["avx2", "one", "several"],
)
def test_the_bits_do_not_depend_on_how_many_rows_are_attended_at_once(other: Processor) -> None:
    qkv = some_qkv(CONTEXT, 64)
    assert torch.equal(attended(attention(64, other), qkv), attended(attention(64, this_processor()), qkv))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_other_sequences_change_no_bit(threads: int) -> None:
    by = attention(16, this_processor())
    store = new_store(by, slots=3)
    own, short, broken = (store.new_cache() for _ in range(3))
    qkv = some_qkv(90, 16)
    expected = attended(by, qkv)
    got = []
    with torch_threads(threads):
        for number, part in enumerate(torch.split(qkv, 10)):
            others = [(short, some_qkv(number % 3 + 1, 16, number)), (broken, some_qkv(7, 16) * torch.nan)]
            got.append(step(by, [others[0], (own, part), others[1]])[1])
    assert torch.equal(torch.cat(got), expected)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_a_context_longer_than_a_stack_changes_no_bit(threads: int, processor: Processor) -> None:
    qkv = some_qkv(40, 16)
    with torch_threads(threads):
        by = attention(16, processor, LONG_CONTEXT)
        store = KVStore(slots=1, layers=1, heads=HEADS, head_width=16, context=LONG_CONTEXT)
        (got,) = step(by, [(store.new_cache(), qkv)])
    assert torch.equal(got, attended(attention(16, processor), qkv))


def test_a_nan_reaches_only_its_own_row_and_later_ones() -> None:
    by, qkv = attention(16, this_processor()), some_qkv(60, 16)
    expected = attended(by, qkv)
    qkv[40] = torch.nan
    got = attended(by, qkv)
    assert torch.equal(got[:40], expected[:40])
    assert got[40:].isnan().all()
