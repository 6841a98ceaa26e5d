"""Asking the bot to forget, as a person does: the command, and the button that confirms it."""

from simcord import ChannelHandle, InteractionResult, MemberActor

from tests.support.reading import card_of


async def forget_me(person: MemberActor, channel: ChannelHandle) -> InteractionResult:
    """The answer to the confirmation; the person has something stored."""
    asked = card_of(await person.slash(channel, "forget"))
    return await person.click(asked, label="Delete")
