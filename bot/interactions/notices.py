"""Messages for one person only, however their interaction has been answered so far."""

from __future__ import annotations

from functools import partial

import discord
from discord import ui

from bot.interactions.api_errors import TRANSIENT, is_gone, with_retries
from bot.interactions.reply import NOBODY, Reply, silence
from bot.interactions.responses import Interaction, Stage, acknowledge, state_of


async def follow_up(interaction: Interaction, view: ui.LayoutView) -> discord.WebhookMessage:
    """Send one more message to the person who asked, once the interaction has been acknowledged.

    Delivery is at least once. Where Discord does not say whether the message arrived, it is sent again.
    """
    silence(view)
    send = partial(interaction.followup.send, view=view, ephemeral=True, allowed_mentions=NOBODY, wait=True)
    return await with_retries(send)


async def send_error(interaction: Interaction, view: ui.LayoutView) -> None:
    """Send a message that only the person who asked sees; it is in the bot's own words.

    Delivery is at least once, as by :func:`follow_up`.
    """
    silence(view)
    match state_of(interaction).stage:
        case Stage.UNANSWERED:
            first = partial(
                interaction.response.send_message, view=view, ephemeral=True, allowed_mentions=NOBODY
            )
            if not await acknowledge(interaction, Stage.REPLIED, first):
                await _send_after_unnoticed_answer(interaction, view)
        case Stage.THINKING_PRIVATELY:
            await Reply(interaction).finish(view, harmless=True)
        case Stage.THINKING:
            # The next message takes the place and the visibility of "thinking…". So it must become a
            # message first, which is deleted afterwards.
            reply = Reply(interaction)
            await reply.finish(_placeholder(), harmless=True)
            try:
                await follow_up(interaction, view)
                await with_retries(interaction.delete_original_response)
            except TRANSIENT as error:
                if is_gone(error):
                    raise
                await reply.finish(view, harmless=True)  # better seen by all than an empty card
        case Stage.DEFERRED | Stage.REPLIED | Stage.UPDATED | Stage.MODAL_OPENED:
            await follow_up(interaction, view)


async def _send_after_unnoticed_answer(interaction: Interaction, view: ui.LayoutView) -> None:
    if state_of(interaction).stage is Stage.REPLIED:
        # The card that had come through would wait forever for its next edit.
        await Reply(interaction).finish(view, harmless=True)
    else:
        await send_error(interaction, view)


def _placeholder() -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay("…"))
    return view
