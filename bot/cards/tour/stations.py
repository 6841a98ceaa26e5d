"""The seven stations of a tour, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.cards.tour import shown, words
from bot.cards.tour.lesson import Lesson
from bot.model.model_info import ModelInfo


@dataclass(frozen=True, slots=True)
class Station:
    """``hint`` is something worth trying here; a ``seeded`` station also depends on the seed."""

    title: str
    explain: Callable[[ModelInfo], str]
    example: Callable[[Lesson], str]
    hint: str
    seeded: bool = False


STATIONS = (
    Station(
        "A text is split into tokens",
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
        "The model gives scores",
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
        "One token is drawn",
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
# The numbers (from 1) of the two whose examples need another request.
SCORES, AGAIN = 3, 7
# The stations that show possible next tokens, which are in no text yet.
OFFERING = (4, 5)
