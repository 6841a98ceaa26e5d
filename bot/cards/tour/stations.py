"""The seven stations of a tour, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.cards.tour import shown, words
from bot.cards.tour.lesson import Lesson
from bot.cards.tour.shown import Shown
from bot.model.model_info import ModelInfo


@dataclass(frozen=True, slots=True)
class Station:
    """A card of the tour: what it ``explain``s, and the ``example`` that it shows.

    ``hint`` is something worth trying here; a ``seeded`` station also depends on the seed.
    """

    title: str
    explain: Callable[[ModelInfo], str]
    example: Callable[[Lesson], Shown]
    hint: str
    seeded: bool = False


STATIONS = (
    Station(
        "A text becomes tokens",
        words.tokens,
        shown.tokens,
        "a rare word, your own name, another language, an emoji",
    ),
    Station(
        "Every token is a number",
        words.ids,
        shown.ids,
        "the same word with and without a capital",
    ),
    Station(
        "The model scores every token",
        words.scores,
        shown.scores,
        "a longer sentence, to see the table grow",
    ),
    Station(
        "Scores become probabilities",
        words.probabilities,
        shown.probabilities,
        "a text with only one likely next word",
    ),
    Station(
        "The dice choose",
        words.draw,
        shown.draw,
        "the same text with another seed",
        seeded=True,
    ),
    Station(
        "Add it, and repeat",
        words.repeat,
        shown.repeat,
        "the start of your own story",
        seeded=True,
    ),
    Station(
        "What it is not",
        words.what_it_is_not,
        shown.what_it_is_not,
        "a question to the model about itself",
        seeded=True,
    ),
)
# The numbers (from 1) of those whose examples need another request.
SCORES, DRAW, AGAIN = 3, 5, 7
# The stations that show possible next tokens, which are in no text yet.
OFFERING = (4, 5)
