"""*Replay*: let the model compute a run again, and show whether it comes out the same."""

from __future__ import annotations

import discord

from bot import cards
from bot.cards import Audience
from bot.errors import NoRun
from bot.features.complete import CompletionRun
from bot.features.next import WalkRun
from bot.features.replay import Replay, Rerun, compare, rerun
from bot.flows.streams import ask
from bot.flows.warm_up import ready_model
from bot.interactions.card_messages import run_id_of
from bot.interactions.reply import Interaction, Reply
from bot.queue.updates import token_ids
from bot.services import Services


async def replay_message(services: Services, interaction: Interaction, message: discord.Message) -> None:
    """Replay the run of one of the bot's own cards; NoRun for any other message."""
    is_ours = message.author.id == interaction.client.user.id
    run_id = run_id_of(message) if is_ours else None  # another bot's buttons could name any run
    if run_id is None:
        raise NoRun
    reply = Reply(interaction, private=True)
    await reply.acknowledge()
    await ready_model(services, reply)
    await _replay(services, await services.runs.get(run_id), reply)


async def replay_run(services: Services, run_id: str, reply: Reply) -> None:
    await ready_model(services, reply)
    await _replay(services, await services.runs.completion(run_id), reply)


async def _replay(services: Services, run: CompletionRun | WalkRun, reply: Reply) -> None:
    model, owner = services.generations.model, reply.asker.person
    again = rerun(run, owner=owner, context=model.context)
    async with ask(services.generations, again.request, asker=reply.asker) as answer:
        await reply.wait()
        now = (await answer()).steps
    found = compare(again.then, now, run.fingerprint, model.fingerprint)
    content = cards.describe_replay(
        again,
        found,
        services.encodings,
        today=model.fingerprint,
        made=run.asked_at,
        audience=Audience(owner, private=True),
    )
    await reply.finish(cards.replayed(content), parts=_parts(services, again, found))


def _parts(services: Services, again: Rerun, found: Replay) -> frozenset[str]:
    """Find blocked words on the card that are only parts of longer words, shown token by token."""
    if (difference := found.difference) is None:
        return frozenset()
    before = again.ids + token_ids(again.then[: difference.position])
    was = [difference.then.token_id] if difference.then else []
    return services.sieve(services.generations.model.encoding).parts(
        was, offered=[(before, difference.now.token_id)] if difference.now else []
    )
