"""Texts scored by no model, with the ranks and logprobs that a test asks for."""

from __future__ import annotations

from bot.features.surprise import Reading, reading
from bot.model.protocol import Candidate, Step
from bot.text.tokenization import Encodings

ENCODINGS = Encodings()
LONDON = (23421, 373, 530, 286, 262)  # London was one of the
LIKELIER = (Candidate(257, 3.0, -1.0, 1), Candidate(262, 2.0, -2.0, 2))


def read(*found: tuple[int, float], ids: tuple[int, ...] = LONDON) -> Reading:
    """Score ``ids``; ``found`` has the rank and logprob of each token from the second on."""
    steps = [
        Step(Candidate(id_, 1.0, logprob, rank), LIKELIER, 1.0)
        for id_, (rank, logprob) in zip(ids[1:], found, strict=True)
    ]
    return reading(ids, steps, ENCODINGS.token)


def read_evenly(text: str, *, rank: int = 12, logprob: float = -4.0) -> Reading:
    """Score every token of ``text`` alike."""
    ids = ENCODINGS.encode(text)
    return read(*[(rank, logprob)] * (len(ids) - 1), ids=ids)


READ = read((1, -0.5), (12, -4.0), (20_000, -14.0), (2, -1.25))
