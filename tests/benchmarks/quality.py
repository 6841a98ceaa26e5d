"""What the smaller precisions cost in quality, on held-out text.

    python -m tests.benchmarks.quality --text FILE [--whole] [--model NAME] [--tokens 20000] [--json FILE]

The text is UTF-8, one paragraph a line, with a line ``<|endoftext|>`` between books,
as ``bot.training`` reads it. The program uses the last 4 % of each book's paragraphs,
which the demo model was not trained on, or everything with ``--whole``. No text is
shipped; the demo model's is named in its model card.

About ``--tokens`` tokens are scored, in windows spread evenly over the text, each after
half a context. The table has the perplexity; the Kullback–Leibler divergence of the
precision's distribution from float32's over the whole vocabulary, in nats a token
(mean and 99th percentile); the share of positions at which both have the same most
likely token; the weights read for a token; and the memory of a loaded worker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from bot.model.checkpoint import gpt2_tokenizer
from bot.model.checkpoint.find import Checkpoint, find
from bot.model.client.process import ModelProcess, worker_command
from bot.model.cores import usable_cores
from bot.model.gpt2.transformer import GPT2
from bot.model.model_info import GPT2_LARGE, Precision
from bot.model.worker.loading import load
from bot.training.corpus import HELD_OUT_SHARE, UnusableText, read_books, split_books
from tests.benchmarks.models import weights_a_token
from tests.benchmarks.report import WEIGHT_BYTES, table
from tests.benchmarks.workload import memory

DEMO_MODEL = Path(__file__).parents[2] / "bot" / "data" / "demo-model"
SHORT_NAMES = {"gpt2-large": GPT2_LARGE}
SMALLER: tuple[Precision, ...] = ("bfloat16", "int8")
# Rows compared at once; a row of GPT-2's vocabulary in float64 is 400 kB.
ROWS = 128


@dataclass(frozen=True, slots=True)
class Scores:
    """[tokens] each: -log p, the divergence from float32, and whether the most likely token is the same."""

    losses: Tensor
    divergences: Tensor
    same: Tensor


@dataclass(frozen=True, slots=True)
class Quality:
    """One precision's figures: divergences in nats, ``same`` as a share, ``read`` and ``loaded`` in MiB."""

    precision: Precision
    tokens: int
    perplexity: float
    divergence: float
    divergence_p99: float
    same: float
    read: float
    loaded: float

    @property
    def cells(self) -> list[str]:
        return [
            self.precision,
            f"{self.perplexity:.3f}",
            f"{self.divergence:.2e}",
            f"{self.divergence_p99:.2e}",
            f"{100 * self.same:.2f} %",
            f"{self.read:.1f}",
            f"{self.loaded:.0f}",
        ]


HEAD = ["precision", "perplexity", "divergence", "p99", "same top token", "read a token, MiB", "loaded, MiB"]


def main() -> int:
    options = parse()
    torch.set_num_threads(options.threads)
    checkpoint = find(options.model, revision=None, report=lambda progress: None)
    models = dict(loaded(checkpoint, ("float32", *SMALLER)))
    ids = stream(options.text, whole=options.whole)
    scores = scored(models, windows(ids, models["float32"].context, options.tokens))
    weights = weights_a_token(checkpoint.folder)
    models.clear()
    found = [
        quality(
            precision,
            own,
            read=weights * WEIGHT_BYTES[precision] / 2**20,
            loaded=asyncio.run(worker_memory(checkpoint, precision, options.threads)),
        )
        for precision, own in scores.items()
    ]
    print(f"{found[0].tokens:,} tokens of {options.text}, {checkpoint.name}\n")
    print(table([HEAD, *(each.cells for each in found)]))
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n")
    return 0


def loaded(checkpoint: Checkpoint, precisions: Sequence[Precision]) -> Iterator[tuple[Precision, GPT2]]:
    """The model in each precision."""
    for precision in precisions:
        yield precision, load(checkpoint, precision=precision, report=lambda progress: None).model


def stream(text: Path, *, whole: bool) -> list[int]:
    """The token ids to be scored."""
    encoding = gpt2_tokenizer.encoding()
    if whole:
        return encoding.encode(text.read_text(encoding="utf-8"), allowed_special="all")
    try:
        corpus = split_books(read_books(text), encoding, HELD_OUT_SHARE)
    except UnusableText as error:
        raise SystemExit(str(error)) from error
    ids: list[int] = corpus.held_out.tolist()
    return ids


def windows(ids: Sequence[int], context: int, tokens: int) -> list[Sequence[int]]:
    """Windows of ``context`` ids, whose second halves are about ``tokens`` ids spread evenly over ``ids``."""
    if len(ids) < context:
        raise SystemExit(f"The text has {len(ids):,} tokens to score, fewer than a context of {context:,}.")
    stretches = (len(ids) - context) // (context // 2) + 1
    count = min(stretches, -(-tokens // (context // 2)))
    starts = (number * stretches // count * (context // 2) for number in range(count))
    return [ids[start : start + context] for start in starts]


@torch.inference_mode()
def scored(models: dict[Precision, GPT2], texts: Sequence[Sequence[int]]) -> dict[Precision, Scores]:
    """Each model's scores of the second halves of ``texts``."""
    parts: dict[Precision, list[Scores]] = {precision: [] for precision in models}
    for text in texts:
        half = len(text) // 2
        targets = torch.tensor(text[half:])
        predicted = {precision: model.all_logits(text)[half - 1 : -1] for precision, model in models.items()}
        for start in range(0, len(targets), ROWS):
            rows = slice(start, start + ROWS)
            exact = predicted["float32"][rows].double().log_softmax(-1)
            for precision, logits in predicted.items():
                parts[precision].append(compared(exact, logits[rows], targets[rows]))
    return {
        precision: Scores(
            torch.cat([part.losses for part in own]),
            torch.cat([part.divergences for part in own]),
            torch.cat([part.same for part in own]),
        )
        for precision, own in parts.items()
    }


def compared(exact: Tensor, logits: Tensor, targets: Tensor) -> Scores:
    """Compare ``logits`` with the log-probabilities ``exact``, both [rows, vocabulary]."""
    logprobs = logits.double().log_softmax(-1)
    return Scores(
        losses=-logprobs.gather(-1, targets[:, None])[:, 0],
        divergences=(exact.exp() * (exact - logprobs)).sum(-1),
        same=exact.argmax(-1) == logprobs.argmax(-1),
    )


def quality(precision: Precision, scores: Scores, *, read: float, loaded: float) -> Quality:
    return Quality(
        precision=precision,
        tokens=len(scores.losses),
        perplexity=math.exp(scores.losses.mean().item()),
        divergence=scores.divergences.mean().item(),
        divergence_p99=scores.divergences.quantile(0.99).item(),
        same=scores.same.double().mean().item(),
        read=read,
        loaded=loaded,
    )


async def worker_memory(checkpoint: Checkpoint, precision: Precision, threads: int) -> float:
    """The memory of a worker once it is ready, in MiB."""
    command = worker_command(checkpoint.name, checkpoint.revision, threads, 8, precision=precision)
    async with ModelProcess(command, name=checkpoint.name) as model:
        await model.wait_ready()
        return 1024 * memory(model.pid or 0, "VmRSS")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--whole", action="store_true", help="score the whole text, not only the ends of its books"
    )
    parser.add_argument(
        "--model",
        type=lambda name: SHORT_NAMES.get(name, name),
        default=str(DEMO_MODEL),
        help="a folder or a hub model's name (default: the demo model)",
    )
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
