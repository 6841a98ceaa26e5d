"""Which thread draws, and when, changes no text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import Tensor

from bot.model.gpt2.transformer import GPT2
from bot.model.worker.sampling import Sampler
from tests.support.driving import engine_of, request, run, torch_threads


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_text_takes_as_many_draws_as_it_has_tokens(
    gpt2: GPT2, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    seeds: list[int] = []
    real: Callable[[Sampler], Tensor | None] = Sampler.noise

    def noise(self: Sampler) -> Tensor | None:
        seeds.append(self.params.seed)
        return real(self)

    monkeypatch.setattr(Sampler, "noise", noise)
    with torch_threads(threads):
        run(engine_of(gpt2), request("a", seed=1, max_new_tokens=6), request("b", seed=2, max_new_tokens=1))
    assert sorted(seeds) == [1] * 6 + [2]


def test_draws_made_ahead_are_those_made_in_time(gpt2: GPT2) -> None:
    texts = []
    for threads in (1, 2, 3):
        with torch_threads(threads):
            requests = [request(name, seed=n, max_new_tokens=4 + 3 * n) for n, name in enumerate("abc")]
            texts.append(run(engine_of(gpt2), *requests))
    assert texts[1:] == texts[:1] * 2
