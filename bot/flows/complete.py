"""A completion from its place in the queue to its finished card, for whatever began it."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import discord

from bot import cards
from bot.cards import Closing, CompletionCard
from bot.errors import UnavailableError, Withheld
from bot.features.complete import CompletionJob, CompletionRun
from bot.interactions.reply import Reply
from bot.model.protocol import GenerationRequest, Step
from bot.queue.updates import Completion, Finished, Progress, Queued, Update, token_ids
from bot.services import Services


async def write(services: Services, job: CompletionJob, reply: Reply) -> None:
    """Show the job from its place in the queue to its end, and keep the run.

    What has a blocked word in it is withheld and not kept, which the card says.
    """
    request = job.request(services.generations.model.context)
    asked, asked_at = request.params.max_new_tokens, services.runs.now()
    finish = partial(_finish, services, job, asked, reply, asked_at=asked_at)
    try:
        await _follow(services, job, request, reply, finish)
    except Withheld:
        # What was written before this request stays, with its buttons.
        await finish(Finished(Completion((), "cancelled"), seconds=0.0), withheld=True)


async def _follow(
    services: Services,
    job: CompletionJob,
    request: GenerationRequest,
    reply: Reply,
    finish: Callable[..., Awaitable[None]],
) -> None:
    """Show what the model has written whenever there is more, and let ``finish`` show its end."""
    steps: tuple[Step, ...] = ()
    asked = request.params.max_new_tokens
    async with services.generations.stream(request, asker=reply.asker) as updates:
        try:
            async for update in updates:
                if isinstance(update, Finished):
                    await finish(update)
                    return
                if isinstance(update, Progress):
                    steps = update.steps
                await reply.update(cards.completion(_content(services, job, asked, update)))
        except UnavailableError:
            # What was written so far stays, with its buttons; the reason is told by the caller.
            so_far = Finished(Completion(steps, "cancelled"), seconds=0.0)
            await finish(so_far, cut_short=True)
            raise


async def write_or_recall(services: Services, job: CompletionJob, reply: Reply) -> None:
    """As :func:`write`; at once if the same was asked before."""
    model = services.generations.model
    job.request(model.context)  # what does not fit is refused before anything is shown
    await reply.wait()
    answer = await services.runs.answer(job, model.fingerprint, channel=reply.channel)
    if isinstance(answer, CompletionRun):
        await _recall(services, job, answer, reply)
    else:
        await write(services, job, reply)


async def _recall(services: Services, job: CompletionJob, answer: CompletionRun, reply: Reply) -> None:
    """Show the text of ``answer`` as a run of its own: who asks has written its prompt themselves."""
    completion = Completion(answer.steps, answer.finish_reason)
    run = job.finished(completion, fingerprint=answer.fingerprint, asked_at=services.runs.now())
    content = _content(services, job, job.params.max_new_tokens, Finished(completion, seconds=0.0))
    await _keep_and_show(services, run, replace(content, recalled=cards.date(answer.asked_at)), reply)


async def _finish(
    services: Services,
    job: CompletionJob,
    asked: int,
    reply: Reply,
    update: Finished,
    *,
    asked_at: float,
    cut_short: bool = False,
    withheld: bool = False,
) -> None:
    fingerprint = services.generations.model.fingerprint
    run = job.finished(update.completion, fingerprint=fingerprint, asked_at=asked_at)
    content = replace(_content(services, job, asked, update), cut_short=cut_short, withheld=withheld)
    await _keep_and_show(services, run, content, reply)


async def _keep_and_show(
    services: Services, run: CompletionRun, content: CompletionCard, reply: Reply
) -> None:
    await services.runs.keep(run, channel=reply.channel)
    await _show_finished(services, run, content, reply)


async def show(services: Services, run: CompletionRun, reply: Reply) -> None:
    """The card of a finished run once more, for one person."""
    update = Finished(Completion(run.steps, run.finish_reason), seconds=0.0)
    content = _card(services, run, run.token_ids, update, asked=run.params.max_new_tokens)
    await _show_finished(services, run, replace(content, closing=Closing(run.owner, private=True)), reply)


async def _show_finished(
    services: Services, run: CompletionRun, content: CompletionCard, reply: Reply
) -> None:
    model = services.generations.model
    context = model.context
    is_full = len(run.prompt_ids) + len(run.steps) == context
    content = replace(content, can_continue=run.can_continue(context), context=context if is_full else None)
    files = []
    if cards.is_clipped(content):
        whole = services.encodings.bytes_of(run.prompt_ids + run.token_ids, model.encoding)
        files.append(discord.File(io.BytesIO(whole), cards.WHOLE_TEXT))
    # That something is withheld must be told, whatever numbers the card has.
    await reply.finish(cards.completion(content), files=files, harmless=content.withheld)


def _content(services: Services, job: CompletionJob, asked: int, update: Update) -> CompletionCard:
    written = job.earlier_ids + token_ids(_steps(update))
    return replace(
        _card(services, job, written, update, asked=asked),
        earlier=len(job.earlier),
        asked_by=job.owner if job.parent and not job.private else None,
    )


def _card(
    services: Services,
    text: CompletionJob | CompletionRun,
    written: tuple[int, ...],
    update: Update,
    *,
    asked: int,
) -> CompletionCard:
    model = services.generations.model
    return CompletionCard(
        run_id=text.run_id,
        closing=Closing(text.owner, text.private),
        model=cards.model_name(model),
        prompt=services.encodings.decode(text.prompt_ids, model.encoding),
        # Decoded at once: a character may lie across the border between runs.
        written=services.encodings.decode(written, model.encoding),
        params=text.params,
        update=update,
        tokens=len(_steps(update)),
        asked=asked,
        by_hand=text.by_hand,
        chosen=_chosen(services, text),
    )


def _steps(update: Update) -> tuple[Step, ...]:
    """Those that are known by now."""
    match update:
        case Progress():
            return update.steps
        case Finished():
            return update.completion.steps
        case Queued():
            return ()


def _chosen(services: Services, text: CompletionJob | CompletionRun) -> str:
    """The last token of the text that somebody chose, as it is shown; nothing if there is none.

    Nor if it would be a blocked word where it stands alone.
    """
    steps = text.earlier if isinstance(text, CompletionJob) else text.steps
    if not text.by_hand:
        return ""
    chosen = steps[text.by_hand[-1]].chosen.token_id
    name = services.encodings.token(chosen, services.generations.model.encoding).visible
    return "" if services.rules.blocked.in_text(name) else name
