"""``/tour``: how a model writes, in seven short cards, each with an example of its own.

lesson    what the loaded model has computed of one text
words     what each station explains
examples  what each station shows of the lesson
stations  the seven, in their order
card      the frame, the buttons, and the modal for a text of one's own
"""

from bot.cards.tour.card import TourCard, own_text, tour
from bot.cards.tour.lesson import Lesson, Repetition, describe_lesson

__all__ = ["Lesson", "Repetition", "TourCard", "describe_lesson", "own_text", "tour"]
