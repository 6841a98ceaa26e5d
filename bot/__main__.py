"""The command line.

python -m bot                        the bot, or without DISCORD_TOKEN the playground
python -m bot try "/next prompt:…"   one command, its card as text or, with --json, for a script
python -m bot verify FILE            whether this machine writes the text of a receipt
python -m bot migrate [--check]      bring the database forward, or say whether that is needed
python -m bot --version              which version this is
"""

from __future__ import annotations

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl-C during the imports below ends the process as SIGTERM does, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import gc
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bot import __version__, logs, settings_file
from bot.errors import StartError, UnexpectedStop
from bot.executor import take_short_turns
from bot.launch import started
from bot.settings import DATABASE, Settings
from bot.system.exit_status import ExitStatus, exit_status
from bot.system.guard import guard
from bot.system.runtime import keep_large_apart
from bot.system.signals import end_by_signal, killed_by, raise_on_interrupt
from bot.system.terminal import adapt, complain, say, settle, stand_in, typed
from bot.text.numbers import whole_number

# The rest of the bot is imported while the model worker loads: see bot.launch.
if TYPE_CHECKING:
    from bot.app import Started

log = logging.getLogger("bot")

TITLE = f"Tokenwise {__version__}"
LONGEST_REPEATED = 100  # characters of a command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bot; return its ExitStatus: after ``try``, FAILED for a refusal, NEEDS_FIX for a mistyped line.

    After ``migrate --check``, FAILED for an older database, NEEDS_FIX for a newer or an unreadable one.
    A signal ends the bot in order: OK. It keeps ``try`` from answering: 128 + its number.
    """
    stand_in()
    guard()
    adapt(sys.stdout, sys.stderr)
    options = argparse.Namespace()
    try:
        raise_on_interrupt()
        options = _parser().parse_args(arguments)
        if len(getattr(options, "command", ())) > 1:
            complain(_in_one_piece(options.command))
            return ExitStatus.NEEDS_FIX
        environment = _environment(options)
        settings = Settings.from_env(environment)
        _log(options, settings)
        # Not even for PYTHONASYNCIODEBUG: what takes long is then logged with what it was given.
        return asyncio.run(_run(options, settings, environment), debug=False)
    except StartError as error:
        complain(error)
        return exit_status(error)
    except KeyboardInterrupt:
        return _ended_by(signal.SIGINT, options)
    except BrokenPipeError:
        return ExitStatus.OK  # the reader closed the pipe
    except Exception:
        log.critical("the bot ended by a fault of its own", exc_info=True)
        return ExitStatus.FAILED
    finally:
        settle()


class _Parser(argparse.ArgumentParser):
    """One that does not repeat what was typed: it may have been meant for another place, as a password is."""

    def error(self, message: str) -> NoReturn:
        super().error(re.split(r"""['"=]|(?<=arguments):""", message)[0].rstrip(" :"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m bot",
        description="Tokenwise: look inside a language model, in Discord. With DISCORD_TOKEN set, the bot "
        "joins Discord. Without it, it opens the playground: a pretend Discord in your browser.",
    )
    parser.add_argument("--version", action="version", version=TITLE, help="print the version")
    parser.add_argument(
        "--env",
        type=Path,
        metavar="FILE",
        help="read the settings from FILE (default: .env, if there is one)",
    )
    parser.add_argument(
        "--playground", action="store_true", help="open the playground even if there is a token"
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="port of the playground (default: any free one)"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the playground's address without opening it"
    )
    actions = parser.add_subparsers(title="instead of running", metavar="ACTION")
    attempt = actions.add_parser("try", help="run one slash command and print the reply")
    attempt.add_argument(
        "command",
        nargs="+",
        help='in quotation marks, as you would type it in Discord, such as "/next prompt:London was"',
    )
    attempt.add_argument("--json", action="store_true", help="print JSON, for scripts")
    attempt.add_argument(
        "--picture", type=_folder, metavar="FOLDER", help="save the card's pictures and files in FOLDER"
    )
    check = actions.add_parser("verify", help="write a text again, and compare it with its receipt")
    check.add_argument("receipt", type=Path, metavar="FILE", help="what the button Receipt attaches")
    migrating = actions.add_parser("migrate", help="bring the database of an older version forward")
    migrating.add_argument(
        "--check",
        action="store_true",
        help="change nothing; exit with 0 if it is up to date, 1 if older, 2 if newer or unreadable",
    )
    return parser


