"""Reading the cards of /guess."""

from __future__ import annotations

import re

import discord
from simcord import InteractionResult, MemberActor, ResponseMessage

from bot.playground.world import World
from tests.support.reading import buttons, card_of, text_of

TEXT = "London was"


def labels(answer: InteractionResult | ResponseMessage) -> list[str]:
    card = card_of(answer) if isinstance(answer, InteractionResult) else answer
    return [button["label"] for button in buttons(card.components)]


def top_guess(answer: InteractionResult | ResponseMessage) -> str:
    """The model's top guess on a revealed card."""
    match = re.match(r"🎯 The model's top guess: (.+)", text_of(answer))
    assert match, text_of(answer)
    return match[1]


def beginning(answer: InteractionResult) -> str:
    return text_of(answer).split("\n")[1].removesuffix(" ▁▁▁")


def run_id_of(card: ResponseMessage) -> str:
    return str(next(buttons(card.components))["custom_id"].split(":")[2])


def moderator_of(world: World) -> MemberActor:
    role = world.guild.create_role("Moderators", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("barbara"), roles=[role])
