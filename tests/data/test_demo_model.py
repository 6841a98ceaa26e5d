"""The shipped demo model is what its card says, and writes words."""

import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from transformers import AutoTokenizer, GPT2LMHeadModel, PreTrainedTokenizerBase

from bot.model.checkpoint import gpt2_tokenizer

FOLDER = Path(__file__).parents[2] / "bot" / "data" / "demo-model"
WEIGHTS = FOLDER / "model.safetensors"
SOLID_GOLD_MAGIKARP = 43_453


@pytest.fixture(scope="module")
def model() -> GPT2LMHeadModel:
    loaded: GPT2LMHeadModel = GPT2LMHeadModel.from_pretrained(FOLDER, dtype=torch.float32)
    return loaded


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(FOLDER)
    return loaded


@pytest.fixture(scope="module")
def card() -> str:
    return (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def unused(model: GPT2LMHeadModel) -> Tensor:
    """bool [vocabulary]: the ids that share one row because they occur in no novel."""
    table: Tensor = model.transformer.wte.weight
    return (table == table[SOLID_GOLD_MAGIKARP]).all(-1)


def continued(model: GPT2LMHeadModel, ids: list[int], tokens: int) -> list[int]:
    """Greedy, step by step."""
    with torch.inference_mode():
        for _ in range(tokens):
            ids = [*ids, int(model(torch.tensor([ids]), logits_to_keep=1).logits[0, -1].argmax())]
    return ids


def test_the_weights_are_small_half_precision_numbers() -> None:
    assert WEIGHTS.stat().st_size <= 16_000_000
    with safe_open(WEIGHTS, "pt") as weights:
        tensors = [weights.get_tensor(name) for name in weights.keys()]  # noqa: SIM118
    assert {tensor.dtype for tensor in tensors} == {torch.float16}
    assert all(torch.isfinite(tensor).all() for tensor in tensors)


def test_it_is_a_gpt2_with_gpt2_s_vocabulary(model: GPT2LMHeadModel) -> None:
    assert model.config.model_type == "gpt2"
    assert model.config.vocab_size == 50_257
    assert model.config.n_positions >= 256
    assert model.config.bos_token_id == model.config.eos_token_id == 50_256
    assert model.lm_head.weight is model.transformer.wte.weight


@pytest.mark.slow
def test_its_tokenizer_is_gpt2_s(
    model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    gpt2_tokenizer.write(tmp_path, context=model.config.n_positions)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (FOLDER / name).read_bytes() == (tmp_path / name).read_bytes()
    assert tokenizer("Paris will")["input_ids"] == [40313, 481]


@pytest.mark.parametrize("prompt", ["Once upon a time", "The old man", "London was"])
def test_it_continues_with_words(
    model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerBase, unused: Tensor, prompt: str
) -> None:
    ids = continued(model, tokenizer(prompt)["input_ids"], 24)
    assert not unused[ids].any()
    words = re.findall(r"[^\W\d_]+", str(tokenizer.decode(ids))[len(prompt) :])
    assert len(words) >= 12
    assert len(set(words)) >= 4


def test_unseen_words_are_unlikely(
    model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerBase, unused: Tensor
) -> None:
    assert unused.sum() > 20_000
    ids = tokenizer("It was a dark and stormy night, and the old man sat by the fire", return_tensors="pt")
    with torch.inference_mode():
        probabilities = model(**ids).logits[0].softmax(-1)
    assert probabilities[:, unused].sum(-1).max() < 0.05


def test_a_prompt_of_unseen_words_works(model: GPT2LMHeadModel, unused: Tensor) -> None:
    prompt = unused.nonzero().squeeze(1)[:20].tolist()
    ids = continued(model, prompt, 8)
    assert not unused[ids[20:]].any()


def test_it_prefers_english_to_shuffled_words(
    model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    def loss(text: str) -> float:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            return float(model(ids, labels=ids).loss)

    english = "He went to the window and looked out at the sea, and said nothing for a long time."
    disorder = " ".join(sorted(english.split(), key=lambda word: word[::-1]))
    assert loss(english) < loss(disorder) - 1


def test_the_card_gives_the_sizes_of_the_files(model: GPT2LMHeadModel, card: str) -> None:
    assert f"{WEIGHTS.stat().st_size:,} bytes" in card
    assert f"{model.num_parameters():,}" in card
    assert f"{model.config.n_layer}, {model.config.n_head}, {model.config.n_embd}" in card
    assert f"| context | {model.config.n_positions} tokens |" in card


def test_the_card_counts_the_ids_that_occur(card: str, unused: Tensor) -> None:
    assert f"{int((~unused).sum()):,} different ids occur" in card
    assert f"The other {int(unused.sum()):,} share one row" in card


def test_the_card_names_the_data_the_run_and_the_licence(card: str) -> None:
    for fact in ("Project Gutenberg", "python -m bot.training", "Seed ", "CC0 1.0", "public domain"):
        assert fact in card
    assert card.count("\n> **") == 5


def test_the_card_s_perplexities_fall_with_training(card: str) -> None:
    rows = re.findall(r"^\| .*?(model|trigram|unigram).*?\| \**([\d.]+)\**", card, re.MULTILINE)
    found = {name: float(value) for name, value in rows}
    assert found["model"] < 100 < found["trigram"] < found["unigram"]
