"""Requests alone and in a crowd, with every row of logits recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

from torch import Tensor

from bot.model.gpt2.kv_cache import KVCache
from bot.model.gpt2.tiling import Room
from bot.model.gpt2.transformer import GPT2, LARGEST_CHUNK
from bot.model.protocol import Ended, GenerationRequest, Rejected, Step, Stepped
from bot.model.worker.batch import SHARED_CHUNK
from bot.model.worker.engine import Engine
from bot.model.worker.prefix_cache import PrefixCache
from tests.benchmarks.needles import Limits, Needle, Said, random_neighbour
from tests.support.driving import sampling_kernels

MAX_BATCH = 16
MOST_IN_PROGRESS = 18  # more than MAX_BATCH, so that some wait
NEEDLE_SHARE = 0.6
ARRIVAL = 0.6
CROWD_CHANGES = 0.1
ABORT = 0.06
CUT = 0.3
# Neighbours are drawn from the needles that come next, so that needles find prefixes.
NEARBY = 8


class RecordedModel(GPT2):
    """A model with the weights of ``model`` that records the digest of every row of logits."""

    def __init__(self, model: GPT2) -> None:
        vars(self).update(vars(model))
        self.digests: list[bytes] = []

    def next_logits(self, hidden: Sequence[Tensor], room: Room | None = None) -> Tensor:
        logits = super().next_logits(hidden, room)
        self.digests += [hashlib.blake2b(row.numpy(), digest_size=16).digest() for row in logits]
        return logits


class CountedPrefixes(PrefixCache):
    """A prefix cache that counts its hits."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.hits: list[tuple[int, ...]] = []
        self.positions = 0
        self.forgotten = 0

    def recall(self, ids: Sequence[int], cache: KVCache) -> None:
        super().recall(ids, cache)
        if cache.length:
            self.hits.append(tuple(ids))
            self.positions += cache.length

    def keep(self, ids: tuple[int, ...], cache: KVCache) -> None:
        before = len(self)
        super().keep(ids, cache)
        self.forgotten += max(0, before + 1 - len(self))


@dataclass(frozen=True, slots=True)
class Findings:
    """The steps compared, and how many differed; ``examples`` describe requests that did."""

    steps: int = 0
    logits: int = 0
    tokens: int = 0
    reports: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, other: Findings) -> Findings:
        return Findings(
            self.steps + other.steps,
            self.logits + other.logits,
            self.tokens + other.tokens,
            self.reports + other.reports,
            self.examples + other.examples,
        )


def compared(expected: Sequence[Said], heard: Sequence[Said | Step], about: str) -> Findings:
    """Compare ``heard`` with ``expected``; missing steps count as different tokens."""
    logits = tokens = reports = 0
    for alone, among in zip(expected, heard, strict=False):
        step = among.step if isinstance(among, Said) else among
        logits += isinstance(among, Said) and among.digest != alone.digest
        tokens += step.chosen.token_id != alone.step.chosen.token_id
        reports += step != alone.step
    tokens += abs(len(expected) - len(heard))
    differs = bool(logits or tokens or reports)
    return Findings(len(heard), logits, tokens, reports, (about,) if differs else ())


class RecordedEngine:
    """An engine that pairs each step with the digest of its row of logits."""

    def __init__(self, model: RecordedModel, *, ends: Collection[int], max_batch: int) -> None:
        self._model = model
        self.engine = Engine(model, sampling_kernels(), ends=ends, max_batch=max_batch)

    def step(self) -> list[tuple[str, Said | str]]:
        """Each request's step or finish reason; RuntimeError if a request is rejected."""
        self._model.digests.clear()
        events = self.engine.step()
        digests = iter(self._model.digests)
        heard: list[tuple[str, Said | str]] = []
        for event in events:
            match event:
                case Stepped(name, _, step):
                    heard.append((name, Said(next(digests), step)))
                case Ended(name, reason):
                    heard.append((name, reason))
                case Rejected(name, detail):
                    raise RuntimeError(f"{name} was rejected: {detail}")
        return heard


