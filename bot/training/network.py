"""GPT-2, lean enough to train on a processor.

The arithmetic and the parameters' names and shapes are those of transformers'
``GPT2LMHeadModel`` (Radford et al. 2019), so that the weights carry over as they
are; the linear layers run in bfloat16 where the processor gains by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes, in GPT-2's words; ``vocabulary`` counts the rows that are trained."""

    vocabulary: int
    width: int = 128
    layers: int = 7
    heads: int = 4
    context: int = 256
    dropout: float = 0.05


class Dropout:
    """Dropout whose masks are slices of one long random mask.

    Drawing fresh random numbers costs a processor more than the layers they mask.
    A slice at a random offset differs at every call as well.
    """

    def __init__(self, probability: float, generator: torch.Generator, length: int = 1 << 23) -> None:
        self._generator = generator
        self._mask: Tensor | None = None
        if probability > 0:
            kept = torch.rand(length, generator=generator) >= probability
            self._mask = kept.float() / (1 - probability)

    def __call__(self, x: Tensor) -> Tensor:
        if self._mask is None:
            return x
        size = x.numel()
        start = int(torch.randint(len(self._mask) - size + 1, (), generator=self._generator))
        return x * self._mask[start : start + size].view_as(x)


def keep_all(x: Tensor) -> Tensor:
    """The dropout of a model that is not being trained."""
    return x


class Conv1D(nn.Module):
    """A linear layer with GPT-2's weight layout, [inputs, outputs]."""

    def __init__(self, inputs: int, outputs: int, std: float = 0.02) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs).normal_(std=std))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight.T, self.bias)


class Attention(nn.Module):
    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.c_attn = Conv1D(config.width, 3 * config.width)
        self.c_proj = Conv1D(config.width, config.width, std=_residual_std(config))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[batch, time, width] → the same; ``mask`` [time, time] is added to the scores.

        Written out because, at heads of 32, it runs twice as fast in bfloat16
        as ``scaled_dot_product_attention`` forward and backward together.
        """
        batch, time, width = x.shape
        split = self.c_attn(x).view(batch, time, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(-1, -2) + mask.to(query.dtype)
        mixed = scores.softmax(-1, dtype=query.dtype) @ value
        projected: Tensor = self.c_proj(mixed.transpose(1, 2).reshape(batch, time, width))
        return projected


class Mlp(nn.Module):
    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.c_fc = Conv1D(config.width, 4 * config.width)
        self.c_proj = Conv1D(4 * config.width, config.width, std=_residual_std(config))

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.c_proj(functional.gelu(self.c_fc(x), approximate="tanh"))
        return projected


class Block(nn.Module):
    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.width)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.width)
        self.mlp = Mlp(config)

    def forward(self, x: Tensor, mask: Tensor, drop: Callable[[Tensor], Tensor]) -> Tensor:
        x = x + drop(self.attn(self.ln_1(x), mask))
        return x + drop(self.mlp(self.ln_2(x)))


class Network(nn.Module):
    """The GPT-2 body: token ids to the hidden rows that the head turns into logits."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocabulary, config.width)
        self.wpe = nn.Embedding(config.context, config.width)
        self.h = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.ln_f = nn.LayerNorm(config.width)
        nn.init.normal_(self.wte.weight, std=0.02)
        nn.init.normal_(self.wpe.weight, std=0.01)

    def forward(
        self,
        ids: Tensor,
        positions: Tensor,
        dropout: Dropout | None = None,
        matmul_dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """ids and positions, int64 [batch, time] → hidden float32 [batch, time, width].

        The residual stream and the norms stay in float32; ``matmul_dtype``
        bfloat16 moves the matrix products there.
        """
        drop = dropout or keep_all
        time = ids.shape[1]
        mask = torch.full((time, time), float("-inf")).triu(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=matmul_dtype == torch.bfloat16):
            x = drop(self.wte(ids) + self.wpe(positions))
            for block in self.h:
                x = block(x, mask, drop)
            hidden: Tensor = self.ln_f(x)
        return hidden


def _residual_std(config: NetworkConfig) -> float:
    """GPT-2 shrinks what is added to the residual stream by the number of additions."""
    return float(0.02 / (2 * config.layers) ** 0.5)
