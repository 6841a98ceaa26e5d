"""Beginnings of texts that ``/guess`` offers."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from itertools import islice

# This many of the latest are not drawn again.
REMEMBERED = 30
# So many are read to the model, one after another, until it is confident of what follows.
TRIES = 4

# After each of these the demo model, which has read some old novels, is sure of a content word, and a larger
# model is at least as sure. tests.features.test_beginnings measures it.
PLAIN = (
    '"I don\'t believe a word of it," said the old man, and shook his',
    "The old man said nothing, but only shook his",
    "The little girl would not answer, and shook her",
    "The doctor looked grave and shook his",
    "The old woman smiled and nodded her",
    "The stranger answered in a low",
    '"Who is there?" she asked in a low',
    '"Stop!" he cried in a loud',
    "They whispered together in a low",
    "I have not seen him for a long",
    "We have known each other for a long",
    "We waited for the train for a long",
    "She looked at the letter for a long",
    "He had been away for a long",
    "He wrote his name on a piece of",
    "The boy drew a picture on a piece of",
    "On the table lay a sheet of",
    "She took out a pen and a sheet of",
    "The child put her arms round her mother's",
    "She threw her arms round his",
    "He came in quietly and shut the",
    "It was cold in the room, so she shut the",
    "She heard a knock and opened the",
    "Before he went to bed, he locked the",
    "He went out of the room and locked the",
    "In the middle of the night there was a knock at the",
    "Suddenly there was a loud knock at the",
    "The tired child closed her",
    "She woke up and opened her",
    "The patient slowly opened his",
    "The child fell down and burst into",
    "When she heard the sad news, she burst into",
    "The visitor rang the",
    "In a hurry she rang the",
    "In the morning he drank a cup of",
    "She asked the waiter for a cup of",
    "They sat in the garden and drank a cup of",
    "The Frenchman shrugged his",
    "He only laughed and shrugged his",
    "She was so tired that she was soon fast",
    "At midnight I was still wide",
    "She stopped on the stairs for a",
    "The doctor came in a few",
    "The train will leave in a few",
    "The detective leaned back in his",
    '"How do you do?" he said, and held out his',
    '"Good-bye, my friend," he said, and held out his',
    "She came forward and held out her",
    "It was cold, so they sat by the",
    "She put the plates on the",
    "The people shook their",
    "She laughed and clapped her",
    "She had a smile on her",
    "She had blue eyes and golden",
    "He was a handsome young",
    "The old gentleman and the old",
    "He was about fifty years of",
    "She saw the sea for the first",
    "They both began to speak at the same",
    "They lived on the other",
    "He came back at four o'clock in the",
    "They lived in a large house in Baker",
    '"My dear fellow," said Sherlock',
    "They came to the Emerald",
    "Said Alice to the White",
)

# A model that has read the web knows these; the demo model hardly any.
WELL_KNOWN = (
    "Once upon a",
    "They lived happily ever",
    "To be or not to be, that is the",
    "It is raining cats and",
    "An apple a day keeps the doctor",
    "An apple a day keeps the",
    "The early bird catches the",
    "Better late than",
    "Practice makes",
    "Actions speak louder than",
    "A picture is worth a thousand",
    "Don't judge a book by its",
    "Every cloud has a silver",
    "The pen is mightier than the",
    "Curiosity killed the",
    "Rome wasn't built in a",
    "When in Rome, do as the",
    "A journey of a thousand miles begins with a single",
    "You can lead a horse to",
    "Beauty is in the eye of the",
    "There is no place like",
    "Ladies and",
    "Houston, we have a",
    "One small step for man, one giant leap for",
    "Four score and seven years",
    "The United States of",
    "The Statue of Liberty is in New",
    "Roses are red, violets are",
    "Romeo and",
    "Monday, Tuesday, Wednesday,",
    "Red, orange, yellow, green,",
    "One, two, three,",
    "The opposite of hot is",
    "The sun rises in the east and sets in the",
    "The moon goes around the",
    "Water freezes at zero degrees",
    "A triangle has three",
    "Spring, summer, autumn and",
    "The cat chased the",
    "For breakfast she had bacon and",
    "He played the piano, and she played the",
    "The three primary colours are red, yellow and",
    "Once bitten, twice",
    "Thank you very",
)

BEGINNINGS = PLAIN + WELL_KNOWN


def some_beginnings(count: int, latest: Collection[str]) -> Iterator[str]:
    """Draw up to ``count`` different beginnings that are not among the ``latest``.

    The first is any of ours; the others are plain, so that a small model soon comes to one it is sure of.
    """
    left = [beginning for beginning in BEGINNINGS if beginning not in latest]
    first = secrets.choice(left)
    plain = [beginning for beginning in PLAIN if beginning in left and beginning != first]
    secrets.SystemRandom().shuffle(plain)
    yield from islice((first, *plain), count)
