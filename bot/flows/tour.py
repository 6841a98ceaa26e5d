"""/tour: write a text once, and show each station of the tour from it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from bot import cards
from bot.cards import Audience, TourCard
from bot.cards.tour.card import PICTURE, SEED, TEXT
from bot.cards.tour.stations import AGAIN, DRAW, OFFERING, SCORES
from bot.errors import BlankText
from bot.features import tour
from bot.features.complete import CompletionJob, CompletionRun, new_seed
from bot.flows.attachments import drawn
from bot.flows.streams import ask
from bot.flows.warm_up import ready_model
from bot.interactions.card_messages import owns_card
from bot.interactions.modals import Submission, in_time, open_modal
from bot.interactions.outgoing import naming_seed
from bot.interactions.reply import Interaction, Reply, is_private
from bot.model.protocol import GenerationRequest, Step
from bot.queue.updates import Completion
from bot.services import Services


async def begin(services: Services, prompt: str, seed: int | None, reply: Reply) -> None:
    """Start a tour about ``prompt`` at the first station; BlankText."""
    if not prompt.strip():
        raise BlankText("prompt")
    model = await ready_model(services, reply)
    job = tour.begun(
        services.encode(prompt),
        seed=new_seed() if seed is None else seed,
        owner=reply.asker.person,
        private=reply.private,
        context=model.context,
    )
    await _begin(services, job, 1, reply)


async def begin_own(services: Services, interaction: Interaction, submitted: Submission) -> None:
    """Show a station with the text that someone typed into the modal.

    It replaces the card if the tour is theirs. If they have pressed its buttons meanwhile, it
    gets its own message, as other people's texts do, so that the text isn't lost.
    """
    run_id = submitted.match["run_id"]
    station = int(submitted.match["numbers"].lstrip(":"))
    text = tour.text_of(submitted.typed[TEXT])
    claimed = interaction.client.locks.claim(run_id) if owns_card(interaction) else nullcontext(False)
    async with claimed as in_place:
        reply = Reply(interaction, private=True, replace=in_place)
        await reply.acknowledge()
        model = await ready_model(services, reply)
        run = await services.runs.completion(run_id)
        job = tour.begun(
            services.encode(text),
            seed=tour.seed_of(submitted.typed.get(SEED, ""), otherwise=run.params.seed),
            owner=interaction.user.id,
            private=is_private(interaction) or not in_place,
            context=model.context,
            parent=run,
            # The modal came with the old text in it.
            made_from_it=services.encodings.decode(run.prompt_ids, run.fingerprint.encoding) in text,
        )
        await _begin(services, job, station, reply)


async def ask_for_text(services: Services, run_id: str, station: int, interaction: Interaction) -> None:
    """Open the modal for the person's own text."""
    run = await in_time(services.runs.completion(run_id))
    text = services.encodings.decode(run.prompt_ids, run.fingerprint.encoding)
    await open_modal(interaction, cards.own_text(run.run_id, station, text=text, seed=run.params.seed))


async def go_to(services: Services, run_id: str, station: int, audience: Audience, reply: Reply) -> None:
    """Show ``station`` on a card for ``audience``.

    People who didn't start the tour get one of their own. If another model has been loaded
    since, the text is written again at this station: a lesson is about one model.
    """
    model = await ready_model(services, reply)
    run = await services.runs.completion(run_id)
    owner = audience.owner
    if run.fingerprint != model.fingerprint:
        job = tour.begun(
            run.prompt_ids,
            seed=run.params.seed,
            owner=owner,
            private=audience.private,
            context=model.context,
            parent=run,
            made_from_it=True,
        )
        await _begin(services, job, station, reply)
        return
    async with reply.restored():
        if owner != run.owner:
            await reply.wait()
            run = tour.taken(run, owner=owner, now=services.runs.now())
            await services.runs.keep(run)
        await _show(services, run, station, audience, reply)


async def _begin(services: Services, job: CompletionJob, station: int, reply: Reply) -> None:
    """Let the model write the tour's text, store it, and show ``station``."""
    model, asked_at = services.generations.model, services.runs.now()
    async with reply.restored():
        completion = await _ask(services, job.request(model.context), reply, group=job.run_id)
        run = job.finished(completion, fingerprint=model.fingerprint, asked_at=asked_at)
        await services.runs.keep(run, channel=reply.channel)
        # The station's own request is in the same group, so no cooldown applies between the two.
        await _show(services, run, station, Audience(job.owner, job.private), reply, group=job.run_id)


async def _show(
    services: Services,
    run: CompletionRun,
    station: int,
    audience: Audience,
    reply: Reply,
    *,
    group: str | None = None,
) -> None:
    model = services.generations.model
    rows: tuple[Step, ...] = ()
    reshaped: tuple[tuple[float, Step], ...] = ()
    again: tuple[int, ...] | None = None
    if station == SCORES and (request := tour.reading(run)) is not None:
        rows = (await _ask(services, request, reply, group=group)).steps
    if station == DRAW:
        reshaped = await _reshaped(services, run, reply, group=group)
    if station == AGAIN:
        request = run.again(owner=audience.owner).request(model.context)
        again = (await _ask(services, request, reply, group=group)).token_ids
    lesson = cards.describe_lesson(run, model, services.encodings, rows=rows, reshaped=reshaped, again=again)
    content = TourCard(run.run_id, station, lesson, audience)
    with naming_seed(run.params.seed):
        shown = await drawn(services, reply, PICTURE, content.shown.draw)
        await reply.finish(cards.tour(content), files=[shown], parts=_parts(services, run, station, rows))


def _parts(services: Services, run: CompletionRun, station: int, rows: Sequence[Step]) -> frozenset[str]:
    """Find blocked words on the station that are only parts of longer words, shown token by token."""
    prompt, following = run.prompt_ids, run.steps[0].candidates
    offered = [(prompt, one.token_id) for one in following] if station in OFFERING else []
    if station == SCORES:
        best = (row.candidates[0].token_id for row in (*rows, run.steps[0]))
        offered = [(prompt[:end], token_id) for end, token_id in enumerate(best, len(prompt) - len(rows))]
    return services.sieve(run.fingerprint.encoding).parts(prompt + run.token_ids, offered=offered)


async def _reshaped(
    services: Services, run: CompletionRun, reply: Reply, *, group: str | None
) -> tuple[tuple[float, Step], ...]:
    """Return the step right after the text at each of the other temperatures."""
    requests = tour.reshaping(run)
    group = group or requests[0].request_id  # they count as one request
    return tuple(
        [
            (request.params.temperature, (await _ask(services, request, reply, group=group)).steps[0])
            for request in requests
        ]
    )


async def _ask(
    services: Services, request: GenerationRequest, reply: Reply, *, group: str | None
) -> Completion:
    async with ask(services.generations, request, asker=reply.asker, group=group) as answer:
        await reply.wait()
        return await answer()
