"""A comparison from its place in the queue to its finished card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bot import cards
from bot.cards import Closing, Compared, ComparisonCard, Parting
from bot.errors import NotRunning, UnavailableError
from bot.features.compare import METHODS, Continuation, Method, parting
from bot.features.complete import CompletionJob, CompletionRun
from bot.flows.streams import ask_all
from bot.interactions.outgoing import naming_seed
from bot.interactions.reply import Interaction, Reply
from bot.interactions.responses import defer
from bot.queue.updates import Completion, Finished, Queued
from bot.services import Services


async def compare(services: Services, jobs: Sequence[CompletionJob], reply: Reply) -> None:
    """Let the model write what is asked by ``bot.features.compare.jobs`` in one batch, and keep the runs.

    What was asked before is recalled. One that fails leaves the others alone; why is told at the end.
    """
    # What does not fit is refused before anything is shown.
    requests = [job.request(services.generations.model.context) for job in jobs]
    await reply.wait()
    asked_at = services.runs.now()
    channel = reply.channel
    written = [
        await _begun(services, job, method, channel) for job, method in zip(jobs, METHODS, strict=True)
    ]
    asked = [number for number, continuation in enumerate(written) if not continuation.over]
    wanted = [requests[number] for number in asked]
    group = jobs[0].run_id
    async with ask_all(services.generations, wanted, asker=reply.asker, group=group) as rounds:
        for job, continuation in zip(jobs, written, strict=True):
            await _keep(services, job, continuation, asked_at, channel)
        async for news in rounds:
            for number, latest in zip(asked, news, strict=True):
                if not written[number].over:
                    written[number] = written[number].after(latest)
                    await _keep(services, jobs[number], written[number], asked_at, channel)
            content = _content(services, jobs[0], written)
            if not content.over:
                with naming_seed(content.seed):
                    await reply.update(cards.comparison(content))
        with naming_seed(jobs[0].params.seed):
            await reply.finish(cards.comparison(_content(services, jobs[0], written)))
    for continuation in written:
        if isinstance(continuation.news, UnavailableError):
            raise continuation.news


async def stop(services: Services, group: str, interaction: Interaction) -> None:
    """Stop all that is still being written of a comparison; NotYours, or NotRunning."""
    try:
        services.generations.cancel(group, owner=interaction.user.id)
    except NotRunning:
        await defer(interaction)
        # It ended while the button was being pressed, and its card says so already;
        # or the bot was restarted while it was written, and the card never will.
        if not await services.runs.siblings(group):
            raise
    else:
        await defer(interaction)


async def _begun(services: Services, job: CompletionJob, method: Method, channel: int | None) -> Continuation:
    """With all its tokens, if the same was asked before."""
    continuation = Continuation(method, job.run_id, Queued(1, None))
    answer = await services.runs.answer(job, services.generations.model.fingerprint, channel=channel)
    if not isinstance(answer, CompletionRun):
        return continuation
    finished = Finished(Completion(answer.steps, answer.finish_reason), seconds=0.0)
    return replace(continuation.after(finished), recalled=True)


async def _keep(
    services: Services, job: CompletionJob, continuation: Continuation, asked_at: float, channel: int | None
) -> None:
    """Store what has come to its end, if it has any token."""
    if not (continuation.over and continuation.steps):
        return
    fingerprint = services.generations.model.fingerprint
    run = job.finished(continuation.completion, fingerprint=fingerprint, asked_at=asked_at)
    await services.runs.keep(run, channel=channel)


def _content(services: Services, job: CompletionJob, written: Sequence[Continuation]) -> ComparisonCard:
    model = services.generations.model
    text = partial(services.encodings.decode, encoding=model.encoding)
    return ComparisonCard(
        model=cards.model_name(model),
        prompt=text(job.prompt_ids),
        compared=tuple(
            Compared(continuation, text(continuation.token_ids), _parting(services, written[0], continuation))
            for continuation in written
        ),
        seed=job.params.seed,
        max_tokens=job.params.max_new_tokens,
        closing=Closing(job.owner, job.private),
    )


def _parting(services: Services, first: Continuation, other: Continuation) -> Parting | None:
    position = parting(first.token_ids, other.token_ids)
    if position is None:
        return None
    token = partial(services.encodings.token, encoding=services.generations.model.encoding)
    own, its = (token(one.token_ids[position]).visible for one in (other, first))
    # A part of a word may be a blocked word where it stands alone.
    blocked = services.rules.blocked
    return None if blocked.in_text(own) or blocked.in_text(its) else Parting(position, own=own, first=its)
