"""Delete everything that is stored about a person, when they ask for it and confirm it."""

from __future__ import annotations

from bot import cards
from bot.cards import PersonalData
from bot.errors import NotYours
from bot.features.beginnings import BEGINNINGS
from bot.interactions.reply import Interaction, Reply
from bot.services import Services
from bot.store.forgetting import Stored


async def ask(services: Services, interaction: Interaction) -> None:
    """Say what is stored about the person, and ask whether it goes."""
    reply = Reply(interaction, private=True)
    await reply.wait()
    stored = await _stored(services, reply)
    if stored == Stored():
        # Nothing is lost, and what is still in progress for them is not stored either.
        await _delete(services, reply)
    else:
        await reply.finish(cards.ask_forget(_data(stored), owner=reply.asker.person))


async def confirm(
    services: Services, interaction: Interaction, *, owner: int, asked: tuple[int, int, int]
) -> None:
    """Delete it, unless there is more than when they were ``asked``: then ask again. NotYours.

    ``asked`` counts texts, votes, and rounds.
    """
    reply = await _own(interaction, owner)
    async with interaction.client.locks.claim(f"forget:{owner}") as is_first:
        if not is_first:
            return
        stored = await _stored(services, reply)
        if stored.exceeds(Stored(*asked)):
            await reply.finish(cards.ask_forget(_data(stored), owner=owner, is_again=True))
        else:
            await _delete(services, reply)


async def cancel(interaction: Interaction, *, owner: int) -> None:
    """Delete nothing; NotYours."""
    reply = await _own(interaction, owner)
    async with interaction.client.locks.claim(f"forget:{owner}") as is_first:
        if is_first:
            await reply.finish(cards.not_forgotten())


async def _own(interaction: Interaction, owner: int) -> Reply:
    """Acknowledge the press of the person who was asked; NotYours for any other's."""
    if interaction.user.id != owner:
        raise NotYours("confirm")
    reply = Reply(interaction, replace=True)
    await reply.acknowledge()
    return reply


async def _delete(services: Services, reply: Reply) -> None:
    """Delete what the database has about the person and what the model keeps of texts; say how much."""
    gone = await services.runs.forget(reply.asker.person, ours=_ours(services))
    services.generations.forget()
    await reply.finish(cards.forgotten(_data(gone), pending=gone.pending))


async def _stored(services: Services, reply: Reply) -> Stored:
    return await services.runs.stored(reply.asker.person, ours=_ours(services))


def _ours(services: Services) -> frozenset[tuple[int, ...]]:
    """The texts of rounds that nobody typed, under the encoding of the model that was loaded last."""
    encodings = services.encodings
    return frozenset(encodings.encode(text, encodings.usual) for text in BEGINNINGS)


def _data(stored: Stored) -> PersonalData:
    return PersonalData(stored.runs, stored.votes, stored.rounds)
