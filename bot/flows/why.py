"""*Why this word?*: show the choice at one position, or fork the text there."""

from __future__ import annotations

from bot import cards
from bot.cards import Audience
from bot.cards.pictures.bars import draw_bars
from bot.cards.why import PICTURE
from bot.features.complete import CompletionRun
from bot.flows.attachments import drawn
from bot.flows.complete import write
from bot.flows.warm_up import ready_model
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
    table = await drawn(services, reply, PICTURE, draw_bars, cards.why_bars(content))
    await reply.finish(cards.why(content), files=[table], parts=_parts(services, run, position))


async def show_numbers(services: Services, run_id: str, reply: Reply, position: int) -> None:
    """Show the figures behind a position to the person alone."""
    run = await services.runs.completion(run_id)
    audience = Audience(reply.asker.person, private=True)
    content = cards.describe_why(run, position, services.encodings, private=True, audience=audience)
    await reply.finish(cards.why_numbers(content), parts=_parts(services, run, position))


def _parts(services: Services, run: CompletionRun, position: int) -> frozenset[str]:
    """Find blocked words on the card that are only tokens of longer words."""
    before = run.prompt_ids + run.token_ids[:position]
    offered = [(before, candidate.token_id) for candidate in run.steps[position].candidates]
    return services.sieve(run.fingerprint.encoding).parts(run.token_ids, offered=offered)


async def fork(
    services: Services, run_id: str, position: int, token_id: int, private: bool, reply: Reply
) -> None:
    """Rewrite the text from ``position`` on with another token there."""
    await ready_model(services, reply)
    run = await services.runs.completion(run_id)
    await write(services, run.forked(position, token_id, owner=reply.asker.person, private=private), reply)
