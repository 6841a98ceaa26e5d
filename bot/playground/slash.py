"""Slash commands as people type them: ``/next prompt:London was seed:7``. Pure.

A value runs to the next ``name:`` of one of the command's options, or to the end, so it
may contain colons. White space around a value is dropped, as in Discord. A word in a value that
looks like an option which the command lacks (``temp:1``) is refused, not taken for text. Quotation
marks around a whole value say that all of it is text: ``prompt:"Set temp:1 and wait"``. A value that
begins with a mark which is never closed is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from discord import AppCommandOptionType, AppCommandType

from bot.quoting import clipped, quoted

Value = str | int | float | bool

_WHOLE = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_ZEROS = re.compile(r"(?<![0-9.])0+(?=[0-9])")  # before a number
_NAME = re.compile(r"/?([^\s:/]*)")
# A word of a value that may be meant as an option: "temp:1", but neither "said: yes" nor "https://…".
_NAMED = re.compile(r"(?<=\s)([a-zA-Z][a-zA-Z0-9_-]*):(?!//)(\S+)")
_EQUATED = re.compile(r"(?<=\s)([a-z_]+)=(?=\S)")  # "seed=7", as other programs have it
_SETTING = re.compile(r"-?[0-9]*\.?[0-9]+|true|false")
_SHORTENED = 4  # letters of an option's name that are enough to recognize it


class Mistyped(Exception):
    """A command that cannot be run as typed; the message is one clear sentence."""


@dataclass(frozen=True, slots=True)
class Option:
    """``lowest`` and ``highest`` bound a number, or the length of a text."""

    name: str
    kind: AppCommandOptionType
    required: bool = False
    lowest: float | None = None
    highest: float | None = None
    choices: Mapping[str, Value] | None = None

    @property
    def takes_text(self) -> bool:
        return self.kind == AppCommandOptionType.string and not self.choices

    def read(self, text: str) -> Value:
        """The value that ``text`` spells; Mistyped names what is allowed."""
        if self.choices:
            if text not in self.choices:
                raise self._refusal("one of " + ", ".join(self.choices), text)
            return self.choices[text]
        match self.kind:
            case AppCommandOptionType.integer:
                return int(self._bounded(text, _WHOLE, "a whole number"))
            case AppCommandOptionType.number:
                return float(self._bounded(text, _DECIMAL, "a number"))
            case AppCommandOptionType.boolean:
                if text.lower() not in ("true", "false"):
                    raise self._refusal("true or false", text)
                return text.lower() == "true"
            case _:
                return self._text(text)

    def _bounded(self, text: str, form: re.Pattern[str], what: str) -> str:
        number = _ZEROS.sub("", text)
        # Discord cannot send longer numbers, and they are slow to read.
        if not form.fullmatch(text) or len(number) > 400:
            raise self._refusal(what + self._range(), text)
        value = float(number)
        if not math.isfinite(value) or not self._within(value):
            raise self._refusal(what + self._range(), text)
        return number

    def _text(self, text: str) -> str:
        if not self._within(len(text)):
            raise Mistyped(f"{self.name} must have{self._range()} characters, and it has {len(text):,}.")
        return text

    def _within(self, value: float) -> bool:
        return (self.lowest is None or value >= self.lowest) and (
            self.highest is None or value <= self.highest
        )

    def _range(self) -> str:
        low, high = (None if bound is None else f"{bound:,}" for bound in (self.lowest, self.highest))
        if low is not None and high is not None:
            return f" from {low} to {high}"
        if low is not None:
            return f" of {low} or more"
        return "" if high is None else f" of {high} or less"

    def _refusal(self, allowed: str, given: str) -> Mistyped:
        if not given:
            return Mistyped(f"{self.name} has no value; it must be {allowed}.")
        return Mistyped(f"{self.name} must be {allowed}, not {quoted(given)}.")


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    options: tuple[Option, ...]

    def read(self, text: str, *, elsewhere: Collection[str] = ()) -> dict[str, Value]:
        """The options in ``text``, which is everything after the command's name.

        ``elsewhere`` are the names of other commands' options.
        """
        given = self._split(text.strip(), elsewhere)
        for option in self.options:
            if option.required and option.name not in given:
                raise Mistyped(f"/{self.name} needs {option.name}:…; {self._usage()}.")
        options = {option.name: option for option in self.options}
        return {name: options[name].read(value) for name, value in given.items()}

    def _split(self, text: str, elsewhere: Collection[str]) -> dict[str, str]:
        names = "|".join(re.escape(option.name) for option in self.options) or r"(?!)"
        start = re.compile(rf"({names}):\s*")
        # Marks that do not enclose the whole value are part of it.
        whole = re.compile(rf'"(.*?)"(?=\s+(?:{names}):|\s*$)\s*', re.DOTALL)
        following = re.compile(rf"(?<=\s)(?:{names}):")
        given: dict[str, str] = {}
        at = 0
        while at < len(text):
            found = start.match(text, at)
            if found is None:
                raise self._nameless(text[at:])
            name, at = found[1], found.end()
            if name in given:
                raise Mistyped(f"{name} is given twice.")
            if enclosed := whole.match(text, at):
                given[name], at = enclosed[1].strip(), enclosed.end()
            else:
                end = following.search(text, at)
                value = text[at : end.start() if end else len(text)].strip()
                if value.startswith('"') and value.count('"') % 2:
                    raise Mistyped(
                        f"The quotation mark at the start of {name} is never closed; if it belongs to the "
                        f'text, put marks around all of it: {name}:""…".'
                    )
                self._refuse_equated(name, value)
                self._refuse_unknown(name, value, elsewhere)
                given[name], at = value, end.start() if end else len(text)
        return given

    def _nameless(self, text: str) -> Mistyped:
        """What is wrong with ``text``, which begins with none of the options."""
        name, _, _ = text.partition("=")
        if name in self._names():
            return Mistyped(f"Write {name}:… with a colon, not {name}=…; {self._usage()}.")
        unknown, colon, _ = text.partition(":")
        if unknown and colon and not re.search(r"\s", unknown):
            return Mistyped(f"/{self.name} has no option {clipped(unknown)}; {self._usage()}.")
        first = next((option.name for option in self.options if option.required), None)
        if first is None:
            return Mistyped(f"Write name:value, not {quoted(text)}; {self._usage()}.")
        return Mistyped(f"Write /{self.name} {first}:{clipped(text)}; {self._usage()}.")

    def _refuse_equated(self, name: str, value: str) -> None:
        """Refuse an option within ``value`` that has an equals sign for its colon."""
        for found in _EQUATED.finditer(value):
            if found[1] in self._names():
                raise Mistyped(f"Write {found[1]}:… with a colon, not {found[1]}=…{self._unless_text(name)}.")

    def _refuse_unknown(self, name: str, value: str, elsewhere: Collection[str]) -> None:
        """Refuse a word of ``value`` that looks like an option but is none; text may have other colons."""
        for found in _NAMED.finditer(value):
            word, setting = found.groups()
            if not (self._resembles(word, elsewhere) or (word.islower() and _SETTING.fullmatch(setting))):
                continue
            raise Mistyped(
                f"/{self.name} has no option {clipped(word)}; {self._usage()}{self._unless_text(name)}."
            )

    def _unless_text(self, name: str) -> str:
        """How to say that a part of ``name``'s value is text; nothing if it takes none."""
        is_text = any(option.name == name and option.takes_text for option in self.options)
        return f'. If it is text, write {name}:"…" with quotation marks' if is_text else ""

    def _names(self) -> list[str]:
        return [option.name for option in self.options]

    def _resembles(self, word: str, elsewhere: Collection[str]) -> bool:
        word = word.lower()
        own = self._names()
        return (
            word in elsewhere
            or (len(word) >= _SHORTENED and any(name.startswith(word) for name in own))
            or bool(get_close_matches(word, own, n=1, cutoff=0.75))
        )

    def _usage(self) -> str:
        if not self.options:
            return "it takes no options"
        names = (option.name + " (required)" * option.required for option in self.options)
        return "its options are " + ", ".join(names)


