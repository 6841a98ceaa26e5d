"""``transformers.generate``, whose texts the bot reproduces."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from tests.benchmarks.peers import Peer
from tests.benchmarks.peers.child import main
from tests.benchmarks.workload import Precision, Prompts

DISTRIBUTIONS = ("transformers",)
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
NOTE = "eight requests are a batch of eight rows; sampling at temperature 1."


def prepare(model: Path, files: Path, precision: Precision) -> None:
    """It reads the model's folder itself."""


def load(model: Path, files: Path, precision: Precision, threads: int) -> Generator:
    import torch
    from transformers import GPT2LMHeadModel

    torch.set_num_threads(threads)
    loaded: Any = GPT2LMHeadModel.from_pretrained(model, dtype=getattr(torch, precision))
    loaded.generation_config.eos_token_id = None
    loaded.generation_config.pad_token_id = 0
    return Generator(loaded)


class Generator:
    def __init__(self, model: Any) -> None:
        self._model = model

    def generate(
        self, prompts: Prompts, new_tokens: int, on_step: Callable[[], None] = lambda: None
    ) -> Prompts:
        import torch

        def clock(ids: torch.Tensor, _: Any) -> torch.Tensor:
            on_step()
            return torch.zeros(len(ids), dtype=torch.bool)

        ids = torch.tensor(prompts)
        texts = self._model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            max_new_tokens=new_tokens,
            stopping_criteria=[clock],
        )
        return cast("Prompts", texts[:, ids.shape[1] :].tolist())


if __name__ == "__main__":
    main(cast("Peer", sys.modules[__name__]))
