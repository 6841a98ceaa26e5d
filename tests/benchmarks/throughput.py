"""How many tokens a second: the bot's model worker beside ``transformers.generate``.

    python -m tests.benchmarks.throughput [--shape gpt2-large | --model FOLDER] [--rounds 3]

Speed does not depend on the values of the weights, so by default a random model
of GPT-2 Large's shape is made in a temporary folder. Both run in a process of
their own on the same number of threads, in turn, ``--rounds`` times; printed are
the medians, the spread, and the ratios of the medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bot.model.process import ModelProcess, worker_command
from bot.model.protocol import GenerationRequest, SamplingParams

# Width, layers, heads.
SHAPES = {
    "gpt2": (768, 12, 12),
    "gpt2-medium": (1024, 24, 16),
    "gpt2-large": (1280, 36, 20),
    "gpt2-xl": (1600, 48, 25),
}
PROMPT_TOKENS = 16
NEW_TOKENS = 64
LONG_PROMPT_TOKENS = 512
TOGETHER = 8


@dataclass(frozen=True)
class Figures:
    """Tokens a second, seconds to the first token of a long prompt, GiB afterwards."""

    alone: float
    together: float
    first_token: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="gpt2-large", help="shape of the random model")
    parser.add_argument("--model", help="a model's folder instead of a random one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--generate", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate:
        print(json.dumps(asdict(generate_figures(options.model, options.threads))))
        return
    with model_folder(options.shape, options.model) as folder:
        asyncio.run(compare(folder, options.rounds, options.threads))


@contextmanager
def model_folder(shape: str, model: str | None) -> Iterator[str]:
    if model is not None:
        yield model
        return
    from transformers import GPT2Config, GPT2LMHeadModel

    with tempfile.TemporaryDirectory() as folder:
        print(f"making a random model of {shape}'s shape …", file=sys.stderr)
        width, layers, heads = SHAPES[shape]
        config = GPT2Config(n_embd=width, n_layer=layers, n_head=heads)
        GPT2LMHeadModel(config).save_pretrained(folder)
        yield folder


async def compare(folder: str, rounds: int, threads: int) -> None:
    ours: list[Figures] = []
    peer: list[Figures] = []
    for number in range(1, rounds + 1):
        ours.append(await worker_figures(folder, threads))
        peer.append(await peer_figures(folder, threads))
        print(f"round {number}: worker {ours[-1]}, generate {peer[-1]}", file=sys.stderr)
    print(f"{'':34} {'worker':>24} {'generate':>24} {'ratio':>7}")
    for field, unit in (
        ("alone", "one request, tokens/s"),
        ("together", f"{TOGETHER} requests together, tokens/s"),
        ("first_token", f"first token of {LONG_PROMPT_TOKENS}, s"),
        ("memory", "memory after these, GiB"),
    ):
        print(row(unit, [getattr(f, field) for f in ours], [getattr(f, field) for f in peer]))


def row(name: str, ours: list[float], peer: list[float]) -> str:
    def spread(values: list[float]) -> str:
        return f"{median(values):7.2f} ({min(values):.2f} – {max(values):.2f})"

    return f"{name:34} {spread(ours):>24} {spread(peer):>24} {median(ours) / median(peer):7.2f}"


async def worker_figures(folder: str, threads: int) -> Figures:
    command = worker_command(folder, None, threads, TOGETHER)
    async with ModelProcess(command, name=folder) as model:
        await model.wait_ready()
        await tokens_per_second(model, 1, new_tokens=8)
        return Figures(
            alone=await tokens_per_second(model, 1),
            together=await tokens_per_second(model, TOGETHER),
            first_token=await first_token(model),
            memory=resident_memory(model.pid or 0),
        )


async def tokens_per_second(model: ModelProcess, count: int, *, new_tokens: int = NEW_TOKENS) -> float:
    start = time.perf_counter()
    await asyncio.gather(
        *(run(model, f"{start}-{n}", PROMPT_TOKENS, new_tokens, seed=n) for n in range(count))
    )
    return count * new_tokens / (time.perf_counter() - start)


async def first_token(model: ModelProcess) -> float:
    start = time.perf_counter()
    await run(model, f"{start}", LONG_PROMPT_TOKENS, 1, seed=0)
    return time.perf_counter() - start


async def run(model: ModelProcess, name: str, prompt: int, new_tokens: int, *, seed: int) -> None:
    params = SamplingParams(max_new_tokens=new_tokens, temperature=1.0, top_k=0, seed=seed)
    request = GenerationRequest(name, tuple(range(100 + seed, 100 + seed + prompt)), params)
    async with aclosing(model.run(request)) as events:
        async for _ in events:
            pass


async def peer_figures(folder: str, threads: int) -> Figures:
    command = (
        sys.executable,
        "-m",
        __spec__.name,
        "--generate",
        "--model",
        folder,
        "--threads",
        str(threads),
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return Figures(**json.loads(output.splitlines()[-1]))


def generate_figures(folder: str, threads: int) -> Figures:
    """``transformers.generate`` in this process."""
    import torch
    from transformers import GPT2LMHeadModel

    torch.set_num_threads(threads)
    # Its own types do not allow calling generate on it.
    model: Any = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 50_256

    def seconds(rows: int, prompt: int, new_tokens: int) -> float:
        ids = torch.arange(100, 100 + prompt).repeat(rows, 1)
        start = time.perf_counter()
        model.generate(ids, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=new_tokens)
        return time.perf_counter() - start

    seconds(1, PROMPT_TOKENS, 8)
    return Figures(
        alone=NEW_TOKENS / seconds(1, PROMPT_TOKENS, NEW_TOKENS),
        together=TOGETHER * NEW_TOKENS / seconds(TOGETHER, PROMPT_TOKENS, NEW_TOKENS),
        first_token=seconds(1, LONG_PROMPT_TOKENS, 1),
        memory=resident_memory(os.getpid()),
    )


def resident_memory(pid: int) -> float:
    """GiB of memory that a process occupies. Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 2**20
    raise RuntimeError("the kernel does not tell the memory of a process")


if __name__ == "__main__":
    main()
