"""Programs, run as somebody would who copied them: in an interpreter of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.features.completions import CompletionRun
from bot.settings import DEMO_MODEL
from bot.tokenization import Encodings

# One process for all, since importing torch and transformers takes seconds.
_RUNNER = """
import contextlib, io, json, sys

printed = []
for program in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(program, "same_text.py", "exec"), {"__name__": "__main__"})
    printed.append(output.getvalue())
json.dump(printed, sys.stdout)
"""


async def outputs_of(programs: Sequence[str]) -> list[str]:
    """What each of the programs prints."""
    return await asyncio.to_thread(_outputs_of, programs)


def _outputs_of(programs: Sequence[str]) -> list[str]:
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _RUNNER],
        input=json.dumps(list(programs)),
        cwd=Path(DEMO_MODEL).parent,  # programs name a model that is a folder by its last part
        capture_output=True,
        text=True,
        check=True,
    )
    printed: list[str] = json.loads(process.stdout)
    return printed


def text_of_run(run: CompletionRun, encodings: Encodings) -> str:
    """Prompt and continuation; bytes that are no character as everybody decodes them."""
    return encodings.bytes_of(run.prompt_ids + run.token_ids).decode("utf-8", errors="replace")
