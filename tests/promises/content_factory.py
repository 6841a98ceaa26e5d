"""The content of cards, made of what people may type and a model may write."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from bot.cards import Audience
from bot.features.complete import CompletionRun, new_run_id
from bot.model.protocol import Candidate, SamplingParams, Step
from bot.queue.updates import Completion, Finished, Progress, Queued, Update
from bot.text.tokenization import Encodings
from tests.promises import fuzz
from tests.support.samples import completion_run

OWNER, OTHER = 4_815_162_342, 1_618_033_988  # the people that cards may mention
FEW = 16


@dataclass(frozen=True, slots=True)
class ContentFactory:
    """Makes random content for a card; ``text`` is what a person typed."""

    random: Random
    encodings: Encodings
    text: str

    def ids(self, most: int = FEW) -> tuple[int, ...]:
        return fuzz.token_ids(self.random, self.encodings.encode, most)

    def written(self) -> str:
        return self.encodings.decode(self.ids(200))

    def prompt_ids(self) -> tuple[int, ...]:
        return self.encodings.encode(self.text)[-900:]

    def step(self, token_id: int | None = None) -> Step:
        """A step with five different candidates; it chooses one of them, or ``token_id``."""
        ids = list(dict.fromkeys((*self.ids(9), *range(5))))[:5]
        candidates = tuple(self._candidate(id_, rank) for rank, id_ in enumerate(ids, 1))
        chosen = self.random.choice(candidates)
        if token_id is not None:
            chosen = self._candidate(token_id, self.random.randint(1, 50_257))
        return Step(chosen, candidates, self.random.uniform(0, 15))

    def run(self, most: int = FEW) -> CompletionRun:
        steps = tuple(self.step(id_) for id_ in self.ids(most))
        return completion_run(
            new_run_id(),
            prompt_ids=self.prompt_ids(),
            steps=steps,
            params=self.params(),
            finish_reason=self.random.choice(("stop", "length", "cancelled")),
            owner=OWNER,
        )

    def params(self) -> SamplingParams:
        random = self.random
        return SamplingParams(temperature=random.choice((0.0, 0.9, 2.0)), seed=random.randrange(2**32))

    def audience(self) -> Audience:
        return Audience(OWNER, private=self.flip())

    def flip(self) -> bool:
        return self.random.random() < 0.5

    def visible(self, token_id: int) -> str:
        return self.encodings.token(token_id).visible

    def names(self, *steps: Step) -> dict[int, str]:
        shown = (candidate for step in steps for candidate in (step.chosen, *step.candidates))
        return {candidate.token_id: self.visible(candidate.token_id) for candidate in shown}

    def update(self) -> Update:
        steps = tuple(self.step() for _ in range(self.random.randint(1, 3)))
        return self.random.choice(
            (Queued(2, 3.0), Progress(steps), Finished(Completion(steps, "length"), seconds=1.5))
        )

    def _candidate(self, token_id: int, rank: int) -> Candidate:
        return Candidate(token_id, self.random.uniform(-50, 50), -self.random.expovariate(0.3), rank)
