"""GPT-2's forward pass over packed rows.

The rows of several sequences lie in one [rows, width] tensor, so that one pass over the
weights serves all. Attention alone tells them apart: ``bot.model.kernels.attend`` says how.
A row's result is the same, bit for bit, no matter which rows lie beside it.

The architecture is that of transformers' ``modeling_gpt2.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.checkpoint.configuration import ACTIVATIONS, Configuration
from bot.model.gpt2.attention import Attention, spans
from bot.model.gpt2.embedding import token_embedding
from bot.model.gpt2.kv_cache import KVCache, KVStore
from bot.model.gpt2.linear import Activation, Linear, Matmul, Norm
from bot.model.gpt2.packed import FINAL_NORM, VOCABULARY, Packed, in_layer
from bot.model.gpt2.passes import Block, Passes
from bot.model.gpt2.tiling import Room
from bot.model.kernels.arguments import Signature
from bot.model.kernels.attend import ATTEND, room_for_scores, write_attend
from bot.model.kernels.builder import LANES, KernelModule, round_up
from bot.model.kernels.jit import Kernels
from bot.model.kernels.matmul import matmul_signature, tile_sizes, write_matmuls
from bot.model.kernels.pack import PACK, write_pack
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision

# The most rows of prompts in one pass: more would not be faster, and running requests wait for the
# pass to end. A multiple of twelve and six, the rows of a tile.
LARGEST_CHUNK = 264

_ACTIVATIONS: dict[str, Activation] = dict.fromkeys(ACTIVATIONS, "gelu_tanh")


@dataclass(frozen=True)
class Chunk:
    """The next ``ids`` of the sequence in ``cache``, whose last ``wanted`` hidden states are returned."""

    cache: KVCache
    ids: Sequence[int]
    wanted: int


class GPT2:
    """A packed model and its kernels, ready to run on the CPU.

    The precision is that of the weights in the linear layers and the embedding. Keys and values are kept in
    bfloat16 unless it is float32. Norms, attention, the residual stream and logits are float32. The logits'
    bits do not depend on the kind of processor.

    ``kernels`` are those of :func:`model_module` for ``processor``; ValueError if ``packed`` is not for it.
    """

    def __init__(self, packed: Packed, kernels: Kernels, processor: Processor) -> None:
        config, self.precision = packed.configuration, packed.layout.precision
        self.layers, self.heads, self.width = config.layers, config.heads, config.width
        self.context, self.vocabulary = config.context, config.vocabulary
        matmul = Matmul(kernels, self.precision, processor)
        if matmul.layout != packed.layout:
            raise ValueError("weights that were packed for another kind of processor")
        self._position_embedding = packed.positions
        self._final_norm = Norm(*packed.norm(FINAL_NORM), config.epsilon)
        self._head = Linear(matmul, packed.linear(VOCABULARY), self.width, self.vocabulary)
        self._token_embedding = token_embedding(packed.table(), self._head.weights, self.width)
        blocks = [_block(packed, layer, matmul) for layer in range(self.layers)]
        attention = Attention(
            kernels,
            heads=self.heads,
            head_width=config.head_width,
            scores=room_for_scores(config.head_width, self.context, processor),
        )
        self._passes = Passes(blocks, matmul, attention)

    def new_store(self, slots: int) -> KVStore:
        """Room for the keys and values of ``slots`` sequences, which can then share a pass."""
        return KVStore(
            slots=slots,
            layers=self.layers,
            heads=self.heads,
            head_width=self.width // self.heads,
            context=self.context,
            dtype=_cached(self.precision),
        )

    def forward(self, chunks: Sequence[Chunk]) -> list[Tensor]:
        """Extend each chunk's cache; return the chunks' last hidden states, each [wanted, width].

        The caches must be distinct and of one store.
        """
        for chunk in chunks:
            chunk.cache.check_room(len(chunk.ids))
        x = self._embedded(chunks)
        wanted = _wanted(chunks)
        made = self._passes.of(chunks[0].cache.store, len(x), len(chunks), len(wanted))
        x = made.run(x, spans((chunk.cache, len(chunk.ids)) for chunk in chunks), wanted)
        for chunk in chunks:
            chunk.cache.length += len(chunk.ids)
        return list(torch.split(x, [chunk.wanted for chunk in chunks]))

    def logits(self, hidden: Tensor, room: Room | None = None) -> Tensor:
        """[rows, width] → [rows, vocabulary], in ``room`` if there is one."""
        return self._head(hidden, self._final_norm, room)

    def next_logits(self, hidden: Sequence[Tensor], room: Room | None = None) -> Tensor:
        """The logits [sequences, vocabulary] after the last row of each sequence's [rows, width]."""
        return self.logits(torch.cat([rows[-1:] for rows in hidden]), room)

    def embedding(self, ids: Tensor) -> Tensor:
        """The tokens' rows of the embedding [ids, width], in the model's precision."""
        return self._token_embedding(ids)

    def all_logits(self, ids: Sequence[int]) -> Tensor:
        """The logits after each of ``ids``, a whole text: [ids, vocabulary]."""
        cache = self.new_store(1).new_cache()
        rows = []
        for start in range(0, len(ids), LARGEST_CHUNK):
            part = ids[start : start + LARGEST_CHUNK]
            rows += [self.logits(hidden) for hidden in self.forward([Chunk(cache, part, len(part))])]
        return torch.cat(rows)

    def _embedded(self, chunks: Sequence[Chunk]) -> Tensor:
        """The rows' embeddings [rows, width]."""
        ids = [token_id for chunk in chunks for token_id in chunk.ids]
        positions = [chunk.cache.length + n for chunk in chunks for n in range(len(chunk.ids))]
        return self._token_embedding(torch.tensor(ids)) + functional.embedding(
            torch.tensor(positions), self._position_embedding
        )


