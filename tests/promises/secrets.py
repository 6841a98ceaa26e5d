"""Whether any secret, prompt, text or interaction token appears in a log at any level.

python -m tests.promises.secrets

The real bot, in a process of its own on a fake Discord, with every logger at DEBUG and
asyncio in debug mode; its database cannot be reached. People write a canary into every
command and press every button, while a command crashes with an error that quotes them,
Discord resets, limits, fails and refuses requests, and the worker is killed. Then Discord
refuses the bot's token. All of this happens once with plain and once with JSON logs. The
canaries are searched for in stdout and stderr, in the command lines of all processes, in the
worker's environment, and in the reprs and tracebacks of settings, bot and errors.

Last, the control: the same without the guard, where the search must find something.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from discord import LoginFailure

from bot.app import Started
from bot.client import TokenwiseBot
from bot.errors import StartError
from bot.logs import Form
from bot.model.client.process import ModelProcess, worker_command
from bot.queue.limits import Limits
from bot.queue.queue import GenerationQueue
from bot.serve import join
from bot.services import Services
from bot.settings import DEMO_MODEL, Settings
from bot.store.database import opened
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.addresses import GATEWAY, REST
from tests.fakes.discord.faults import RequestFault
from tests.promises import secrets_search
from tests.promises.figures import verdict
from tests.promises.secrets_search import Canaries, Search
from tests.promises.secrets_verbose_bot import UNGUARDED
from tests.promises.secrets_visit import FAULTS, OneAtATime, Visit
from tests.support.processes import first_child

ROOT = Path(__file__).parents[2]
FORMS: tuple[Form, ...] = ("plain", "json")


@dataclass(frozen=True, slots=True)
class Secrets:
    """``read`` counts bytes by place, ``found`` canaries by place; ``control``, those without the guard."""

    visits: Sequence[Served]
    read: Mapping[str, int]
    found: Mapping[str, int]
    control: Mapping[str, int]

    @property
    def kept(self) -> bool:
        has_looked = all(self.read.values()) and all(visit.completions for visit in self.visits)
        return not self.found and has_looked and bool(self.control)


@dataclass(frozen=True, slots=True)
class Served:
    """``completions`` counts texts of the model, which are searched for too."""

    interactions: int
    completions: int
    lines: int


@dataclass(frozen=True, slots=True)
class VerboseBot:
    process: asyncio.subprocess.Process
    log: Path

    @property
    def worker(self) -> int:
        return first_child(self.process.pid)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    async def says(self, text: str, patience: float = 120.0) -> None:
        async with asyncio.timeout(patience):
            while text not in self.said():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)


def settings_of(canaries: Canaries) -> dict[str, str]:
    """The bot's settings, with a database that cannot be reached."""
    return {
        "DISCORD_TOKEN": canaries.token,
        "DATABASE_URL": f"postgresql://tokenwise:{canaries.password}@127.0.0.1:1/tokenwise",
        "MODEL": DEMO_MODEL,
        "REQUESTS_PER_PERSON": "100",
    }


@asynccontextmanager
async def verbose_bot(discord: FakeDiscord, environment: Mapping[str, str]) -> AsyncIterator[VerboseBot]:
    """The bot with every logger at DEBUG, its output in a file; ended by SIGTERM."""
    addresses = {REST: discord.where.rest, GATEWAY: discord.where.gateway}
    variables = {"PYTHONPATH": str(ROOT), "PYTHONASYNCIODEBUG": "1", **addresses, **environment}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-W", "default", "-m", "tests.promises.secrets_verbose_bot"),
                cwd=folder,
                env={**os.environ, **variables},
                stdout=output,
                stderr=output,
            )
        try:
            yield VerboseBot(process, log)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def served(
    form: Form,
    search: Search,
    *,
    with_model: bool = True,
    guarded: bool = True,
    wrong: Sequence[RequestFault] = FAULTS,
) -> Served:
    """Serve a whole visit, or only the half that needs no model, and search what the bot left."""
    canaries, faults = Canaries(), OneAtATime()
    environment = settings_of(canaries) | {"LOG_FORMAT": form} | ({} if guarded else {UNGUARDED: "1"})
    async with FakeDiscord.opened(faults=faults, schema_every=0) as discord:
        visit = Visit(discord, faults, canaries.word, wrong)
        async with verbose_bot(discord, environment) as bot:
            await discord.joined()
            await visit.commands_without_a_model()
            if with_model:
                await bot.says("the model is ready")
                await visit.commands_with_a_model()
                await visit.worker_killed(lambda: bot.worker)
            search.look("command lines", secrets_search.command_lines(), _all(canaries, visit))
            environ = secrets_search.environment_of(bot.worker)
            search.look("the worker's environment", environ, canaries.secrets.items())
            bot.process.send_signal(signal.SIGTERM)
            await bot.process.wait()
            said = bot.said()
        search.look(f"the log ({form})", said, _all(canaries, visit))
        return Served(len(discord.interactions), len(visit.written), said.count("\n"))


