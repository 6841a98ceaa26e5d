"""``/guess`` without Discord: four tokens, one of them the model's top guess."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from bot.errors import NothingToGuess, RevealTooEarly
from bot.features.content_words import is_content_word
from bot.features.next import Walk, WalkRun
from bot.model.protocol import Candidate, Step

CHOICES = 4
# The rivals are drawn from this many of the most likely tokens after the top guess. The model is
# asked for more, since some of them are no choices.
RIVALS = 6
CANDIDATES = 20
# Seconds after which anyone may reveal.
PATIENCE = 600.0
# A beginning of ours makes a good round if the top guess has at least this probability, and the whole
# distribution at most this entropy, in bits.
CONFIDENT = 0.3
UNSURE = 5.5
# Stands for the owner of a round whose beginner asked the bot to forget them.
NO_ONE = 0

_END_OF_TEXT = "<|endoftext|>"
# Long runs of one character look alike: GPT-2 has tokens of 8, 16, 32 and 64 dashes.
_RUN = re.compile(r"((.)\2{3})\2+", re.DOTALL)

TextOf = Callable[[int], str]

_SHOWN_AS_SIGNS = frozenset(" \n\t")
_PLAIN = str.maketrans("‘’‚“”„–—", "'''\"\"\"--")


@dataclass(frozen=True, slots=True)
class Round:
    """What people vote on, and how they have voted so far.

    ``choices`` are token ids in the order in which they are shown; ``votes`` maps people to token
    ids. ``guild`` is the server it is played on; None in a direct message.
    """

    run_id: str
    guild: int | None
    choices: tuple[int, ...]
    top_guess: int
    revealed: bool = False
    votes: Mapping[int, int] = field(default_factory=dict)

    def voters(self, token_id: int) -> tuple[int, ...]:
        return tuple(person for person, chosen in self.votes.items() if chosen == token_id)


@dataclass(frozen=True, slots=True)
class Cast:
    """What became of a vote. None counts once the round is over; ``before`` is the vote it replaced."""

    counts: bool
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """How often ``person`` was right, of how many rounds they voted in."""

    person: int
    right: int
    rounds: int


def walk_for(run_id: str, owner: int, prompt_ids: tuple[int, ...]) -> Walk:
    """The request of a round. Greedy, so that the probabilities are the model's own."""
    return Walk(run_id, owner, prompt_ids, (), temperature=0.0, seed=0, candidates=CANDIDATES)


def round_of(run: WalkRun, guild: int | None, text_of: TextOf) -> Round:
    """The top guess and three rivals, drawn and shuffled by the run's id.

    Where the top guess is a content word, so are its rivals, as far as there are any: among nouns, a "the"
    would be no rival. NothingToGuess if the top guess, or too many after it, cannot be told apart by eye.
    """
    top_guess, *others = choices(run.step, text_of)

    def is_word(choice: Candidate) -> bool:
        return is_content_word(text_of(choice.token_id))

    if is_word(top_guess):
        others.sort(key=is_word, reverse=True)  # in the order of their ranks otherwise
    chance = Random(run.run_id)  # noqa: S311 - no secret
    shown = [top_guess, *chance.sample(others[:RIVALS], CHOICES - 1)]
    chance.shuffle(shown)
    return Round(run.run_id, guild, tuple(choice.token_id for choice in shown), top_guess.token_id)


def choices(step: Step, text_of: TextOf) -> list[Candidate]:
    """The top guess, and all after it that people can tell from it and from each other.

    NothingToGuess if there are fewer than four, or the top guess is not among them.
    """
    top_guess = step.candidates[0]
    kept: list[Candidate] = []
    seen: set[str] = set()
    for candidate in step.candidates:
        text = text_of(candidate.token_id)
        as_likely = candidate is not top_guess and candidate.rank == top_guess.rank
        if as_likely or not is_legible(text) or likeness(text) in seen:
            continue
        seen.add(likeness(text))
        kept.append(candidate)
    if len(kept) < CHOICES or kept[0] is not top_guess:
        raise NothingToGuess
    return kept


def confidence(step: Step, text_of: TextOf) -> float:
    """The probability of the top guess if it is a content word, otherwise 0; −1 without anything to guess."""
    try:
        top_guess = choices(step, text_of)[0]
    except NothingToGuess:
        return -1.0
    return math.exp(top_guess.logprob) if is_content_word(text_of(top_guess.token_id)) else 0.0


def is_good(step: Step, text_of: TextOf) -> bool:
    """Whether the model is confident of a content word here."""
    return confidence(step, text_of) >= CONFIDENT and step.entropy <= UNSURE


def is_legible(text: str) -> bool:
    """Whether a token's text can be read: whole characters that are visible, or have a sign."""
    return text not in ("", _END_OF_TEXT) and all(
        character in _SHOWN_AS_SIGNS or unicodedata.category(character)[0] in "LNPS" for character in text
    )


def likeness(text: str) -> str:
    """The same for texts that look alike: they differ in spaces, the form of quotes, the length of a line."""
    shown = unicodedata.normalize("NFKC", text).translate(_PLAIN).strip()
    return _RUN.sub(r"\1", shown)


def check_reveal(run: WalkRun, *, person: int, is_moderator: bool, now: float) -> None:
    """RevealTooEarly unless ``person`` began the round, is a moderator, or it was begun long ago."""
    left = run.asked_at + PATIENCE - now
    if person != run.owner and not is_moderator and left > 0:
        raise RevealTooEarly(seconds=left)
