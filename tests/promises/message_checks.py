"""What is wrong with a request to Discord, as it is on the wire: a ping, an escape, a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discord import InteractionResponseType

from tests.promises import markdown_oracle

MOST_COMPONENTS, MOST_CHARACTERS = 40, 4_000
# The most characters in a component's members.
_LONGEST = {"label": 80, "placeholder": 150, "custom_id": 100}
_LONGEST_OPTION = {"label": 100, "value": 100, "description": 100}

Component = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Violations:
    """Those of one request or of many, each in a few words."""

    pings: tuple[str, ...] = ()
    escapes: tuple[str, ...] = ()
    over_limits: tuple[str, ...] = ()

    def __add__(self, other: Violations) -> Violations:
        return Violations(
            self.pings + other.pings, self.escapes + other.escapes, self.over_limits + other.over_limits
        )


def check_message(body: Any, *, people: frozenset[int]) -> Violations | None:
    """The violations in ``body``; None if it is neither a message nor the response to an interaction."""
    if not isinstance(body, dict):
        return None
    said = body.get("data") or body
    match body.get("type"):
        case InteractionResponseType.modal.value:
            return None  # a form is seen only by the person who opened it, and cannot ping
        case InteractionResponseType.autocomplete_result.value:
            return Violations(over_limits=tuple(_long_choices(said["choices"])))
    if "components" not in said and "content" not in said:
        return None
    inside = walked(said.get("components", ()))
    return Violations(
        pings=() if _is_silent(said.get("allowed_mentions")) else ("allowed_mentions",),
        escapes=tuple(escapes_in(inside, people=people)),
        over_limits=tuple(over_limits_in(inside)),
    )


def escapes_in(components: Sequence[Component], *, people: frozenset[int]) -> Iterator[str]:
    for component in components:
        yield from markdown_oracle.escapes(component.get("content", ""), people=people)
        for member in ("label", "placeholder", "description"):
            yield from markdown_oracle.unsafe_characters(component.get(member) or "")
        for option in component.get("options", ()):
            yield from markdown_oracle.unsafe_characters(option["label"] + (option.get("description") or ""))


def over_limits_in(components: Sequence[Component]) -> Iterator[str]:
    if len(components) > MOST_COMPONENTS:
        yield f"{len(components)} components"
    said = [component["content"] for component in components if "content" in component]
    if sum(map(len, said)) > MOST_CHARACTERS:
        yield f"{sum(map(len, said))} characters"
    if not all(map(str.strip, said)):
        yield "an empty text"
    ids = [component["custom_id"] for component in components if "custom_id" in component]
    if len(set(ids)) < len(ids):
        yield "two controls with one custom_id"
    for component in components:
        yield from _too_long(component, _LONGEST)
        options = component.get("options", ())
        if len(options) > 25 or len({option["value"] for option in options}) < len(options):
            yield f"{len(options)} options, or two alike"
        for option in options:
            yield from _too_long(option, _LONGEST_OPTION)
        for picture in component.get("items", ()):
            yield from _too_long(picture, {"description": 1_024})


def walked(components: Sequence[Component]) -> tuple[Component, ...]:
    """A message's components at every depth, each before those inside it."""
    found: list[Component] = []
    for component in components:
        within = [*component.get("components", ()), *filter(None, [component.get("accessory")])]
        found += [component, *walked(within)]
    return tuple(found)


def _too_long(said: Component, longest: Mapping[str, int]) -> Iterator[str]:
    for member, limit in longest.items():
        if member in said and (text := said[member]) is not None and not 1 <= len(text) <= limit:
            yield f"a {member} of {len(text)} characters"


def _long_choices(choices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(choices) > 25:
        yield f"{len(choices)} choices"
    for choice in choices:
        yield from _too_long(choice, {"name": 100, "value": 100})


def _is_silent(allowed: Any) -> bool:
    """Whether ``allowed_mentions`` allows no pings; if it is left out, Discord's defaults apply."""
    return (
        isinstance(allowed, dict)
        and allowed.get("parse") == []
        and not any(allowed.get(member) for member in ("users", "roles", "replied_user"))
    )