def _in_one_piece(words: Sequence[str]) -> str:
    """How to type a command that the shell has split into words."""
    line = typed(" ".join(words))
    # What follows a command in one piece belongs elsewhere, and may be a secret.
    is_split = len(words[0].split()) == 1
    is_plain = is_split and line.startswith("/") and not set(line) & set('"\\$`!') and line.isprintable()
    shown = line if is_plain and len(line) <= LONGEST_REPEATED else "/next prompt:London was"
    return f'Put the command in quotation marks: python -m bot try "{shown}"'


def _ended_by(number: signal.Signals, options: argparse.Namespace) -> int:
    return killed_by(number) if _answers_once(options) else ExitStatus.OK


def _answers_once(options: argparse.Namespace) -> bool:
    """Whether it ends by itself, with an answer, instead of serving."""
    return "command" in options or "receipt" in options or "check" in options


def _port(text: str) -> int:
    port = whole_number(text, highest=65535)
    if port is None:
        raise argparse.ArgumentTypeError("it is not a port: it must be from 0 to 65535")
    return port


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("it names no folder")
    return Path(text)


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """The settings file's variables, under those of the process; without the token
    where Discord is only simulated."""
    environment = settings_file.read(options.env) | dict(os.environ)
    if options.playground or _answers_once(options):
        environment.pop("DISCORD_TOKEN", None)
    if "check" in options and not environment.get("DATABASE_URL"):
        environment["DATABASE_URL"] = DATABASE  # the bot's, though there is no token now
    return environment


def _log(options: argparse.Namespace, settings: Settings) -> None:
    logs.configure(
        level="WARNING" if _answers_once(options) else settings.log_level,
        # A simulated Discord has nothing to tell an operator.
        discord_level=settings.log_level if settings.discord_token else "ERROR",
        form=settings.log_format,
        secrets=settings.secrets,
    )


async def _run(options: argparse.Namespace, settings: Settings, environment: dict[str, str]) -> int:
    take_short_turns()
    keep_large_apart()
    asyncio.get_running_loop().set_exception_handler(logs.unhandled)
    running = asyncio.create_task(_serve(options, settings, environment))
    received: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        received.append(number)
        running.cancel()

    end_by_signal(end)
    try:
        return await running
    except asyncio.CancelledError:
        if not running.cancelling():  # no signal has asked for it
            raise UnexpectedStop("its work was cancelled") from None
        return _ended_by(received[0] if received else signal.SIGINT, options)


async def _serve(options: argparse.Namespace, settings: Settings, environment: dict[str, str]) -> int:
    log.info(TITLE)
    if "receipt" in options:
        from bot.verify import verify

        return await verify(options.receipt, settings, environment)
    if "check" in options:
        from bot.migrate import migrate

        return await migrate(settings.database_url, check=options.check)
    async with started(settings, environment, answers_once=_answers_once(options)) as parts:
        if "command" in options:
            return await _attempt(options, parts)
        from bot.app import read_ahead

        read_ahead(parts.services.encodings)
        if settings.discord_token is not None:
            return await _join(settings.discord_token, settings, parts)
        return await _play(options, parts)


async def _join(token: str, settings: Settings, parts: Started) -> NoReturn:
    from bot.monitoring.endpoint import Address
    from bot.serve import join

    port = settings.metrics_port
    metrics = None if port is None else Address(settings.metrics_host, port)
    await join(token, parts, metrics=metrics, proxy=settings.https_proxy, shards=settings.shards)


async def _attempt(options: argparse.Namespace, parts: Started) -> int:
    from bot.playground.try_command import attempt  # SimCord, which only these two need

    return await attempt(
        typed(options.command[0]),
        parts.services,
        ready=parts.model.wait_ready,
        as_json=options.json,
        folder=options.picture,
    )


async def _play(options: argparse.Namespace, parts: Started) -> int:
    from bot.playground.server import serve

    if not options.playground:
        say("DISCORD_TOKEN is not set, so here is the playground: Tokenwise in a pretend Discord.")
    return await serve(
        parts.services,
        ready=parts.model.wait_ready,
        port=options.port,
        open_browser=not options.no_browser,
    )


if __name__ == "__main__":
    status = main()
    # On exit, Python searches the whole heap for cycles to free, which takes a moment.
    gc.freeze()
    sys.exit(status)
