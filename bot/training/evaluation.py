"""How well a model on disk predicts the held-out tokens, over the whole vocabulary."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import GPT2LMHeadModel

from bot.training.corpus import Corpus


def evaluate(folder: Path, corpus: Corpus) -> float:
    """The perplexity of the exported weights, in float32, per held-out token."""
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    context = model.config.n_positions
    return perplexity(log_likelihoods(model, corpus.held_out, context, context // 2))


def perplexity(log_likelihoods: Tensor) -> float:
    return math.exp(-log_likelihoods.double().mean().item())


def log_likelihoods(model: GPT2LMHeadModel, stream: Tensor, window: int, stride: int) -> Tensor:
    """Log-probability of every token after the first, float64 [tokens - 1].

    A window of ``window`` tokens moves by ``stride``; each token is scored once,
    with at least ``window - stride`` tokens before it wherever the stream has them.
    """
    scores = [_score(model, inputs, targets) for inputs, targets in _windows(stream, window, stride)]
    return torch.cat(scores)


def _windows(stream: Tensor, window: int, stride: int) -> Iterator[tuple[Tensor, Tensor]]:
    """(input ids, the targets of the last of them), each int64 of one dimension."""
    scored = 1
    while scored < len(stream):
        end = min(scored + (window if scored == 1 else stride), len(stream))
        start = max(0, end - 1 - window)
        yield stream[start : end - 1], stream[scored:end]
        scored = end


@torch.inference_mode()
def _score(model: GPT2LMHeadModel, inputs: Tensor, targets: Tensor) -> Tensor:
    hidden = model.transformer(inputs[None]).last_hidden_state[0, -len(targets) :]
    return -functional.cross_entropy(model.lm_head(hidden), targets, reduction="none").double()
