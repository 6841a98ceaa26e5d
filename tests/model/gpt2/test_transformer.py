"""The forward pass computes what transformers' does."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from bot.model.checkpoint.refusal import ModelRefused
from bot.model.gpt2.linear_layout import Layout
from bot.model.gpt2.packed import pack
from bot.model.gpt2.transformer import GPT2, LARGEST_CHUNK
from bot.model.kernels.processor import this_processor
from bot.model.model_info import Precision
from tests.model.conftest import gpt2_of, parameters_of, random_model
from tests.support.driving import every_row, new_cache, some_ids

# How far the logits (whose standard deviation is 1.6) may be from those of float32, at most and on
# average. bfloat16 has 8 significant bits, int8 has 8 including its sign.
TOLERANCES = {"float32": (1e-4, 1e-5), "bfloat16": (0.25, 0.03), "int8": (1.0, 0.1)}

LENGTHS = [1, 2, 7, 31, 32, 33, 64, 100, LARGEST_CHUNK - 1, LARGEST_CHUNK, LARGEST_CHUNK + 1, 545, 640]


@torch.inference_mode()
def expected_logits(reference: GPT2LMHeadModel, ids: list[int]) -> Tensor:
    logits: Tensor = reference(torch.tensor([ids])).logits[0]
    return logits


@torch.inference_mode()
def logits_of(model: GPT2, ids: list[int]) -> Tensor:
    return model.all_logits(ids)


def assert_close(model: GPT2, logits: Tensor, expected: Tensor) -> None:
    most, average = TOLERANCES[model.precision]
    error = (logits - expected).abs()
    assert error.max() < most
    assert error.mean() < average


@pytest.mark.parametrize("length", LENGTHS)
def test_logits_are_those_of_transformers(gpt2: GPT2, reference: GPT2LMHeadModel, length: int) -> None:
    ids = some_ids(length)
    torch.testing.assert_close(logits_of(gpt2, ids), expected_logits(reference, ids), atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        {"n_head": 1, "n_embd": 24, "vocab_size": 97},
        {"n_layer": 3, "n_head": 4, "n_embd": 12},
        {"n_head": 2, "n_embd": 64},
        {"n_positions": 40},
        {"scale_attn_by_inverse_layer_idx": True},
        {"scale_attn_weights": False},
        {"n_inner": 40},
        {"tie_word_embeddings": False},
        {"activation_function": "gelu_pytorch_tanh"},
    ],
    ids=str,
)
def test_variants_of_gpt2_compute_what_transformers_does(config: dict[str, Any]) -> None:
    ids = some_ids(40, vocabulary=97)
    logits = logits_of(gpt2_of(random_model(**config)), ids)
    torch.testing.assert_close(logits, expected_logits(random_model(**config), ids), atol=1e-4, rtol=0)


@torch.inference_mode()
def test_decoding_step_by_step_gives_the_logits_of_the_whole_text(
    precise: GPT2, reference: GPT2LMHeadModel
) -> None:
    ids = some_ids(200)
    cache = new_cache(precise)
    rows = [precise.next_logits(precise.forward([every_row(cache, ids[:50])]))]
    rows += [precise.next_logits(precise.forward([every_row(cache, [token_id])])) for token_id in ids[50:]]
    assert cache.length == len(ids)
    assert_close(precise, torch.cat(rows), expected_logits(reference, ids)[49:])


@pytest.mark.parametrize("length", [1, 5, 300])
def test_other_precisions_are_as_close_as_their_numbers_allow(
    precise: GPT2, reference: GPT2LMHeadModel, length: int
) -> None:
    ids = some_ids(length)
    logits = logits_of(precise, ids)
    assert logits.dtype == torch.float32
    assert_close(precise, logits, expected_logits(reference, ids))


def test_each_precision_has_logits_of_its_own(gpt2: GPT2, precise: GPT2) -> None:
    ids = some_ids(40)
    same = torch.equal(logits_of(gpt2, ids), logits_of(precise, ids))
    assert same == (precise.precision == "float32")


@pytest.mark.slow
@pytest.mark.parametrize("precision", get_args(Precision))
def test_each_precision_works_with_an_untied_head(precision: Precision) -> None:
    ids = some_ids(40)
    model = gpt2_of(random_model(tie_word_embeddings=False), precision=precision)
    expected = expected_logits(random_model(tie_word_embeddings=False), ids)
    assert_close(model, logits_of(model, ids), expected)


@torch.inference_mode()
def test_the_next_logits_are_those_after_each_sequence_s_last_row(gpt2: GPT2) -> None:
    texts = [some_ids(length, seed=length) for length in (1, 9, 40)]
    store = gpt2.new_store(len(texts))
    hidden = gpt2.forward([every_row(store.new_cache(), ids) for ids in texts])
    assert [rows.shape for rows in hidden] == [(len(ids), 16) for ids in texts]
    expected = torch.stack([gpt2.all_logits(ids)[-1] for ids in texts])
    assert torch.equal(gpt2.next_logits(hidden), expected)


@pytest.mark.slow
@pytest.mark.parametrize("precision", get_args(Precision))
def test_each_weight_is_freed_once_it_is_packed(precision: Precision) -> None:
    parameters = parameters_of(random_model())
    watched: list[weakref.ref[Tensor]] = []

    def watching(read: Callable[[], Tensor]) -> Tensor:
        watched.append(weakref.ref(tensor := read().clone()))
        return tensor

    for layer in range(2):
        name = f"h.{layer}.mlp.c_fc.weight"
        parameters.read[name] = partial(watching, parameters.read[name])
    held: list[list[bool]] = []

    def look(done: int) -> None:
        held.append([ref() is not None for ref in watched])

    pack(parameters, Layout.of(precision, this_processor()), on_layer=look)
    assert held == [[False], [False, False]]


@pytest.mark.parametrize("config", [{"activation_function": "relu"}, {"add_cross_attention": True}])
def test_an_unsupported_variant_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ModelRefused, match="a GPT-2 variant that is not supported"):
        gpt2_of(random_model(**config))
