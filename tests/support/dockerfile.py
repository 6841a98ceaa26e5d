"""A parser for deploy/Dockerfile."""

from __future__ import annotations

import json
import re
import shlex

from tests.support.deploying import DEPLOY


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments, in order."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def arguments_of(name: str) -> list[str]:
    return [arguments for instruction, arguments in instructions() if instruction == name]


def variables() -> dict[str, str]:
    """The environment variables that the image sets."""
    pairs = (pair.partition("=") for words in arguments_of("ENV") for pair in shlex.split(words))
    return {name: value for name, _, value in pairs}


def command() -> list[str]:
    (arguments,) = arguments_of("CMD")
    return [str(word) for word in json.loads(arguments)]


def volumes() -> set[str]:
    return {folder for folders in arguments_of("VOLUME") for folder in folders.split()}
