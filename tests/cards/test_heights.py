"""How high each command's card is on a phone, measured in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser

from tests.support.browsing import Person, Playground, browser, chromium, playground, wait_for_model

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


USUAL = [
    Case("next", {"prompt": "London was", "seed": "42"}, ("Roll the dice",), "It drew"),
    Case("complete", {"prompt": "London was", "seed": "42", "max_tokens": "64"}),
    Case("complete", {"prompt": "London was", "seed": "42"}, ("Why this word?",), "Pick another token"),
]
LONGEST = [
    Case("next", {"prompt": LONG, "seed": "42"}),
    Case("next", {"prompt": LINES, "seed": "42"}),
    Case("next", {"prompt": WIDE, "seed": "42"}),
    Case("complete", {"prompt": LONG, "seed": "42"}, ("Why this word?",), "Pick another token"),
    Case("complete", {"prompt": LINES, "seed": "42"}, ("Why this word?",), "Pick another token"),
]


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, window: Browser) -> Iterator[Playground]:
    with playground(tmp_path_factory.mktemp("playground")) as started:
        wait_for_model(window, started.url)
        yield started


@pytest.mark.parametrize("case", USUAL, ids=str)
def test_a_usual_card_fits_on_a_screen(place: Playground, window: Browser, case: Case) -> None:
    assert height(place, window, case) <= SCREEN


@pytest.mark.parametrize("case", LONGEST, ids=str)
def test_the_longest_card_takes_a_screen_and_a_half(place: Playground, window: Browser, case: Case) -> None:
    assert height(place, window, case) <= MOST


def height(place: Playground, window: Browser, case: Case) -> float:
    """The height of the card after the case's last press, in pixels."""
    page = window.new_page(viewport={"width": WIDTH, "height": 900})
    try:
        person = Person(page, place.url)
        person.run(case.command, case.options)
        for label in case.presses:
            person.press(label)
        person.reads(case.reads)
        if person.card.locator("img").count():
            person.sees_picture()
        box = person.card.bounding_box()
        assert box is not None
        return box["height"]
    finally:
        page.close()
