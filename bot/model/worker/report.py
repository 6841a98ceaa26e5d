"""What a step says of the tokens it did and did not choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.protocol import Candidate, Step


@dataclass(frozen=True, slots=True)
class Choice:
    """``token_id`` was chosen at ``temperature``; the ``candidates`` most likely are to be reported."""

    token_id: int
    temperature: float
    candidates: int


def report(logits: Tensor, choices: Sequence[Choice]) -> list[Step]:
    """The steps that made ``choices`` from the rows of ``logits`` [rows, V].

    Log-probabilities are natural, entropy is in bits; both are of
    softmax(logits / temperature), or of softmax(logits) where it is 0. A row's
    report is the same, bit for bit, whatever rows lie beside it.
    """
    best = most_likely(logits, max(choice.candidates for choice in choices))
    reported = torch.tensor([[choice.token_id, *ids] for choice, ids in zip(choices, best, strict=True)])
    above = (logits > logits.gather(-1, reported[:, :1])).sum(dim=-1)
    logprobs, entropies = _distributions(logits, [choice.temperature or 1.0 for choice in choices])
    return [
        Step(
            chosen=Candidate(ids[0], row_logits[0], row_logprobs[0], rank),
            candidates=_ranked(ids, row_logits, row_logprobs)[: choice.candidates],
            entropy=entropy,
        )
        for choice, ids, row_logits, row_logprobs, rank, entropy in zip(
            choices,
            reported.tolist(),
            logits.gather(-1, reported).tolist(),
            logprobs.gather(-1, reported).tolist(),
            (above + 1).tolist(),
            entropies,
            strict=True,
        )
    ]


def _distributions(logits: Tensor, temperatures: Sequence[float]) -> tuple[Tensor, list[float]]:
    """Log-probabilities [rows, V] and entropies in bits."""
    rows = len(temperatures)
    # The sum of a single row would be shared between threads: in another order.
    spare = max(0, 2 - rows)
    divisors = torch.tensor([*temperatures, *[1.0] * spare])
    logprobs = (functional.pad(logits, (0, 0, 0, spare)) / divisors[:, None]).log_softmax(dim=-1)
    # A token of probability 0 adds nothing, though its logprob may be -inf.
    terms = logprobs.exp().mul_(logprobs.clamp_min(torch.finfo(torch.float32).min))
    bits = (terms.sum(dim=-1) / -math.log(2)).clamp_min_(0.0)
    return logprobs[:rows], bits[:rows].tolist()


def most_likely(logits: Tensor, count: int) -> list[list[int]]:
    """The ids of each row's ``count`` largest logits, largest first, the lower id first in a tie."""
    count = min(count, logits.size(-1))
    if count == 0:
        return [[] for _ in logits]
    values, ids = torch.topk(logits, min(count + 1, logits.size(-1)))
    found = []
    for row, (largest, order) in enumerate(zip(values.tolist(), ids.tolist(), strict=True)):
        pairs = list(zip(largest, order, strict=True))
        # topk promises no order among ties, nor which of them it takes.
        if len(pairs) > count and largest[count - 1] == largest[count]:
            tied = (logits[row] >= largest[count]).nonzero()[:, 0]
            pairs = list(zip(logits[row, tied].tolist(), tied.tolist(), strict=True))
        found.append(
            [token_id for _, token_id in sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[:count]]
        )
    return found


def _ranked(ids: Sequence[int], logits: Sequence[float], logprobs: Sequence[float]) -> tuple[Candidate, ...]:
    """The candidates behind the first of each list, most likely first; equal logits share a rank."""
    ranked: list[Candidate] = []
    for position in range(1, len(ids)):
        tied = position > 1 and logits[position] == logits[position - 1]
        rank = ranked[-1].rank if tied else position
        ranked.append(Candidate(ids[position], logits[position], logprobs[position], rank))
    return tuple(ranked)
