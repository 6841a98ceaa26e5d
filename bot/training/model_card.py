"""The model card: what the model is, what it was made from, how well it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from bot.training.config import TrainingConfig
from bot.training.corpus import HELD_OUT_SHARE, CompactVocabulary, Corpus
from bot.training.network import SHORT_CONTEXT
from bot.training.training import Progress

PROMPTS = ("Once upon a time", "The old man", "It was a dark night and", '"My dear,"', "London was")
TEMPERATURE = 0.7
TOP_K = 40
SAMPLE_SEED = 1
SAMPLE_TOKENS = 60
TEMPLATE = Path(__file__).with_name("card_template.md")


@dataclass(frozen=True)
class Run:
    """What was done: the command, where the text is from, and how far it went."""

    command: str
    source: str
    config: TrainingConfig
    progress: Progress
    long_minutes: float


def write_card(
    folder: Path, run: Run, corpus: Corpus, vocabulary: CompactVocabulary, perplexity: float
) -> None:
    """Write ``README.md`` beside the exported model in ``folder``."""
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    trained, held_out = len(corpus.train), len(corpus.held_out)
    text = TEMPLATE.read_text(encoding="utf-8").format(
        folder=_shown(folder),
        model=model.config,
        run=run,
        vocabulary=vocabulary,
        perplexity=perplexity,
        parameters=model.num_parameters(),
        embedding=model.transformer.wte.weight.numel(),
        file_bytes=(folder / "model.safetensors").stat().st_size,
        all_tokens=trained + held_out,
        held_out_tokens=held_out,
        held_out_percent=100 * HELD_OUT_SHARE,
        stride=model.config.n_positions // 2,
        short_context=SHORT_CONTEXT,
        minutes=run.progress.seconds / 60,
        seen=run.progress.tokens / 1e6,
        epochs=run.progress.tokens / trained,
        rate=run.progress.tokens / run.progress.seconds,
        samples="\n\n".join(_samples(model, folder)),
        sample_seed=SAMPLE_SEED,
        temperature=TEMPERATURE,
        top_k=TOP_K,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _samples(model: GPT2LMHeadModel, folder: Path) -> list[str]:
    """One continuation of every prompt, as Markdown with the prompt in bold."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    samples = []
    for prompt in PROMPTS:
        torch.manual_seed(SAMPLE_SEED)
        ids = model.generate(  # type: ignore[misc]
            **tokenizer(prompt, return_tensors="pt"),
            max_new_tokens=SAMPLE_TOKENS,
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=TOP_K,
            pad_token_id=tokenizer.eos_token_id,
        )
        text = str(tokenizer.decode(ids[0], skip_special_tokens=True))
        samples.append(f"> **{prompt}**" + text[len(prompt) :].replace("\n", "\n>\n> "))
    return samples


def _shown(folder: Path) -> Path:
    """The folder from where the program was started, if it is below there."""
    here, there = Path.cwd(), folder.resolve()
    return there.relative_to(here) if there.is_relative_to(here) else folder
