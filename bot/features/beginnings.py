"""Beginnings of texts that ``/guess`` offers."""

from __future__ import annotations

import secrets
from collections.abc import Collection

# This many of the latest are not drawn again.
REMEMBERED = 30

BEGINNINGS = (
    "Once upon a time there",
    "The first thing she saw when she opened the door was",
    "To be or not to",
    "In the morning he drank a cup of",
    "The train to London leaves at",
    "He looked up at the sky and saw the",
    "Two plus two is",
    "The old man and the",
    "She put the letter on the",
    "The best way to learn a language is to",
    "It was a dark and stormy",
    "The opposite of hot is",
    "My favourite colour is",
    "After the rain the streets were",
    "Roses are red, violets are",
    "The cat sat on the",
    "I am looking forward to",
    "A journey of a thousand miles begins with a single",
    "The doctor told him to stay in",
    "Water boils at a hundred",
    "They lived happily ever",
    "The answer to your question is",
    "On the other",
    "He played the piano, and she played the",
    "The ship sailed across the",
    "The moon goes around the",
    "When I was a child I wanted to be a",
    "Ladies and",
    "The bank of the river was covered with",
    "She went to the bank to get some",
    "The more you practise, the",
    "Thank you very",
    "It is raining cats and",
    "In the middle of the forest there was a",
    "He was born in the year",
    "Please close the",
    "The capital of France is",
    "Better late than",
    "The library was quiet except for the",
    "You can lead a horse to",
    "Nobody in the village had ever seen a",
    "The recipe says to add two cups of",
    "She whispered in his ear that she",
    "An apple a day keeps the",
    "The fastest animal in the world is the",
    "I opened the window because it was too",
    "Last night I had a strange dream about",
    "The two brothers had not spoken to each other for",
    "Practice makes",
    "Far away, on the other side of the mountain, a bell began to",
    'The detective picked up the glass and said: "This is',
    "Winter is coming, and the birds fly",
    "If I had a million pounds, I would",
    "The scientist looked through the microscope and could not believe her",
    "Good morning, and welcome to",
    "The secret of a long life is",
    "My grandmother always used to say that",
    "The last page of the book was",
    "We have run out of milk, so we need to go to the",
    "The robot turned its head and said,",
)


def random_beginning(latest: Collection[str]) -> str:
    """A beginning at random that is not among the ``latest``."""
    return secrets.choice([beginning for beginning in BEGINNINGS if beginning not in latest])
