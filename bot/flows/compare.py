"""A comparison from its place in the queue to its finished card."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from bot import cards
from bot.cards import ComparisonCard
from bot.cards.compare import PICTURE, TEXTS
from bot.cards.pictures.branches import draw_branches
from bot.errors import BlankText, UnavailableError
from bot.features.compare import FEW, METHODS, Continuation, Method, jobs, jobs_for_all, kept
from bot.features.complete import CompletionJob, CompletionRun, new_seed
from bot.flows import complete
from bot.flows.attachments import drawn, text_file
from bot.flows.streams import ask_all
from bot.flows.warm_up import ready_model
from bot.interactions.outgoing import naming_seed
from bot.interactions.reply import Interaction, Reply
from bot.queue.updates import Completion, Finished, Queued
from bot.services import Services


async def begin(
    services: Services,
    interaction: Interaction,
    prompt: str,
    *,
    seed: int | None,
    max_tokens: int,
    private: bool,
) -> None:
    """Continue ``prompt`` with a few methods."""
    if not prompt.strip():
        raise BlankText("prompt")
    reply = Reply(interaction, private=private)
    await ready_model(services, reply, prompt=prompt, requests=len(FEW))
    requested = jobs(
        services.encode(prompt),
        FEW,
        seed=new_seed() if seed is None else seed,
        max_tokens=max_tokens,
        owner=interaction.user.id,
        private=private,
    )
    await Comparing(services, requested, reply).write(FEW)


async def show_all(services: Services, run_id: str, private: bool, reply: Reply) -> None:
    """Continue the prompt with the other methods, too, beside the texts that are kept."""
    await ready_model(services, reply, requests=len(METHODS))
    run = await services.runs.completion(run_id)
    requested = jobs_for_all(run, owner=reply.asker.person, private=private)
    await Comparing(services, requested, reply, labels_saved=False).write(METHODS)


async def show_numbers(services: Services, run_id: str, reply: Reply) -> None:
    """Show the figures behind a comparison to the person alone."""
    run = await services.runs.completion(run_id)
    ids = await services.runs.siblings(run.group or run.run_id)
    written = kept([await services.runs.completion(one) for one in ids])
    content = _without_blocked(services, cards.describe_kept(written, run, services.encodings))
    await reply.finish(cards.comparison_numbers(content))


async def stop(services: Services, group: str, interaction: Interaction) -> None:
    """Stop all that is still being written of a comparison; NotYours, or NotRunning."""
    await complete.stop_group(services, group, interaction, has_ended=services.runs.siblings)


async def explore(services: Services, run_id: str, interaction: Interaction) -> None:
    """Show one of the texts as a card of its own, to the person alone."""
    reply = Reply(interaction, private=True)
    await reply.acknowledge()
    await ready_model(services, reply)
    await complete.show(services, await services.runs.completion(run_id), reply)


class Comparing:
    """A comparison in progress: one job a method, for the one who sees ``reply``.

    ``labels_saved`` says whether the card tells which texts are saved ones. ContextExceeded, before
    anything is shown, if there is no room for the requested tokens.
    """

    def __init__(
        self, services: Services, jobs: Sequence[CompletionJob], reply: Reply, *, labels_saved: bool = True
    ) -> None:
        self._services = services
        self._jobs = jobs
        self._reply = reply
        self._labels_saved = labels_saved
        self._requests = [job.request(services.generations.model.context) for job in jobs]

    async def write(self, methods: Sequence[Method]) -> None:
        """Let the model write the texts in one batch, show them as they grow, and keep them.

        A saved text is shown where the same was requested before. A text that fails leaves the
        others alone; the first such error is raised in the end.
        """
        services, reply, jobs = self._services, self._reply, self._jobs
        async with AsyncExitStack() as stack:
            async with reply.restored():  # a card to be replaced, if the requests are refused
                await reply.wait()
                asked_at = services.runs.now()
                written = [await self._begin(*one) for one in zip(jobs, methods, strict=True)]
                missing = [number for number, continuation in enumerate(written) if not continuation.over]
                requests = [self._requests[number] for number in missing]
                asked = ask_all(services.generations, requests, asker=reply.asker, group=jobs[0].run_id)
                rounds = await stack.enter_async_context(asked)
            for job, continuation in zip(jobs, written, strict=True):
                await self._keep(job, continuation, asked_at)
            async for news in rounds:
                for number, latest in zip(missing, news, strict=True):
                    if not written[number].over:
                        written[number] = written[number].after(latest)
                        await self._keep(jobs[number], written[number], asked_at)
                content = self._describe(written)
                if not content.over:
                    with naming_seed(content.seed):
                        await reply.update(cards.comparison(content))
            await self._finish(self._describe(written))
        for continuation in written:
            if isinstance(continuation.news, UnavailableError):
                raise continuation.news

    async def _finish(self, content: ComparisonCard) -> None:
        with naming_seed(content.seed):
            tree = cards.comparison_tree(content)
            branches = await drawn(self._services, self._reply, PICTURE, draw_branches, *tree)
            texts = [text_file(TEXTS, cards.comparison_texts(content))] if cards.is_cut(content) else []
            await self._reply.finish(cards.comparison(content), files=[branches, *texts])

    async def _begin(self, job: CompletionJob, method: Method) -> Continuation:
        """With all its tokens if the same was requested before, else still waiting."""
        waiting = Continuation(method, job.run_id, Queued(1, None))
        runs, fingerprint = self._services.runs, self._services.generations.model.fingerprint
        saved = await runs.answer(job, fingerprint, channel=self._reply.channel)
        if not isinstance(saved, CompletionRun):
            return waiting
        finished = Finished(Completion(saved.steps, saved.finish_reason), seconds=0.0)
        return replace(waiting.after(finished), recalled=self._labels_saved)

    async def _keep(self, job: CompletionJob, continuation: Continuation, asked_at: float) -> None:
        """Store what is over, if it has any token."""
        if not (continuation.over and continuation.steps):
            return
        fingerprint = self._services.generations.model.fingerprint
        run = job.finished(continuation.completion, fingerprint=fingerprint, asked_at=asked_at)
        await self._services.runs.keep(run, channel=self._reply.channel)

    def _describe(self, written: Sequence[Continuation]) -> ComparisonCard:
        content = cards.describe_comparison(
            self._jobs[0], written, self._services.generations.model, self._services.encodings
        )
        return _without_blocked(self._services, content)


def _without_blocked(services: Services, content: ComparisonCard) -> ComparisonCard:
    """The card without the names of tokens that are blocked words where they stand alone."""
    is_blocked = services.rules.blocked.in_text
    texts = (
        replace(text, divergence=replace(text.divergence, own="", first=""))
        if text.divergence and (is_blocked(text.divergence.own) or is_blocked(text.divergence.first))
        else text
        for text in content.texts
    )
    return replace(content, texts=tuple(texts))
