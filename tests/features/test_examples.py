"""The examples that new people are offered."""

import pytest

from bot.features.examples import EXAMPLES, Example, example_of
from bot.text.tokenization import Encodings

# A button's label has 80 characters, but on a phone two of these fit beside each other.
LONGEST_LABEL = 18


def test_an_example_reads_as_people_type_it() -> None:
    assert example_of("next").typed == "/next prompt:The wizard raised his"
    assert example_of("tour").typed == "/tour"


def test_each_command_has_one_example_and_each_button_its_own_name() -> None:
    assert len({example.command for example in EXAMPLES}) == len(EXAMPLES)
    assert len({example.label for example in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command)
def test_an_example_is_short(example: Example) -> None:
    assert len(example.label) <= LONGEST_LABEL
    assert all(len(Encodings().encode(value, "gpt2")) <= 16 for value in example.options.values())


def test_a_command_without_an_example_is_an_error() -> None:
    with pytest.raises(LookupError):
        example_of("forget")
