"""AVX512_BF16's dot products are what the other forms of bfloat16 compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from llvmlite import ir
from torch import Tensor

from bot.model.kernels.arguments import Arguments, Float32s, Int32s, Signature
from bot.model.kernels.builder import BFLOATS, FLOATS, INTS, LANES, KernelBuilder, KernelModule
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import this_processor
from tests.support.layers import bits

pytestmark = pytest.mark.skipif(
    not this_processor().has("avx512bf16"), reason="this processor lacks AVX512_BF16"
)
COUNT = 2**20


@dataclass(kw_only=True)
class PairsArguments(Arguments):
    """``count`` sums, and as many pairs of bfloat16 to be multiplied and added to each."""

    sums: Float32s
    a: Int32s
    b: Int32s
    dots: Float32s  # what the instruction makes of them
    chains: Float32s  # what two fused multiply-adds make of them
    count: int


PAIRS = Signature("pairs", PairsArguments)


def flushed(kernel: KernelBuilder[PairsArguments], x: ir.Value) -> ir.Value:
    """``x``, and a 0 of the same sign for numbers below 2^-126."""
    b = kernel.ir
    word = b.bitcast(x, INTS)
    small = b.icmp_unsigned("==", b.and_(word, kernel.ints(0x7F800000)), kernel.ints(0))
    return b.bitcast(b.select(small, b.and_(word, kernel.ints(0x80000000)), word), FLOATS)


def kernels() -> Kernels:
    module = KernelModule()
    kernel = KernelBuilder(module, PAIRS)
    b, args = kernel.ir, kernel.arguments
    with kernel.loop(args.count, LANES) as n:
        sums, *words = (
            kernel.load(kind, array, n)
            for kind, array in ((FLOATS, args.sums), (INTS, args.a), (INTS, args.b))
        )
        pairs = [b.bitcast(word, BFLOATS) for word in words]
        kernel.store(kernel.call("llvm.x86.avx512bf16.dpbf16ps.512", FLOATS, sums, *pairs), args.dots, n)
        firsts = [flushed(kernel, b.bitcast(b.shl(word, kernel.ints(16)), FLOATS)) for word in words]
        high = kernel.ints(0xFFFF0000)
        seconds = [flushed(kernel, b.bitcast(b.and_(word, high), FLOATS)) for word in words]
        chain = flushed(kernel, sums)
        for numbers in (seconds, firsts):
            chain = flushed(kernel, kernel.fma(numbers[0], numbers[1], chain))
        kernel.store(chain, args.chains, n)
    kernel.finish()
    return Kernels.compiled(module, this_processor())


def any_bits(generator: torch.Generator) -> Tensor:
    return torch.randint(-(2**31), 2**31, (COUNT,), generator=generator).int()


def near_1(generator: torch.Generator) -> Tensor:
    """Pairs whose products nearly cancel each other, or the sum."""
    signs = torch.randint(0, 2, (2, COUNT), generator=generator) << torch.tensor([[15], [31]])
    digits = torch.randint(0, 2**10, (2, COUNT), generator=generator) + 0x3F00
    return (signs.sum(0) | digits[0] | digits[1] << 16).int()


def tiny(generator: torch.Generator) -> Tensor:
    """Pairs whose products are about 2^-126, and numbers that are."""
    digits = torch.randint(0, 2**12, (2, COUNT), generator=generator)
    exponents = torch.where(torch.rand(2, COUNT, generator=generator) < 0.2, 0, 60 << 7)
    signs = torch.randint(0, 2, (2, COUNT), generator=generator) << 15
    halves = signs | (digits + exponents)
    return (halves[0] | halves[1] << 16).int()


@pytest.mark.parametrize("make", [any_bits, near_1, tiny])
@pytest.mark.parametrize("seed", range(4))
def test_a_dot_product_is_two_fused_multiply_adds_the_second_of_a_pair_first(
    make: Callable[[torch.Generator], Tensor], seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    sums, a, b = (make(generator) for _ in range(3))
    dots, chains = torch.empty(COUNT), torch.empty(COUNT)
    compiled = kernels()
    call = compiled.kernel(PAIRS).call(
        PairsArguments(sums=sums.view(torch.float32), a=a, b=b, dots=dots, chains=chains, count=COUNT)
    )
    compiled.run(call)
    assert torch.equal(bits(dots), bits(chains))
