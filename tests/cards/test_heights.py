"""How high each command's card is on a phone, measured in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser

from tests.support.browsing import Person, Playground, chromium

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no Chromium is installed"),
]

WIDTH = 420  # pixels
SCREEN, MOST = 860, 1_300  # pixels: a phone's screen for the usual card, and the longest one's height

SENTENCE = "It was the best of times, it was the worst of bananas."
LONG = "The rain fell on the roof of the old house, and the children came home. " * 27  # 1,944 characters
LINES = "a\n" * 900
WIDE = "안녕하세요 สวัสดี " * 12


@dataclass(frozen=True, slots=True)
class Case:
    """A command with its options, the buttons pressed on its card, and words that the final card has."""

    command: str
    options: dict[str, str] = field(default_factory=dict)
    presses: tuple[str, ...] = ()
    reads: str = "seed"

    def __str__(self) -> str:
        texts = (f"{name}={value[:12]!r}" for name, value in self.options.items())
        return " ".join([f"/{self.command}", *texts, *(f"> {label}" for label in self.presses)])


TEXT = {"prompt": "London was", "seed": "42"}
NEXT = "Next"
USUAL = [
    Case("complete", TEXT, reads="Continue"),
    Case("complete", TEXT, ("Why this word?",), "Pick another token"),
    Case("complete", TEXT, ("Code",), "with transformers"),
    Case("complete", TEXT, ("Replay",), "Identical"),
    Case("complete", TEXT, ("Numbers",), "Settings:"),
    Case("next", TEXT, ("Roll the dice",), "It drew"),
    Case("next", TEXT, ("Numbers",), "Entropy"),
    Case("compare", TEXT, reads="Show all six"),
    Case("surprise", {"text": SENTENCE}, reads="equal options"),
    Case("tokens", {"text": SENTENCE}, reads="tokens for GPT-2"),
    Case("decode", {"ids": "40313, 481"}, reads="Delete"),
    Case("vocabulary", {"query": "king"}, reads="Closest tokens"),
    Case("model", reads="parameters"),
    Case("tour", {"seed": "42"}, (NEXT,) * 4, "5 of 7"),
    Case("guess", reads="Reveal"),
    Case("guess", {"text": "London was"}, ("Reveal",), "top guess"),
    Case("help", reads="Only you see"),
    Case("help", presses=("Glossary",), reads="perplexity"),
    Case("forget", reads="Delete"),
]
LONGEST = [
    Case("complete", {"prompt": LONG, "max_tokens": "256"}, reads="Continue"),
    Case("complete", {"prompt": LINES, "max_tokens": "100"}, reads="Continue"),
    Case("complete", {"prompt": LONG}, ("Why this word?",), "Pick another token"),
    Case("complete", {"prompt": LINES}, ("Why this word?",), "Pick another token"),
    Case("complete", {"prompt": LINES}, ("Code",), "with transformers"),
    Case("next", {"prompt": LONG}),
    Case("next", {"prompt": LINES}),
    Case("next", {"prompt": WIDE}),
    Case("compare", {"prompt": LONG}, ("Show all six",), "six"),
    Case("surprise", {"text": LONG * 2}, reads="equal options"),
    Case("surprise", {"text": LINES}, reads="equal options"),
    Case("tokens", {"text": LONG}, reads="tokens for GPT-2"),
    Case("tokens", {"text": LINES}, reads="tokens for GPT-2"),
    Case("tokens", {"text": WIDE}, reads="tokens for GPT-2"),
    Case("decode", {"ids": ", ".join(map(str, range(400)))}, reads="Delete"),
    Case("vocabulary", {"query": "481"}, reads="Closest tokens"),
    Case("tour", {"prompt": LONG}, (NEXT,) * 4, "5 of 7"),
    Case("tour", {"prompt": LINES}, (NEXT,) * 5, "6 of 7"),
    Case("guess", {"text": LONG}, ("Reveal",), "top guess"),
    Case("guess", {"text": LINES}, ("Reveal",), "top guess"),
]


@pytest.fixture(scope="module")
def ada(place: Playground, window: Browser) -> Iterator[Person]:
    """A person with a phone."""
    page = window.new_page(viewport={"width": WIDTH, "height": 900})
    yield Person(page, place.url)
    page.close()


@pytest.mark.parametrize("case", USUAL, ids=str)
def test_a_usual_card_fits_on_a_screen(ada: Person, case: Case) -> None:
    assert height(ada, case) <= SCREEN


@pytest.mark.parametrize("case", LONGEST, ids=str)
def test_the_longest_card_takes_a_screen_and_a_half(ada: Person, case: Case) -> None:
    assert height(ada, case) <= MOST


def height(person: Person, case: Case) -> float:
    """The height of the card after the case's last press, in pixels."""
    person.run(case.command, case.options)
    for label in case.presses:
        person.press(label)
    person.reads(case.reads)
    if person.card.locator("img").count():
        person.sees_picture()
    box = person.card.bounding_box()
    assert box is not None
    person.delete_cards()
    return box["height"]
