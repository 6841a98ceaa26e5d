"""Why the bot cannot start."""

from __future__ import annotations

from bot.errors.base import StartError


class InvalidSetting(StartError):
    def __init__(self, variable: str, *, problem: str, allowed: str) -> None:
        self.variable = variable
        self.problem = problem
        self.allowed = allowed

    @property
    def sentence(self) -> str:
        return f"{self.variable} {self.problem}; it must be {self.allowed}."


class SettingsFileUnusable(StartError):
    def __init__(self, file: str, *, problem: str) -> None:
        self.file = file
        self.problem = problem

    @property
    def sentence(self) -> str:
        return f"The settings file {self.file} cannot be used: {self.problem}."


class ShippedFileAltered(StartError):
    def __init__(self, file: str, *, problem: str) -> None:
        self.file = file
        self.problem = problem

    @property
    def sentence(self) -> str:
        return f"The file bot/data/{self.file} {self.problem}: restore it, for example with a fresh clone."


class PortTaken(StartError):
    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def sentence(self) -> str:
        return f"Port {self.port} is in use: choose another with --port, or omit it to use any free one."


class ModelUnusable(StartError):
    def __init__(self, model: str, *, problem: str, may_pass: bool = False) -> None:
        self.model = model
        self.problem = problem
        self.may_pass = may_pass

    @property
    def sentence(self) -> str:
        return f"MODEL={self.model} cannot be used: {self.problem}"


class DiscordUnreachable(StartError):
    may_pass = True

    def __init__(self, problem: str) -> None:
        self.problem = problem

    @property
    def sentence(self) -> str:
        return f"Discord cannot be reached ({self.problem}). Check the network and restart the bot."


class LoginRefused(StartError):
    """``pause`` is how many seconds should pass before the next try: who asks too often is banned."""

    may_pass = True

    def __init__(self, problem: str, *, pause: float) -> None:
        self.problem = problem
        self.pause = pause

    @property
    def sentence(self) -> str:
        return f"The bot could not log in to Discord ({self.problem}). Restart it later."


class GatewayRefused(StartError):
    """``code`` is what Discord closed the connection with, for good."""

    def __init__(self, code: int) -> None:
        self.code = code

    @property
    def sentence(self) -> str:
        why = (
            "the bot is on too many servers for one connection, and it cannot shard"
            if self.code == 4011
            else "it no longer supports this version of the bot, so update the bot"
        )
        return f"Discord closed the connection for good (code {self.code}): {why}."


class ServingEnded(StartError):
    """What the bot cannot serve without has ended, though no one told it to."""

    may_pass = True

    def __init__(self, problem: str) -> None:
        self.problem = problem

    @property
    def sentence(self) -> str:
        return f"The bot stopped unexpectedly: {self.problem}. Restart it."


class OutputLost(StartError):
    """What was to be printed could not be; on a full disk, for example."""

    may_pass = True

    def __init__(self, problem: str) -> None:
        self.problem = problem

    @property
    def sentence(self) -> str:
        return f"The output cannot be written: {self.problem}."
