"""Logits → next token.

Every function takes one row of logits or scores, a float32 tensor of shape [V]
where V is the vocabulary's size, and leaves it unchanged. The filters, their
order and the draw are those of transformers' ``generate`` on the CPU, so that
``set_seed(seed); model.generate(do_sample=True, …)`` chooses the same tokens.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bot.model.protocol import MAX_SEED, Candidate, SamplingParams, Step

MAX_SKIP_DRAWS = 100_000


class Sampler:
    """Chooses one request's tokens, step after step, from its own generator."""

    def __init__(self, params: SamplingParams, *, vocabulary: int) -> None:
        self._params = params
        self._vocabulary = vocabulary
        self._generator = torch.Generator().manual_seed(params.seed)
        self.draws_to_skip = params.skip_draws if params.temperature > 0 else 0

    def skip(self, at_most: int) -> None:
        """Spend up to ``at_most`` of ``draws_to_skip``; all are due before the first step.

        A thousand take about a second, hence the portions.
        """
        count = min(at_most, self.draws_to_skip)
        skip_draws(self._generator, count, vocabulary=self._vocabulary)
        self.draws_to_skip -= count

    def step(self, logits: Tensor) -> Step:
        """Choose from ``logits`` [V] and report; ValueError if any is not finite."""
        # Infinities and NaN survive a sum, and the report has no way to say them.
        if not math.isfinite(logits.sum(dtype=torch.float64).item()):
            raise ValueError("the model's logits are not finite")
        params = self._params
        if params.temperature == 0:
            chosen = int(logits.argmax())
        else:
            chosen = draw(filtered(logits, params), self._generator)
        return report(logits, chosen, temperature=params.temperature, candidates=params.candidates)


def problem(params: SamplingParams) -> str | None:
    """What makes ``params`` unusable, in words for the log, or None."""
    if params.max_new_tokens < 1:
        return "max_new_tokens is less than 1"
    if not (math.isfinite(params.temperature) and params.temperature >= 0):
        return "the temperature is neither 0 nor a positive number"
    if params.top_k < 0:
        return "top_k is negative"
    if not 0 < params.top_p <= 1:
        return "top_p is not above 0 and at most 1"
    if not 0 <= params.seed <= MAX_SEED:
        return f"the seed is not from 0 to {MAX_SEED}"
    if not 0 <= params.skip_draws <= MAX_SKIP_DRAWS:
        return f"skip_draws is not from 0 to {MAX_SKIP_DRAWS}"
    if params.candidates < 0:
        return "candidates is negative"
    return None


def filtered(logits: Tensor, params: SamplingParams) -> Tensor:
    """Scores [V]: temperature, then top-k, then top-p; what is filtered out is -inf.

    The order is that of transformers' ``GenerationMixin._get_logits_processor``.
    """
    scores = logits / params.temperature
    if params.top_k > 0:
        scores = keep_top_k(scores, params.top_k)
    if params.top_p < 1:
        scores = keep_top_p(scores, params.top_p)
    return scores


def keep_top_k(scores: Tensor, k: int) -> Tensor:
    """Scores below the ``k``-th largest become -inf (TopKLogitsWarper); ties all stay."""
    smallest_kept = torch.topk(scores, min(k, scores.size(-1))).values[-1]
    return scores.masked_fill(scores < smallest_kept, -math.inf)


def keep_top_p(scores: Tensor, p: float) -> Tensor:
    """The unlikeliest tokens of total probability ≤ 1 - ``p`` become -inf (TopPLogitsWarper).

    The likeliest token always stays.
    """
    ascending, order = torch.sort(scores, descending=False)
    remove_sorted = ascending.softmax(dim=-1).cumsum(dim=-1) <= (1 - p)
    remove_sorted[-1] = False
    remove = remove_sorted.scatter(0, order, remove_sorted)
    return scores.masked_fill(remove, -math.inf)


def draw(scores: Tensor, generator: torch.Generator) -> int:
    """One token id with the probabilities softmax(``scores``)."""
    return int(torch.multinomial(scores.softmax(dim=-1), 1, generator=generator))


def skip_draws(generator: torch.Generator, count: int, *, vocabulary: int) -> None:
    """Advance ``generator`` as ``count`` calls of ``draw`` over [``vocabulary``] would.

    A draw of one sample takes one exponential variate a token, whatever the
    probabilities (``multinomial_out`` in ATen/native/Distributions.cpp).
    """
    variates = torch.empty(vocabulary)
    for _ in range(count):
        variates.exponential_(1.0, generator=generator)


def report(logits: Tensor, chosen: int, *, temperature: float, candidates: int) -> Step:
    """The step that chose ``chosen``, with its ``candidates`` likeliest tokens.

    Log-probabilities are natural, entropy is in bits; both are of
    softmax(logits / temperature), or of softmax(logits) where it is 0.
    """
    logprobs = (logits / (temperature or 1.0)).log_softmax(dim=-1)
    # A token of probability 0 adds nothing, though its logprob may be -inf.
    entropy = -(logprobs.exp() * logprobs.clamp_min(torch.finfo(torch.float32).min)).sum()

    def candidate(token_id: int) -> Candidate:
        logit = logits[token_id]
        return Candidate(
            token_id=token_id,
            logit=logit.item(),
            logprob=logprobs[token_id].item(),
            rank=int((logits > logit).sum()) + 1,
        )

    return Step(
        chosen=candidate(chosen),
        candidates=tuple(candidate(token_id) for token_id in likeliest(logits, candidates)),
        entropy=max(0.0, entropy.item() / math.log(2)),
    )


def likeliest(logits: Tensor, count: int) -> list[int]:
    """The ids of the ``count`` largest logits, largest first, the lower id first in a tie."""
    count = min(count, logits.size(-1))
    if count == 0:
        return []
    # topk alone promises no order among ties.
    smallest = torch.topk(logits, count).values[-1]
    ids = (logits >= smallest).nonzero().squeeze(-1)
    order = torch.sort(logits[ids], descending=True, stable=True).indices
    return [int(token_id) for token_id in ids[order[:count]]]
