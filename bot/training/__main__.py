"""The command line: ``python -m bot.training TEXT``."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from bot.model.checkpoint import gpt2_tokenizer
from bot.training.config import TrainingConfig
from bot.training.corpus import HELD_OUT_SHARE, CompactVocabulary, UnusableText, read_books, split_books
from bot.training.evaluation import evaluate
from bot.training.model_card import Run, write_card
from bot.training.network import SHORT_CONTEXT, export, lengthened, network
from bot.training.training import train

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
    log.info("%d tokens to train on, %d held out", len(corpus.train), len(corpus.held_out))
    config = TrainingConfig(budget=60 * given.minutes, seed=given.seed, threads=given.threads)
    torch.manual_seed(config.seed)
    model = network(vocabulary.size)
    progress = train(model, corpus, vocabulary, config)
    if given.context > SHORT_CONTEXT:
        log.info("going on with a context of %d", given.context)
        model = lengthened(model, given.context)
        progress += train(model, corpus, vocabulary, config.gently(minutes=given.long_minutes))
    export(model, vocabulary, given.output)
    log.info("exported to %s; evaluating", given.output)
    perplexity = evaluate(given.output, corpus)
    log.info("held-out perplexity %.2f", perplexity)
    run = Run(_command(given), given.source, config, progress, given.long_minutes)
    write_card(given.output, run, corpus, vocabulary, perplexity)


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
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add, text = parser.add_argument, "UTF-8, one paragraph a line, <|endoftext|> between books"
    add("text", type=Path, metavar="TEXT", help=text)
    add("--output", type=Path, default=DEMO_MODEL, help="the model's folder")
    add("--minutes", type=_positive(float), default=70.0, help="time to train")
    add("--context", type=int, default=1024, help="the model's context, longer than what it first sees")
    add("--long-minutes", type=_positive(float), default=8.0, help="time to get used to the longer context")
    add("--seed", type=int, default=0, help="of weights, order and dropout")
    add("--threads", type=_positive(int), default=2, help="processor threads")
    add("--source", default="", help="a sentence for the card: where the text is from")
    return parser


def _positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError("must be more than 0")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
