"""Results → Components V2 layouts. Pure: nothing here waits, asks or remembers.

A card is a ``LayoutView``: one container of at most 40 components and 4,000
characters of text, whatever the input was.
"""

from bot.cards.code import CodeCard, code_card
from bot.cards.compare import comparison
from bot.cards.compare_branches import comparison_texts, comparison_tree, is_cut
from bot.cards.compare_content import (
    ComparedText,
    ComparisonCard,
    Divergence,
    describe_comparison,
    describe_kept,
)
from bot.cards.compare_numbers import comparison_numbers
from bot.cards.complete import FULL_TEXT, completion, is_clipped
from bot.cards.complete_content import CompletionCard, describe_completion, describe_run
from bot.cards.complete_numbers import CompletionNumbers, completion_numbers, describe_numbers
from bot.cards.forget import PersonalData, ask_forget, forgotten, not_forgotten
from bot.cards.guess import GuessCard, describe_guess, guess, too_late, voted
from bot.cards.help import HelpCard, help_card
from bot.cards.layout import ERROR_COLOUR, Audience, date, error, model_name, notice
from bot.cards.model import ModelCard, model, model_bars, model_numbers
from bot.cards.next import NextCard, describe_next, next_bars, next_numbers, next_tokens
from bot.cards.receipt import receipt_card
from bot.cards.replay import ReplayCard, describe_replay, replayed
from bot.cards.reveal import RevealCard, describe_reveal, reveal, reveal_bars, reveal_numbers
from bot.cards.scores import LeaderboardCard, leaderboard, leaderboard_bars, listed
from bot.cards.share import file_name, media, share
from bot.cards.surprise import SurpriseCard, describe_surprise, surprise
from bot.cards.tokens import TokensCard, describe_tokens, tokens
from bot.cards.tour import TourCard, describe_lesson, own_text, tour
from bot.cards.vocabulary import vocabulary, vocabulary_bars
from bot.cards.vocabulary_content import Similar, VocabularyCard, describe_vocabulary
from bot.cards.vocabulary_numbers import vocabulary_numbers
from bot.cards.warm_up import warming_up
from bot.cards.why import WhyCard, describe_why, why, why_bars, why_numbers

__all__ = [
    "ERROR_COLOUR",
    "FULL_TEXT",
    "Audience",
    "CodeCard",
    "ComparedText",
    "ComparisonCard",
    "CompletionCard",
    "CompletionNumbers",
    "Divergence",
    "GuessCard",
    "HelpCard",
    "LeaderboardCard",
    "ModelCard",
    "NextCard",
    "PersonalData",
    "ReplayCard",
    "RevealCard",
    "Similar",
    "SurpriseCard",
    "TokensCard",
    "TourCard",
    "VocabularyCard",
    "WhyCard",
    "ask_forget",
    "code_card",
    "comparison",
    "comparison_numbers",
    "comparison_texts",
    "comparison_tree",
    "completion",
    "completion_numbers",
    "date",
    "describe_comparison",
    "describe_completion",
    "describe_guess",
    "describe_kept",
    "describe_lesson",
    "describe_next",
    "describe_numbers",
    "describe_replay",
    "describe_reveal",
    "describe_run",
    "describe_surprise",
    "describe_tokens",
    "describe_vocabulary",
    "describe_why",
    "error",
    "file_name",
    "forgotten",
    "guess",
    "help_card",
    "is_clipped",
    "is_cut",
    "leaderboard",
    "leaderboard_bars",
    "listed",
    "media",
    "model",
    "model_bars",
    "model_name",
    "model_numbers",
    "next_bars",
    "next_numbers",
    "next_tokens",
    "not_forgotten",
    "notice",
    "own_text",
    "receipt_card",
    "replayed",
    "reveal",
    "reveal_bars",
    "reveal_numbers",
    "share",
    "surprise",
    "tokens",
    "too_late",
    "tour",
    "vocabulary",
    "vocabulary_bars",
    "vocabulary_numbers",
    "voted",
    "warming_up",
    "why",
    "why_bars",
    "why_numbers",
]
