"""The process in which a peer's model is converted, or loaded and asked."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from bot.model.cores import usable_cores
from tests.benchmarks.peers import Peer


def main(peer: Peer) -> None:
    """The main function of each peer's module.

    To serve is to answer each line of JSON, some prompts and a number of new tokens, with a line that has the
    number of tokens that each got. Whatever else is printed goes to stderr.
    """
    parser = argparse.ArgumentParser(description=peer.NOTE)
    parser.add_argument("task", choices=("prepare", "serve"))
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("files", type=Path, help="folder of the peer's own files")
    parser.add_argument("--precision", choices=peer.PRECISIONS, default="float32")
    parser.add_argument("--threads", type=int, default=usable_cores())
    options = parser.parse_args()
    if options.task == "prepare":
        peer.prepare(options.model, options.files, options.precision)
        return
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    engine = peer.load(options.model, options.files, options.precision, options.threads)
    for line in sys.stdin:
        prompts, new_tokens = json.loads(line)
        made = engine.generate(prompts, new_tokens)
        answers.write(json.dumps([len(tokens) for tokens in made]) + "\n")
