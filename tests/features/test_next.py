"""A walk is a chain of states; every press makes the next one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot.errors import ContextExceeded
from bot.features.next import Walk, walk_of
from bot.model.protocol import SamplingParams
from tests.support.samples import ADA, GRACE, completion_run

token_ids = st.integers(min_value=0, max_value=50256)


def walk(*appended: int) -> Walk:
    return Walk("0" * 16, 1, (23421, 373), appended, temperature=1.0, seed=7)


@given(st.lists(token_ids), token_ids)
def test_undo_takes_back_what_append_added(appended: list[int], token_id: int) -> None:
    before = walk(*appended)
    after = before.append(token_id, owner=1)

    assert after.appended_ids == (*appended, token_id)
    assert after.undo(owner=1).appended_ids == before.appended_ids


def test_every_state_has_an_id_of_its_own() -> None:
    start = walk()

    assert len({start.run_id, start.append(1, owner=1).run_id, start.append(1, owner=1).run_id}) == 3


@given(st.lists(token_ids, max_size=20))
def test_token_number_n_uses_draw_number_n_of_the_seed(appended: list[int]) -> None:
    request = walk(*appended).request

    assert request.generated == len(appended)
    assert request.params.seed == 7
    assert request.prompt_ids == (23421, 373, *appended)
    assert (request.params.max_new_tokens, request.params.top_k, request.params.top_p) == (1, 0, 1.0)


def test_a_walk_ends_where_the_context_does() -> None:
    walk(1, 2).check(context=5)
    with pytest.raises(ContextExceeded):
        walk(1, 2).check(context=4)


def test_the_person_who_presses_owns_the_new_state() -> None:
    assert walk().append(1, owner=2).owner == 2
    assert walk(1).undo(owner=3).owner == 3


def test_a_walk_from_a_text_draws_what_the_text_drew() -> None:
    params = SamplingParams(temperature=1.0, top_k=50, seed=42)
    run = completion_run(params=params, sources=frozenset({7}))
    start = walk_of(run, owner=GRACE, private=True)

    assert start.request.prompt_ids == run.prompt_ids
    assert start.params == structs.replace(params, max_new_tokens=1)
    assert (start.owner, start.private, start.parent) == (GRACE, True, run.run_id)
    assert start.sources == {7, ADA}
