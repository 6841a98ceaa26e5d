"""What turns gradients into updates, and how large the updates are."""

from __future__ import annotations

import torch

from bot.training.config import TrainingConfig
from bot.training.network import Network


def rate_factor(share: float, warm_up_share: float) -> float:
    """The learning rate at a share of the budget: linear up, then linear down to zero."""
    if share < warm_up_share:
        return max(share, warm_up_share / 10) / warm_up_share
    return max(0.0, (1.0 - share) / (1.0 - warm_up_share))


def optimizers(network: Network, config: TrainingConfig) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the blocks' matrices, AdamW for everything else."""
    matrices = [p for p in network.h.parameters() if p.ndim == 2]
    tables = [network.wte.weight, network.wpe.weight]
    vectors = [p for p in network.parameters() if p.ndim == 1]
    muon = torch.optim.Muon(matrices, lr=config.matrix_rate, weight_decay=config.weight_decay)
    adam = torch.optim.AdamW(
        [
            {"params": tables, "weight_decay": config.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=config.table_rate,
        betas=(0.9, 0.98),
    )
    for optimizer in (muon, adam):
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return [muon, adam]
