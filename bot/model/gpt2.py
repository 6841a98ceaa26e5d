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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import GPT2LMHeadModel
from transformers.models.gpt2.modeling_gpt2 import GPT2Block
from transformers.pytorch_utils import Conv1D

from bot.model.attention import Attention, Rows
from bot.model.kv_cache import KVCache, KVStore
from bot.model.linear import FEWEST_ROWS, Activation, Linear, PackedLinear, PlainLinear, packing_available
from bot.model.protocol import Precision
from bot.model.quantized import QuantizedLinear, quantization_available

# The most rows of prompts in one pass: more would not be quicker, and nobody
# else gets a token until it is over.
LARGEST_CHUNK = 256

_ACTIVATIONS: dict[str, Activation] = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}

MakeLinear = Callable[[Tensor, Tensor | None, Activation], Linear]


class UnsupportedModel(ValueError):
    """A GPT-2 variant that this forward pass does not compute."""


class UnsupportedPrecision(ValueError):
    """A precision that this processor does not compute."""


@dataclass(frozen=True)
class Chunk:
    """The next ``ids`` of the sequence in ``cache``; the first ``read`` of them are read, the rest generated.

    See ``bot.model.attention`` for the difference.
    """

    cache: KVCache
    ids: Sequence[int]
    read: int = 0


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
    """The weights, ready to run on the CPU.

    Building one takes ``model`` (float32) apart: each weight is freed as soon as
    its packed copy exists, so at no time are there two copies of the model. The
    one exception is the vocabulary's table: it is kept once plain, for the
    embedding, and once packed, for the logits.

    ``precision`` is that of the weights in the linear layers and the embedding;
    norms, attention, keys and values, the residual stream and logits are float32.
    UnsupportedPrecision if the processor lacks the instructions.
    """

    def __init__(
        self,
        model: GPT2LMHeadModel,
        *,
        precision: Precision = "float32",
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
        self.precision = precision
        packed = packing_available() if packed is None else packed
        make = _linear_maker(precision, packed)
        dtype = torch.float32 if precision == "float32" else torch.bfloat16
        self._token_embedding = _own(model.transformer.wte.weight).to(dtype)
        self._position_embedding = _own(model.transformer.wpe.weight)
        self._final_norm = _norm(model.transformer.ln_f)
        # bfloat16 would round logits of a hundred to halves: its head is float32.
        make_head = QuantizedLinear if precision == "int8" else PackedLinear if packed else PlainLinear
        self._head: Linear = make_head(model.lm_head.weight, None)
        del model.lm_head, model.transformer.wte
        self._attention = Attention(
            heads=self.heads, head_width=self.width // self.heads, context=self.context
        )
        self._blocks: list[_Block] = []
        for index, block in enumerate(cast("list[GPT2Block]", model.transformer.h)):
            self._blocks.append(_packed_block(block, _ACTIVATIONS[config.activation_function], make))
            model.transformer.h[index] = nn.Identity()
            on_layer(index + 1)
        #: Whether a row's bits are its own, so that sequences can share a pass.
        self.batches = packed and self._rows_are_independent()

    def new_store(self, slots: int) -> KVStore:
        """Room for the keys and values of ``slots`` sequences, which can then share a pass."""
        return KVStore(
            slots=slots,
            layers=self.layers,
            heads=self.heads,
            head_width=self.width // self.heads,
            context=self.context,
        )

    def forward(self, chunks: Sequence[Chunk]) -> list[Tensor]:
        """Extend each chunk's cache; the chunks' last hidden states, each [ids, width].

        The caches are different ones of one store. Where rows are not independent
        every chunk takes a pass of its own, because only then does a sequence not
        depend on its neighbours.
        """
        if not self.batches and len(chunks) > 1:
            return [hidden for chunk in chunks for hidden in self.forward([chunk])]
        for chunk in chunks:
            chunk.cache.reserve(len(chunk.ids))
        x = self._pass(chunks, self._blocks)
        for chunk in chunks:
            chunk.cache.length += len(chunk.ids)
        return list(torch.split(x, [len(chunk.ids) for chunk in chunks]))

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, width] → [rows, vocabulary]."""
        spare = max(0, FEWEST_ROWS - hidden.size(0))
        return self._head(self._final_norm(functional.pad(hidden, (0, 0, 0, spare))))[: hidden.size(0)]

    def next_logits(self, hidden: Sequence[Tensor]) -> Tensor:
        """The logits [sequences, vocabulary] after the last row of each sequence's [rows, width]."""
        last = [rows[-1:] for rows in hidden]
        if self.batches:
            return self.logits(torch.cat(last))
        return torch.cat([self.logits(row) for row in last])

    def all_logits(self, ids: Sequence[int]) -> Tensor:
        """The logits after each of ``ids``, read from the beginning: [ids, vocabulary]."""
        cache = self.new_store(1).new_cache()
        rows = []
        for start in range(0, len(ids), LARGEST_CHUNK):
            part = ids[start : start + LARGEST_CHUNK]
            rows += [self.logits(hidden) for hidden in self.forward([Chunk(cache, part, read=len(part))])]
        return torch.cat(rows)

    def _pass(self, chunks: Sequence[Chunk], blocks: Sequence[_Block]) -> Tensor:
        """The rows of ``chunks`` through ``blocks``: [rows, width]."""
        attention = self._attention.plan([Rows(c.cache, len(c.ids), c.read) for c in chunks])
        x = self._embedded(chunks)
        rows = sum(len(chunk.ids) for chunk in chunks)
        spare = (0, 0, 0, x.size(0) - rows)
        for layer, block in enumerate(blocks):
            attended = attention(layer, block.scale, block.qkv(block.norm_1(x))[:rows])
            x = x + block.attention_out(functional.pad(attended, spare))
            x = x + block.contract(block.expand(block.norm_2(x)))
        return x[:rows]

    def _embedded(self, chunks: Sequence[Chunk]) -> Tensor:
        """The rows' embeddings [rows, width], filled up to ``FEWEST_ROWS``."""
        ids = [token_id for chunk in chunks for token_id in chunk.ids]
        positions = [chunk.cache.length + n for chunk in chunks for n in range(len(chunk.ids))]
        spare = [0] * (FEWEST_ROWS - len(ids))
        return functional.embedding(
            torch.tensor(ids + spare), self._token_embedding
        ).float() + functional.embedding(torch.tensor(positions + spare), self._position_embedding)

    def _rows_are_independent(self) -> bool:
        """Whether two texts have the same bits together as alone, on this processor.

        It was so wherever it was tried, but nobody promises it of the kernels.
        """
        count = min(self.context - 1, 70)
        texts = [range(count), range(count // 2)]
        third = slice(0, count // 3)
        with torch.inference_mode():
            together = self._first_block(texts, third, slice(third.stop, None))
            alone = [self._first_block([text], slice(None))[0] for text in texts]
        return all(torch.equal(*pair) for pair in zip(alone, together, strict=True))

    def _first_block(self, texts: Sequence[range], *parts: slice) -> list[Tensor]:
        """What the first block makes of ``texts``, read part by part, and of one generated id more."""
        store = self.new_store(len(texts))
        caches = [store.new_cache() for _ in texts]
        rows: list[list[Tensor]] = [[] for _ in texts]
        for part in (*parts, None):
            chunks = [
                Chunk(cache, (0,)) if part is None else Chunk(cache, text[part], read=len(text[part]))
                for cache, text in zip(caches, texts, strict=True)
            ]
            store.reserve(max(chunk.cache.length + len(chunk.ids) for chunk in chunks))
            hidden = torch.split(self._pass(chunks, self._blocks[:1]), [len(c.ids) for c in chunks])
            for own, chunk, new in zip(rows, chunks, hidden, strict=True):
                chunk.cache.length += len(chunk.ids)
                own.append(new)
        return [torch.cat(own) for own in rows]


def _own(weight: Tensor) -> Tensor:
    """A copy; the original may be a window on the mapped file and keep all of it in memory."""
    return weight.detach().clone()


def _norm(module: nn.LayerNorm) -> _Norm:
    return _Norm(_own(module.weight), _own(module.bias), module.eps)


def _linear_maker(precision: Precision, packed: bool) -> MakeLinear:
    if precision == "int8":
        if not quantization_available():
            raise UnsupportedPrecision("int8 needs a processor with VNNI instructions")
        return QuantizedLinear
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    if precision == "bfloat16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():  # noqa: SLF001
        raise UnsupportedPrecision("bfloat16 needs a processor with AVX-512 instructions")
    return partial(PackedLinear if packed else PlainLinear, dtype=dtype)


def _packed_block(block: GPT2Block, activation: Activation, make: MakeLinear) -> _Block:
    """The block's layers; ``block`` has lost its large weights afterwards."""

    def take(module: Conv1D, activation: Activation = "none") -> Linear:
        # transformers' Conv1D keeps its weight as [in, out].
        layer = make(module.weight.t(), module.bias, activation)
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
