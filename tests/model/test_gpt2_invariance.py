"""A row's bits depend on its position, on its kind, and on the rows before it; on nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bot.model.gpt2 import GPT2, Chunk
from bot.model.kv_cache import KVCache
from tests.model.conftest import OVERFLOWS, overflowing_model, random_model
from tests.model.driving import new_cache, some_ids, torch_threads


@dataclass(frozen=True)
class Text:
    """``ids`` of which the first ``read`` are read, computed in parts that begin at ``cuts``."""

    ids: list[int]
    read: int
    cuts: tuple[int, ...] = ()

    def parts(self, cache: KVCache) -> Iterator[Chunk]:
        for start, end in pairwise((0, *self.cuts, len(self.ids))):
            yield Chunk(cache, self.ids[start:end], read=min(max(0, self.read - start), end - start))


@st.composite
def texts(draw: st.DrawFn, longest: int = 150) -> Text:
    length = draw(st.integers(1, longest))
    cuts = draw(st.sets(st.integers(1, length - 1), max_size=8)) if length > 1 else set()
    read = draw(st.integers(1, length))
    return Text(some_ids(length, seed=draw(st.integers(0, 9))), read, tuple(sorted(cuts)))


@torch.inference_mode()
def alone(model: GPT2, text: Text) -> Tensor:
    """The hidden rows of ``text``, a part after the other, and the logits after each part."""
    cache = new_cache(model)
    return torch.cat([rows for part in text.parts(cache) for rows in model.forward([part])])


@torch.inference_mode()
def together(model: GPT2, texts: list[Text]) -> list[Tensor]:
    """The same of several texts, a part of each in every pass for as long as they have parts."""
    store = model.new_store(len(texts))
    waiting = [list(text.parts(store.new_cache())) for text in texts]
    rows: list[list[Tensor]] = [[] for _ in texts]
    while any(waiting):
        going = [index for index, parts in enumerate(waiting) if parts]
        for index, hidden in zip(going, model.forward([waiting[n].pop(0) for n in going]), strict=True):
            rows[index].append(hidden)
    return [torch.cat(parts) for parts in rows]


@settings(max_examples=25)
@given(text=texts())
def test_a_text_has_the_same_bits_however_it_is_cut(precise: GPT2, text: Text) -> None:
    assert torch.equal(alone(precise, text), alone(precise, Text(text.ids, text.read)))


@pytest.mark.parametrize("cut", [1, 31, 32, 33, 255, 256, 257, 511, 512, 513, 639])
def test_long_texts_too(precise: GPT2, cut: int) -> None:
    ids = some_ids(640)
    for read in (600, 300):
        assert torch.equal(alone(precise, Text(ids, read, (cut,))), alone(precise, Text(ids, read)))


@settings(max_examples=15)
@given(company=st.lists(texts(), min_size=2, max_size=8))
def test_texts_have_the_same_bits_alone_and_read_and_decoded_together(
    precise: GPT2, company: list[Text]
) -> None:
    for text, rows in zip(company, together(precise, company), strict=True):
        assert torch.equal(rows, alone(precise, Text(text.ids, text.read)))


@settings(max_examples=15)
@given(text=texts(), data=st.data())
@torch.inference_mode()
def test_a_kept_beginning_gives_the_bits_of_a_computed_one(
    precise: GPT2, text: Text, data: st.DataObject
) -> None:
    """Whatever came behind it where it was computed."""
    known = data.draw(st.integers(0, len(text.ids) - 1))
    other = text.ids[:known] + some_ids(data.draw(st.integers(0, 40)) + 1, seed=77)
    source, taken = new_cache(precise), new_cache(precise)
    read = text.read if text.read <= known else len(other)
    precise.forward([Chunk(source, other, read=read)])
    taken.begin_with(source.prefix(known) if data.draw(st.booleans()) else source, known)
    (rows,) = precise.forward([Chunk(taken, text.ids[known:], read=max(0, text.read - known))])
    assert torch.equal(rows, alone(precise, Text(text.ids, text.read))[known:])


@pytest.mark.parametrize("threads", [1, 2])
def test_so_it_is_with_heads_and_lengths_of_gpt2_large(threads: int) -> None:
    """Kernels choose their ways by the size of what they are given."""
    model = GPT2(random_model(n_layer=1, n_embd=256, n_head=4, n_positions=1024, initializer_range=0.1))
    if not model.batches:
        pytest.skip("rows are not independent on this processor")
    lengths = (1, 63, 64, 65, 380, 449, 700, 1014)
    company = [Text(some_ids(n + 10, seed=n), n, tuple(range(n, n + 10))) for n in lengths]
    with torch_threads(threads):
        for text, rows in zip(company, together(model, company), strict=True):
            assert torch.equal(rows, alone(model, Text(text.ids, text.read)))


def test_reading_and_generating_differ_by_rounding_alone(gpt2: GPT2) -> None:
    ids = some_ids(100)
    read, generated = alone(gpt2, Text(ids, 100)), alone(gpt2, Text(ids, 1))
    assert not torch.equal(read, generated)
    torch.testing.assert_close(read, generated, atol=1e-4, rtol=1e-4)


def logits_after(model: GPT2, texts: list[list[int]], following: list[list[int]]) -> list[Tensor]:
    """For each text, the logits after it and after each id of its ``following``; all step together."""
    store = model.new_store(len(texts))
    caches = [store.new_cache() for _ in texts]
    hidden = [
        *(model.forward([Chunk(c, ids, read=len(ids))])[0] for c, ids in zip(caches, texts, strict=True))
    ]
    steps = [model.next_logits(hidden)]
    for column in zip(*following, strict=True):
        chunks = [Chunk(cache, (token_id,)) for cache, token_id in zip(caches, column, strict=True)]
        steps.append(model.next_logits(model.forward(chunks)))
    return list(torch.stack(steps, dim=1))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("packed", [None, False])
@torch.inference_mode()
def test_a_sequence_has_the_same_logits_alone_and_among_seven_others(
    packed: bool | None, threads: int
) -> None:
    model = GPT2(random_model(), packed=packed)
    texts = [some_ids(length, seed=length) for length in (1, 2, 3, 30, 64, 65, 255, 300)]
    following = [some_ids(12, seed=100 + n) for n in range(len(texts))]
    with torch_threads(threads):
        together = logits_after(model, texts, following)
        separate = [logits_after(model, [text], [ids])[0] for text, ids in zip(texts, following, strict=True)]
    for mine, theirs in zip(separate, together, strict=True):
        assert torch.equal(mine, theirs)


@torch.inference_mode()
def test_a_neighbour_that_is_not_finite_changes_nothing(precise: GPT2) -> None:
    model = GPT2(overflowing_model(), precision=precise.precision)
    ids = some_ids(40, vocabulary=OVERFLOWS)
    expected = alone(model, Text(ids, 30))
    store = model.new_store(2)
    cache, broken = store.new_cache(), store.new_cache()
    for part, spoiled in [(ids[:30], [1, OVERFLOWS, 2]), (ids[30:35], [3]), (ids[35:], [4])]:
        read = (len(part), len(spoiled)) if part == ids[:30] else (0, 0)
        start = cache.length
        mine, theirs = model.forward([Chunk(cache, part, read[0]), Chunk(broken, spoiled, read[1])])
        assert not theirs.isfinite().all()
        assert torch.equal(mine, expected[start : cache.length])