def _wanted(chunks: Sequence[Chunk]) -> Tensor:
    """The indices of the wanted rows among the rows of all chunks."""
    numbers: list[int] = []
    end = 0
    for chunk in chunks:
        end += len(chunk.ids)
        numbers += range(end - chunk.wanted, end)
    return torch.tensor(numbers, dtype=torch.int64)


def model_module(config: Configuration, precision: Precision, processor: Processor) -> KernelModule:
    """The kernels of a model of this shape."""
    module = KernelModule()
    write_pack(module, precision, processor)
    write_matmuls(module, precision, processor)
    write_attend(
        module,
        head_width=config.head_width,
        context=config.context,
        processor=processor,
        rounds=_cached(precision) is torch.bfloat16,
    )
    return module


def model_signatures(processor: Processor) -> list[Signature[Any]]:
    """The signatures of ``model_module``."""
    return [PACK, *map(matmul_signature, tile_sizes(processor)), ATTEND]


def _cached(precision: Precision) -> torch.dtype:
    """The type of keys and values."""
    return torch.float32 if precision == "float32" else torch.bfloat16


def _block(packed: Packed, layer: int, matmul: Matmul) -> Block:
    config = packed.configuration

    def linear(name: str, inputs: int, outputs: int, activation: Activation = "none") -> Linear:
        return Linear(matmul, packed.linear(in_layer(layer, name)), inputs, outputs, activation)

    def norm(name: str) -> Norm:
        return Norm(*packed.norm(in_layer(layer, name)), config.epsilon)

    width, inner = config.width, config.inner
    return Block(
        norm_1=norm("ln_1"),
        qkv=linear("attn.c_attn", width, 3 * width),
        attention_out=linear("attn.c_proj", config.heads * round_up(config.head_width, LANES), width),
        norm_2=norm("ln_2"),
        expand=linear("mlp.c_fc", width, inner, _ACTIVATIONS[config.activation]),
        contract=linear("mlp.c_proj", inner, width),
        scale=config.scale(layer),
    )