def parse(line: str, commands: Iterable[Command]) -> tuple[str, dict[str, Value]]:
    """The command's name and its options' values; Mistyped if ``line`` is not a command."""
    known = {command.name: command for command in commands}
    start = _NAME.match(line.strip())
    name = start[1] if start else ""
    if start is None or name not in known:
        there = ", ".join(f"/{name}" for name in sorted(known))
        raise Mistyped(f"There is no command /{clipped(name)}; there are {there}.")
    elsewhere = {option.name for command in known.values() for option in command.options}
    return name, known[name].read(line.strip()[start.end() :], elsewhere=elsewhere)


def described(commands: Iterable[Mapping[str, Any]]) -> list[Command]:
    """The slash commands among ``commands``, given in the form that Discord receives."""
    return [
        Command(command["name"], tuple(_option(option) for option in command.get("options", ())))
        for command in commands
        if command.get("type", AppCommandType.chat_input.value) == AppCommandType.chat_input.value
    ]


def _option(described: Mapping[str, Any]) -> Option:
    choices = described.get("choices")
    return Option(
        name=described["name"],
        kind=AppCommandOptionType(described["type"]),
        required=bool(described.get("required")),
        lowest=described.get("min_value", described.get("min_length")),
        highest=described.get("max_value", described.get("max_length")),
        choices={choice["name"]: choice["value"] for choice in choices} if choices else None,
    )
