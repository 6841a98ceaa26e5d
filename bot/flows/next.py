"""A walk: the table after a text, kept so that each press can go on from it."""

from __future__ import annotations

from dataclasses import replace

from bot import cards
from bot.cards.next import PICTURE
from bot.cards.pictures.bars import draw_bars
from bot.errors import BlankText
from bot.features.complete import new_run_id, new_seed, warm_or_greedy
from bot.features.next import Walk, WalkRun, walk_of
from bot.flows.attachments import drawn
from bot.flows.streams import ask
from bot.flows.warm_up import ready_model
from bot.interactions.outgoing import naming_seed
from bot.interactions.reply import Interaction, Reply
from bot.model.protocol import Candidate
from bot.services import Services


async def begin(
    services: Services,
    interaction: Interaction,
    prompt: str,
    *,
    temperature: float,
    top_k: int,
    seed: int | None,
    private: bool,
) -> None:
    """Show the table after ``prompt``; a saved one if the same was requested before."""
    if not prompt.strip():
        raise BlankText("prompt")
    reply = Reply(interaction, private=private)
    await ready_model(services, reply, prompt=prompt)
    walk = Walk(
        run_id=new_run_id(),
        owner=interaction.user.id,
        prompt_ids=services.encode(prompt),
        appended_ids=(),
        temperature=warm_or_greedy(temperature),
        top_k=top_k,
        seed=new_seed() if seed is None else seed,
        private=private,
    )
    # A new seed has drawn nothing yet.
    if (seed is None and walk.temperature > 0) or not await _recall(services, walk, reply):
        await _look(services, walk, reply)


async def walk_from(services: Services, run_id: str, private: bool, reply: Reply) -> None:
    """Begin a walk where a finished text began, with its settings and seed."""
    await ready_model(services, reply)
    run = await services.runs.completion(run_id)
    await _look(services, walk_of(run, owner=reply.asker.person, private=private), reply)


async def append(services: Services, run_id: str, token_id: int, private: bool, reply: Reply) -> None:
    """Walk one token on."""
    await ready_model(services, reply)
    before = (await services.runs.walk(run_id)).walk
    await _look(services, before.append(token_id, owner=reply.asker.person, private=private), reply)


async def roll(services: Services, run_id: str, private: bool, reply: Reply) -> None:
    """Walk on by the token that the seed draws."""
    await ready_model(services, reply)
    before = await services.runs.walk(run_id)
    chosen = before.step.chosen
    walk = before.walk.append(chosen.token_id, owner=reply.asker.person, private=private)
    await _look(services, walk, reply, rolled=chosen)


async def show_numbers(services: Services, run_id: str, reply: Reply) -> None:
    """Show the figures behind the table to the person alone."""
    await ready_model(services, reply)
    run = await services.runs.walk(run_id)
    content = cards.describe_next(run, services.generations.model, services.encodings)
    await reply.finish(cards.next_numbers(content), parts=_parts(services, run))


async def undo(services: Services, run_id: str, private: bool, reply: Reply) -> None:
    """Walk one token back."""
    await ready_model(services, reply)
    before = (await services.runs.walk(run_id)).walk
    await _look(services, before.undo(owner=reply.asker.person, private=private), reply)


async def _recall(services: Services, walk: Walk, reply: Reply) -> bool:
    """Show the table that the same request got before, and keep it once more; False if there is none."""
    model = services.generations.model
    walk.check(model.context)
    await reply.wait()
    saved = await services.runs.answer(walk, model.fingerprint, channel=reply.channel)
    if not isinstance(saved, WalkRun):
        return False
    run = replace(saved, walk=walk, asked_at=services.runs.now())
    await services.runs.keep(run, channel=reply.channel)
    await _show(services, run, reply, recalled=cards.date(saved.asked_at))
    return True


async def _look(services: Services, walk: Walk, reply: Reply, *, rolled: Candidate | None = None) -> None:
    """Ask the model for the table after the walk's text so far, keep it and show it."""
    model = services.generations.model
    walk.check(model.context)
    asked_at = services.runs.now()
    async with ask(services.generations, walk.request, asker=reply.asker) as answer, reply.restored():
        await reply.wait()
        (step,) = (await answer()).steps
        run = WalkRun(walk, step, model.fingerprint, asked_at)
        await services.runs.keep(run, channel=reply.channel)
        await _show(services, run, reply, rolled=rolled)


async def _show(
    services: Services,
    run: WalkRun,
    reply: Reply,
    *,
    rolled: Candidate | None = None,
    recalled: str | None = None,
) -> None:
    """Show the table; Withheld, with its seed, if a candidate must not be shown."""
    content = cards.describe_next(
        run, services.generations.model, services.encodings, rolled=rolled, recalled=recalled
    )
    with naming_seed(content.seed):
        table = await drawn(services, reply, PICTURE, draw_bars, cards.next_bars(content))
        await reply.finish(cards.next_tokens(content), files=[table], parts=_parts(services, run))


def _parts(services: Services, run: WalkRun) -> frozenset[str]:
    """Find blocked words on the card that are only tokens of longer words."""
    before = run.walk.request.prompt_ids
    shown = (run.step.chosen, *run.step.candidates)
    sieve = services.sieve(run.fingerprint.encoding)
    return sieve.parts(offered=[(before, one.token_id) for one in shown])
