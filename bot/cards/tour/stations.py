"""The seven stations of a tour, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.cards.tour import examples, words
from bot.cards.tour.lesson import Lesson
from bot.model.model_info import ModelInfo


@dataclass(frozen=True, slots=True)
class Station:
    """``hint`` is what is worth trying there; a ``seeded`` one also depends on the seed."""

    title: str
    explain: Callable[[ModelInfo], str]
    example: Callable[[Lesson], str]
    hint: str
    seeded: bool = False


STATIONS = (
    Station(
        "A text is cut into tokens",
        words.tokens,
        examples.tokens,
        "a rare word, your own name, another language, an emoji",
    ),
    Station(
        "Every token is a number",
        words.ids,
        examples.ids,
        "the same word twice, small and with a capital",
    ),
    Station(
        "The model gives scores",
        words.scores,
        examples.scores,
        "a longer sentence, to see the table grow",
    ),
    Station(
        "Scores become probabilities",
        words.probabilities,
        examples.probabilities,
        "a text of which you know for sure how it goes on",
    ),
    Station(
        "One token is drawn",
        words.draw,
        examples.draw,
        "the same text with another seed",
        seeded=True,
    ),
    Station(
        "Append it, and repeat",
        words.repeat,
        examples.repeat,
        "the beginning of a story of your own",
        seeded=True,
    ),
    Station(
        "What it is not",
        words.what_it_is_not,
        examples.what_it_is_not,
        "a question to the model about itself",
        seeded=True,
    ),
)
# The two, counted from 1, whose examples ask the model once more.
SCORES, AGAIN = 3, 7
# Those that show tokens which could come next, and are in no text.
OFFERING = (4, 5)
