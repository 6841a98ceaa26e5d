"""*Why this word?*: show the choice at one position, or fork the text there."""

from __future__ import annotations

from bot import cards
from bot.cards import Audience
from bot.flows.complete import write
from bot.interactions.reply import Interaction, Reply, is_private
from bot.services import Services


async def show_position(
    services: Services, run_id: str, position: int, interaction: Interaction, *, private: bool
) -> None:
    """Turn a private card to another position; for a public one, open a private card."""
    reply = Reply(interaction, private=True, replace=is_private(interaction))
    await reply.acknowledge()
    await show_why(services, run_id, reply, position=position, private=private)


async def show_why(
    services: Services, run_id: str, reply: Reply, *, private: bool, position: int | None = None
) -> None:
    """Show one position to the person alone, by default the biggest surprise.

    ``private`` says whether the text is theirs alone as well.
    """
    run = await services.runs.completion(run_id)
    if position is None:
        position = run.most_surprising()
    audience = Audience(reply.asker.person, private=True)
    content = cards.describe_why(run, position, services.encodings, private=private, audience=audience)
    before = run.prompt_ids + run.token_ids[:position]
    offered = [(before, candidate.token_id) for candidate in run.steps[position].candidates]
    parts = services.sieve(run.fingerprint.encoding).parts(run.token_ids, offered=offered)
    await reply.finish(cards.why(content), parts=parts)


async def fork(
    services: Services, run_id: str, position: int, token_id: int, private: bool, reply: Reply
) -> None:
    """Rewrite the text from ``position`` on with another token there."""
    run = await services.runs.completion(run_id)
    await write(services, run.forked(position, token_id, owner=reply.asker.person, private=private), reply)
