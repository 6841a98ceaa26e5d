"""A tour: its text is written once, and each station is made from it."""

from __future__ import annotations

from collections.abc import Sequence

from bot import cards
from bot.cards import Closing, TourCard
from bot.cards.tour.stations import AGAIN, OFFERING, SCORES
from bot.features import tour
from bot.features.complete import CompletionJob, CompletionRun
from bot.flows.asking import asked
from bot.interactions.outgoing import told_with
from bot.interactions.reply import Reply
from bot.model.protocol import GenerationRequest, Step
from bot.moderation.screening import Sieve
from bot.queue.updates import Completion
from bot.services import Services


async def begin(services: Services, job: CompletionJob, station: int, reply: Reply) -> None:
    """Let the model write the tour's text, keep it, and show ``station``."""
    model, asked_at = services.generations.model, services.runs.now()
    async with reply.restored():
        completion = await _ask(services, job.request(model.context), reply, group=job.run_id)
        run = job.finished(completion, fingerprint=model.fingerprint, asked_at=asked_at)
        await services.runs.keep(run, channel=reply.channel)
        # What the station asks now belongs to what was asked just before: no cooldown lies between.
        await _show(services, run, station, Closing(job.owner, job.private), reply, group=job.run_id)


async def go_to(services: Services, run: CompletionRun, station: int, closing: Closing, reply: Reply) -> None:
    """Show ``station`` on a card that ends with ``closing``, to whom that names.

    To others than who began the tour it is shown as one of their own. If another
    model is loaded by now, the tour begins anew there: a lesson is about one model.
    """
    model = services.generations.model
    owner = closing.owner
    if run.fingerprint != model.fingerprint:
        job = tour.begun(
            run.prompt_ids,
            seed=run.params.seed,
            owner=owner,
            private=closing.private,
            context=model.context,
            parent=run,
            made_from_it=True,
        )
        await begin(services, job, station, reply)
        return
    async with reply.restored():
        if owner != run.owner:
            await reply.wait()
            run = tour.taken(run, owner=owner, now=services.runs.now())
            await services.runs.keep(run)
        await _show(services, run, station, closing, reply)


async def _show(
    services: Services,
    run: CompletionRun,
    station: int,
    closing: Closing,
    reply: Reply,
    *,
    group: str | None = None,
) -> None:
    model = services.generations.model
    rows: tuple[Step, ...] = ()
    again: tuple[int, ...] | None = None
    if station == SCORES and (request := tour.reading(run)) is not None:
        rows = (await _ask(services, request, reply, group=group)).steps
    if station == AGAIN:
        request = run.again(owner=closing.owner).request(model.context)
        again = (await _ask(services, request, reply, group=group)).token_ids
    lesson = cards.describe_lesson(run, model, services.encodings, rows=rows, again=again)
    with told_with(run.params.seed):
        await reply.finish(
            cards.tour(TourCard(run.run_id, station, lesson, closing)),
            parts=_parts(services, run, station, rows),
        )


def _parts(services: Services, run: CompletionRun, station: int, rows: Sequence[Step]) -> frozenset[str]:
    """The blocked words that the station shows only as tokens of longer ones."""
    prompt, following = run.prompt_ids, run.steps[0].candidates
    offered = [(prompt, one.token_id) for one in following] if station in OFFERING else []
    if station == SCORES:
        best = (row.candidates[0].token_id for row in (*rows, run.steps[0]))
        offered = [(prompt[:end], token_id) for end, token_id in enumerate(best, len(prompt) - len(rows))]
    return Sieve.of(services, run.fingerprint.encoding).parts(prompt + run.token_ids, offered=offered)


async def _ask(
    services: Services, request: GenerationRequest, reply: Reply, *, group: str | None
) -> Completion:
    async with asked(services.generations, request, asker=reply.asker, group=group) as answer:
        await reply.wait()
        return await answer()