def alone(model: RecordedModel, request: GenerationRequest, *, ends: Collection[int]) -> Needle:
    """Run ``request`` in an engine of its own, without a prefix cache."""
    recorded = RecordedEngine(model, ends=ends, max_batch=1)
    recorded.engine.submit(request)
    said: list[Said] = []
    while not recorded.engine.idle:
        said += [each for _, each in recorded.step() if isinstance(each, Said)]
    return Needle(request, tuple(said))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request in progress and its steps so far; for a needle, also the step from which it continues."""

    request: GenerationRequest
    needle: Needle | None = None
    start: int = 0
    heard: list[Said] = field(default_factory=list)


class Crowd:
    """Runs needles among neighbours that come and go, in one engine with a prefix cache."""

    def __init__(
        self,
        model: RecordedModel,
        random: Random,
        limits: Limits,
        *,
        ends: Collection[int],
        prefix_bytes: int,
    ) -> None:
        self._random, self._limits = random, limits
        self._recorded = RecordedEngine(model, ends=ends, max_batch=MAX_BATCH)
        self.prefixes = CountedPrefixes(prefix_bytes)
        self._engine = self._recorded.engine
        self._engine._batch.prefixes = self.prefixes
        self._needles: list[tuple[Needle, int]] = []
        self._running: dict[str, Attempt] = {}
        self._submitted = 0
        self._crowd = 0
        self._requested: set[tuple[int, ...]] = set()
        self.findings = Findings()
        self.cancelled = 0
        self.continued = 0

    @property
    def needle_hits(self) -> int:
        """The number of needles that found a prefix in the cache."""
        return sum(ids in self._requested for ids in self.prefixes.hits)

    def run(self, needles: Sequence[Needle]) -> None:
        """Request all ``needles`` until each is complete, and compare their steps."""
        self._needles = [(needle, 0) for needle in reversed(needles)]
        while self._needles or any(each.needle for each in self._running.values()):
            self._arrive()
            self._leave()
            with self._other_chunks():
                heard = self._recorded.step()
            for name, said in heard:
                self._hear(name, said)

    def _arrive(self) -> None:
        if self._random.random() < CROWD_CHANGES:
            self._crowd = self._random.randrange(MOST_IN_PROGRESS)
        while len(self._running) <= self._crowd and self._random.random() < ARRIVAL:
            name = f"{self._submitted}"
            self._submitted += 1
            if self._needles and self._random.random() < NEEDLE_SHARE:
                self._submit(self._next_attempt(name))
            elif near := [needle for needle, _ in self._needles[-NEARBY:]]:
                chosen = self._random.choice(near)
                self._submit(Attempt(random_neighbour(self._random, name, self._limits, chosen)))

    def _next_attempt(self, name: str) -> Attempt:
        needle, start = self._needles.pop()
        left = len(needle.alone) - start
        cut = left > 1 and self._random.random() < CUT
        at_most = self._random.randrange(1, left) if cut else self._limits.most_new_tokens
        request = needle.part(name, start, at_most)
        self._requested.add(request.prompt_ids)
        return Attempt(request, needle, start)

    def _submit(self, attempt: Attempt) -> None:
        self._running[attempt.request.request_id] = attempt
        self._engine.submit(attempt.request)

    def _leave(self) -> None:
        if self._running and self._random.random() < ABORT:
            self._engine.abort(self._random.choice(list(self._running)))

    def _hear(self, name: str, said: Said | str) -> None:
        if isinstance(said, Said):
            self._running[name].heard.append(said)
            return
        over = self._running.pop(name)
        if over.needle is not None:
            self._judge(over.needle, over, cancelled=said == "cancelled")

    def _judge(self, needle: Needle, over: Attempt, *, cancelled: bool) -> None:
        end = over.start + over.request.params.max_new_tokens
        if cancelled:
            end = over.start + len(over.heard)
        about = (
            f"{needle.request.request_id}: {len(over.request.prompt_ids)} ids, "
            f"{over.request.generated} generated, {over.request.params}"
        )
        self.findings += compared(needle.alone[over.start : end], over.heard, about)
        if end >= len(needle.alone) and not cancelled:
            return
        self.cancelled += cancelled
        again = 0 if cancelled and self._random.random() < 0.5 else min(end, len(needle.alone) - 1)
        self.continued += again > 0
        # Repeat it soon, but not at once.
        self._needles.insert(max(0, len(self._needles) - self._random.randrange(NEARBY)), (needle, again))

    @contextmanager
    def _other_chunks(self) -> Iterator[None]:
        """Change the chunks in which prompts are read, in half of the steps."""
        shared, largest = SHARED_CHUNK, LARGEST_CHUNK
        if self._random.random() < 0.5:
            shared, largest = self._random.randint(1, LARGEST_CHUNK), self._random.randint(1, LARGEST_CHUNK)
        with patch.multiple("bot.model.worker.batch", SHARED_CHUNK=shared, LARGEST_CHUNK=largest):
            yield
