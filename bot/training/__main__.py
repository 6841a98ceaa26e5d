"""The command line: ``python -m bot.training TEXT``."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from bot.model.checkpoint import gpt2_tokenizer
from bot.training.card import Run, write_card
from bot.training.config import TrainingConfig
from bot.training.corpus import CompactVocabulary, UnusableText, read_books, split_books
from bot.training.evaluation import evaluate
from bot.training.export import export
from bot.training.lengthening import gently, lengthened
from bot.training.network import Network, NetworkConfig
from bot.training.training import train

HELD_OUT_SHARE = 0.04
DEMO_MODEL = Path(__file__).parents[1] / "data" / "demo-model"

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, export, evaluate, describe; the exit status is 2 where the text is of no use."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    try:
        _run(given)
    except UnusableText as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _run(given: argparse.Namespace) -> None:
    encoding = gpt2_tokenizer.encoding()
    corpus = split_books(read_books(given.text), encoding, HELD_OUT_SHARE)
    vocabulary = CompactVocabulary(corpus.train, encoding.n_vocab)
    log.info(
        "%d tokens to train on, %d held out, %d ids used",
        len(corpus.train), len(corpus.held_out), len(vocabulary.used_ids),
    )  # fmt: skip
    config = TrainingConfig(budget=60 * given.minutes, seed=given.seed, threads=given.threads)
    torch.manual_seed(config.seed)
    network = Network(NetworkConfig(vocabulary.size))
    progress = train(network, corpus, vocabulary, config, given.checkpoint)
    if given.context > network.config.context:
        log.info("going on with a context of %d", given.context)
        network = lengthened(network, given.context)
        progress += train(network, corpus, vocabulary, gently(config, minutes=given.long_minutes))
    export(network, vocabulary, given.output)
    log.info("exported to %s; evaluating", given.output)
    perplexities = evaluate(given.output, corpus)
    log.info("held-out perplexity %.2f", perplexities.model)
    run = Run(_command(given), given.source, config, progress, HELD_OUT_SHARE, given.long_minutes)
    write_card(given.output, run, corpus, vocabulary, perplexities)


def _command(given: argparse.Namespace) -> str:
    """What to type to train such a model again, without where this one's files are."""
    options = (
        f"--minutes {given.minutes:g} --context {given.context} --long-minutes {given.long_minutes:g} "
        f"--seed {given.seed} --threads {given.threads}"
    )
    return f"python -m bot.training {shlex.quote(given.text.name)} {options}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot.training",
        description="Train the small GPT-2 that ships with the project, and write its model card.",
    )
    parser.add_argument(
        "text", type=Path, metavar="TEXT", help="UTF-8, one paragraph a line, <|endoftext|> between books"
    )
    parser.add_argument(
        "--output", type=Path, default=DEMO_MODEL, help="the model's folder (default: the shipped one)"
    )
    parser.add_argument("--minutes", type=_minutes, default=70.0, help="time to train (default: 70)")
    parser.add_argument(
        "--context", type=int, default=1024, help="the model's context, longer than what it first sees (1024)"
    )
    parser.add_argument(
        "--long-minutes", type=_minutes, default=8.0, help="time to get used to the longer context (8)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and dropout (default: 0)")
    parser.add_argument("--threads", type=_threads, default=2, help="processor threads (default: 2)")
    parser.add_argument(
        "--checkpoint", type=Path, help="saved here every two minutes; an existing one is gone on from"
    )
    parser.add_argument("--source", default="", help="a sentence for the card: where the text is from")
    return parser


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return minutes


def _threads(text: str) -> int:
    threads = int(text)
    if threads < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return threads


if __name__ == "__main__":
    sys.exit(main())
