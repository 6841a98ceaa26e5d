"""A custom_id fits, is recognised, and gives back its parts."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.custom_ids import (
    DELETE_TEMPLATE,
    VOCABULARY_TEMPLATE,
    custom_id,
    delete_id,
    template,
    vocabulary_id,
)
from bot.features.complete import new_run_id


@given(st.lists(st.integers(0, 50256), max_size=3))
def test_a_custom_id_gives_back_its_parts(numbers: list[int]) -> None:
    run_id = new_run_id()
    identity = custom_id("complete", "reroll", run_id, *numbers)
    match = re.fullmatch(template("complete", "stop", "reroll"), identity)

    assert len(identity) <= 100
    assert match
    assert (match["action"], match["run_id"]) == ("reroll", run_id)
    assert [int(number) for number in match["numbers"].split(":") if number] == numbers


def test_another_family_or_action_is_not_recognised() -> None:
    identity = custom_id("complete", "reroll", new_run_id())

    assert not re.fullmatch(template("next", "reroll"), identity)
    assert not re.fullmatch(template("complete", "stop"), identity)
    assert not re.fullmatch(template("complete", "re"), identity)


@pytest.mark.parametrize(
    ("template", "make"), [(DELETE_TEMPLATE, delete_id), (VOCABULARY_TEMPLATE, vocabulary_id)]
)
def test_a_custom_id_names_the_card_s_owner(template: str, make: Callable[[int], str]) -> None:
    match = re.fullmatch(template, make(2**63 - 1))

    assert match
    assert int(match["owner"]) == 2**63 - 1
