"""What the playground adds to SimCord's page: examples to press, message menus, a style of its own.

The page gets one script, one style sheet with fonts, and the data they show.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discord.app_commands import Command, CommandTree, ContextMenu

from bot.features.examples import EXAMPLES, Example

_FOLDER = Path(__file__).parent / "static"
_FONTS = Path(__file__).parents[1] / "data" / "fonts"
_FILES = {"/playground.js": "application/javascript", "/playground.css": "text/css"}
# In this order; a command that the bot does not have is left out.
_FIRST = ("tour", "complete", "next")
_HELP = Example("help", "What can it do?")
_HINTS = {
    "Tokenize": "Split this text into tokens",
    "Surprise": "See which tokens surprise the model",
    "Replay": "Write this text again and compare",
}


@dataclass(frozen=True)
class Additions:
    """``head`` goes to the end of the page's head; ``files`` are served, by path: their type and bytes."""

    head: str
    files: Mapping[str, tuple[str, bytes]]


def additions(tree: CommandTree[Any]) -> Additions:
    """The additions for a bot with these commands."""
    slash = {c.name: c.description for c in tree.get_commands() if isinstance(c, Command)}
    menus = {c.name for c in tree.get_commands() if isinstance(c, ContextMenu)}
    shown = {
        "commands": list(slash),
        "starters": [
            _starter(example, slash[example.command]) for example in _starters() if example.command in slash
        ],
        "messageCommands": [{"name": name, "hint": hint} for name, hint in _HINTS.items() if name in menus],
    }
    head = (
        '<link rel="stylesheet" href="/playground.css">'
        f'<script type="application/json" id="playground-data">{_in_html(shown)}</script>'
        '<script type="module" src="/playground.js"></script>'
    )
    files = {path: (kind, (_FOLDER / path.lstrip("/")).read_bytes()) for path, kind in _FILES.items()}
    fonts = {
        f"/fonts/{file.name}": (f"font/{file.suffix[1:]}", file.read_bytes())
        for file in _FONTS.glob("Noto*.?tf")
    }
    return Additions(head, files | fonts)


def _starters() -> list[Example]:
    """The help and the examples, those first that a new person likes best."""
    rest = [example for example in EXAMPLES if example.command not in _FIRST]
    first = [example for name in _FIRST for example in EXAMPLES if example.command == name]
    return [*first, *rest, _HELP]


def _starter(example: Example, description: str) -> dict[str, str]:
    """``about`` is the text that the example works on, or what the command does."""
    about = next((f"“{text}”" for text in example.options.values()), description)
    return {"label": example.label, "line": example.typed, "command": example.command, "about": about}


def _in_html(value: object) -> str:
    """JSON that cannot end the script element that it stands in."""
    return json.dumps(value).replace("<", "\\u003c")
