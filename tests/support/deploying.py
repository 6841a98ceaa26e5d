"""The files in deploy/, and assertions that hold for each way to start the bot."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from bot.__main__ import _parser
from bot.serve import FAREWELL, GRACE, LAST_WORDS
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "tokenwise.service"
LONGEST_END = GRACE + FAREWELL + LAST_WORDS  # seconds, from SIGTERM until the last person has been notified
MARGIN = 5  # seconds more, for the database and the worker to close
NOT_OURS = {"PYTHONPATH", "HF_HOME"}  # variables of Python and of huggingface_hub


def unit(file: Path = UNIT) -> dict[str, list[str]]:
    """A unit's values by key; some keys occur more than once."""
    values: dict[str, list[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            values.setdefault(key, []).append(value)
    return values


def variables(file: Path = UNIT) -> dict[str, str]:
    """What a unit sets in the environment."""
    words = (word for line in unit(file)["Environment"] for word in shlex.split(line))
    return dict(word.split("=", 1) for word in words)


def assert_it_starts_the_bot(command: Sequence[str]) -> None:
    assert list(command[1:3]) == ["-m", "bot"]
    assert _parser().parse_args(command[3:]).env


def assert_variables_are_known(names: Iterable[str]) -> None:
    assert set(names) <= NOT_OURS | {name.upper() for name in Settings.__dataclass_fields__}
