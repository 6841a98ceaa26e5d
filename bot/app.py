"""From settings to running services, each opened inside the one it needs."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from bot.cards.pictures import fonts
from bot.errors import ModelLoading, TokenizerMismatch
from bot.executor import Executor
from bot.integrity import check
from bot.model.client.process import ModelProcess, worker_command
from bot.model.client.progress import LoadingBar
from bot.model.protocol import GPT2_ENCODING, Ready
from bot.moderation.rules import Rules, blocked_words
from bot.moderation.screening import ScreenedGenerations, Sieve
from bot.monitoring.instruments import Instruments
from bot.queue.generations import Generations
from bot.queue.limits import Limits
from bot.queue.queue import GenerationQueue
from bot.services import Services
from bot.settings import Settings
from bot.store.database import opened
from bot.store.housekeeping import tidied
from bot.store.rows import Run
from bot.store.runs import Runs
from bot.text.tokenization import Encodings

# Discord slows down who edits a message more often.
SECONDS_BETWEEN_EDITS = 1.0


@dataclass(frozen=True, slots=True)
class Started:
    model: ModelProcess
    queue: GenerationQueue
    services: Services
    instruments: Instruments = field(default_factory=Instruments)


def keep_what_is_loaded() -> None:
    """Let the garbage collector never look at what there is by now, for it stays until the end.

    Its full collections would stop the event loop for 50 ms and more.
    """
    gc.collect()
    gc.freeze()


def learn(encodings: Encodings, ready: Ready) -> None:
    """Let the bot cut texts as the model does that is ready."""
    encodings.learn(ready.tokenizer, name=ready.info.title)


def check_run(generations: Generations, sieve: Sieve, run: Run) -> None:
    """TokenizerMismatch if the loaded model would read the run as other words, Withheld if one is blocked.

    While the model loads, GPT-2's tokens can be shown, for they are always known.
    """
    encoding = run.fingerprint.encoding
    try:
        is_its = encoding == generations.model.encoding
    except ModelLoading:
        if encoding != GPT2_ENCODING:
            raise
    else:
        if not is_its:
            raise TokenizerMismatch
    sieve.check_run(run)


def limits_of(settings: Settings) -> Limits:
    return Limits(
        max_running=settings.batch_size,
        max_waiting=settings.queue_size,
        per_person=settings.requests_per_person,
        per_server=settings.requests_per_server,
        person_cooldown=settings.cooldown_person,
        server_cooldown=settings.cooldown_server,
        deadline=settings.time_limit,
    )


@asynccontextmanager
async def started(
    settings: Settings, environment: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Started]:
    """The database, the model worker (still loading) and the queue before it; all end on leaving.

    ``environment`` is what the settings were read from: the worker gets of it what is for the hub.
    ShippedFileAltered before anything is read from a file that is not what it should be.
    """
    check()
    blocked = blocked_words(settings.blocked_words_file)
    command = worker_command(
        settings.model,
        settings.model_revision,
        settings.threads,
        settings.batch_size,
        precision=settings.precision,
        prefix_cache=settings.prefix_cache,
    )
    limits = limits_of(settings)
    instruments = Instruments()
    encodings = Encodings()
    with LoadingBar() as bar:
        async with (
            opened(settings.database_url) as database,
            ModelProcess(
                command,
                name=settings.model,
                on_loading=bar.show,
                on_ready=partial(learn, encodings),
                settings=environment,
            ) as model,
            GenerationQueue(
                model,
                limits,
                pace=SECONDS_BETWEEN_EDITS,
                on_first_token=instruments.first_token.observe,
            ) as queue,
        ):
            encodings.load()
            fonts.load()
            sieve = Sieve(blocked, encodings)
            runs = Runs(database, days=settings.retention_days, check=partial(check_run, queue, sieve))
            keep_what_is_loaded()
            async with tidied(runs, on_deleted=queue.forget):
                generations = ScreenedGenerations(queue, sieve) if blocked else queue
                # Nobody's age is known where Discord is only simulated.
                rules = Rules(blocked, settings.age_restricted and settings.discord_token is not None)
                executor = Executor(limits)
                services = Services(generations, encodings, runs, executor, rules=rules)
                yield Started(model, queue, services, instruments)
