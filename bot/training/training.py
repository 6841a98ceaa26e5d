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
from pathlib import Path

import torch
from torch import Tensor

from bot.training.batches import Batch, Batches
from bot.training.config import TrainingConfig
from bot.training.corpus import CompactVocabulary, Corpus
from bot.training.losses import Softmax
from bot.training.network import Dropout, Network
from bot.training.optimizers import optimizers, rate_factor

log = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a run is: seconds spent over all its starts, steps and tokens."""

    seconds: float = 0.0
    steps: int = 0
    tokens: int = 0

    def __add__(self, other: Progress) -> Progress:
        return Progress(self.seconds + other.seconds, self.steps + other.steps, self.tokens + other.tokens)


class Worker:
    """Computes the gradients of a part of a batch on one thread.

    Threads that each do a whole part meet once a step, not in every layer: on a
    busy machine that is twice as fast as layers spread over the threads.
    """

    def __init__(self, network: Network, softmax: Softmax, config: TrainingConfig, seed: int) -> None:
        self._network = network
        self._parameters = list(network.parameters())
        self._softmax = softmax
        self._dtype = config.matmul_dtype
        self._generator = torch.Generator().manual_seed(seed)
        self._dropout = Dropout(network.config.dropout, self._generator)

    def gradients(self, part: Batch, sampled: bool) -> tuple[float, tuple[Tensor, ...]]:
        """The part's mean loss in nats, and its gradient by every parameter."""
        ids, positions, targets = part
        hidden = self._network(ids, positions, self._dropout, self._dtype).flatten(0, 1)
        table = self._network.wte.weight
        if sampled:
            loss = self._softmax.sampled(hidden, table, targets.flatten(), self._generator)
        else:
            loss = self._softmax.whole(hidden, table, targets.flatten())
        return loss.item(), torch.autograd.grad(loss, self._parameters)


class Trainer:
    """A network, its optimizers and how far they are; can be saved and loaded.

    ``pool`` has ``config.threads`` threads.
    """

    def __init__(
        self, network: Network, vocabulary: CompactVocabulary, config: TrainingConfig, pool: Executor
    ) -> None:
        self.network = network
        self.config = config
        self.progress = Progress()
        self._pool = pool
        softmax = Softmax(vocabulary.counts, vocabulary.unused, config.sampled_ids, config.matmul_dtype)
        self._workers = [Worker(network, softmax, config, config.seed + n) for n in range(config.threads)]
        self._optimizers = optimizers(network, config)

    def step(self, batch: Batch, share: float) -> float:
        """One update at this share of the budget; the batch's mean loss in nats."""
        threads = min(len(self._workers), len(batch[0]))
        parts = list(zip(*(tensor.tensor_split(threads) for tensor in batch), strict=True))
        weights = [len(part[0]) / len(batch[0]) for part in parts]
        sampled = [share < self.config.sampled_share] * threads
        results = list(self._pool.map(Worker.gradients, self._workers, parts, sampled))
        losses = [loss * weight for (loss, _), weight in zip(results, weights, strict=True)]
        for parameter, *gradients in zip(self.network.parameters(), *(g for _, g in results), strict=True):
            parameter.grad = torch.zeros_like(parameter)
            for gradient, weight in zip(gradients, weights, strict=True):
                parameter.grad.add_(gradient, alpha=weight)
        self._update(rate_factor(share, self.config.warm_up_share))
        self.progress.steps += 1
        self.progress.tokens += batch[0].numel()
        return sum(losses)

    def _update(self, factor: float) -> None:
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
            optimizer.step()

    def save(self, path: Path) -> None:
        """Write all that is needed to go on; the file is whole at every moment."""
        state = {
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "progress": vars(self.progress),
        }
        partial = path.with_name(path.name + ".partial")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.progress = Progress(**state["progress"])


def train(
    network: Network,
    corpus: Corpus,
    vocabulary: CompactVocabulary,
    config: TrainingConfig,
    checkpoint: Path | None = None,
) -> Progress:
    """Train ``network`` in place, or go on from ``checkpoint`` where that file exists.

    A checkpoint that has spent the budget is loaded and left as it is.
    Raises ``UnusableText`` where the text is shorter than two windows.
    """
    with ThreadPoolExecutor(config.threads) as pool, _one_thread_an_operation():
        trainer = Trainer(network, vocabulary, config, pool)
        if checkpoint and checkpoint.exists():
            trainer.load(checkpoint)
        seed = config.seed + trainer.progress.steps
        batches = Batches(corpus.train, vocabulary, config, network.config.context, seed)
        _spend_budget(trainer, batches, checkpoint)
        if checkpoint:
            trainer.save(checkpoint)
    return trainer.progress


@contextmanager
def _one_thread_an_operation() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _spend_budget(trainer: Trainer, batches: Batches, checkpoint: Path | None) -> None:
    config, progress = trainer.config, trainer.progress
    began = time.monotonic() - progress.seconds
    saved = logged = progress.seconds
    losses: list[float] = []
    for batch in _endless(trainer, batches):
        share = progress.seconds / config.budget
        if share >= 1:
            return
        losses.append(trainer.step(batch, share))
        progress.seconds = time.monotonic() - began
        if progress.seconds - logged >= config.log_every:
            logged = progress.seconds
            _report(progress, share, sum(losses) / len(losses))
            losses.clear()
        if checkpoint and progress.seconds - saved >= config.checkpoint_every:
            saved = progress.seconds
            trainer.save(checkpoint)


def _endless(trainer: Trainer, batches: Batches) -> Iterator[Batch]:
    """Epoch after epoch, the first of short windows, which cost less attention."""
    config = trainer.config
    while True:
        short = trainer.progress.seconds < config.short_share * config.budget
        yield from batches.windows(config.short_time if short else trainer.network.config.context)


def _report(progress: Progress, share: float, loss: float) -> None:
    rate = progress.tokens / progress.seconds
    log.info(
        "%3.0f%%  step %d  %.2f M tokens  %.0f tokens/s  training loss %.3f",
        100 * share, progress.steps, progress.tokens / 1e6, rate, loss,
    )  # fmt: skip
