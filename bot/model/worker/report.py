"""What a step says of the tokens it did and did not choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bot.model.protocol import Candidate, Step
from bot.model.worker.sampling import scores
from bot.model.worker.sampling_kernels import SamplingKernels


@dataclass(frozen=True, slots=True)
class Choice:
    """``token_id`` was chosen at ``temperature``; the ``candidates`` most likely are to be reported."""

    token_id: int
    temperature: float
    candidates: int


def report(logits: Tensor, choices: Sequence[Choice], kernels: SamplingKernels) -> list[Step]:
    """The steps that made ``choices`` from the rows of ``logits`` [rows, V].

    Log-probabilities are natural, entropy is in bits; both are of
    softmax(logits / temperature), or of softmax(logits) where it is 0, in float32. A row's
    report is the same, bit for bit, whatever rows lie beside it, on any processor.
    """
    best = most_likely(logits, max(choice.candidates for choice in choices), kernels)
    reported = torch.tensor([[choice.token_id, *ids] for choice, ids in zip(choices, best, strict=True)])
    temperatures = torch.tensor([choice.temperature or 1.0 for choice in choices])
    measured = kernels.measure(logits, temperatures, reported[:, 0].contiguous())
    logits = logits.gather(-1, reported)
    tempered = scores(logits, temperatures[:, None])
    logprobs = tempered.double() - measured.largest[:, None] - measured.log_sum[:, None]
    return [
        Step(
            chosen=Candidate(ids[0], row_logits[0], row_logprobs[0], rank),
            candidates=_ranked(ids, row_logits, row_logprobs)[: choice.candidates],
            entropy=entropy,
        )
        for choice, ids, row_logits, row_logprobs, rank, entropy in zip(
            choices,
            reported.tolist(),
            logits.tolist(),
            logprobs.float().tolist(),
            (measured.above.long() + 1).tolist(),
            measured.entropy.float().tolist(),
            strict=True,
        )
    ]


def side_by_side(rows: Sequence[Tensor]) -> Tensor:
    """``rows`` [V] as one tensor [rows, V]: a view where they follow each other in memory, or else a copy."""
    first = rows[0]
    size, memory = first.element_size(), first.untyped_storage().data_ptr()
    places = [(row.data_ptr() - first.data_ptr()) // size for row in rows]
    stride = places[1] if len(rows) > 1 else len(first)
    if (
        stride < len(first)
        or places != [n * stride for n in range(len(rows))]
        or any(row.untyped_storage().data_ptr() != memory for row in rows)
    ):
        return torch.stack(list(rows))
    return first.as_strided((len(rows), len(first)), (stride, 1))


def most_likely(logits: Tensor, count: int, kernels: SamplingKernels) -> list[list[int]]:
    """The ids of each row's ``count`` largest logits, largest first, the lower id first in a tie."""
    vocabulary = logits.size(-1)
    count = min(count, vocabulary)
    if count == 0:
        return [[] for _ in logits]
    values, ids = kernels.largest(logits, min(count + 1, vocabulary))
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
