"""A completion continues where it stopped, and is re-rolled from its prompt."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot.errors import ContextExceeded, NothingWritten
from bot.features.complete import CompletionJob, CompletionRun, new_seed, warm_or_greedy
from bot.model.model_info import END_OF_TEXT
from bot.model.protocol import MAX_SEED, SamplingParams
from bot.queue.updates import Completion
from tests.support.samples import FINGERPRINT, NOON, step


def job(*, prompt: int = 2, earlier: int = 0, max_new_tokens: int = 64) -> CompletionJob:
    params = SamplingParams(max_new_tokens=max_new_tokens, seed=42)
    steps = tuple(step(530) for _ in range(earlier))
    return CompletionJob("0" * 16, 1, (262,) * prompt, params, private=False, earlier=steps)


def finished(job_: CompletionJob, *token_ids: int) -> CompletionRun:
    completion = Completion(tuple(map(step, token_ids)), "length")
    return job_.finished(completion, fingerprint=FINGERPRINT, asked_at=NOON)


def test_a_first_request_has_generated_nothing() -> None:
    assert job().request(context=1024).generated == 0


def test_a_continuation_counts_earlier_generated_tokens() -> None:
    request = finished(job(earlier=3), 10, 11).continued(owner=1).request(context=1024)

    assert request.prompt_ids == (262, 262, 530, 530, 530, 10, 11)
    assert request.generated == 5
    assert request.params.seed == 42


@pytest.mark.slow
@given(st.integers(min_value=1, max_value=1023))
def test_a_continuation_requests_no_more_than_fits(written: int) -> None:
    run = finished(job(), *range(min(written, 1021)))
    request = run.continued(owner=1).request(context=1024)

    assert run.can_continue(context=1024)
    assert 1 <= request.params.max_new_tokens <= 64
    assert len(request.prompt_ids) + request.params.max_new_tokens <= 1024


def test_a_re_roll_requests_again_what_did_not_fit() -> None:
    run = finished(finished(job(), *range(1018)).continued(owner=1), 5, 6, 7)

    assert run.rerolled(owner=1).request(context=1024).params.max_new_tokens == 64


def test_a_full_context_cannot_be_continued() -> None:
    run = finished(job(), *range(1022))

    assert not run.can_continue(context=1024)
    with pytest.raises(ContextExceeded):
        run.continued(owner=1).request(context=1024)


def test_a_text_that_the_model_ended_cannot_be_continued() -> None:
    assert not replace(finished(job(), 50256), finish_reason="stop").can_continue(context=1024)


@pytest.mark.parametrize(("asked", "used"), [(1e-40, 0.0), (1e-7, 0.0), (0.0, 0.0), (0.01, 0.01), (2.0, 2.0)])
def test_a_temperature_too_small_to_divide_by_is_greedy(asked: float, used: float) -> None:
    assert warm_or_greedy(asked) == used


def test_a_re_roll_changes_the_seed_alone() -> None:
    run = finished(job(earlier=3), 10, 11)
    again = run.rerolled(owner=2)

    assert again.request(context=1024).prompt_ids == run.prompt_ids
    assert again.request(context=1024).generated == 0
    assert again.params.seed != run.params.seed
    assert again.params.max_new_tokens == run.params.max_new_tokens
    assert again.run_id != run.run_id
    assert again.owner == 2
    assert again.parent == run.run_id


def test_the_prompt_and_the_new_tokens_must_fit_together() -> None:
    job(prompt=960).request(context=1024)
    with pytest.raises(ContextExceeded) as caught:
        job(prompt=961).request(context=1024)

    assert (caught.value.prompt_tokens, caught.value.max_tokens, caught.value.context) == (961, 64, 1024)


def test_seeds_are_what_transformers_takes() -> None:
    assert all(0 <= new_seed() <= MAX_SEED for _ in range(100))


def test_a_fork_goes_on_from_another_candidate_and_keeps_what_was_before() -> None:
    run = finished(job(), 10, 20, 30)
    fork = run.forked(1, 22, owner=2)
    request = fork.request(context=1024)

    assert fork.earlier_ids == (10, 22)
    assert fork.by_hand == (1,)
    assert (fork.parent, fork.owner) == (run.run_id, 2)
    assert request.prompt_ids == (262, 262, 10, 22)
    assert request.generated == 2


def test_a_fork_of_a_fork_remembers_only_the_choices_before_it() -> None:
    run = replace(finished(job(), 10, 20, 30, 40), by_hand=(0, 2))

    assert run.forked(1, 22, owner=1).by_hand == (0, 1)
    assert run.forked(3, 42, owner=1).by_hand == (0, 2, 3)
    assert run.forked(0, 12, owner=1).by_hand == (0,)


@pytest.mark.parametrize(("position", "token_id"), [(3, 10), (0, 999)])
def test_a_fork_must_be_to_a_candidate(position: int, token_id: int) -> None:
    with pytest.raises(LookupError):
        finished(job(), 10, 20, 30).forked(position, token_id, owner=1)


def test_a_fork_may_leave_an_end_of_text_but_not_choose_it() -> None:
    run = replace(finished(job(), 10, END_OF_TEXT), finish_reason="stop")
    ending = replace(run, steps=(run.steps[0], step(END_OF_TEXT - 2)))

    with pytest.raises(LookupError):
        ending.forked(1, END_OF_TEXT, owner=1)
    assert run.forked(1, END_OF_TEXT + 2, owner=1).earlier_ids == (10, END_OF_TEXT + 2)


def test_a_replay_covers_what_the_model_wrote_after_the_last_hand_picked_token() -> None:
    run = finished(job(), 10, 20, 30)
    again = run.again(owner=1).request(context=1024)
    behind = replace(run, by_hand=(0,)).again(owner=1).request(context=1024)

    assert (again.prompt_ids, again.generated, again.params.max_new_tokens) == ((262, 262), 0, 3)
    assert (behind.prompt_ids, behind.generated, behind.params.max_new_tokens) == ((262, 262, 10), 1, 2)


def test_a_run_that_ends_with_a_hand_picked_token_has_nothing_to_replay() -> None:
    with pytest.raises(NothingWritten):
        replace(finished(job(), 10, 20, 30), by_hand=(2,)).again(owner=1)


def test_the_most_surprising_token_is_the_least_likely_one() -> None:
    run = finished(job(), 10, 20, 30)
    steps = (run.steps[0], step(20, rank=90, logprob=-9.0), run.steps[2])

    assert replace(run, steps=steps).most_surprising() == 1


def test_a_text_continued_under_another_fingerprint_stays_mixed() -> None:
    first = finished(job(), 10, 20)
    other = structs.replace(FINGERPRINT, engine=4)
    ending = Completion((step(30),), "length")
    same = first.continued(owner=1).finished(ending, fingerprint=FINGERPRINT, asked_at=NOON)
    mixed = first.continued(owner=1).finished(ending, fingerprint=other, asked_at=NOON)
    after = mixed.continued(owner=1).finished(ending, fingerprint=other, asked_at=NOON)

    assert [run.mixed for run in (first, same, mixed, after)] == [False, False, True, True]
    assert not mixed.rerolled(owner=1).finished(ending, fingerprint=other, asked_at=NOON).mixed
