"""The signs in tokens' names are explained, and only those that occur."""

import pytest

from bot.cards.signs import explained


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "."], ""),
        (["␣a", "b"], "␣ is a space"),
        (["a", "␣b", "⏎", "⇥", "c"], "␣ is a space, ⏎ a line break, ⇥ a tab"),
        (["\\x0D", "⏎"], "⏎ is a line break, `\\x0D` a carriage return"),
        (["\\x01"], "`\\x01` is a control character"),
        (["␣", "\\xF0\\x9F"], "␣ is a space, `\\xF0` a byte"),
        (["⟨U+200B⟩"], "⟨U+200B⟩ is an invisible character"),
    ],
)
def test_signs_are_explained(names: list[str], said: str) -> None:
    assert explained(names) == said
