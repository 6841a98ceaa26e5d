"""A row's bits depend only on its position and the ids before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bot.model.gpt2.kv_cache import KVCache
from bot.model.gpt2.transformer import GPT2, LARGEST_CHUNK, Chunk
from bot.model.kernels.processor import this_processor
from tests.model.conftest import OVERFLOWS, gpt2_of, overflowing_model, random_model
from tests.support.driving import every_row, new_cache, some_ids, torch_threads

# Compiling a model takes a second.
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Text:
    """``ids``, computed in parts that begin at ``cuts``."""

    ids: list[int]
    cuts: tuple[int, ...] = ()

    def parts(self, cache: KVCache) -> Iterator[Chunk]:
        for start, end in pairwise((0, *self.cuts, len(self.ids))):
            yield every_row(cache, self.ids[start:end])


@st.composite
def texts(draw: st.DrawFn, longest: int = 150) -> Text:
    length = draw(st.integers(1, longest))
    cuts = draw(st.sets(st.integers(1, length - 1), max_size=8)) if length > 1 else set()
    return Text(some_ids(length, seed=draw(st.integers(0, 9))), tuple(sorted(cuts)))


@torch.inference_mode()
def alone(model: GPT2, text: Text) -> Tensor:
    """The hidden rows of ``text``, computed part by part."""
    cache = new_cache(model)
    return torch.cat([rows for part in text.parts(cache) for rows in model.forward([part])])


@torch.inference_mode()
def together(model: GPT2, texts: list[Text]) -> list[Tensor]:
    """The same for several texts: each pass takes the next part of every text that has one left."""
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
def test_a_text_has_the_same_bits_in_any_chunks(precise: GPT2, text: Text) -> None:
    assert torch.equal(alone(precise, text), alone(precise, Text(text.ids)))


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 31, 263, LARGEST_CHUNK, 265, 511, 512, 639])
def test_a_long_text_has_the_same_bits_in_any_chunks(precise: GPT2, cut: int) -> None:
    ids = some_ids(640)
    assert torch.equal(alone(precise, Text(ids, (cut,))), alone(precise, Text(ids)))


@pytest.mark.parametrize("length", [1, 2, 12, 13, 17, 100])
def test_prefill_has_the_bits_of_decoding(precise: GPT2, length: int) -> None:
    ids = some_ids(length)
    assert torch.equal(alone(precise, Text(ids)), alone(precise, Text(ids, tuple(range(1, length)))))


@settings(max_examples=15)
@given(company=st.lists(texts(), min_size=2, max_size=8))
def test_texts_have_the_same_bits_alone_and_together(precise: GPT2, company: list[Text]) -> None:
    for text, rows in zip(company, together(precise, company), strict=True):
        assert torch.equal(rows, alone(precise, Text(text.ids)))


@settings(max_examples=15)
@given(text=texts(), data=st.data())
@torch.inference_mode()
def test_a_cached_prefix_gives_the_bits_of_a_computed_one(
    precise: GPT2, text: Text, data: st.DataObject
) -> None:
    """Even if other tokens followed it where it was computed."""
    known = data.draw(st.integers(0, len(text.ids) - 1))
    other = text.ids[:known] + some_ids(data.draw(st.integers(0, 40)) + 1, seed=77)
    source, taken = new_cache(precise), new_cache(precise)
    precise.forward([every_row(source, other)])
    taken.begin_with(source.prefix(known) if data.draw(st.booleans()) else source, known)
    (rows,) = precise.forward([every_row(taken, text.ids[known:])])
    assert torch.equal(rows, alone(precise, Text(text.ids))[known:])


@settings(max_examples=25)
@given(company=st.lists(texts(longest=60), min_size=1, max_size=4), data=st.data())
@torch.inference_mode()
def test_the_choice_of_wanted_rows_changes_no_bit(
    precise: GPT2, company: list[Text], data: st.DataObject
) -> None:
    """Not even in later passes, which attend to the unwanted rows."""
    store = precise.new_store(len(company))
    firsts = [
        replace(chunk, wanted=data.draw(st.integers(0, len(chunk.ids))))
        for chunk in (next(text.parts(store.new_cache())) for text in company)
    ]
    hidden = precise.forward(firsts)
    following = precise.forward([every_row(chunk.cache, [7]) for chunk in firsts])
    for chunk, rows, row in zip(firsts, hidden, following, strict=True):
        expected = alone(precise, Text([*chunk.ids, 7]))
        assert torch.equal(rows, expected[len(chunk.ids) - chunk.wanted : -1])
        assert torch.equal(row, expected[-1:])


@pytest.mark.parametrize("threads", [1, 2])
def test_heads_and_lengths_of_gpt2_large_have_the_same_bits_too(threads: int) -> None:
    """Kernels take other paths for other sizes."""
    large = random_model(n_layer=1, n_embd=256, n_head=4, n_positions=1024, initializer_range=0.1)
    model = gpt2_of(large)
    lengths = (1, 63, 64, 65, 380, 449, 700, 1014)
    company = [Text(some_ids(n + 10, seed=n), tuple(range(n, n + 10))) for n in lengths]
    with torch_threads(threads):
        for text, rows in zip(company, together(model, company), strict=True):
            assert torch.equal(rows, alone(model, Text(text.ids)))


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_threads_does_not_matter(precise: GPT2, count: int) -> None:
    text = Text(some_ids(90), (70, 71))
    with torch_threads(2):
        expected = alone(precise, text)
    with torch_threads(count):
        assert torch.equal(alone(precise, text), expected)


def test_the_shape_of_a_tile_does_not_matter(gpt2: GPT2) -> None:
    other = gpt2_of(random_model(), processor=replace(this_processor(), rows=5, vectors=1))
    text = Text(some_ids(90), (70, 71))
    assert torch.equal(alone(other, text), alone(gpt2, text))


def logits_after(model: GPT2, texts: list[list[int]], following: list[list[int]]) -> list[Tensor]:
    """For each text, the logits after it and after each id of its ``following``; all step together."""
    store = model.new_store(len(texts))
    caches = [store.new_cache() for _ in texts]
    hidden = [model.forward([every_row(c, ids)])[0] for c, ids in zip(caches, texts, strict=True)]
    steps = [model.next_logits(hidden)]
    for column in zip(*following, strict=True):
        chunks = [every_row(cache, (token_id,)) for cache, token_id in zip(caches, column, strict=True)]
        steps.append(model.next_logits(model.forward(chunks)))
    return list(torch.stack(steps, dim=1))


@pytest.mark.parametrize("threads", [1, 2, 3])
@torch.inference_mode()
def test_a_sequence_has_the_same_logits_alone_and_among_seven_others(gpt2: GPT2, threads: int) -> None:
    texts = [some_ids(length, seed=length) for length in (1, 2, 3, 30, 64, 65, 255, 300)]
    following = [some_ids(12, seed=100 + n) for n in range(len(texts))]
    with torch_threads(threads):
        together = logits_after(gpt2, texts, following)
        separate = [logits_after(gpt2, [text], [ids])[0] for text, ids in zip(texts, following, strict=True)]
    for mine, theirs in zip(separate, together, strict=True):
        assert torch.equal(mine, theirs)


@torch.inference_mode()
def test_a_neighbour_that_is_not_finite_changes_nothing(precise: GPT2) -> None:
    model = gpt2_of(overflowing_model(), precision=precise.precision)
    ids = some_ids(40, vocabulary=OVERFLOWS)
    expected = alone(model, Text(ids))
    store = model.new_store(2)
    cache, broken = store.new_cache(), store.new_cache()
    for part, spoiled in [(ids[:30], [1, OVERFLOWS, 2]), (ids[30:35], [3]), (ids[35:], [4])]:
        start = cache.length
        mine, theirs = model.forward([every_row(cache, part), every_row(broken, spoiled)])
        assert not theirs.isfinite().all()
        assert torch.equal(mine, expected[start : cache.length])
