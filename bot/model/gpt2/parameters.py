"""A GPT-2's numbers on their way from a checkpoint's files into packed layers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bot.model.checkpoint.configuration import Configuration


@dataclass(frozen=True, slots=True)
class Parameters:
    """The tensors of a GPT-2 of ``configuration``, all float32.

    Their names are those of a checkpoint, without prefix: ``wte.weight``, ``h.0.attn.c_attn.bias``.
    Inside the layers weights are [in, out], as transformers' ``Conv1D`` keeps them. Where there is
    no ``lm_head.weight``, the embedding is also the head.
    """

    configuration: Configuration
    tensors: dict[str, Tensor]

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return sum(tensor.numel() for tensor in self.tensors.values())

    def take(self, name: str) -> Tensor:
        """The tensor ``name``, which this no longer holds."""
        return self.tensors.pop(name)
