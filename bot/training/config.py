"""How a network is trained: every number that may be changed, in one place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

GENTLE = 0.3  # of the peak learning rates: what has been learned is to be kept


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; times in seconds, shares of the budget between 0 and 1."""

    budget: float
    seed: int = 0
    threads: int = 2
    batch_tokens: int = 3072
    table_rate: float = 7e-3
    matrix_rate: float = 2e-2
    weight_decay: float = 0.05
    warm_up_share: float = 0.01
    short_share: float = 0.5
    short_time: int = 128
    sampled_share: float = 0.6
    sampled_ids: int = 4096
    unseen_share: float = 0.5
    matmul_dtype: torch.dtype = torch.bfloat16
    log_every: float = 30.0

    def gently(self, *, minutes: float) -> TrainingConfig:
        """The same for ``minutes`` more, on whole windows with the whole softmax."""
        return replace(
            self,
            budget=60 * minutes,
            table_rate=GENTLE * self.table_rate,
            matrix_rate=GENTLE * self.matrix_rate,
            short_share=0.0,
            sampled_share=0.0,
        )
