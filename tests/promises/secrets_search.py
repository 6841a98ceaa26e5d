"""Canaries, which are unique words, and the search for them."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bot.text.tokenization import Encodings
from tests.support.processes import PROC


@dataclass(frozen=True, slots=True)
class Canaries:
    """``token`` is the bot's, ``password`` the database's; ``word`` is in everything that people write."""

    token: str = field(default_factory=lambda: f"MTIzNDU2Nzg5MA.GcAnAr.{secrets.token_urlsafe(28)}")
    password: str = field(default_factory=lambda: f"pw{secrets.token_hex(8)}")
    word: str = field(default_factory=lambda: f"canary{secrets.token_hex(6)}")

    @property
    def secrets(self) -> dict[str, str]:
        return {"the token": self.token, "the password": self.password}

    @property
    def written(self) -> dict[str, str]:
        """The word, and its token ids as Python and JSON write them."""
        ids = Encodings().encode(" " + self.word)
        return {
            "a prompt": self.word,
            "a prompt's ids": ", ".join(map(str, ids)),
            "a prompt's ids as JSON": ",".join(map(str, ids)),
        }


@dataclass(slots=True)
class Search:
    """``found`` counts hits by canary and place; ``read`` counts bytes by place."""

    found: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)

    def look(self, where: str, text: str, needles: Iterable[tuple[str, str]]) -> None:
        self.read[where] += len(text.encode(errors="replace"))
        for name, needle in needles:
            if count := text.count(needle):
                self.found[f"{name} in {where}"] += count


def command_lines() -> str:
    """The command lines of all processes of the machine, as ``ps`` shows them."""
    return "\n".join(_read(process / "cmdline") for process in PROC.glob("[0-9]*"))


def environment_of(pid: int) -> str:
    return _read(PROC / str(pid) / "environ")


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except OSError:  # the process has just ended
        return ""
