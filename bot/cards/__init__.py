"""Results → Components V2 layouts. Pure: nothing here waits, asks or remembers.

A card is a ``LayoutView``: one container of at most 40 components and 4,000
characters of text, whatever the input was.
"""

from bot.cards.completion import WHOLE_TEXT, CompletionCard, completion, is_clipped
from bot.cards.forgotten import forgotten
from bot.cards.guess import GuessCard, RevealCard, guess, reveal, voted
from bot.cards.layout import ERROR_COLOUR, Closing, date, error, model_name
from bot.cards.model import ModelCard, model
from bot.cards.next_token import NextCard, next_tokens
from bot.cards.scores import scores
from bot.cards.tokens import TokensCard, describe_tokens, tokens
from bot.cards.tour import TourCard, describe_lesson, own_text, tour
from bot.cards.vocabulary import Similar, VocabularyCard, vocabulary

__all__ = [
    "ERROR_COLOUR",
    "WHOLE_TEXT",
    "Closing",
    "CompletionCard",
    "GuessCard",
    "ModelCard",
    "NextCard",
    "RevealCard",
    "Similar",
    "TokensCard",
    "TourCard",
    "VocabularyCard",
    "completion",
    "date",
    "describe_lesson",
    "describe_tokens",
    "error",
    "forgotten",
    "guess",
    "is_clipped",
    "model",
    "model_name",
    "next_tokens",
    "own_text",
    "reveal",
    "scores",
    "tokens",
    "tour",
    "vocabulary",
    "voted",
]
