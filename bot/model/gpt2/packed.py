"""A GPT-2's numbers as its kernels read them: packed once, then run or written to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from torch import Tensor
from torch.nn import functional

from bot.model.checkpoint.configuration import Configuration
from bot.model.checkpoint.weights import EMBEDDING, HEAD, POSITIONS
from bot.model.gpt2.embedding import packed_table
from bot.model.gpt2.linear_layout import Layout, PackedLinear
from bot.model.gpt2.parameters import Parameters
from bot.model.kernels.builder import LANES

#: The parts of a model's names in ``Packed.tensors``; :func:`in_layer` makes those of its layers.
FINAL_NORM, TABLE, VOCABULARY = "ln_f", "wte", "lm_head"
_PARTS = tuple(field.name for field in fields(PackedLinear))


@dataclass(frozen=True, slots=True)
class Packed:
    """The packed tensors of a GPT-2 of ``configuration``, which has ``count`` numbers.

    Names are those of a checkpoint, with a suffix for each part that it was packed into.
    """

    configuration: Configuration
    layout: Layout
    count: int
    tensors: Mapping[str, Tensor]

    def linear(self, name: str) -> PackedLinear:
        """The linear layer called ``name``."""
        return PackedLinear(*(self.tensors[f"{name}.{part}"] for part in _PARTS))

    def norm(self, name: str) -> tuple[Tensor, Tensor]:
        """The weight and shift [width] of a layer normalization."""
        return self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]

    def table(self) -> Mapping[str, Tensor]:
        """The parts of the embedding's own table; empty if the head's weights serve as one."""
        return {
            name.removeprefix(f"{TABLE}."): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(f"{TABLE}.")
        }

    @property
    def positions(self) -> Tensor:
        """The embedding of the positions: [context, width]."""
        return self.tensors[POSITIONS]


def in_layer(layer: int, name: str) -> str:
    return f"h.{layer}.{name}"


def pack(
    parameters: Parameters, layout: Layout, *, on_layer: Callable[[int], None] = lambda done: None
) -> Packed:
    """Round and pack all ``parameters``, which are empty afterwards.

    Each is freed as soon as its packed copy exists, so the model is never in memory twice.
    """
    packing = _Packing(parameters, layout)
    packing.whole()
    for layer in range(parameters.configuration.layers):
        packing.layer(layer)
        on_layer(layer + 1)
    return Packed(parameters.configuration, layout, packing.count, packing.tensors)


class _Packing:
    def __init__(self, parameters: Parameters, layout: Layout) -> None:
        self._parameters, self._layout = parameters, layout
        self.count = parameters.count
        self.tensors: dict[str, Tensor] = {}

    def whole(self) -> None:
        """Pack what is no part of a layer."""
        # A copy: the original may be a view of a mapped file and keep all of it in memory.
        self.tensors[POSITIONS] = self._parameters.take(POSITIONS).clone()
        self._norm(FINAL_NORM)
        embedding = self._parameters.take(EMBEDDING)
        tied = HEAD not in self._parameters
        self._linear(VOCABULARY, embedding if tied else self._parameters.take(HEAD), None)
        for part, tensor in packed_table(embedding, self._layout.precision, tied=tied).items():
            self.tensors[f"{TABLE}.{part}"] = tensor

    def layer(self, layer: int) -> None:
        heads = self._parameters.configuration.heads
        for norm in ("ln_1", "ln_2"):
            self._norm(in_layer(layer, norm))
        for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"):
            own = in_layer(layer, name)
            weight, bias = self._parameters.take(f"{own}.weight").t(), self._parameters.take(f"{own}.bias")
            self._linear(own, _padded_heads(weight, heads) if name == "attn.c_proj" else weight, bias)

    def _linear(self, name: str, weight: Tensor, bias: Tensor | None) -> None:
        packed = self._layout.packed(weight, bias)
        self.tensors |= {f"{name}.{part}": getattr(packed, part) for part in _PARTS}

    def _norm(self, name: str) -> None:
        for part in ("weight", "bias"):
            self.tensors[f"{name}.{part}"] = self._parameters.take(f"{name}.{part}").clone()


def _padded_heads(weight: Tensor, heads: int) -> Tensor:
    """[out, heads · head width] → the same with zeros where attention pads its vectors."""
    by_head = weight.unflatten(1, (heads, -1))  # type: ignore[no-untyped-call]
    return functional.pad(by_head, (0, -by_head.size(-1) % LANES)).flatten(1)
