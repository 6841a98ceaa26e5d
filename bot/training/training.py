"""Fit the network to a token stream until the minutes are spent.

Learning rate and window length are functions of the share of the budget that
has passed, so that a run ends annealed however fast the machine is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from transformers import GPT2Model

from bot.training.batches import Batch, Batches
from bot.training.config import TrainingConfig
from bot.training.corpus import CompactVocabulary, Corpus
from bot.training.losses import Softmax

log = logging.getLogger(__name__)


@dataclass
class Progress:
    seconds: float = 0.0
    steps: int = 0
    tokens: int = 0

    def __add__(self, other: Progress) -> Progress:
        return Progress(self.seconds + other.seconds, self.steps + other.steps, self.tokens + other.tokens)


def rate_factor(share: float, warm_up_share: float) -> float:
    """The learning rate at a share of the budget: linear up, then linear down to zero."""
    if share < warm_up_share:
        return max(share, warm_up_share / 10) / warm_up_share
    return max(0.0, (1.0 - share) / (1.0 - warm_up_share))


class Trainer:
    """A network, its optimizers, and how far they are. ``pool`` has ``config.threads`` threads.

    Each thread computes a whole part of a batch, so they meet once a step and not in every layer:
    on a busy machine that is twice as fast as layers spread over the threads.
    """

    def __init__(
        self, network: GPT2Model, vocabulary: CompactVocabulary, config: TrainingConfig, pool: Executor
    ) -> None:
        self.progress = Progress()
        self._network = network
        self._config = config
        self._pool = pool
        self._softmax = Softmax(vocabulary.counts, vocabulary.unused, config.sampled_ids)
        self._parameters = list(network.parameters())
        matrices = [p for p in network.h.parameters() if p.ndim == 2]
        tables = [network.wte.weight, network.wpe.weight]
        vectors = [p for p in self._parameters if p.ndim == 1]
        # Muon (Jordan et al. 2024) for the blocks' matrices, AdamW for everything else.
        self._optimizers = (
            torch.optim.Muon(matrices, lr=config.matrix_rate, weight_decay=config.weight_decay),
            torch.optim.AdamW(
                [
                    {"params": tables, "weight_decay": config.weight_decay},
                    {"params": vectors, "weight_decay": 0.0},
                ],
                lr=config.table_rate,
                betas=(0.9, 0.98),
            ),
        )

    def step(self, batch: Batch, share: float) -> float:
        """One update at this share of the budget; the batch's mean loss in nats."""
        rows = len(batch[0])
        splits = (tensor.tensor_split(min(self._config.threads, rows)) for tensor in batch)
        compute = partial(self._gradients, rows=rows, sampled=share < self._config.sampled_share)
        losses, gradients = zip(*self._pool.map(compute, zip(*splits, strict=True)), strict=True)
        for parameter, *of_parts in zip(self._parameters, *gradients, strict=True):
            parameter.grad = torch.stack(of_parts).sum(0)
        factor = rate_factor(share, self._config.warm_up_share)
        for optimizer, peak in zip(
            self._optimizers, (self._config.matrix_rate, self._config.table_rate), strict=True
        ):
            for group in optimizer.param_groups:
                group["lr"] = peak * factor
            optimizer.step()
        self.progress.steps += 1
        self.progress.tokens += batch[0].numel()
        return float(sum(losses))

    def _gradients(self, part: Batch, *, rows: int, sampled: bool) -> tuple[float, tuple[Tensor, ...]]:
        """What the part adds to the mean loss of a batch of ``rows``, and the gradient by every parameter."""
        ids, positions, targets = part
        dtype = self._config.matmul_dtype
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            hidden = self._network(ids, position_ids=positions, use_cache=False).last_hidden_state
            loss_of = self._softmax.sampled if sampled else self._softmax.whole
            loss = loss_of(hidden.flatten(0, 1), self._network.wte.weight, targets.flatten())
            loss = loss * len(ids) / rows
        return loss.item(), torch.autograd.grad(loss, self._parameters)


def train(
    network: GPT2Model, corpus: Corpus, vocabulary: CompactVocabulary, config: TrainingConfig
) -> Progress:
    """Train ``network`` in place. Raises ``UnusableText`` where the text is shorter than two windows."""
    context = network.config.n_positions
    batches = Batches(corpus.train, vocabulary, config, context, config.seed)
    with ThreadPoolExecutor(config.threads) as pool, _one_thread_an_operation():
        trainer = Trainer(network, vocabulary, config, pool)
        progress = trainer.progress
        began, logged, losses = time.monotonic(), 0.0, list[float]()
        while (share := progress.seconds / config.budget) < 1:
            # The first epochs are of short windows, which cost less attention.
            for batch in batches.windows(config.short_time if share < config.short_share else context):
                losses.append(trainer.step(batch, share))
                progress.seconds = time.monotonic() - began
                share = progress.seconds / config.budget
                if progress.seconds - logged >= config.log_every:
                    logged = progress.seconds
                    _report(progress, share, sum(losses) / len(losses))
                    losses.clear()
                if share >= 1:
                    break
    return progress


@contextmanager
def _one_thread_an_operation() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _report(progress: Progress, share: float, loss: float) -> None:
    log.info(
        "%3.0f%%  step %d  %.2f M tokens  %.0f tokens/s  training loss %.3f",
        100 * share, progress.steps, progress.tokens / 1e6, progress.tokens / progress.seconds, loss,
    )  # fmt: skip
