"""How surprising a text is for the model: every token's rank, and what was expected. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.model.protocol import GenerationRequest, SamplingParams, Step
from bot.text.pieces import Piece, Token, group

# So many likelier tokens are told of each.
EXPECTED = 3


def bits(nats: float) -> float:
    return nats / math.log(2)


class Bucket(Enum):
    """Ranks as GLTR colours them (Gehrmann, Strobelt and Rush 2019, https://arxiv.org/abs/1906.04043).

    A value is the bucket's last rank.
    """

    TOP_10 = 10
    TOP_100 = 100
    TOP_1000 = 1_000
    BEYOND = math.inf

    @classmethod
    def of(cls, rank: int) -> Bucket:
        return next(bucket for bucket in cls if rank <= bucket.value)


@dataclass(frozen=True, slots=True)
class Expected:
    """A token that the model found likelier than the text's."""

    token: Token
    probability: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A token of the text, as the model found it after all before it. ``logprob`` is natural."""

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
        """The negative log-likelihood, in nats."""
        return 0.0 - self.logprob  # never -0.0

    @property
    def bits(self) -> float:
        """The same surprise in bits."""
        return bits(self.surprise)


@dataclass(frozen=True, slots=True)
class Part:
    """Whole characters of the text, and its tokens ``start`` … in them; the text's first is not judged."""

    piece: Piece
    start: int
    judged: tuple[Judged, ...]

    @property
    def most_surprising(self) -> Judged | None:
        """The least likely of its tokens for which the model expected another one."""
        unexpected = (judged for judged in self.judged if judged.rank > 1)
        return min(unexpected, key=lambda judged: judged.logprob, default=None)

    @property
    def bucket(self) -> Bucket | None:
        """That of its highest rank."""
        return Bucket.of(max(judged.rank for judged in self.judged)) if self.judged else None


@dataclass(frozen=True, slots=True)
class Reading:
    """A text of at least two tokens, read by the model; before its ``first`` there is nothing."""

    first: Token
    judged: tuple[Judged, ...]

    @property
    def tokens(self) -> tuple[Token, ...]:
        return (self.first, *(judged.token for judged in self.judged))

    @property
    def loss(self) -> float:
        """The mean negative log-likelihood in nats: what transformers returns for ``labels=``."""
        return math.fsum(judged.surprise for judged in self.judged) / len(self.judged)

    @property
    def perplexity(self) -> float:
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf

    @property
    def buckets(self) -> dict[Bucket, int]:
        """How many tokens are in each; all are there."""
        counted = Counter(judged.bucket for judged in self.judged)
        return {bucket: counted[bucket] for bucket in Bucket}

    def parts(self) -> list[Part]:
        """The text cut at whole characters."""
        parts: list[Part] = []
        start = 0
        for piece in group(self.tokens):
            end = start + len(piece.tokens)
            parts.append(Part(piece, start, self.judged[max(0, start - 1) : end - 1]))
            start = end
        return parts

    def most_surprising(self, count: int) -> list[tuple[Part, Judged]]:
        """The tokens that the model found the least likely, the least likely first, each with its
        characters, of which no other token is there.

        What it itself would have written is not among them.
        """
        found = [(part, judged) for part in self.parts() if (judged := part.most_surprising)]
        return sorted(found, key=lambda pair: (pair[1].logprob, pair[0].start))[:count]


def scoring(request_id: str, ids: Sequence[int]) -> GenerationRequest:
    """What the model is asked to read a text of at least two tokens."""
    params = SamplingParams(temperature=1.0, candidates=EXPECTED)
    return GenerationRequest(request_id, tuple(ids), params, scored=True)


def reading(
    ids: Sequence[int],
    steps: Sequence[Step],
    token: Callable[[int], Token],
    hidden: Callable[[Token], bool] = lambda _token: False,
) -> Reading:
    """A text's ids with the answer to :func:`scoring`, whose steps begin with the second token.

    ``token`` knows the vocabulary; what is ``hidden`` is not told of as expected.
    """
    judged = [
        Judged(
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
    return Reading(token(ids[0]), tuple(judged))
