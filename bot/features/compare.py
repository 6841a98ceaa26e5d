"""``/compare`` without Discord: one prompt continued by several methods of picking the next token."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.errors import Withheld
from bot.features.complete import CompletionJob, CompletionRun, new_run_id
from bot.model.protocol import SamplingParams, Step
from bot.queue.updates import Completion, Finished, News, Progress, is_over, token_ids


@dataclass(frozen=True, slots=True)
class Method:
    """A way to pick the next token; ``effect`` says what it does in a few words."""

    name: str
    effect: str
    temperature: float
    top_p: float = 1.0


METHODS = (
    Method("greedy", "always the top guess", 0.0),
    Method("temperature 0.3", "hardly ever a surprise", 0.3),
    Method("temperature 0.7", "mostly likely tokens", 0.7),
    Method("temperature 1.0", "by its probabilities", 1.0),
    Method("temperature 1.5", "unlikely tokens too", 1.5),
    Method("top-p 0.9", "drops the least likely 10 %", 1.0, top_p=0.9),
)


# What is shown first; all of METHODS on request.
FEW = (METHODS[0], METHODS[2], METHODS[3])


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a method has written so far, and the latest ``news`` of it.

    ``recalled`` says that it is a saved text.
    """

    method: Method
    run_id: str
    news: News
    steps: tuple[Step, ...] = ()
    recalled: bool = False

    @property
    def over(self) -> bool:
        return is_over(self.news)

    @property
    def completion(self) -> Completion:
        """What it ends as; a failed one is cut short."""
        return (
            self.news.completion if isinstance(self.news, Finished) else Completion(self.steps, "cancelled")
        )

    @property
    def token_ids(self) -> tuple[int, ...]:
        return token_ids(self.steps)

    @property
    def top_picks(self) -> int:
        """How many of its tokens were the model's most likely one.

        Ranks are the same at every temperature, unlike probabilities, so they can be compared.
        """
        return sum(step.chosen.rank == 1 for step in self.steps)

    @property
    def highest_rank(self) -> int:
        """The rank of the token that the model found least likely; 0 before the first."""
        return max((step.chosen.rank for step in self.steps), default=0)

    def after(self, news: News) -> Continuation:
        """The continuation once ``news`` of it has come."""
        match news:
            case Progress():
                return replace(self, news=news, steps=news.steps)
            case Finished():
                return replace(self, news=news, steps=news.completion.steps)
            case Withheld():
                return replace(self, news=news, steps=())
            case _:
                return replace(self, news=news)


def jobs(
    prompt_ids: tuple[int, ...],
    methods: Sequence[Method],
    *,
    seed: int,
    max_tokens: int,
    owner: int,
    private: bool,
) -> list[CompletionJob]:
    """One job for each of ``methods``, as one group. With the same seed two draw alike wherever they can."""
    run_ids = [new_run_id() for _ in methods]
    return [
        CompletionJob(
            run_id,
            owner,
            prompt_ids,
            SamplingParams(
                max_new_tokens=max_tokens,
                temperature=method.temperature,
                top_k=0,
                top_p=method.top_p,
                seed=seed,
            ),
            private,
            group=run_ids[0],
        )
        for run_id, method in zip(run_ids, methods, strict=True)
    ]


def jobs_for_all(run: CompletionRun, *, owner: int, private: bool) -> list[CompletionJob]:
    """Jobs for all methods, as one group, from a run of a comparison by a few of them.

    Those are asked again as they were then, and so are found in the store.
    """
    again = jobs(
        run.prompt_ids,
        METHODS,
        seed=run.params.seed,
        max_tokens=run.params.max_new_tokens,
        owner=owner,
        private=private,
    )
    return [replace(job, parent=run.run_id, sources=run.sources_for(owner)) for job in again]


def method_of(run: CompletionRun) -> Method | None:
    """The method that wrote the run of a comparison."""
    picked = (run.params.temperature, run.params.top_p)
    return next((method for method in METHODS if (method.temperature, method.top_p) == picked), None)


def kept(runs: Iterable[CompletionRun]) -> list[Continuation]:
    """What the runs of a comparison wrote, in the order of METHODS."""
    written = {method: run for run in runs if (method := method_of(run)) is not None}
    return [
        Continuation(method, run.run_id, Finished(Completion(run.steps, run.finish_reason), 0.0), run.steps)
        for method, run in sorted(written.items(), key=lambda pair: METHODS.index(pair[0]))
    ]


def divergence(first: Sequence[int], other: Sequence[int]) -> int | None:
    """The first position at which two texts have different tokens; None as long as there is none."""
    pairs = enumerate(zip(first, other, strict=False))
    return next((position for position, (one, another) in pairs if one != another), None)
