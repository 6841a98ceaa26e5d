"""A config.json may hold anything: it gives a shape that the bot can run, or one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import GPT2Config

from bot.model.checkpoint.configuration import Configuration, read_json
from bot.model.checkpoint.refusal import ModelRefused


def refused(**config: Any) -> tuple[str, str]:
    with pytest.raises(ModelRefused) as caught:
        Configuration.of(config)
    return caught.value.reason, caught.value.detail


def test_absent_entries_default_as_in_transformers() -> None:
    read, usual = Configuration.of({}), GPT2Config()
    assert (read.vocabulary, read.context, read.width) == (usual.vocab_size, usual.n_positions, usual.n_embd)
    assert (read.layers, read.heads, read.activation) == (
        usual.n_layer,
        usual.n_head,
        usual.activation_function,
    )
    assert (read.epsilon, read.scaled) == (usual.layer_norm_epsilon, usual.scale_attn_weights)
    assert (read.scaled_by_layer, read.tied) == (
        usual.scale_attn_by_inverse_layer_idx,
        usual.tie_word_embeddings,
    )
    assert read.ends == usual.eos_token_id
    assert read.inner == 4 * read.width


def test_null_counts_as_absent() -> None:
    silent = dict.fromkeys(
        ("n_embd", "n_inner", "activation_function", "layer_norm_epsilon", "architectures")
    )
    assert Configuration.of(silent) == Configuration.of({})


def test_transformers_alternative_names_are_read_too() -> None:
    names = {"hidden_size": 6, "max_position_embeddings": 5, "num_attention_heads": 3, "num_hidden_layers": 4}
    read = Configuration.of(names)
    assert (read.width, read.context, read.heads, read.layers) == (6, 5, 3, 4)
    assert Configuration.of({"n_embd": 6, "hidden_size": 6, "n_head": 1}).width == 6


def test_contradicting_names_are_refused() -> None:
    assert refused(n_embd=12, hidden_size=24) == (
        "failed",
        "its config.json has n_embd 12 but hidden_size 24.",
    )


@pytest.mark.parametrize("name", ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner"])
@pytest.mark.parametrize("value", [0, -1, 10**9 + 1, 10**3000, 12.0, "12", True, [12], {}, float("nan")])
def test_an_invalid_number_is_refused(name: str, value: object) -> None:
    reason, detail = refused(**{name: value})
    assert reason == "failed"
    assert detail.startswith(f"its config.json has {name} ")


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    assert refused(n_embd=16, n_head=3) == (
        "failed",
        "its config.json has 3 heads, which do not divide the width of 16.",
    )


@pytest.mark.parametrize("value", [0, 0.0, 1e-12, 1])
def test_an_epsilon_from_0_to_1_is_accepted(value: float) -> None:
    assert Configuration.of({"layer_norm_epsilon": value}).epsilon == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e-5, 1e300, "1e-5", True, []])
def test_any_other_epsilon_is_refused(value: object) -> None:
    assert refused(layer_norm_epsilon=value)[1].startswith("its config.json has layer_norm_epsilon ")


@pytest.mark.parametrize(
    "name", ["scale_attn_weights", "scale_attn_by_inverse_layer_idx", "tie_word_embeddings"]
)
@pytest.mark.parametrize("value", [0, 1, "true", [], {}])
def test_a_flag_that_is_not_a_boolean_is_refused(name: str, value: object) -> None:
    assert refused(**{name: value}) == (
        "failed",
        f"its config.json has {name} {value!r}, which must be true or false.",
    )


@pytest.mark.parametrize("value", ["relu", "", 1, ["gelu_new"], {"gelu_new": 1}, "kernels/gelu_new"])
def test_another_activation_is_refused(value: object) -> None:
    assert refused(activation_function=value) == (
        "not_gpt2",
        f"it is a GPT-2 variant that is not supported: the activation {value!r} is not GPT-2's.",
    )


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"add_cross_attention": True}, "it has cross-attention, which GPT-2 lacks"),
        ({"is_causal": False}, "its tokens see later ones"),
        ({"per_layer_config": [{}]}, "its layers differ in their configuration"),
    ],
)
def test_a_model_that_computes_something_else_is_refused(config: dict[str, Any], why: str) -> None:
    assert refused(**config) == ("not_gpt2", f"it is a GPT-2 variant that is not supported: {why}.")


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "GPT2DoubleHeadsModel", "GPT2Model"])
def test_classes_that_write_texts_are_accepted(name: str) -> None:
    assert Configuration.of({"architectures": [name]}) == Configuration.of({})


@pytest.mark.parametrize("name", ["GPT2ForSequenceClassification", "GPT2ForTokenClassification", "Mine"])
def test_another_class_is_refused(name: str) -> None:
    assert refused(architectures=[name]) == (
        "not_gpt2",
        f"it is a {name}, not a GPT-2 that writes texts (GPT2LMHeadModel).",
    )


@pytest.mark.parametrize("value", ["GPT2LMHeadModel", 1, [1], {"GPT2LMHeadModel": 1}])
def test_architectures_must_be_a_list_of_names(value: object) -> None:
    assert refused(architectures=value)[1].startswith("its config.json has architectures ")


@pytest.mark.parametrize(("value", "ends"), [(7, 7), ([7, 9], (7, 9)), ([], ()), (None, None)])
def test_eos_token_id_is_one_id_or_several(value: object, ends: object) -> None:
    assert Configuration.of({"eos_token_id": value}).ends == ends


@pytest.mark.parametrize("value", ["7", 7.0, [7, "9"], {}, True, [None]])
def test_an_invalid_eos_token_id_is_refused(value: object) -> None:
    assert refused(eos_token_id=value)[1].startswith("its config.json has eos_token_id ")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b'{"n_layer": ' + b"9" * 5000 + b"}", b"[" * 10**5],
)
def test_anything_but_a_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelRefused) as caught:
        read_json(tmp_path)
    assert caught.value.detail == "its config.json cannot be read as JSON."
