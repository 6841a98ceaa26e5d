"""Whatever is cut off on a card, no cut goes through an escape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random

import pytest
from discord import ui

from bot.text.tokenization import Encodings
from tests.promises import markdown_oracle
from tests.promises.card_kinds import KINDS
from tests.promises.content_factory import OTHER, OWNER, ContentFactory
from tests.support.limits import alt_of, buttons_of, text_of

# A spelled-out character, such as \xE2 or ⟨U+200B⟩, of which only a part is left beside a cut. A backslash
# of the text itself is another matter: in a text display there are two.
HALF = re.compile(r"(?<!\\)(?:\\(?:x[0-9A-F]?)?|⟨(?:U(?:\+[0-9A-F]*)?)?)…|…(?:x?[0-9A-F]{1,2}\\x|[0-9A-F]*⟩)")
SPELLED = "\x00\x1b\u200b\u202e\U000e0001 a*"

ENCODINGS = Encodings()


def shown(view: ui.LayoutView) -> Iterator[str]:
    yield text_of(view)
    yield alt_of(view)
    yield from buttons_of(view)
    for item in view.walk_children():
        if isinstance(item, ui.Select):
            yield item.placeholder or ""
            yield from (option.label for option in item.options)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_no_cut_goes_through_an_escape(kind: Callable[[ContentFactory], ui.LayoutView], seed: int) -> None:
    random = Random(seed)
    text = "".join(random.choices(SPELLED, k=random.choice((30, 400, 2_000))))
    view = kind(ContentFactory(random, ENCODINGS, text))

    assert not any(HALF.search(part) for part in shown(view))
    assert markdown_oracle.escapes(text_of(view), people=frozenset({OWNER, OTHER})) == []


@pytest.mark.parametrize(
    ("cut", "is_half"),
    [
        *((half, True) for half in ("a\\…", "\\xE…", "⟨U+20…", "…2\\xF0", "…0B⟩")),
        *((whole, False) for whole in ("\\\\…", "\\xE2…", "⟨U+200B⟩…", "…\\xF0", "a…")),
    ],
)
def test_halves_are_found(cut: str, is_half: bool) -> None:
    assert bool(HALF.search(cut)) is is_half
