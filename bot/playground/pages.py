"""Browser pages of a simulation that keep up while the bot edits its messages.

SimCord publishes a page after each action on it. For a bot that keeps writing after an
action, this adds two things: its edits are published as they come, and a click between
two of them still counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import simcord
from simcord import SetupError

from bot.playground.page_actions import PageActions
from bot.playground.private import Act, Body, intercept, published

log = logging.getLogger(__name__)

PAUSE = 0.2  # seconds between two publications; browsers poll twice a second
REMEMBERED = 100
# Actions on a message's control, which is identified by its place there.
PLACED = frozenset({"click", "select"})
# SimCord publishes the page of who acted alone; these may change what everyone sees.
SEEN_BY_OTHERS = PLACED | {"modal_submit"}


class LivePages:
    """The pages of ``preview``, published again after every announcement.

    ``own`` are the actions that our script on the page adds to SimCord's.

    SimCord runs one operation at a time and refuses a second, so people's actions and the
    publications take turns here.
    """

    def __init__(self, env: simcord.Env, preview: simcord.Preview, own: PageActions) -> None:
        self._env = env
        self._preview = preview
        self._own = own
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._errors = env.error_cursor
        self._revisions: dict[str, int] = {}
        self._controls: OrderedDict[tuple[str, int], dict[str, str]] = OrderedDict()
        intercept(preview, self._in_turn)

    def announce(self) -> None:
        """Announce that the bot has shown something. Safe to call from its own tasks."""
        self._news.set()

    async def run(self) -> None:
        """Publish after every announcement, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            async with self._turn:
                self._look_around()
                try:
                    await self._preview.refresh()
                except (SetupError, TimeoutError) as error:
                    log.warning("the pages were not published: %s", error)
                    self._news.set()
                self._look_around()
            await asyncio.sleep(PAUSE)

    def _in_turn(self, act: Act) -> Act:
        async def action(page_id: str | None, body: Body) -> dict[str, Any]:
            async with self._turn:
                try:
                    if body.get("kind") in self._own:
                        return await self._act(page_id, body)
                    if body.get("kind") in SEEN_BY_OTHERS:
                        self.announce()
                    return await act(page_id, self._up_to_date(page_id or "", body))
                finally:
                    self._look_around()

        return action

    async def _act(self, page_id: str | None, body: Body) -> dict[str, Any]:
        """Carry out an action of our own, and publish what comes of it."""
        for page in published(self._preview):
            if page.page_id == page_id:
                self.announce()
                return await self._own.run(page.viewer, body)
        raise SetupError("that page is closed")

    def _up_to_date(self, page_id: str, body: Body) -> Body:
        """``body`` as if its sender had seen the newest revision, unless that changes its meaning.

        SimCord refuses every action on an older revision, since the control may have changed
        under the finger. Here only that case is refused.
        """
        seen, newest = body.get("published_revision"), self._revisions.get(page_id)
        if not isinstance(seen, int) or newest is None or seen == newest:
            return body
        if body.get("kind") in PLACED:
            key = str(body.get("control_key"))
            was, is_now = (
                self._controls.get((page_id, revision), {}).get(key) for revision in (seen, newest)
            )
            if was is None or was != is_now:
                return body
        return {**body, "published_revision": newest}

    def _look_around(self) -> None:
        """Record what the pages show now, and log the errors since the last look."""
        pages = published(self._preview)
        self._revisions = {page.page_id: page.revision for page in pages}
        for page in pages:
            if (page.page_id, page.revision) not in self._controls:
                self._controls[page.page_id, page.revision] = controls(page.content)
        while len(self._controls) > REMEMBERED:
            self._controls.popitem(last=False)
        for error in self._env.errors_since(self._errors):
            log.error("the bot failed", exc_info=error)
        self._errors = self._env.error_cursor


def controls(content: Any) -> dict[str, str]:
    """The controls in a page's content, by key: what each does and says."""
    found: dict[str, str] = {}
    if isinstance(content, Mapping):
        key = content.get("control_key")
        if isinstance(key, str):
            found[key] = f"{content.get('custom_id')} {content.get('label')}"
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            found |= controls(item)
    return found
