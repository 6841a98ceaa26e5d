"""A completion from its place in the queue to its finished card, however it was begun."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import discord

from bot import cards
from bot.cards import CompletionCard
from bot.errors import BlankText, NotRunning, UnavailableError, Withheld
from bot.features.complete import CompletionJob, CompletionRun, new_run_id, new_seed, warm_or_greedy
from bot.flows.warm_up import ready_model
from bot.interactions.reply import Interaction, Reply
from bot.interactions.responses import defer
from bot.model.protocol import SamplingParams, Step
from bot.queue.updates import Completion, Finished, Progress, Update
from bot.services import Services


async def begin(
    services: Services,
    interaction: Interaction,
    prompt: str,
    *,
    seed: int | None,
    max_tokens: int,
    temperature: float,
    top_k: int,
    top_p: float,
    private: bool,
) -> None:
    """Complete ``prompt``; with the saved text if the same was requested before."""
    if not prompt.strip():
        raise BlankText("prompt")
    reply = Reply(interaction, private=private)
    await ready_model(services, reply, prompt=prompt)
    params = SamplingParams(
        max_new_tokens=max_tokens,
        temperature=warm_or_greedy(temperature),
        top_k=top_k,
        top_p=top_p,
        seed=new_seed() if seed is None else seed,
    )
    job = CompletionJob(new_run_id(), interaction.user.id, services.encode(prompt), params, private)
    writing = Writing(services, job, reply)
    # A new seed has written nothing yet.
    if (seed is None and params.temperature > 0) or not await writing.recall():
        await writing.write()


async def go_on(services: Services, run_id: str, private: bool, reply: Reply) -> None:
    """Continue a finished text."""
    await ready_model(services, reply)
    run = await services.runs.completion(run_id)
    await write(services, run.continued(owner=reply.asker.person, private=private), reply)


async def reroll(services: Services, run_id: str, private: bool, reply: Reply) -> None:
    """Write another text from the same prompt, with a new seed."""
    await ready_model(services, reply)
    run = await services.runs.completion(run_id)
    await write(services, run.rerolled(owner=reply.asker.person, private=private), reply)


async def show_numbers(
    services: Services, run_id: str, reply: Reply, *, tokens: int, milliseconds: int
) -> None:
    """Show the figures behind a text to the person alone."""
    run = await services.runs.completion(run_id)
    content = cards.describe_numbers(run, services.encodings, tokens=tokens, seconds=milliseconds / 1000)
    parts = services.sieve(run.fingerprint.encoding).parts(run.token_ids)
    await reply.finish(cards.completion_numbers(content), parts=parts)


async def stop(services: Services, run_id: str, interaction: Interaction) -> None:
    """Stop what is still being written; NotYours, or NotRunning."""
    await stop_group(services, run_id, interaction, has_ended=services.runs.is_kept)


async def stop_group(
    services: Services,
    group: str,
    interaction: Interaction,
    *,
    has_ended: Callable[[str], Awaitable[object]],
) -> None:
    """Stop the requests of ``group``; NotYours, or NotRunning unless it ``has_ended`` as it should."""
    try:
        services.generations.cancel(group, owner=interaction.user.id)
    except NotRunning:
        await defer(interaction)
        # It ended while the button was being pressed, and the card says so already;
        # or the bot was restarted while it was written, and the card never will.
        if not await has_ended(group):
            raise
    else:
        await defer(interaction)


async def write(services: Services, job: CompletionJob, reply: Reply) -> None:
    """Let the model write the text, show it as it grows, and keep it."""
    await Writing(services, job, reply).write()


async def show(services: Services, run: CompletionRun, reply: Reply) -> None:
    """Show the card of a finished run once more, to one person."""
    update = Finished(Completion(run.steps, run.finish_reason), seconds=0.0)
    content = cards.describe_run(run, update, services.generations.model, services.encodings)
    await _show_finished(services, run, _without_blocked(services, content), reply)


class Writing:
    """One text on its way from the queue to its finished card: ``job`` for the one who sees ``reply``.

    ContextExceeded, before anything is shown, if there is no room for the requested tokens.
    """

    def __init__(self, services: Services, job: CompletionJob, reply: Reply) -> None:
        self._services = services
        self._job = job
        self._reply = reply
        self._request = job.request(services.generations.model.context)
        self._asked_at = services.runs.now()

    async def recall(self) -> bool:
        """Show the text that the same request got before, as a run of its own; False if there is none."""
        await self._reply.wait()
        runs, fingerprint = self._services.runs, self._services.generations.model.fingerprint
        saved = await runs.answer(self._job, fingerprint, channel=self._reply.channel)
        if not isinstance(saved, CompletionRun):
            return False
        update = Finished(Completion(saved.steps, saved.finish_reason), seconds=0.0)
        await self._finish(update, recalled=cards.date(saved.asked_at))
        return True

    async def write(self) -> None:
        """Let the model write the text, show it as it grows, and keep it.

        New tokens with a blocked word in them are withheld and not kept, which the card says.
        """
        try:
            await self._follow()
        except Withheld:
            # What was written before this request stays, with its buttons.
            await self._finish(_cut(()), withheld=True)

    async def _follow(self) -> None:
        steps: tuple[Step, ...] = ()
        async with self._services.generations.stream(self._request, asker=self._reply.asker) as updates:
            try:
                async for update in updates:
                    if isinstance(update, Finished):
                        await self._finish(update)
                        return
                    if isinstance(update, Progress):
                        steps = update.steps
                    await self._reply.update(cards.completion(self._describe(update)))
            except UnavailableError:
                # What was written so far stays, with its buttons; the error handler says why it ends.
                await self._finish(_cut(steps), cut_short=True)
                raise

    async def _finish(
        self,
        update: Finished,
        *,
        cut_short: bool = False,
        withheld: bool = False,
        recalled: str | None = None,
    ) -> None:
        services = self._services
        fingerprint = services.generations.model.fingerprint
        run = self._job.finished(update.completion, fingerprint=fingerprint, asked_at=self._asked_at)
        await services.runs.keep(run, channel=self._reply.channel)
        content = replace(self._describe(update), cut_short=cut_short, withheld=withheld, recalled=recalled)
        await _show_finished(services, run, content, self._reply)

    def _describe(self, update: Update) -> CompletionCard:
        content = cards.describe_completion(
            self._job,
            update,
            self._services.generations.model,
            self._services.encodings,
            requested=self._request.params.max_new_tokens,
        )
        return _without_blocked(self._services, content)


async def _show_finished(
    services: Services, run: CompletionRun, content: CompletionCard, reply: Reply
) -> None:
    model = services.generations.model
    is_full = len(run.prompt_ids) + len(run.steps) == model.context
    content = replace(
        content,
        can_continue=run.can_continue(model.context),
        context=model.context if is_full else None,
    )
    files = []
    if cards.is_clipped(content):
        full = services.encodings.bytes_of(run.prompt_ids + run.token_ids, model.encoding)
        files.append(discord.File(io.BytesIO(full), cards.FULL_TEXT))
    # A card that says something is withheld must be shown, whatever numbers are on it.
    await reply.finish(cards.completion(content), files=files, harmless=content.withheld)


def _without_blocked(services: Services, content: CompletionCard) -> CompletionCard:
    """The card without the name of the chosen token if that is a blocked word where it stands alone."""
    return replace(content, chosen="") if services.rules.blocked.in_text(content.chosen) else content


def _cut(steps: Sequence[Step]) -> Finished:
    """The end of a text that did not get to its own."""
    return Finished(Completion(tuple(steps), "cancelled"), seconds=0.0)
