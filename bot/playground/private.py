"""The private names of SimCord's preview that are used, all of them, and why.

The preview refuses what a person does on a page that was published again since
they last saw it, and it has no public way to take turns with such a person.
So an action's way in is wrapped, and the pages' published content is read.
tests/playground/test_private.py tells if one of these names goes away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import simcord

Body = Mapping[str, Any]
Act = Callable[[str | None, Body], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Published:
    """What one open page last got to show."""

    page_id: str
    revision: int
    content: Mapping[str, Any]


def intercept(preview: simcord.Preview, wrap: Callable[[Act], Act]) -> None:
    """Let every action on a page go through ``wrap`` of what would have done it."""
    preview._action = wrap(preview._action)  # type: ignore[method-assign, assignment] # noqa: SLF001


def published(preview: simcord.Preview) -> list[Published]:
    """Every open page as it was last published."""
    pages = preview._pages.values()  # noqa: SLF001
    return [Published(page.id, page.revision, page.snapshot) for page in pages]
