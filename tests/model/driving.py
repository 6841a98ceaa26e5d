"""Drives an engine as the worker does, without the worker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from bot.model.engine import Engine, Event
from bot.model.gpt2 import GPT2
from bot.model.protocol import Ended, GenerationRequest, Rejected, SamplingParams, Step, Stepped

NO_END = -1


@dataclass
class Outcome:
    """All that an engine said about one request."""

    steps: list[Step] = field(default_factory=list)
    ending: str | None = None

    @property
    def ids(self) -> list[int]:
        return [step.chosen.token_id for step in self.steps]


def engine_of(model: GPT2, *, end_of_text: int = NO_END, max_batch: int = 8) -> Engine:
    return Engine(model, end_of_text=end_of_text, max_batch=max_batch)


def collect(events: Iterable[Event], outcomes: dict[str, Outcome]) -> None:
    for event in events:
        outcome = outcomes.setdefault(event.request_id, Outcome())
        match event:
            case Stepped(_, index, step):
                assert index == len(outcome.steps)
                outcome.steps.append(step)
            case Ended(_, reason):
                outcome.ending = reason
            case Rejected(_, detail):
                outcome.ending = f"rejected: {detail}"


def run(engine: Engine, *requests: GenerationRequest) -> dict[str, Outcome]:
    """The outcomes of ``requests`` submitted together, by request id."""
    outcomes: dict[str, Outcome] = {}
    for request in requests:
        engine.submit(request)
    while not engine.idle:
        collect(engine.step(), outcomes)
    return outcomes


def run_alone(model: GPT2, request: GenerationRequest, *, end_of_text: int = NO_END) -> Outcome:
    return run(engine_of(model, end_of_text=end_of_text), request)[request.request_id]


def seeded(seed: int) -> Random:
    """Chance that is the same every time."""
    return Random(seed)  # noqa: S311 - nothing here is secret


def random_request(random: Random, name: str, *, vocabulary: int, longest: int = 300) -> GenerationRequest:
    """A request of any settings; prompts are mostly short, some longer than a prefill chunk."""
    length = random.choice([1, 2, 5, 17, random.randint(1, longest)])
    return GenerationRequest(
        name,
        tuple(random.randrange(vocabulary) for _ in range(length)),
        SamplingParams(
            max_new_tokens=random.randint(1, 20),
            temperature=random.choice([0.0, 0.3, 0.9, 1.0, 1.7]),
            top_k=random.choice([0, 1, 5, 50]),
            top_p=random.choice([0.4, 0.95, 1.0]),
            seed=random.choice([0, 1, 2**32 - 1, random.randrange(2**32)]),
        ),
    )
