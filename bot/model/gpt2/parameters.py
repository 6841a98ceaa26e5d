"""A GPT-2's numbers on their way from a checkpoint's files into packed layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from bot.model.checkpoint.configuration import Configuration


@dataclass(frozen=True, slots=True)
class Parameters:
    """The tensors of a GPT-2 of ``configuration``, each read when it is taken, as float32.

    ``count`` is how many numbers there are. The names are those of a checkpoint, without prefix:
    ``wte.weight``, ``h.0.attn.c_attn.bias``. Inside the layers weights are [in, out], as transformers'
    ``Conv1D`` keeps them. Where there is no ``lm_head.weight``, the embedding is also the head.
    """

    configuration: Configuration
    count: int
    read: dict[str, Callable[[], Tensor]]

    def __contains__(self, name: str) -> bool:
        return name in self.read

    def take(self, name: str) -> Tensor:
        """The tensor ``name``, which this no longer has; ModelRefused if it cannot be used."""
        return self.read.pop(name)()
