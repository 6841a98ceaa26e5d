"""What a tour requests from the model, and what it accepts from people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BlankText, ContextExceeded, InvalidSeed
from bot.features import tour
from bot.model.protocol import MAX_SEED, SamplingParams
from tests.support.samples import ADA, GRACE, NOON, completion_run

CONTEXT = 1024


def begun(tokens: int) -> int:
    """The number of tokens that a tour of a text of ``tokens`` tokens writes."""
    job = tour.begun((1,) * tokens, seed=7, owner=ADA, private=False, context=CONTEXT)
    return job.request(CONTEXT).params.max_new_tokens


def test_a_tour_shows_the_model_s_own_probabilities_and_draws_as_complete_does() -> None:
    params = tour.begun((1,), seed=7, owner=ADA, private=False, context=CONTEXT).params

    assert (params.temperature, params.top_k, params.top_p, params.seed) == (1.0, 50, 1.0, 7)


@given(st.integers(1, CONTEXT - 1))
def test_a_tour_writes_as_much_as_there_is_room_for(tokens: int) -> None:
    assert begun(tokens) == min(tour.REPEATED, CONTEXT - tokens)


def test_a_text_that_fills_the_context_is_refused() -> None:
    with pytest.raises(ContextExceeded):
        begun(CONTEXT)


def test_someone_else_takes_a_private_copy_of_a_tour() -> None:
    run = completion_run()
    own = tour.taken(run, owner=GRACE, now=NOON + 1)

    assert (own.owner, own.private, own.parent) == (GRACE, True, run.run_id)
    assert own.run_id != run.run_id
    assert (own.prompt_ids, own.steps) == (run.prompt_ids, run.steps)


def test_the_rows_of_a_text_are_read_not_written() -> None:
    request = tour.reading(completion_run(prompt_ids=(23421, 373)))

    assert request
    assert request.scored
    assert request.steps == 1


def test_a_text_of_one_token_has_no_row_but_the_last() -> None:
    assert tour.reading(completion_run(prompt_ids=(23421,))) is None


def test_the_next_token_is_asked_for_at_other_temperatures_without_chance() -> None:
    run = completion_run(prompt_ids=(23421, 373), params=SamplingParams(temperature=1.0, seed=7))
    careful, daring = tour.reshaping(run)

    assert careful.request_id != daring.request_id
    assert careful.prompt_ids == daring.prompt_ids == (23421, 373)
    assert [(one.params.temperature, one.params.top_k, one.steps) for one in (careful, daring)] == [
        (0.5, 1, 1),
        (1.5, 1, 1),
    ]


@pytest.mark.parametrize(
    ("before", "again", "same"),
    [
        ([1, 2, 3], [1, 2, 3], 3),
        ([1, 2, 3], [1, 9, 3], 1),
        ([1, 2, 3], [1, 2], 2),
        ([1], [2], 0),
        ([], [], 0),
    ],
)
def test_two_texts_agree_up_to_their_first_difference(before: list[int], again: list[int], same: int) -> None:
    assert tour.agreeing(before, again) == same


@given(st.integers(0, MAX_SEED))
def test_a_seed_is_taken_as_typed(seed: int) -> None:
    assert tour.seed_of(f" {seed} ", otherwise=1) == seed


@pytest.mark.parametrize(("typed", "seed"), [("٣", 3), ("0" * 5_000 + "7", 7), ("００７", 7)])
def test_a_seed_may_have_leading_zeros(typed: str, seed: int) -> None:
    assert tour.seed_of(typed, otherwise=1) == seed


def test_an_empty_seed_keeps_the_old_one() -> None:
    assert tour.seed_of(" ", otherwise=42) == 42


@pytest.mark.parametrize("typed", ["-1", str(MAX_SEED + 1), "1.5", "seven", "²", "1e3", "9" * 5000])
def test_anything_but_a_seed_is_refused(typed: str) -> None:
    with pytest.raises(InvalidSeed) as refusal:
        tour.seed_of(typed, otherwise=42)

    assert "from 0 to 4,294,967,295" in refusal.value.sentence
    assert len(refusal.value.sentence) < 150


def test_a_blank_text_is_refused_and_any_other_kept_unchanged() -> None:
    with pytest.raises(BlankText):
        tour.text_of(" \n")
    assert tour.text_of(" a ") == " a "
