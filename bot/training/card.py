"""The model card: what the model is, what it was made from, how well it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from bot.training.config import TrainingConfig
from bot.training.corpus import CompactVocabulary, Corpus
from bot.training.evaluation import Perplexities
from bot.training.network import NetworkConfig
from bot.training.training import Progress

PROMPTS = ("Once upon a time", "The old man", "It was a dark night and", '"My dear,"', "London was")
SAMPLE_TOKENS = 60
SAMPLE_SEED = 1
SAMPLE_TEMPERATURE = 0.7
SAMPLE_TOP_K = 40

TEMPLATE = Path(__file__).with_name("card_template.md")


@dataclass(frozen=True)
class Run:
    """What was done: the command, where the text is from, and how far it went."""

    command: str
    source: str
    config: TrainingConfig
    progress: Progress
    held_out_share: float
    long_minutes: float


def write_card(
    folder: Path, run: Run, corpus: Corpus, vocabulary: CompactVocabulary, perplexities: Perplexities
) -> None:
    """Write ``README.md`` beside the exported model in ``folder``."""
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    facts = _model_facts(folder, model) | _run_facts(run, corpus)
    text = TEMPLATE.read_text(encoding="utf-8").format(
        **facts,
        used=len(vocabulary.used_ids),
        unused=vocabulary.unused,
        scored=perplexities.tokens,
        model=perplexities.model,
        trigram=perplexities.trigram,
        unigram=perplexities.unigram,
        samples="\n\n".join(sample(model, folder)),
        sample_seed=SAMPLE_SEED,
        temperature=SAMPLE_TEMPERATURE,
        top_k=SAMPLE_TOP_K,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _model_facts(folder: Path, model: GPT2LMHeadModel) -> dict[str, object]:
    config = model.config
    return {
        "folder": _shown(folder),
        "parameters": model.num_parameters(),
        "embedding": model.transformer.wte.weight.numel(),
        "layers": config.n_layer,
        "heads": config.n_head,
        "width": config.n_embd,
        "context": config.n_positions,
        "stride": config.n_positions // 2,
        "vocabulary": config.vocab_size,
        "file_bytes": (folder / "model.safetensors").stat().st_size,
    }


def _run_facts(run: Run, corpus: Corpus) -> dict[str, object]:
    return {
        "command": run.command,
        "source": run.source,
        "all_tokens": len(corpus.train) + len(corpus.held_out),
        "held_out_tokens": len(corpus.held_out),
        "held_out_percent": 100 * run.held_out_share,
        "seed": run.config.seed,
        "threads": run.config.threads,
        "sampled": run.config.sampled_share,
        "long_minutes": run.long_minutes,
        "short_context": NetworkConfig.context,
        "minutes": run.progress.seconds / 60,
        "steps": run.progress.steps,
        "seen": run.progress.tokens / 1e6,
        "epochs": run.progress.tokens / len(corpus.train),
        "rate": run.progress.tokens / max(run.progress.seconds, 1e-9),
    }


def sample(model: GPT2LMHeadModel, folder: Path) -> list[str]:
    """One continuation of every prompt, as Markdown with the prompt in bold."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    samples = []
    for prompt in PROMPTS:
        torch.manual_seed(SAMPLE_SEED)
        inputs = tokenizer(prompt, return_tensors="pt")
        ids = model.generate(  # type: ignore[misc]
            **inputs,
            max_new_tokens=SAMPLE_TOKENS,
            do_sample=True,
            temperature=SAMPLE_TEMPERATURE,
            top_k=SAMPLE_TOP_K,
            pad_token_id=tokenizer.eos_token_id,
        )
        text = str(tokenizer.decode(ids[0], skip_special_tokens=True))
        samples.append(f"> **{prompt}**" + text[len(prompt) :].replace("\n", "\n>\n> "))
    return samples


def _shown(folder: Path) -> Path:
    """The folder from where the program was started, if it is below there."""
    here = Path.cwd()
    return folder.resolve().relative_to(here) if folder.resolve().is_relative_to(here) else folder
