"""The card that answers an interaction. Every message of the bot is sent from here or from ``notices``."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import cast
from urllib.parse import urlsplit

import discord
from discord import ui

from bot.interactions.api_errors import TRANSIENT, is_gone, with_retries
from bot.interactions.outgoing import refuse_blocked_words
from bot.interactions.responses import Interaction, Stage, acknowledge, defer, state_of, think
from bot.logs import named
from bot.queue.limits import Asker

__all__ = ["NOBODY", "Interaction", "Reply", "disable_button", "is_private", "silence"]

log = logging.getLogger(__name__)

# An edit without it falls back to Discord's defaults, which ping.
NOBODY = discord.AllowedMentions.none()


def is_private(interaction: Interaction) -> bool:
    """Whether only one person sees the pressed card.

    Its run does not say: a private card may have been shared.
    """
    return interaction.message is not None and interaction.message.flags.ephemeral


class Reply:
    """The one message that answers an interaction: shown once, then edited.

    With ``replace`` it takes the place of the card whose button was pressed.
    """

    def __init__(self, interaction: Interaction, *, private: bool = False, replace: bool = False) -> None:
        self._interaction = interaction
        self._private = private
        self._replace = replace
        self._is_held = False
        self._is_promised = False

    async def acknowledge(self) -> None:
        """Promise Discord an answer, unless that is done: before anything that may take long.

        A card to be replaced stays as it is, so that an error leaves no trace on it.
        """
        if state_of(self._interaction).is_acknowledged:
            return
        if self._replace:
            await defer(self._interaction)
        else:
            await think(self._interaction, private=self._private)

    @property
    def private(self) -> bool:
        """Whether only the person who asks sees it."""
        return self._private

    @property
    def asker(self) -> Asker:
        """Who asks, at this moment: a second request has only the time that the first one left."""
        interaction = self._interaction
        age = interaction.client.tracker.age(interaction.id)
        return Asker(interaction.user.id, interaction.guild_id, age, self._is_promised)

    def promise(self) -> None:
        """Have no limit refuse what is asked from now on: its asker has waited for the model."""
        self._is_promised = True

    @property
    def channel(self) -> int | None:
        """The id of the server's channel in which everyone sees this reply, unless it is private.

        None in direct messages, and where people brought the bot along themselves: there
        Discord may show its replies to one person only.
        """
        interaction = self._interaction
        is_persons_own = interaction.is_user_integration() and not interaction.is_guild_integration()
        return None if interaction.guild_id is None or is_persons_own else interaction.channel_id

    async def wait(self) -> None:
        """Acknowledge, if that is still to be done; the card comes later.

        Until then, the buttons of a card to be replaced are disabled.
        """
        if not self._replace:
            await self.acknowledge()
        elif not self._is_held:
            self._is_held = True
            await self._show_pressed(enabled=False)

    async def keep_waiting(self, view: ui.LayoutView) -> None:
        """Show ``view`` in the place of "thinking…", to be replaced by the answer, or taken away by an error.

        A card to be replaced only has its buttons disabled. One failed edit does no harm.
        """
        await self.wait()
        if self._replace:
            return
        refuse_blocked_words(self._interaction, view)
        with _harmless_failure():
            await self._put(view, ())

    async def restore(self) -> None:
        """Enable the buttons that :meth:`wait` disabled."""
        if self._is_held:
            self._is_held = False
            await self._show_pressed(enabled=True)

    @asynccontextmanager
    async def restored(self) -> AsyncIterator[None]:
        """Restore the card to be replaced if anything in the block fails."""
        try:
            yield
        except (Exception, asyncio.CancelledError):
            with suppress(*TRANSIENT):  # the first failure is the one to report
                await self.restore()
            raise

    async def update(self, view: ui.LayoutView) -> None:
        """Show a card that the next one will soon replace, so one failed edit does no harm.

        Raise only if there is no longer anyone to show it to.
        """
        if not state_of(self._interaction).is_acknowledged:
            await self.show(view)
            return
        refuse_blocked_words(self._interaction, view)
        with _harmless_failure():
            await self._edit(view, ())

    async def finish(
        self,
        view: ui.LayoutView,
        *,
        files: Sequence[discord.File] = (),
        harmless: bool = False,
        parts: Set[str] = frozenset(),
    ) -> None:
        """Show the final card, with a second attempt if Discord fails at the first."""
        try:
            await self.show(view, files=files, harmless=harmless, parts=parts)
        except TRANSIENT as error:
            if is_gone(error):
                raise
            await self.show(view, files=files, harmless=harmless, parts=parts)

    async def show(
        self,
        view: ui.LayoutView,
        *,
        files: Sequence[discord.File] | None = (),
        harmless: bool = False,
        parts: Set[str] = frozenset(),
    ) -> None:
        """Show a card now; Withheld if it contains a word that the community has blocked.

        ``files`` are all that it has; None keeps those of the message.
        ``harmless`` skips the search: for the bot's own words, and for what has passed it before.
        ``parts`` are words that appear only as tokens of longer ones.
        """
        if not harmless:
            refuse_blocked_words(self._interaction, view, files or (), parts=parts)
        if state_of(self._interaction).is_acknowledged or not await self._show_first(view, files):
            await with_retries(lambda: self._edit(view, files))

    async def _show_first(self, view: ui.LayoutView, files: Sequence[discord.File] | None) -> bool:
        """Acknowledge the interaction with the card; false if an earlier attempt had done so unnoticed."""
        response = self._interaction.response
        silence(view)

        async def replace() -> None:
            await response.edit_message(view=view, attachments=_copies(files), allowed_mentions=NOBODY)

        async def send() -> None:
            await response.send_message(
                view=view, files=_copies(files), ephemeral=self._private, allowed_mentions=NOBODY
            )

        stage, first = (Stage.UPDATED, replace) if self._replace else (Stage.REPLIED, send)
        return await acknowledge(self._interaction, stage, first)

    async def _edit(self, view: ui.LayoutView, files: Sequence[discord.File] | None) -> None:
        await self._put(view, files)
        state_of(self._interaction).edited()

    async def _put(self, view: ui.LayoutView, files: Sequence[discord.File] | None) -> None:
        silence(view)
        await self._interaction.edit_original_response(
            view=view, attachments=_copies(files), allowed_mentions=NOBODY
        )

    async def _show_pressed(self, *, enabled: bool) -> None:
        """Show the pressed card with its own files, its buttons ``enabled`` or not."""
        message = self._interaction.message
        view = _card_of(message) if message else ui.LayoutView()
        if not enabled:
            for item in view.walk_children():
                if isinstance(item, (ui.Button, ui.Select)):
                    item.disabled = True
        await self.show(view, files=None, harmless=True)  # people see it already


async def disable_button(interaction: Interaction, *, label: str) -> None:
    """Disable the pressed button and change its label: it works once, and another message answers it.

    If Discord fails at this edit, or does not allow it, the button stays as it is.
    """
    message, data = interaction.message, cast("Mapping[str, object]", interaction.data or {})
    if message is None:
        return
    view = _card_of(message)
    for item in view.walk_children():
        if isinstance(item, ui.Button) and item.custom_id == data.get("custom_id"):
            item.disabled, item.label, item.style = True, label, discord.ButtonStyle.secondary
    silence(view)
    try:
        await message.edit(view=view, allowed_mentions=NOBODY)
    except TRANSIENT as error:
        log.info("could not disable a used button: %s", named(error))


@contextmanager
def _harmless_failure() -> Iterator[None]:
    """Let an edit fail that the next one will soon replace, unless there is no one left to show it to."""
    try:
        yield
    except TRANSIENT as error:
        if is_gone(error):
            raise
        log.warning("skipped an edit that failed: %s", named(error))


def silence(view: ui.LayoutView) -> None:
    """Keep discord.py from remembering the view: its buttons are found by their ``custom_id``."""
    view.stop()


def _card_of(message: discord.Message) -> ui.LayoutView:
    """The message's card, to be edited while its files stay: by their addresses they would be foreign."""
    view = ui.LayoutView.from_message(message, timeout=None)
    for item in view.walk_children():
        match item:
            case ui.MediaGallery():
                item.items = [
                    discord.MediaGalleryItem(
                        _by_name(picture.media), description=picture.description, spoiler=picture.spoiler
                    )
                    for picture in item.items
                ]
            case ui.File():
                item.media = _by_name(item.media)
    return view


def _by_name(media: discord.UnfurledMediaItem) -> str:
    """How a card names a file of its own message; any other keeps its address."""
    if media.attachment_id is None:
        return media.url
    return f"attachment://{urlsplit(media.url).path.rpartition('/')[2]}"


def _copies(files: Sequence[discord.File] | None) -> list[discord.File]:
    """Copy the files for one request: discord.py closes the ones it has sent. None leaves a message's own."""
    if files is None:
        return cast("list[discord.File]", discord.utils.MISSING)
    for file in files:
        file.reset()
    return [discord.File(io.BytesIO(file.fp.read()), file.filename) for file in files]
