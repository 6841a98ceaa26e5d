"""A longer context for a trained network: more positions, then a little more training.

Attention costs more the longer the windows are, so most of the training sees
short ones, and what is left to learn is what to make of far positions.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from bot.training.config import TrainingConfig
from bot.training.network import Network

GENTLE = 0.3  # of the peak learning rates: what has been learned is to be kept


def lengthened(network: Network, context: int) -> Network:
    """A copy of ``network`` with ``context`` positions.

    The new rows of the position table repeat the later half of the old ones,
    where a token has as many before it as its attention is used to.
    """
    trained = network.config.context
    longer = Network(replace(network.config, context=context))
    state = network.state_dict()
    repeated = trained // 2 + torch.arange(context - trained) % (trained - trained // 2)
    state["wpe.weight"] = torch.cat([state["wpe.weight"], state["wpe.weight"][repeated]])
    longer.load_state_dict(state)
    return longer


def gently(config: TrainingConfig, *, minutes: float) -> TrainingConfig:
    """``config`` for ``minutes`` more, on whole windows with the whole softmax."""
    return replace(
        config,
        budget=60 * minutes,
        table_rate=GENTLE * config.table_rate,
        matrix_rate=GENTLE * config.matrix_rate,
        short_share=0.0,
        sampled_share=0.0,
    )
