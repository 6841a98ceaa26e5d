"""The only uses of private names in SimCord's preview, and the reasons.

The preview refuses an action on a page that was published again since the person last saw
it, and offers no public way to take turns with them. So the entry of actions is wrapped,
and the pages' published content is read. tests/playground/test_private.py fails if one of
these names disappears.
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
    """The last published state of one open page."""

    page_id: str
    revision: int
    content: Mapping[str, Any]


def intercept(preview: simcord.Preview, wrap: Callable[[Act], Act]) -> None:
    """Route every action on a page through ``wrap``, which receives the original handler."""
    preview._action = wrap(preview._action)  # type: ignore[method-assign, assignment] # noqa: SLF001


def published(preview: simcord.Preview) -> list[Published]:
    """The last published state of every open page."""
    pages = preview._pages.values()  # noqa: SLF001
    return [Published(page.id, page.revision, page.snapshot) for page in pages]
