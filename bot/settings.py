"""The settings, read from the environment once, at the start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

from yarl import URL

from bot.errors import InvalidSetting
from bot.gateway.shards import Shards
from bot.gateway.shards import parsed as parsed_shards
from bot.logs import Form
from bot.model.cores import usable_cores
from bot.model.model_info import GPT2_LARGE, Precision
from bot.proxies import Proxy, proxy_for_discord
from bot.quoting import quoted
from bot.store.address import is_shared, parsed
from bot.store.database import IN_MEMORY

DEMO_MODEL = str(Path(__file__).parent / "data" / "demo-model")
DATABASE = "sqlite:///tokenwise.sqlite3"
LOG_LEVELS = ("INFO", "WARNING", "ERROR")
_TOKEN = re.compile(r"[\w.~+/=-]+", re.ASCII)
_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"


@dataclass(frozen=True, slots=True)
class Settings:
    """One field for each variable of ``.env.example``. Times are in seconds."""

    discord_token: str | None = field(repr=False)
    https_proxy: Proxy | None
    shards: Shards | None
    model_url: str | None
    model_key: str | None = field(repr=False)
    model: str
    model_revision: str | None
    hf_token: str | None = field(repr=False)
    cache_dir: Path | None
    precision: Precision
    threads: int
    prefix_cache: int
    batch_size: int
    queue_size: int
    requests_per_person: int
    requests_per_server: int
    cooldown_person: float
    cooldown_server: float
    time_limit: float
    database_url: str = field(repr=False)
    retention_days: int
    blocked_words_file: str | None
    age_restricted: bool
    log_level: str
    log_format: Form
    metrics_port: int | None
    metrics_host: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may contain: tokens and passwords, plain and as encoded in an address."""
        tokens = tuple(filter(None, (self.discord_token, self.hf_token, self.model_key)))
        of_proxy = self.https_proxy.passwords if self.https_proxy else ()
        return tokens + parsed(self.database_url).secrets + of_proxy

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from ``environ``; InvalidSetting names the first wrong one.

        An empty variable counts as absent.
        """
        read = _Reader(environ)
        token = read.token("DISCORD_TOKEN")
        # The playground forgets everything at its end.
        database = read.database("DATABASE_URL", default=DATABASE if token else IN_MEMORY)
        return cls(
            discord_token=token,
            https_proxy=proxy_for_discord(environ) if token else None,
            shards=read.shards("SHARDS", database=database) if token else None,
            model_url=read.service("MODEL_URL"),
            model_key=read.access_token(
                "MODEL_KEY", allowed="the key that the model service was started with"
            ),
            model=read.text("MODEL") or (GPT2_LARGE if token else DEMO_MODEL),
            model_revision=read.text("MODEL_REVISION"),
            hf_token=read.access_token("HF_TOKEN") or read.access_token("HUGGING_FACE_HUB_TOKEN"),
            cache_dir=read.cache_dir("CACHE_DIR"),
            precision=cast("Precision", read.choice("PRECISION", get_args(Precision), default="float32")),
            threads=read.integer("THREADS", default=usable_cores(), lowest=1, highest=1024),
            prefix_cache=read.integer("PREFIX_CACHE", default=512, lowest=0, highest=1_000_000),
            batch_size=read.integer("BATCH_SIZE", default=8, lowest=1, highest=64),
            # /compare makes six requests at once.
            queue_size=read.integer("QUEUE_SIZE", default=32, lowest=6, highest=500),
            requests_per_person=read.integer("REQUESTS_PER_PERSON", default=2, lowest=1, highest=100),
            requests_per_server=read.integer("REQUESTS_PER_SERVER", default=20, lowest=1, highest=10_000),
            cooldown_person=read.integer("COOLDOWN_PERSON", default=0, lowest=0, highest=3600),
            cooldown_server=read.integer("COOLDOWN_SERVER", default=0, lowest=0, highest=3600),
            # Discord lets a bot edit its reply for 15 minutes.
            time_limit=read.integer("TIME_LIMIT", default=600, lowest=10, highest=840),
            database_url=database,
            retention_days=read.integer("RETENTION_DAYS", default=30, lowest=1, highest=3650),
            blocked_words_file=read.text("BLOCKED_WORDS_FILE"),
            age_restricted=read.truth("AGE_RESTRICTED", default=False),
            log_level=read.choice("LOG_LEVEL", LOG_LEVELS, default="INFO"),
            log_format=cast("Form", read.choice("LOG_FORMAT", get_args(Form), default="plain")),
            metrics_port=read.port("METRICS_PORT"),
            metrics_host=read.text("METRICS_HOST") or "127.0.0.1",
        )


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, variable: str) -> str | None:
        return self._environ.get(variable, "").strip() or None

    def service(self, variable: str) -> str | None:
        given = self.text(variable)
        if given is None:
            return None
        try:
            url = URL(given)
            is_one = url.scheme in ("http", "https") and bool(url.host) and bool(url.port)
        except ValueError:  # its text would quote the address
            is_one = False
        if not is_one or url.user or url.password or url.query_string or url.fragment:
            raise InvalidSetting(
                variable,
                problem="is not the address of a model service",
                allowed="http://HOST:PORT or https://HOST, without a password: that is MODEL_KEY",
            )
        return str(url).rstrip("/")

    def access_token(self, variable: str, *, allowed: str = "a token as the hub shows it") -> str | None:
        given = self.text(variable)
        if given and not (given.isascii() and given.isprintable() and " " not in given):
            # It is sent in a header, and the library that cannot send it would quote it.
            problem = "has characters that no access token contains"
            raise InvalidSetting(variable, problem=problem, allowed=allowed)
        return given

    def token(self, variable: str) -> str | None:
        given = self.text(variable)
        if given is not None and (problem := _problem_of_token(given)):
            raise InvalidSetting(
                variable,
                problem=problem,
                allowed="the token on the Bot page of your application, and nothing else",
            )
        return given

    def database(self, variable: str, *, default: str) -> str:
        given = self.text(variable) or default
        parsed(given)
        return given

    def shards(self, variable: str, *, database: str) -> Shards | None:
        given = self.text(variable)
        if given is None:
            return None
        shards = parsed_shards(given)
        if shards is None:
            raise InvalidSetting(
                variable,
                problem=f"is {quoted(given)}",
                allowed="the first and the last shard, counted from 0, and how many there are in all, "
                "such as 0-3/16, or empty",
            )
        if shards.is_part and not is_shared(database):
            raise InvalidSetting(
                variable,
                problem=f"is {quoted(given)}, so other processes have the rest, but SQLite serves one",
                allowed=f"empty or 0-{shards.count - 1}/{shards.count}, or DATABASE_URL a PostgreSQL server",
            )
        return shards

    def cache_dir(self, variable: str) -> Path | None:
        """The folder, by default one beside the models that huggingface_hub downloads; None for 0."""
        given = self.text(variable)
        if given == "0":
            return None
        caches = self.text("XDG_CACHE_HOME") or "~/.cache"
        hub = self.text("HF_HOME") or f"{caches}/huggingface"
        try:
            return Path(given or f"{hub}/tokenwise").expanduser()
        except RuntimeError:
            if given is None:  # there is no home folder
                return None
            raise InvalidSetting(
                variable, problem=f"is {quoted(given)}, and there is no such person", allowed="a folder, or 0"
            ) from None

    def integer(self, variable: str, *, default: int, lowest: int, highest: int) -> int:
        given = self.text(variable)
        if given is None:
            return default
        if not (given.isascii() and given.isdigit() and len(given) < 10 and lowest <= int(given) <= highest):
            raise InvalidSetting(
                variable,
                problem=f"is {quoted(given)}",
                allowed=f"a whole number from {lowest:,} to {highest:,}",
            )
        return int(given)

    def truth(self, variable: str, *, default: bool) -> bool:
        return self.choice(variable, ("true", "false"), default=str(default).lower()) == "true"

    def port(self, variable: str) -> int | None:
        return self.integer(variable, default=1, lowest=1, highest=65_535) if self.text(variable) else None

    def choice(self, variable: str, choices: tuple[str, ...], *, default: str) -> str:
        given = self.text(variable)
        if given is None:
            return default
        chosen = next((choice for choice in choices if choice.lower() == given.lower()), None)
        if chosen is None:
            raise InvalidSetting(
                variable, problem=f"is {quoted(given)}", allowed="one of " + ", ".join(choices)
            )
        return chosen


def _problem_of_token(given: str) -> str | None:
    """Say why ``given`` cannot be a token, without quoting it; None if it can."""
    if given.lower().startswith("bot "):
        return "begins with 'Bot'"
    if given[0] in _QUOTES or given[-1] in _QUOTES:
        return "has quotation marks around it"
    if any(sign.isspace() for sign in given):
        return "has a space or a line break in it"
    if not _TOKEN.fullmatch(given):
        return "has a character that no token contains"
    return None
