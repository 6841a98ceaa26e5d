"""A comparison: one seed, three or six methods, and where each text diverges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from bot.errors import GenerationFailed
from bot.features.compare import (
    FEW,
    METHODS,
    Continuation,
    Method,
    divergence,
    jobs,
    jobs_for_all,
    kept,
    method_of,
)
from bot.features.complete import CompletionJob
from bot.queue.updates import Completion, Finished, Progress, Queued
from tests.support.samples import ADA, FINGERPRINT, GRACE, LONDON_WAS, NOON, step

NEW = Continuation(METHODS[0], "a" * 16, Queued(1, None))
STEPS = (step(530), step(286, rank=7), step(262))


def some_jobs(methods: Sequence[Method] = METHODS, **changes: Any) -> list[CompletionJob]:
    return jobs(
        LONDON_WAS, methods, **{"seed": 42, "max_tokens": 3, "owner": ADA, "private": False, **changes}
    )


def test_all_methods_are_asked_with_the_same_prompt_and_seed() -> None:
    asked = some_jobs(max_tokens=32, private=True)

    assert [(job.params.temperature, job.params.top_p) for job in asked] == [
        (0.0, 1.0),
        (0.3, 1.0),
        (0.7, 1.0),
        (1.0, 1.0),
        (1.5, 1.0),
        (1.0, 0.9),
    ]
    same = {(job.prompt_ids, job.params.seed, job.params.max_new_tokens, job.params.top_k) for job in asked}
    assert same == {(LONDON_WAS, 42, 32, 0)}
    assert {(job.owner, job.private) for job in asked} == {(ADA, True)}


def test_the_runs_of_a_comparison_are_one_group_named_after_the_first() -> None:
    asked = some_jobs()
    done = [
        job.finished(Completion(STEPS, "length"), fingerprint=FINGERPRINT, asked_at=NOON) for job in asked
    ]

    assert len({job.run_id for job in asked}) == 6
    assert {job.group for job in asked} == {run.group for run in done} == {asked[0].run_id}


def test_a_continuation_of_one_of_them_is_not_in_the_group() -> None:
    first, *_ = some_jobs()
    run = first.finished(Completion(STEPS, "length"), fingerprint=FINGERPRINT, asked_at=NOON)

    assert run.continued(owner=ADA).group is run.rerolled(owner=ADA).group is None


def test_two_comparisons_share_no_run() -> None:
    one, other = some_jobs(), some_jobs()

    assert not {job.run_id for job in one} & {job.run_id for job in other}


def test_a_few_of_them_are_greedy_a_usual_and_a_plain_draw() -> None:
    assert [method.name for method in FEW] == ["greedy", "temperature 0.7", "temperature 1.0"]
    assert [job.params.temperature for job in some_jobs(FEW)] == [0.0, 0.7, 1.0]


def test_all_of_them_are_asked_as_the_few_were() -> None:
    few = some_jobs(FEW)
    run = few[1].finished(Completion(STEPS, "length"), fingerprint=FINGERPRINT, asked_at=NOON)
    every = jobs_for_all(run, owner=ADA, private=True)

    assert [job.params for job in every] == [job.params for job in some_jobs()]
    assert {job.prompt_ids for job in every} == {LONDON_WAS}
    assert {job.group for job in every} == {every[0].run_id}
    assert {(job.parent, job.sources, job.private) for job in every} == {(run.run_id, frozenset(), True)}
    assert {job.sources for job in jobs_for_all(run, owner=GRACE, private=True)} == {frozenset({ADA})}


def test_what_is_kept_is_in_the_order_of_the_methods() -> None:
    runs = [
        job.finished(Completion(STEPS[:length], "length"), fingerprint=FINGERPRINT, asked_at=NOON)
        for length, job in enumerate(some_jobs(), 1)
    ]

    assert [one.method for one in kept(reversed(runs))] == list(METHODS)
    assert [(one.run_id, one.steps) for one in kept(runs)] == [(run.run_id, run.steps) for run in runs]
    assert all(one.over for one in kept(runs))


def test_a_run_with_other_settings_is_no_method_s() -> None:
    (job,) = some_jobs(FEW[:1])
    run = job.finished(Completion(STEPS, "length"), fingerprint=FINGERPRINT, asked_at=NOON)
    other = replace(run, params=structs.replace(run.params, temperature=0.9))

    assert method_of(run) == METHODS[0]
    assert method_of(other) is None
    assert kept([other]) == []


@pytest.mark.parametrize(
    ("first", "other", "position"),
    [
        ([1, 2, 3], [1, 2, 3], None),
        ([1, 2, 3], [1, 5, 3], 1),
        ([1, 2, 3], [4], 0),
        ([1, 2, 3], [1, 2], None),
        ([], [1], None),
    ],
)
def test_texts_part_at_their_first_different_token(
    first: list[int], other: list[int], position: int | None
) -> None:
    assert divergence(first, other) == position


def test_a_continuation_grows_with_its_news() -> None:
    growing = NEW.after(Progress(STEPS[:2]))

    assert growing.token_ids == (530, 286)
    assert not growing.over


def test_a_finished_one_has_all_that_was_written() -> None:
    completion = Completion(STEPS, "length")
    finished = NEW.after(Progress(STEPS[:1])).after(Finished(completion, 1.0))

    assert finished.over
    assert finished.steps == STEPS
    assert finished.completion == completion


def test_a_failed_one_keeps_its_text_so_far() -> None:
    failed = NEW.after(Progress(STEPS[:2])).after(GenerationFailed("x"))

    assert failed.over
    assert failed.completion == Completion(STEPS[:2], "cancelled")


def test_its_ranks_show_its_riskiest_pick() -> None:
    bold = NEW.after(Progress(STEPS))

    assert (bold.top_picks, bold.highest_rank) == (2, 7)
    assert (NEW.top_picks, NEW.highest_rank) == (0, 0)
