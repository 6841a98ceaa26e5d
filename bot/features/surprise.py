"""How surprising a text is to the model: every token's rank, and what it expected. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.model.protocol import GenerationRequest, SamplingParams, Step
from bot.text.pieces import Piece, Token, group

# How many more likely tokens are named for each token of the text.
EXPECTED = 3


def bits(nats: float) -> float:
    return nats / math.log(2)


class Bucket(Enum):
    """Ranks as GLTR colours them (Gehrmann, Strobelt and Rush 2019, https://arxiv.org/abs/1906.04043).

    A bucket's value is its last rank.
    """

    TOP_10 = 10
    TOP_100 = 100
    TOP_1000 = 1_000
    BEYOND = math.inf

    @classmethod
    def of(cls, rank: int) -> Bucket:
        return next(bucket for bucket in cls if rank <= bucket.value)


class Level(Enum):
    """How surprising something is. A level's value is its last whole number of bits."""

    EXPECTED = 2
    MILD = 6
    HIGH = 10
    EXTREME = math.inf

    @classmethod
    def of(cls, bits: float) -> Level:
        return next(level for level in cls if round(bits) <= level.value)


@dataclass(frozen=True, slots=True)
class Expected:
    """A token that the model found more likely than the text's own."""

    token: Token
    probability: float


@dataclass(frozen=True, slots=True)
class Scored:
    """A token of the text as the model scored it, given everything before. ``logprob`` is natural."""

    token: Token
    rank: int
    logprob: float
    expected: tuple[Expected, ...]

    @property
    def bucket(self) -> Bucket:
        return Bucket.of(self.rank)

    @property
    def probability(self) -> float:
        return math.exp(self.logprob)

    @property
    def surprise(self) -> float:
        """The negative log-likelihood in nats."""
        return 0.0 - self.logprob  # never -0.0

    @property
    def bits(self) -> float:
        """The same surprise in bits."""
        return bits(self.surprise)


@dataclass(frozen=True, slots=True)
class Part:
    """Whole characters of the text, whose tokens start at position ``start``.

    The text's very first token isn't scored.
    """

    piece: Piece
    start: int
    scored: tuple[Scored, ...]

    @property
    def most_surprising(self) -> Scored | None:
        """Its least likely token that wasn't the model's top guess."""
        unexpected = (scored for scored in self.scored if scored.rank > 1)
        return min(unexpected, key=lambda scored: scored.logprob, default=None)

    @property
    def bits(self) -> float:
        """The surprise of all its tokens together."""
        return math.fsum(scored.bits for scored in self.scored)

    @property
    def level(self) -> Level | None:
        return Level.of(self.bits) if self.scored else None


@dataclass(frozen=True, slots=True)
class Reading:
    """A text of at least two tokens, read by the model; ``first`` has nothing before it and no score."""

    first: Token
    scored: tuple[Scored, ...]

    @property
    def tokens(self) -> tuple[Token, ...]:
        return (self.first, *(scored.token for scored in self.scored))

    @property
    def loss(self) -> float:
        """The mean negative log-likelihood in nats: what transformers returns for ``labels=``."""
        return math.fsum(scored.surprise for scored in self.scored) / len(self.scored)

    @property
    def perplexity(self) -> float:
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf

    @property
    def buckets(self) -> dict[Bucket, int]:
        """The number of tokens in each bucket, empty ones included."""
        counted = Counter(scored.bucket for scored in self.scored)
        return {bucket: counted[bucket] for bucket in Bucket}

    def parts(self) -> list[Part]:
        """Split the text into whole characters."""
        parts: list[Part] = []
        start = 0
        for piece in group(self.tokens):
            end = start + len(piece.tokens)
            parts.append(Part(piece, start, self.scored[max(0, start - 1) : end - 1]))
            start = end
        return parts

    def most_surprising(self, count: int) -> list[tuple[Part, Scored]]:
        """Return the ``count`` most surprising parts, each with its least likely token.

        A part whose tokens were all the model's top guesses is no surprise.
        """
        found = [(part, scored) for part in self.parts() if (scored := part.most_surprising)]
        return sorted(found, key=lambda pair: (-pair[0].bits, pair[0].start))[:count]


def scoring(request_id: str, ids: Sequence[int]) -> GenerationRequest:
    """Ask the model to read a text of at least two tokens."""
    params = SamplingParams(temperature=1.0, candidates=EXPECTED)
    return GenerationRequest(request_id, tuple(ids), params, scored=True)


def reading(
    ids: Sequence[int],
    steps: Sequence[Step],
    token: Callable[[int], Token],
    hidden: Callable[[Token], bool] = lambda _token: False,
) -> Reading:
    """Combine a text's ids with the answer to :func:`scoring`, whose steps start with the second token.

    ``token`` looks up the vocabulary; ``hidden`` tokens are never named as expected.
    """
    scored = [
        Scored(
            token=token(token_id),
            rank=step.chosen.rank,
            logprob=step.chosen.logprob,
            expected=tuple(
                Expected(token(candidate.token_id), math.exp(candidate.logprob))
                for candidate in step.candidates
                if candidate.rank < step.chosen.rank and not hidden(token(candidate.token_id))
            ),
        )
        for token_id, step in zip(ids[1:], steps, strict=True)
    ]
    return Reading(token(ids[0]), tuple(scored))
