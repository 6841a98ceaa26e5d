"""GPT-2 with its keys and values as inputs and outputs, for the converters of two peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import DynamicCache, GPT2LMHeadModel
from transformers.cache_utils import DynamicLayer


class Step(torch.nn.Module):
    """Token ids and past keys and values → the last position's logits and all keys and values.

    ``past`` alternates keys and values, layer by layer, each [rows, heads, positions, width].
    All rows are equally long, so nothing is padded.
    """

    def __init__(self, model: GPT2LMHeadModel) -> None:
        super().__init__()
        self.model = model
        config = model.config
        self.layers, self.heads = config.n_layer, config.n_head
        self.width = config.n_embd // config.n_head

    def forward(self, ids: torch.Tensor, *past: torch.Tensor) -> tuple[torch.Tensor, ...]:
        cache = DynamicCache()
        for keys, values in zip(past[0::2], past[1::2], strict=True):
            layer: Any = DynamicLayer()  # type: ignore[no-untyped-call]
            layer.lazy_initialization(keys, values)
            layer.keys, layer.values = keys, values
            cache.layers.append(layer)
        start = past[0].shape[2]
        end = start + ids.shape[1]
        positions = torch.arange(start, end)
        later = torch.arange(end)[None, :] > positions[:, None]
        # A single mask would do, but OpenVINO's bfloat16 attention reads one per row.
        mask = torch.where(later, torch.finfo(torch.float32).min, 0.0).expand(ids.shape[0], 1, -1, -1)
        output: Any = self.model(
            input_ids=ids,
            past_key_values=cache,
            position_ids=positions[None],
            attention_mask=mask,
            logits_to_keep=1,
            use_cache=True,
        )
        layers = output.past_key_values.layers
        return (output.logits[:, -1], *(part for layer in layers for part in (layer.keys, layer.values)))

    def example(self) -> tuple[torch.Tensor, ...]:
        """Inputs for tracing."""
        past = [torch.zeros(2, self.heads, 3, self.width) for _ in range(2 * self.layers)]
        return (torch.zeros(2, 4, dtype=torch.long), *past)


class Head(torch.nn.Module):
    """The output matrix as a weight of its own, not the transposed embedding."""

    def __init__(self, embedding: torch.Tensor) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(embedding.detach().t().contiguous())

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states @ self.weight


def step(model: Path, *, untied: bool = False) -> Step:
    loaded: Any = GPT2LMHeadModel.from_pretrained(model, dtype=torch.float32)
    if untied:
        loaded.lm_head = Head(loaded.lm_head.weight)
    return Step(loaded).eval()
