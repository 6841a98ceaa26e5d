"""The worker's options on its command line, read without torch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from bot.model.cores import usable_cores
from bot.model.kernels.lesser_processors import LIMITS
from bot.model.model_info import Precision

DEFAULT_MAX_BATCH = 8


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options in ``arguments``, or in those of the process."""
    parser = argparse.ArgumentParser(prog="python -m bot.model.worker", description="Run GPT-2 for a parent.")
    parser.add_argument("--model", required=True, help="a folder, or the name of a Hugging Face Hub model")
    parser.add_argument("--revision", help="the hub model's commit, branch or tag")
    parser.add_argument("--precision", choices=get_args(Precision), default="float32")
    parser.add_argument("--threads", type=_positive, default=usable_cores())
    parser.add_argument("--max-batch", type=_positive, default=DEFAULT_MAX_BATCH)
    parser.add_argument(
        "--prefix-cache", type=_natural, default=0, help="MiB of keys and values to keep of ended texts"
    )
    parser.add_argument("--cache-dir", type=Path, help="where packed weights are kept for the next start")
    parser.add_argument(
        "--processor",
        choices=tuple(LIMITS),
        help="use no instructions that such a processor lacks: for comparisons and reports of bugs",
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _natural(text: str) -> int:
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError("must be at least 0")
    return value
