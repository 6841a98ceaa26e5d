"""The token embedding, in each precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.linear_layout import as_bytes
from bot.model.model_info import Precision

Embedding = Callable[[Tensor], Tensor]

# How many numbers of a row share a scale.
_BLOCK = 32


def packed_table(weight: Tensor, precision: Precision, *, tied: bool) -> dict[str, Tensor]:
    """The parts of a table made of the embedding's ``weight`` [vocabulary, width].

    There are none if the head's weights are the same ones (``tied``) and its rows can be read from there. Not
    from an int8 head: with one scale for each row, the embedding would lose too much. So int8 has a scale
    for every ``_BLOCK`` numbers of a row.
    """
    if precision == "int8":
        padded = functional.pad(weight, (0, -weight.size(1) % _BLOCK))
        rounded, scales = as_bytes(padded.view(len(weight), -1, _BLOCK))
        return {"bytes": rounded, "scales": scales}
    return {} if tied else {"table": weight.to(getattr(torch, precision), copy=True)}


def token_embedding(parts: Mapping[str, Tensor], head: Embedding, width: int) -> Embedding:
    """Ids → their rows of the embedding, as [ids, width] of float32.

    ``parts`` are those of ``packed_table``; ``head`` looks up rows of the head's weights.
    """
    match parts:
        case {"bytes": rounded, "scales": scales}:
            return lambda ids: (rounded[ids] * scales[ids]).flatten(1)[:, :width]
        case {"table": table}:
            return lambda ids: functional.embedding(ids, table).float()
    return head
