"""From the model to running services, each opened inside the one it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from bot.cards.pictures import fonts
from bot.errors import ModelLoading, StoreUnavailable, TokenizerMismatch
from bot.executor import Executor
from bot.model.client.process import ModelProcess
from bot.model.model_info import GPT2_ENCODING
from bot.model.remote.service import ModelService
from bot.moderation.blocklist import BlockedWords
from bot.moderation.rules import Rules
from bot.moderation.screening import ScreenedGenerations, Sieve
from bot.monitoring.metrics import Instruments
from bot.queue.across import LimitedAcross
from bot.queue.generations import Generations
from bot.queue.limits import Limits
from bot.queue.queue import GenerationQueue
from bot.services import Services
from bot.settings import Settings
from bot.store.database import Database, opened
from bot.store.housekeeping import tidied
from bot.store.process_claims import Claims
from bot.store.process_locks import ProcessLocks
from bot.store.rows import Run
from bot.store.runs import Runs
from bot.system.runtime import freeze_heap
from bot.text.tokenization import Encodings

AnyModel = ModelProcess | ModelService

# Discord slows down anyone who edits a message more often.
SECONDS_BETWEEN_EDITS = 1.0


@dataclass(frozen=True, slots=True)
class Started:
    """What runs: the model, the queue in front of it, and what commands may use."""

    model: AnyModel
    queue: GenerationQueue
    services: Services
    instruments: Instruments = field(default_factory=Instruments)


@asynccontextmanager
async def assembled(
    settings: Settings, model: AnyModel, encodings: Encodings, blocked: BlockedWords
) -> AsyncIterator[Started]:
    """Open the database and the queue in front of ``model``, and assemble the services, for the block."""
    limits, instruments = limits_of(settings), Instruments()
    async with (
        opened(settings.database_url) as database,
        GenerationQueue(
            model,
            limits,
            pace=SECONDS_BETWEEN_EDITS,
            on_first_token=instruments.first_token.observe,
        ) as queue,
        _services(settings, database, queue, Sieve(blocked, encodings), Executor(limits)) as services,
    ):
        yield Started(model, queue, services, instruments)


async def _prepare(database: Database) -> None:
    """Bring the tables forward, before anything is served; DatabaseNewer.

    A database that cannot be reached now is brought forward when it can.
    """
    with suppress(StoreUnavailable):  # which housekeeping logs
        await database.prepare()


@asynccontextmanager
async def _services(
    settings: Settings, database: Database, queue: GenerationQueue, sieve: Sieve, executor: Executor
) -> AsyncIterator[Services]:
    """Assemble what commands may use, and keep the database tidy for the block."""
    blocked = sieve.blocked
    runs = Runs(database, days=settings.retention_days, check=partial(check_run, queue, sieve))
    # The simulated Discord knows no ages.
    rules = Rules(blocked, settings.age_restricted and settings.discord_token is not None)
    await _prepare(database)
    locks, claims = ProcessLocks(database), Claims(database)
    generations: Generations = queue
    if settings.shards is not None and settings.shards.is_part:
        each, refused = settings.requests_per_person, queue.counts.refuse
        generations = LimitedAcross(queue, claims, per_person=each, refused=refused)
    if blocked:
        generations = ScreenedGenerations(generations, sieve)
    async with tidied(runs, on_deleted=queue.forget, locks=locks, claims=claims):
        yield Services(generations, sieve.encodings, runs, executor, rules=rules, locks=locks, claims=claims)


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


def read_ahead(encodings: Encodings) -> None:
    """Read everything that commands need from files now, so that no command waits for it."""
    encodings.load()
    fonts.load()
    freeze_heap()


def check_run(generations: Generations, sieve: Sieve, run: Run) -> None:
    """Raise TokenizerMismatch if the run is in another encoding, Withheld if a word in it is blocked.

    While the model loads, GPT-2's tokens can be shown: they are always known.
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