async def refused(form: Form, search: Search) -> None:
    """Start the bot with a token that Discord refuses, and search its log."""
    canaries = Canaries()
    environment = settings_of(canaries) | {"LOG_FORMAT": form}
    async with FakeDiscord.opened(accepts=False) as discord, verbose_bot(discord, environment) as bot:
        await bot.process.wait()
        search.look(f"the log ({form}) of a refused token", bot.said(), canaries.secrets.items())


async def represented(search: Search) -> None:
    """Search the reprs of the bot's parts, and the tracebacks of the errors that end it."""
    canaries = Canaries()
    settings = Settings.from_env(settings_of(canaries))
    model = ModelProcess(worker_command(settings.model, None, 1, 1), name=settings.model)
    queue = GenerationQueue(model, Limits(max_waiting=1, max_running=1, per_person=1, deadline=60.0))
    shown = []
    async with FakeDiscord.opened(accepts=False) as discord, opened(settings.database_url) as database, queue:
        services = Services(queue, Encodings(), Runs(database, days=1))
        parts, bot = Started(model, queue, services), TokenwiseBot(services)
        with discord.addresses():
            try:
                await join(canaries.token, parts)
            except StartError as error:
                shown += [str(error), repr(error), *traceback.format_exception(error)]
            try:
                await bot.login(canaries.token)
            except LoginFailure as error:
                shown += [repr(error), *traceback.format_exception(error), repr(bot), repr(bot.http)]
            await bot.close()
    shown += [repr(thing) for thing in (settings, parts, database, services.runs)]
    search.look("reprs and tracebacks", "\n".join(shown), canaries.secrets.items())


def _all(canaries: Canaries, visit: Visit) -> Sequence[tuple[str, str]]:
    tokens = [("an interaction's token", interaction.token) for interaction in visit.discord.interactions]
    completions = [("a completion", text) for text in visit.written]
    return [*canaries.secrets.items(), *canaries.written.items(), *tokens, *completions]


async def measure(forms: Sequence[Form] = FORMS) -> Secrets:
    search, control, visits = Search(), Search(), []
    for form in forms:
        visits.append(await served(form, search))
        await refused(form, search)
    await represented(search)
    await served(forms[0], control, with_model=False, guarded=False)
    return Secrets(visits, dict(search.read), dict(search.found), dict(control.found))


def report(measured: Secrets) -> int:
    interactions, completions, lines = (
        sum(getattr(visit, name) for visit in measured.visits)
        for name in ("interactions", "completions", "lines")
    )
    print(
        f"{interactions} interactions, {completions} completions searched for, {lines:,} lines of log; read:"
    )
    for where, read in measured.read.items():
        print(f"    {read:9,} bytes of {where}")
    print(f"canaries found: {sum(measured.found.values())} (bar 0)")
    for what, count in measured.found.items():
        print(f"    {count} × {what}")
    print(f"control, without the guard: {sum(measured.control.values())} found (bar: some)")
    for what, count in measured.control.items():
        print(f"    {count} × {what}")
    bar = "no secret in any log or listing, though the search finds them without the guard"
    return verdict(bar, kept=measured.kept)


if __name__ == "__main__":
    raise SystemExit(report(asyncio.run(measure())))
