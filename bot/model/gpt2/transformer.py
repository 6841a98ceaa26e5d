"""GPT-2's forward pass over packed rows.

The rows of several sequences lie in one [rows, width] tensor, so that one pass over the
weights serves all. Attention alone tells them apart: ``bot.model.kernels.attend`` says how.
A row's result is the same, bit for bit, no matter which rows lie beside it.

The architecture is that of transformers' ``modeling_gpt2.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.checkpoint.configuration import ACTIVATIONS
from bot.model.checkpoint.weights import EMBEDDING, HEAD, POSITIONS
from bot.model.gpt2.attention import Attention, spans
from bot.model.gpt2.embedding import Embedding, token_embedding
from bot.model.gpt2.kv_cache import KVCache, KVStore
from bot.model.gpt2.linear import Activation, FloatLinear, Int8Linear, Linear, Matmul, Norm
from bot.model.gpt2.parameters import Parameters
from bot.model.gpt2.passes import Block, Passes
from bot.model.kernels.attend import write_attend
from bot.model.kernels.builder import LANES, KernelModule
from bot.model.kernels.jit import Kernels
from bot.model.kernels.matmul import write_matmuls
from bot.model.kernels.pack import write_pack
from bot.model.kernels.processor import Processor, this_processor
from bot.model.model_info import Precision

# The most rows of prompts in one pass: more would not be faster, and running requests wait for the
# pass to end. A multiple of twelve and six, the rows of a tile.
LARGEST_CHUNK = 264

_ACTIVATIONS: dict[str, Activation] = dict.fromkeys(ACTIVATIONS, "gelu_tanh")

MakeLinear = Callable[[Tensor, Tensor | None, Activation], Linear]


@dataclass(frozen=True)
class Chunk:
    """The next ``ids`` of the sequence in ``cache``, whose last ``wanted`` hidden states are returned."""

    cache: KVCache
    ids: Sequence[int]
    wanted: int


class GPT2:
    """The weights, ready to run on the CPU.

    The constructor empties ``parameters``: it frees each weight as soon as the packed copy
    exists, so the model is never in memory twice.

    ``precision`` is that of the weights in the linear layers and the embedding. Keys and values are kept in
    bfloat16 unless it is float32. Norms, attention, the residual stream and logits are float32. The logits'
    bits do not depend on the kind of processor. ``compile_for`` makes the kernels.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        precision: Precision = "float32",
        processor: Processor | None = None,
        compile_for: Callable[[KernelModule, Processor], Kernels] = Kernels,
        on_layer: Callable[[int], None] = lambda done: None,
    ) -> None:
        config = parameters.configuration
        processor = processor or this_processor()
        self.layers, self.heads, self.width = config.layers, config.heads, config.width
        self.context, self.vocabulary = config.context, config.vocabulary
        self.precision = precision
        head_width = self.width // self.heads
        module = KernelModule()
        write_pack(module, precision, processor)
        write_matmuls(module, precision, processor)
        self._cached = torch.float32 if precision == "float32" else torch.bfloat16
        scores = write_attend(
            module,
            head_width=head_width,
            context=self.context,
            processor=processor,
            rounds=self._cached is torch.bfloat16,
        )
        kernels = compile_for(module, processor)
        matmul = Matmul(kernels, precision, processor)
        make = _linear_maker(precision, matmul)
        # A copy: the original may be a view of a mapped file and keep all of it in memory.
        self._position_embedding = parameters.take(POSITIONS).clone()
        self._final_norm = _norm(parameters, "ln_f")
        self._token_embedding, self._head = _embedding_and_head(parameters, make, precision)
        blocks: list[Block] = []
        for layer in range(self.layers):
            blocks.append(_packed_block(parameters, layer, make))
            on_layer(layer + 1)
        attention = Attention(kernels, heads=self.heads, head_width=head_width, scores=scores)
        self._passes = Passes(blocks, matmul, attention)

    def new_store(self, slots: int) -> KVStore:
        """Room for the keys and values of ``slots`` sequences, which can then share a pass."""
        return KVStore(
            slots=slots,
            layers=self.layers,
            heads=self.heads,
            head_width=self.width // self.heads,
            context=self.context,
            dtype=self._cached,
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

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, width] → [rows, vocabulary]."""
        return self._head(hidden, self._final_norm)

    def next_logits(self, hidden: Sequence[Tensor]) -> Tensor:
        """The logits [sequences, vocabulary] after the last row of each sequence's [rows, width]."""
        return self.logits(torch.cat([rows[-1:] for rows in hidden]))

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


def _embedding_and_head(
    parameters: Parameters, make: MakeLinear, precision: Precision
) -> tuple[Embedding, Linear]:
    weight = parameters.take(EMBEDDING)
    if HEAD in parameters.tensors:
        return token_embedding(weight, None, precision), make(parameters.take(HEAD), None, "none")
    head = make(weight, None, "none")
    return token_embedding(weight, head, precision), head


def _norm(parameters: Parameters, name: str) -> Norm:
    weight, bias = parameters.take(f"{name}.weight"), parameters.take(f"{name}.bias")
    return Norm(weight, bias, parameters.configuration.epsilon)


def _padded_heads(weight: Tensor, heads: int) -> Tensor:
    """[out, heads · head width] → the same with zeros where attention pads its vectors."""
    by_head = weight.unflatten(1, (heads, -1))  # type: ignore[no-untyped-call]
    return functional.pad(by_head, (0, -by_head.size(-1) % LANES)).flatten(1)


def _linear_maker(precision: Precision, matmul: Matmul) -> MakeLinear:
    if precision == "int8":
        return partial(Int8Linear, matmul)
    return partial(FloatLinear, matmul, dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32)


def _packed_block(parameters: Parameters, layer: int, make: MakeLinear) -> Block:
    """Pack the layers of a block; ``parameters`` loses their weights."""
    config, block = parameters.configuration, f"h.{layer}"

    def take(name: str, activation: Activation = "none", *, heads: int = 0) -> Linear:
        weight, bias = parameters.take(f"{block}.{name}.weight").t(), parameters.take(f"{block}.{name}.bias")
        return make(_padded_heads(weight, heads) if heads else weight, bias, activation)

    return Block(
        norm_1=_norm(parameters, f"{block}.ln_1"),
        qkv=take("attn.c_attn"),
        attention_out=take("attn.c_proj", heads=config.heads),
        norm_2=_norm(parameters, f"{block}.ln_2"),
        expand=take("mlp.c_fc", _ACTIVATIONS[config.activation]),
        contract=take("mlp.c_proj"),
        scale=config.scale(layer),
    )
