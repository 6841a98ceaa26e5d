"""Runs programs as a person who copied them would, in a separate interpreter."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.features.complete import CompletionRun
from bot.text.tokenization import Encodings

# One process for all, since importing torch and transformers takes seconds. A tokenizer, which no
# program changes, is read once.
_RUNNER = """
import contextlib, functools, io, json, sys
from transformers import AutoTokenizer

AutoTokenizer.from_pretrained = functools.cache(AutoTokenizer.from_pretrained)
printed = []
for program in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(program, "same_text.py", "exec"), {"__name__": "__main__"})
    printed.append(output.getvalue())
json.dump(printed, sys.stdout)
"""


# Programs name the demo model from here, and another local model by the last part of its folder.
PROJECT = Path(__file__).parents[2]


async def outputs_of(programs: Sequence[str], folder: Path = PROJECT) -> list[str]:
    """The output of each program, run in ``folder``."""
    return await asyncio.to_thread(_outputs_of, programs, folder)


def _outputs_of(programs: Sequence[str], folder: Path) -> list[str]:
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _RUNNER],
        input=json.dumps(list(programs)),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    printed: list[str] = json.loads(process.stdout)
    return printed


def text_of_run(run: CompletionRun, encodings: Encodings) -> str:
    """Prompt and continuation, with replacement characters for invalid bytes."""
    written = encodings.bytes_of(run.prompt_ids + run.token_ids, run.fingerprint.encoding)
    return written.decode("utf-8", errors="replace")
