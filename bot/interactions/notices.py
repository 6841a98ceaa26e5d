"""Telling one person something, whatever has been answered so far."""

from __future__ import annotations

from collections.abc import Set
from functools import partial

from discord import InteractionResponseType as Kind
from discord import ui

from bot.interactions.outgoing import check
from bot.interactions.reply import NOBODY, PRIVATE, SHOWN, Reply, silence
from bot.interactions.responses import (
    TRANSIENT,
    Interaction,
    acknowledge,
    acknowledged_as,
    is_acknowledged,
    is_gone,
    repeated,
)


async def tell_privately(
    interaction: Interaction, view: ui.LayoutView, *, parts: Set[str] = frozenset()
) -> None:
    """A message to the person who asked alone, whatever has been answered so far.

    Withheld if it has a word in it that the community has blocked, and that is no part of a longer one.
    """
    check(interaction, view, parts=parts)
    await tell_of_error(interaction, view)


async def tell_of_error(interaction: Interaction, view: ui.LayoutView) -> None:
    """As :func:`tell_privately`, but nothing withholds it: all that errors say is the bot's own.

    It is rather told twice than not at all, where Discord does not say whether it came.
    """
    silence(view)
    sent = {"view": view, "ephemeral": True, "allowed_mentions": NOBODY}
    if not is_acknowledged(interaction):
        first = partial(interaction.response.send_message, **sent)
        if await acknowledge(interaction, Kind.channel_message, first):
            return
        if acknowledged_as(interaction) is Kind.channel_message:
            # A card of which it was not known is there, and may wait for what never comes.
            await Reply(interaction).finish(view, harmless=True)
            return
    follow_up = partial(interaction.followup.send, **sent)
    is_thinking = acknowledged_as(interaction) is Kind.deferred_channel_message
    if not is_thinking or SHOWN in interaction.extras:
        await repeated(follow_up)
        return
    reply = Reply(interaction)
    if interaction.extras.get(PRIVATE):
        await reply.finish(view, harmless=True)
        return
    # What follows "thinking…" takes its place and its visibility, so it must be
    # made a message first, and can be taken away afterwards.
    await reply.finish(_placeholder(), harmless=True)
    try:
        await repeated(follow_up)
        await repeated(interaction.delete_original_response)
    except TRANSIENT as error:
        if is_gone(error):
            raise
        await reply.finish(view, harmless=True)  # rather seen by all than never, or a card that says nothing


def _placeholder() -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay("…"))
    return view
