"""GPT-2's forward pass over packed rows.

The rows of several sequences lie in one [rows, width] tensor for embeddings,
layer norms and linear layers, so that one pass over the weights serves all.
Attention runs sequence by sequence over exactly that sequence's keys and
values. Nothing is padded or masked across sequences, and a row's result is the
same, bit for bit, whatever rows lie beside it.

The architecture is that of transformers' ``modeling_gpt2.py``; the weights come
from its ``GPT2LMHeadModel``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import GPT2LMHeadModel
from transformers.models.gpt2.modeling_gpt2 import GPT2Block
from transformers.pytorch_utils import Conv1D

from bot.model.linear import Activation, Linear, linear, packing_available

# A prompt is read in chunks that begin at multiples of this many positions. A
# row's bits depend on its chunk, so the borders are fixed and never follow load.
PREFILL_CHUNK = 256

_ACTIVATIONS: dict[str, Activation] = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}
_FIRST_CAPACITY = 64


class UnsupportedModel(ValueError):
    """A GPT-2 variant that this forward pass does not compute."""


class KVCache:
    """One sequence's keys and values: a layer is a [2, heads, capacity, head width] tensor.

    The capacity doubles as the sequence grows, up to the context.
    """

    def __init__(self, *, layers: int, heads: int, head_width: int, context: int) -> None:
        self.length = 0
        self._context = context
        self._layers = [torch.empty(2, heads, 0, head_width) for _ in range(layers)]

    def reserve(self, count: int) -> None:
        """Make room for ``count`` more positions; ValueError beyond the context."""
        needed = self.length + count
        if needed > self._context:
            raise ValueError(f"{needed} positions do not fit a context of {self._context}")
        capacity = self._layers[0].size(2)
        if needed <= capacity:
            return
        capacity = capacity or _FIRST_CAPACITY
        while capacity < needed:
            capacity *= 2
        for index, old in enumerate(self._layers):
            grown = old.new_empty(2, old.size(1), min(capacity, self._context), old.size(3))
            grown[:, :, : self.length] = old[:, :, : self.length]
            self._layers[index] = grown

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put new ``keys`` and ``values`` [heads, new, head width] behind the old ones.

        Returns all of them, [heads, length + new, head width]. ``length`` is
        moved by the caller once every layer is written.
        """
        end = self.length + keys.size(1)
        stored = self._layers[layer]
        stored[0, :, self.length : end] = keys
        stored[1, :, self.length : end] = values
        return stored[0, :, :end], stored[1, :, :end]


@dataclass(frozen=True)
class Chunk:
    """The next ``ids`` of the sequence in ``cache``."""

    cache: KVCache
    ids: Sequence[int]


@dataclass(frozen=True)
class _Norm:
    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True)
class _Block:
    norm_1: _Norm
    qkv: Linear
    attention_out: Linear
    norm_2: _Norm
    expand: Linear
    contract: Linear
    scale: float


