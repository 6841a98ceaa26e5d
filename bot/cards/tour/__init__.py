"""``/tour``: how a model writes, in seven short cards, each with its own picture.

lesson    what the loaded model computed for one text
words     what each station explains
shown     what each station shows of the lesson
stations  the seven stations in order
card      the frame, the buttons, and the modal for your own text
"""

from bot.cards.tour.card import TourCard, own_text, tour
from bot.cards.tour.lesson import Lesson, Repetition, describe_lesson

__all__ = ["Lesson", "Repetition", "TourCard", "describe_lesson", "own_text", "tour"]
