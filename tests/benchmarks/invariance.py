"""Whether a request gives the same result, bit for bit, no matter what runs beside it.

    python -m tests.benchmarks.invariance [--model NAME] [--precision float32] [--needles 1000] [--json FILE]

Random requests, the needles, run one by one, each in an engine of its own. Then they
run again

* in one engine among 0 to 15 random neighbours: other seeds of the same prompt,
  continuations of it, prompts with the same beginning, unrelated ones. All arrive at
  random times, some are cancelled, prompts are read in random chunks, and a prefix
  cache too small for all of them is shared. Some needles are also stopped at a
  random step and continued in a second request.
* in a real worker process among such neighbours (a fifth of the needles), with one
  thread more; the worker is killed and replaced three times.
* through transformers' ``generate`` in a fresh process (float32 only, at most 200).

The program counts rows of logits with other bytes, other tokens, steps that are
reported differently (any token, logit, log-probability, rank or entropy), and texts
that are not ``generate``'s. The exit status is 1 if there are any. The default model
is a random one with two layers of GPT-2 Large's width.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import get_args

import torch
from msgspec import structs
from transformers import GPT2Config, GPT2LMHeadModel

from bot.model.checkpoint.find import Checkpoint, find
from bot.model.client.process import worker_command
from bot.model.cores import usable_cores
from bot.model.model_info import GPT2_LARGE, ModelInfo, Precision
from bot.model.worker.loading import LoadedModel, load
from tests.benchmarks.crowd import MAX_BATCH, Crowd, RecordedModel, alone
from tests.benchmarks.needles import Limits, Needle, random_needle
from tests.benchmarks.restarts import Restarted, through_restarts

MOST_NEW_TOKENS = 12
LONGEST_PROMPT = 900
PREFIX_CONTEXTS = 5  # full contexts that fit into the prefix cache
KILLS = 3
WORKER_SHARE = 5
GENERATED_TEXTS = 200
EXAMPLES = 5
SHORT_NAMES = {"gpt2-large": GPT2_LARGE}
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Row:
    """The counts of one precision."""

    precision: Precision
    fingerprint: str
    needles: int
    steps_compared: int
    logits_that_differ: int
    tokens_that_differ: int
    reports_that_differ: int
    texts_beside_generate: int
    texts_that_differ: int
    prefix_hits: int
    prefix_hits_of_needles: int
    prefix_positions_reused: int
    prefixes_forgotten: int
    needles_cancelled: int
    needles_continued: int
    restarts: int
    seconds: float

    @property
    def differs(self) -> bool:
        counts = (self.logits_that_differ, self.tokens_that_differ, self.reports_that_differ)
        return any((*counts, self.texts_that_differ))

    def __str__(self) -> str:
        return "\n".join(
            f"{name.replace('_', ' '):24}{f'{value:,.0f}' if type(value) in (int, float) else value:>14}"
            for name, value in asdict(self).items()
        )


@dataclass(frozen=True)
class Trial:
    """One precision of one model, and the random numbers for it."""

    checkpoint: Checkpoint
    precision: Precision
    threads: int
    random: Random

    def run(self, count: int) -> Row:
        start = time.perf_counter()
        loaded = load(self.checkpoint, precision=self.precision, report=lambda progress: None)
        info = loaded.info
        needles = self._alone(loaded, count)
        crowd = self._crowd(loaded, needles)
        del loaded  # to make room for the worker's own copy
        restarted = self._restarts(needles[: max(1, count // WORKER_SHARE)], info)
        texts = [needle for needle in needles if not needle.request.generated][:GENERATED_TEXTS]
        if self.precision != "float32":
            texts = []
        others = [n for n, ids in zip(texts, self._generate(texts), strict=True) if n.ids != ids]
        found = crowd.findings + restarted.findings
        for example in (*found.examples, *(f"{n.request}, unlike generate's" for n in others))[:EXAMPLES]:
            print(f"differs: {example[:1000]}", file=sys.stderr)
        return Row(
            precision=self.precision,
            fingerprint=str(info.fingerprint),
            needles=len(needles),
            steps_compared=found.steps,
            logits_that_differ=found.logits,
            tokens_that_differ=found.tokens,
            reports_that_differ=found.reports,
            texts_beside_generate=len(texts),
            texts_that_differ=len(others),
            prefix_hits=len(crowd.prefixes.hits),
            prefix_hits_of_needles=crowd.needle_hits,
            prefix_positions_reused=crowd.prefixes.positions,
            prefixes_forgotten=crowd.prefixes.forgotten,
            needles_cancelled=crowd.cancelled,
            needles_continued=crowd.continued,
            restarts=restarted.restarts,
            seconds=time.perf_counter() - start,
        )

    def _alone(self, loaded: LoadedModel, count: int) -> list[Needle]:
        model, limits = RecordedModel(loaded.model), limits_of(loaded.info)
        requests = (random_needle(self.random, f"{number}", limits) for number in range(count))
        return [alone(model, request, ends=loaded.info.fingerprint.ends) for request in requests]

    def _crowd(self, loaded: LoadedModel, needles: Sequence[Needle]) -> Crowd:
        crowd = Crowd(
            RecordedModel(loaded.model),
            self.random,
            limits_of(loaded.info),
            ends=loaded.info.fingerprint.ends,
            prefix_bytes=prefix_bytes(loaded.info),
        )
        crowd.run(needles)
        return crowd

    def _restarts(self, needles: Sequence[Needle], info: ModelInfo) -> Restarted:
        command = worker_command(
            self.checkpoint.name,
            self.checkpoint.revision,
            self.threads + 1,
            MAX_BATCH,
            precision=self.precision,
            prefix_cache=prefix_bytes(info) // 2**20,
        )
        limits = limits_of(info)
        restarted = asyncio.run(through_restarts(command, needles, self.random, limits, kills=KILLS))
        if restarted.fingerprint != str(info.fingerprint):
            raise RuntimeError(f"the worker's fingerprint is {restarted.fingerprint}, not {info.fingerprint}")
        return restarted

    def _generate(self, needles: Sequence[Needle]) -> list[tuple[int, ...]]:
        """The new ids of each needle, by ``generate``."""
        if not needles:
            return []
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.generate_reference", str(self.checkpoint.folder)],
            input=json.dumps([(n.request.prompt_ids, structs.asdict(n.request.params)) for n in needles]),
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=True,
        )
        return [tuple(ids) for ids in json.loads(done.stdout)]


def limits_of(info: ModelInfo) -> Limits:
    # A text can become a neighbour's prompt, so three times the new tokens must fit.
    longest = min(LONGEST_PROMPT, info.context - 3 * MOST_NEW_TOKENS)
    return Limits(info.vocabulary, longest, MOST_NEW_TOKENS)


def prefix_bytes(info: ModelInfo) -> int:
    return PREFIX_CONTEXTS * info.context * info.layers * 2 * info.width * 4


def random_model(folder: Path) -> Path:
    """A model with two layers of GPT-2 Large's width, and weights large enough for peaked distributions."""
    config = GPT2Config(n_embd=1280, n_head=20, n_layer=2, initializer_range=0.06)
    torch.manual_seed(0)
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:  # biases and norms, which start as zeros and ones
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


def main() -> int:
    options = parse()
    torch.set_num_threads(options.threads)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        name = SHORT_NAMES.get(options.model, options.model) or str(random_model(Path(folder)))
        checkpoint = find(name, revision=None, report=lambda progress: None)
        for precision in options.precision or get_args(Precision):
            chance = Random(options.seed)
            rows.append(Trial(checkpoint, precision, options.threads, chance).run(options.needles))
            print(f"{rows[-1]}\n", flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 1 if any(row.differs for row in rows) else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", default="", help="a folder or a hub model's name instead of a random model"
    )
    parser.add_argument(
        "--precision", choices=get_args(Precision), action="append", help="can be repeated; default: all"
    )
    parser.add_argument("--needles", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the counts there")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
