"""A replay says what is the same, what differs first, and what has changed since."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from bot.errors import ContextExceeded, NothingWritten
from bot.features.replay import Changed, Replay, compare, rerun
from bot.model.protocol import Step
from tests.support.samples import ADA, FINGERPRINT, GRACE, completion_run, step, walk_run

THEN = (step(10), step(20), step(30))


def compared(now: tuple[Step, ...]) -> Replay:
    return compare(THEN, now, FINGERPRINT, FINGERPRINT)


def shifted(of: Step, by: float) -> Step:
    """``of`` with the chosen token's logit moved."""
    return structs.replace(
        of, chosen=structs.replace(of.chosen, logit=of.chosen.logit + by), candidates=of.candidates[1:]
    )


def test_the_same_steps_are_the_same_to_the_bit() -> None:
    assert compared(THEN) == Replay(tokens=3, difference=None, exact=True, drift=0.0, changed=())


def test_a_different_logit_is_not_a_different_token() -> None:
    found = compared((THEN[0], shifted(THEN[1], 0.25), THEN[2]))

    assert found.difference is None
    assert not found.exact
    assert found.drift == 0.25


def test_any_different_number_is_noticed() -> None:
    found = compared((THEN[0], structs.replace(THEN[1], entropy=1.25), THEN[2]))

    assert (found.difference, found.exact, found.drift) == (None, False, 0.0)


def test_the_first_different_token_is_named_and_later_ones_do_not_count() -> None:
    found = compared((THEN[0], step(21), shifted(step(90), 50.0)))

    assert found.difference is not None
    assert found.difference.position == 1
    assert found.difference.then == THEN[1].chosen
    assert found.difference.now == step(21).chosen
    assert not found.exact
    assert found.drift < 1


@pytest.mark.parametrize(("length", "then", "now"), [(2, 30, None), (0, 10, None), (4, None, 40)])
def test_an_earlier_or_a_later_end_is_a_difference(length: int, then: int | None, now: int | None) -> None:
    difference = compared((*THEN, step(40))[:length]).difference

    assert difference is not None
    assert difference.position == min(length, 3)
    assert (difference.then and difference.then.token_id) == then
    assert (difference.now and difference.now.token_id) == now


def test_what_changed_in_the_fingerprint_is_named_part_by_part() -> None:
    today = structs.replace(FINGERPRINT, precision="int8", engine=4)
    found = compare(THEN, THEN, FINGERPRINT, today)

    assert found.changed == (Changed("precision", "float32", "int8"), Changed("engine", "3", "4"))


def test_what_texts_no_longer_depend_on_is_no_change() -> None:
    today = structs.replace(FINGERPRINT, processor="", torch="")

    assert compare(THEN, THEN, FINGERPRINT, today).changed == ()


def test_a_completion_is_computed_again_from_its_prompt() -> None:
    run = completion_run("a" * 16, 10, 20, 30, private=True)
    again = rerun(run, owner=GRACE, context=1024)

    assert again.request.prompt_ids == again.ids == run.prompt_ids
    assert again.request.params == run.params
    assert again.request.request_id != run.run_id
    assert (again.given, again.then) == (0, run.steps)


def test_a_fork_is_computed_again_from_after_the_last_hand_picked_token() -> None:
    run = replace(completion_run("a" * 16, 10, 20, 30), by_hand=(1,))
    again = rerun(run, owner=ADA, context=1024)

    assert again.ids == again.request.prompt_ids == (*run.prompt_ids, 10, 20)
    assert (again.given, again.then) == (2, run.steps[2:])
    assert again.request.generated == 2
    assert again.request.params.max_new_tokens == 1


def test_a_walk_s_last_table_is_computed_again() -> None:
    run = walk_run("b" * 16, 530, 286)
    again = rerun(run, owner=GRACE, context=1024)

    assert again.request == structs.replace(run.walk.request, request_id=again.request.request_id)
    assert again.request.request_id != run.run_id
    assert (again.given, again.then) == (2, (run.step,))


def test_a_run_without_written_tokens_or_without_room_is_refused() -> None:
    with pytest.raises(NothingWritten):
        rerun(replace(completion_run(), steps=()), owner=ADA, context=1024)
    for run in (completion_run("a" * 16, 10, 20, 30), walk_run("b" * 16, 530, 286)):
        with pytest.raises(ContextExceeded):
            rerun(run, owner=ADA, context=4)