class GPT2:
    """The weights, ready to run in float32 on the CPU.

    Building one takes ``model`` apart: each weight is freed as soon as its
    packed copy exists, so at no time are there two copies of the model. The
    one exception is the vocabulary's table: it is kept once plain, for the
    embedding, and once packed, for the logits (257 MB more for GPT-2 Large).
    """

    def __init__(
        self,
        model: GPT2LMHeadModel,
        *,
        packed: bool | None = None,
        on_layer: Callable[[int], None] = lambda done: None,
    ) -> None:
        config = model.config
        if config.activation_function not in _ACTIVATIONS:
            raise UnsupportedModel(f"the activation {config.activation_function!r} is not GPT-2's")
        if config.add_cross_attention:
            raise UnsupportedModel("it has cross-attention, which GPT-2 has not")
        self.layers, self.heads, self.width = config.n_layer, config.n_head, config.n_embd
        self.context, self.vocabulary = config.n_positions, config.vocab_size
        self.batches = packing_available() if packed is None else packed
        self._token_embedding = _own(model.transformer.wte.weight)
        self._position_embedding = _own(model.transformer.wpe.weight)
        self._final_norm = _norm(model.transformer.ln_f)
        self._head = linear(model.lm_head.weight, None, packed=self.batches)
        del model.lm_head
        self._blocks: list[_Block] = []
        for index, block in enumerate(cast("list[GPT2Block]", model.transformer.h)):
            self._blocks.append(_packed_block(block, _ACTIVATIONS[config.activation_function], self.batches))
            model.transformer.h[index] = nn.Identity()
            on_layer(index + 1)

    def new_cache(self) -> KVCache:
        return KVCache(
            layers=self.layers,
            heads=self.heads,
            head_width=self.width // self.heads,
            context=self.context,
        )

    def forward(self, chunks: Sequence[Chunk]) -> list[Tensor]:
        """Extend each chunk's cache; the chunks' last hidden states, each [ids, width].

        Without packed weights every chunk takes a pass of its own, because only
        then does a sequence not depend on its neighbours.
        """
        if not self.batches and len(chunks) > 1:
            return [hidden for chunk in chunks for hidden in self.forward([chunk])]
        for chunk in chunks:
            chunk.cache.reserve(len(chunk.ids))
        sizes = [len(chunk.ids) for chunk in chunks]
        ids = torch.tensor([token_id for chunk in chunks for token_id in chunk.ids])
        positions = torch.cat([torch.arange(len(c.ids)) + c.cache.length for c in chunks])
        x = functional.embedding(ids, self._token_embedding) + functional.embedding(
            positions, self._position_embedding
        )
        for layer, block in enumerate(self._blocks):
            parts = torch.split(block.qkv(block.norm_1(x)), sizes)
            attended = [
                self._attend(layer, block.scale, chunk.cache, part)
                for chunk, part in zip(chunks, parts, strict=True)
            ]
            x = x + block.attention_out(torch.cat(attended))
            x = x + block.contract(block.expand(block.norm_2(x)))
        for chunk in chunks:
            chunk.cache.length += len(chunk.ids)
        return list(torch.split(x, sizes))

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, width] → [rows, vocabulary]."""
        return self._head(self._final_norm(hidden))

    def next_logits(self, hidden: Sequence[Tensor]) -> list[Tensor]:
        """The logits [vocabulary] after the last row of each sequence's [rows, width]."""
        last = [rows[-1:] for rows in hidden]
        if self.batches:
            return list(self.logits(torch.cat(last)))
        return [self.logits(row)[0] for row in last]

    def prefill(self, cache: KVCache, ids: Sequence[int]) -> Iterator[Tensor]:
        """Read ``ids`` into an empty ``cache``, one chunk each time the iterator is advanced.

        Yields the chunks' hidden states, [chunk, width].
        """
        for start in range(0, len(ids), PREFILL_CHUNK):
            yield from self.forward([Chunk(cache, ids[start : start + PREFILL_CHUNK])])

    def all_logits(self, ids: Sequence[int]) -> Tensor:
        """The logits after each of ``ids``: [ids, vocabulary]."""
        return torch.cat([self.logits(hidden) for hidden in self.prefill(self.new_cache(), ids)])

    def _attend(self, layer: int, scale: float, cache: KVCache, qkv: Tensor) -> Tensor:
        """Causal attention of new rows [new, 3 · width] over their sequence: [new, width]."""
        new = qkv.size(0)
        # A copy of its own is aligned alike, wherever the rows lay.
        queries, keys, values = qkv.clone().view(new, 3, self.heads, -1).permute(1, 2, 0, 3)
        all_keys, all_values = cache.write(layer, keys, values)
        mask = None
        if new > 1 and cache.length:
            mask = torch.ones(new, cache.length + new, dtype=torch.bool).tril(cache.length)
        attended = functional.scaled_dot_product_attention(
            queries.unsqueeze(0),
            all_keys.unsqueeze(0),
            all_values.unsqueeze(0),
            attn_mask=mask,
            is_causal=new > 1 and mask is None,
            scale=scale,
        )
        return attended.squeeze(0).transpose(0, 1).reshape(new, -1)


def _own(weight: Tensor) -> Tensor:
    """A copy; the original may be a window on the mapped file and keep all of it in memory."""
    return weight.detach().clone()


def _norm(module: nn.LayerNorm) -> _Norm:
    return _Norm(_own(module.weight), _own(module.bias), module.eps)


def _packed_block(block: GPT2Block, activation: Activation, packed: bool) -> _Block:
    """The block's layers; ``block`` has lost its large weights afterwards."""

    def take(module: Conv1D, activation: Activation = "none") -> Linear:
        # transformers' Conv1D keeps its weight as [in, out].
        layer = linear(module.weight.t(), module.bias, activation=activation, packed=packed)
        del module.weight
        return layer

    return _Block(
        norm_1=_norm(block.ln_1),
        qkv=take(block.attn.c_attn),
        attention_out=take(block.attn.c_proj),
        norm_2=_norm(block.ln_2),
        expand=take(block.mlp.c_fc, activation),
        contract=take(block.mlp.c_proj),
        scale=block.attn.scaling,
    )
