"""What kernels make of the same rows and seeds, to be compared between processors."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bot.model.kernels.variates import Twister
from bot.model.protocol import SamplingParams
from bot.model.worker.report import Choice, report
from bot.model.worker.sampling import Sampler
from bot.model.worker.sampling_kernels import SamplingKernels

# Every filter, and none; a temperature that makes a token certain, and one that makes all alike.
SETTINGS = (
    SamplingParams(seed=0, temperature=1.0, top_k=0, top_p=1.0),
    SamplingParams(seed=1, temperature=0.7, top_k=50, top_p=1.0),
    SamplingParams(seed=2, temperature=0.9, top_k=0, top_p=0.9),
    SamplingParams(seed=3, temperature=1e-30, top_k=7, top_p=0.5),
    SamplingParams(seed=2**32 - 1, temperature=40.0, top_k=0, top_p=0.3),
)


def rows(count: int, vocabulary: int) -> Tensor:
    """Logits [count, vocabulary], of which some are alike, huge or far apart."""
    found = torch.randn(count, vocabulary, generator=torch.Generator().manual_seed(vocabulary)) * 4
    found[1] = found[1].round()
    found[2] *= 1e4
    found[3, : vocabulary // 2] = 3e38
    return found


def sampled(kernels: SamplingKernels, vocabulary: int) -> Tensor:
    """The bits of the variates of some seeds, of the tokens that they draw, and of the reports on those."""
    return torch.cat([numbers.double().view(torch.int64) for numbers in _numbers(kernels, vocabulary)])


def _numbers(kernels: SamplingKernels, vocabulary: int) -> Iterator[Tensor]:
    logits = rows(6, vocabulary)
    for params in SETTINGS:
        yield kernels.variates(Twister(params.seed), vocabulary)
        sampler = Sampler(params, spent=2, vocabulary=vocabulary, kernels=kernels)
        sampler.skip(2)
        drawn = [sampler.choose(row, sampler.noise()) for row in logits]
        yield torch.tensor(drawn)
        for step in report(logits, [Choice(token_id, params.temperature, 3) for token_id in drawn], kernels):
            reported = [
                number for one in step.candidates for number in (one.token_id, one.logit, one.logprob)
            ]
            chosen = [step.chosen.logit, step.chosen.logprob, step.chosen.rank, step.entropy]
            yield torch.tensor([*reported, *chosen], dtype=torch.float64)
