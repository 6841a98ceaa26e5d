"""The process in which a peer's model is converted, or loaded and measured."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

from bot.model.cores import usable_cores
from tests.benchmarks.peers import Engine, Peer
from tests.benchmarks.workload import Figures, PrivateMemory, Prompts, measure


def main(peer: Peer) -> None:
    """The main function of each peer's module; prints the figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=peer.NOTE)
    parser.add_argument("task", choices=("prepare", "measure"))
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("files", type=Path, help="folder of the peer's own files")
    parser.add_argument("--precision", choices=peer.PRECISIONS, default="float32")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--started", type=float, default=time.monotonic(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task == "prepare":
        peer.prepare(options.model, options.files, options.precision)
        return
    loading = PrivateMemory(os.getpid())
    engine = peer.load(options.model, options.files, options.precision, options.threads)
    # time.monotonic is the same in all processes, so the parent's reading is comparable.
    print(json.dumps(asdict(asyncio.run(figures(engine, options.started, loading, options.threads)))))


async def figures(engine: Engine, started: float, loading: PrivateMemory, threads: int) -> Figures:
    async def generate(prompts: Prompts, new_tokens: int) -> list[int]:
        return [len(tokens) for tokens in engine.generate(prompts, new_tokens)]

    return await measure(generate, pid=os.getpid(), started=started, loading=loading, threads=threads)
