"""Clicks on a page that has just been published again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import simcord

from bot.playground.pages import LivePages, controls
from bot.playground.private import Body


class FakeEnv:
    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    @property
    def error_cursor(self) -> int:
        return len(self.errors)

    def errors_since(self, cursor: int) -> tuple[BaseException, ...]:
        return tuple(self.errors[cursor:])


class FakePreview:
    """The part of a preview that the pages use: the entry of actions, and publishing."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.revision = 1
        self.acted: list[Body] = []
        self.refreshed = asyncio.Event()
        self.busy = False

    async def _action(self, _page: str | None, body: Body) -> dict[str, Any]:
        assert not self.busy, "SimCord refuses a second operation"
        self.busy = True
        await asyncio.sleep(0)
        self.acted.append(body)
        self.busy = False
        return {}

    async def refresh(self) -> None:
        assert not self.busy, "SimCord refuses a second operation"
        self.busy = True
        await asyncio.sleep(0)
        self.revision += 1
        self.busy = False
        self.refreshed.set()

    @property
    def _pages(self) -> dict[str, Any]:
        content = {"messages": {"1": {"components": [{"control_key": "a", "label": self.label}]}}}

        class Page:
            id = "page"
            viewer = "Ada"
            revision = self.revision
            snapshot = content

        return {"page": Page}


class FakeActions:
    """Actions of one kind, which record who did them."""

    def __init__(self, preview: FakePreview) -> None:
        self._preview = preview
        self.done: list[tuple[str, Body]] = []

    def __contains__(self, kind: object) -> bool:
        return kind == "own"

    async def run(self, viewer: str, body: Body) -> dict[str, Any]:
        assert not self._preview.busy, "SimCord refuses a second operation"
        self._preview.busy = True
        await asyncio.sleep(0)
        self.done.append((viewer, body))
        self._preview.busy = False
        return {"refusal": None}


def live(preview: Any, env: Any = None, own: Any = None) -> LivePages:
    given: Any = env or FakeEnv()
    actions: Any = own or FakeActions(preview)
    return LivePages(given, preview, actions)


async def published_again(preview: FakePreview) -> None:
    """Change the page, and let the pages publish it."""
    pages = live(preview)
    running = asyncio.create_task(pages.run())
    pages.announce()
    await preview.refreshed.wait()
    running.cancel()


async def click(preview: Any, *, seen: int) -> int:
    await preview._action("page", {"kind": "click", "control_key": "a", "published_revision": seen})
    return int(preview.acted[-1]["published_revision"])


async def test_a_click_on_the_same_button_counts_for_the_newest_revision() -> None:
    preview = FakePreview("Stop")
    await published_again(preview)

    assert await click(preview, seen=1) == 2


async def test_a_click_on_a_button_that_has_changed_is_refused() -> None:
    preview = FakePreview("Stop")
    pages = live(preview)
    await click(preview, seen=1)
    running = asyncio.create_task(pages.run())
    pages.announce()
    preview.label = "Continue"
    await preview.refreshed.wait()

    assert await click(preview, seen=1) == 1
    running.cancel()


async def test_a_command_counts_even_if_the_page_changed_meanwhile() -> None:
    preview: Any = FakePreview("Stop")
    await published_again(preview)

    await preview._action("page", {"kind": "run_command", "published_revision": 1})

    assert preview.acted[-1]["published_revision"] == 2


async def test_actions_and_publications_take_turns() -> None:
    preview = FakePreview("Stop")
    pages = live(preview)
    running = asyncio.create_task(pages.run())
    pages.announce()

    await asyncio.gather(*(click(preview, seen=1) for _ in range(5)))

    assert len(preview.acted) == 5
    running.cancel()


async def test_a_publication_that_fails_is_tried_again() -> None:
    preview = FakePreview("Stop")
    refresh = preview.refresh

    async def refused() -> None:
        preview.refresh = refresh  # type: ignore[method-assign]
        raise simcord.SetupError("operation overlaps")

    preview.refresh = refused  # type: ignore[method-assign]

    await asyncio.wait_for(published_again(preview), 10)


async def test_a_failure_in_the_bot_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    preview, env = FakePreview("Stop"), FakeEnv()
    live(preview, env)

    env.errors.append(ZeroDivisionError("in a task of the bot"))
    await click(preview, seen=1)
    await click(preview, seen=1)

    (record,) = caplog.records
    assert "in a task of the bot" in str(record.exc_info)


def test_controls_are_found_wherever_they_are() -> None:
    content = {
        "messages": {"1": {"components": [{"components": [{"control_key": "a", "label": "Stop"}]}]}},
        "modal": {"accessory": {"control_key": "b", "custom_id": "x"}},
    }

    assert controls(content) == {"a": "None Stop", "b": "x None"}


async def test_an_action_of_our_own_is_done_as_who_looks_takes_its_turn_and_is_published() -> None:
    preview = FakePreview("Stop")
    own = FakeActions(preview)
    running = asyncio.create_task(live(preview, own=own).run())

    done, _ = await asyncio.gather(preview._action("page", {"kind": "own"}), click(preview, seen=1))
    await preview.refreshed.wait()
    running.cancel()

    assert done == {"refusal": None}
    assert own.done == [("Ada", {"kind": "own"})]
    assert [body["kind"] for body in preview.acted] == ["click"]


async def test_what_a_press_has_changed_is_published_to_everyone() -> None:
    preview = FakePreview("Vote")
    running = asyncio.create_task(live(preview).run())

    await click(preview, seen=1)
    await asyncio.wait_for(preview.refreshed.wait(), 5)
    running.cancel()

    assert [body["kind"] for body in preview.acted] == ["click"]


async def test_an_action_of_our_own_on_a_closed_page_is_refused() -> None:
    preview = FakePreview("Stop")
    live(preview)

    with pytest.raises(simcord.SetupError):
        await preview._action("closed", {"kind": "own"})
