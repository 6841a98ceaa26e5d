"""From settings to a running bot: the model first, because it takes longest.

This module imports only what it takes to start the model worker. The rest of the bot is
imported while the worker loads the model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from yarl import URL

from bot.integrity import verify
from bot.model.client.process import ModelProcess, worker_command
from bot.model.client.progress import LoadingBar
from bot.model.protocol import Loading, Ready
from bot.model.remote.absence import Bounds
from bot.moderation.rules import blocked_words
from bot.settings import Settings
from bot.text.tokenization import Encodings

if TYPE_CHECKING:
    from bot.app import AnyModel, Started

# Seconds that one command in the terminal waits where there is no model service. One that is starting has
# TIME_LIMIT, as a command on Discord has.
NOBODY = 30.0


@asynccontextmanager
async def started(
    settings: Settings,
    environment: Mapping[str, str] = MappingProxyType({}),
    *,
    answers_once: bool = False,
) -> AsyncIterator[Started]:
    """Start the model worker (still loading) or ask for the model service, then open the rest, for the block.

    ``environment`` is where the settings were read from; the worker gets the part that is for the hub.
    With ``answers_once`` a service that is away is given up, see :func:`loading`.
    Raises ShippedFileAltered before anything is read from an altered file.
    """
    verify()
    blocked = blocked_words(settings.blocked_words_file)
    encodings = Encodings()
    async with loading(settings, environment, encodings, answers_once=answers_once) as model:
        await model.launched()
        from bot.app import assembled

        async with assembled(settings, model, encodings, blocked) as parts:
            yield parts


@asynccontextmanager
async def loading(
    settings: Settings, environment: Mapping[str, str], encodings: Encodings, *, answers_once: bool = False
) -> AsyncIterator[AnyModel]:
    """The model, from its start on, for the block; ``encodings`` learn its tokenizer.

    With ``answers_once`` a service that is away is given up, and ``wait_ready`` raises ServiceAway. The bot
    and the playground wait, because it may come.
    """
    with LoadingBar() as bar:

        def ready(message: Ready) -> None:
            learn(encodings, message)
            bar.close()

        bounds = Bounds(nobody=NOBODY, unready=settings.time_limit) if answers_once else None
        async with _model(settings, environment, bar.show, ready, bounds) as model:
            yield model


def _model(
    settings: Settings,
    environment: Mapping[str, str],
    on_loading: Callable[[Loading], None],
    on_ready: Callable[[Ready], None],
    bounds: Bounds | None,
) -> AnyModel:
    """A worker of the bot's own, or the service that the settings name, given up after ``bounds``."""
    if settings.model_url is None:
        return ModelProcess(
            command(settings),
            name=settings.model,
            on_loading=on_loading,
            on_ready=on_ready,
            settings=environment,
        )
    from bot.model.remote.service import ModelService  # with it aiohttp, which a worker need not wait for

    return ModelService(
        URL(settings.model_url),
        settings.model_key,
        on_loading=on_loading,
        on_ready=on_ready,
        bounds=bounds,
    )


def command(settings: Settings) -> tuple[str, ...]:
    """What starts the model worker."""
    return worker_command(
        settings.model,
        settings.model_revision,
        settings.threads,
        settings.batch_size,
        precision=settings.precision,
        prefix_cache=settings.prefix_cache,
        cache_dir=settings.cache_dir,
    )


def learn(encodings: Encodings, ready: Ready) -> None:
    """Let the bot split texts as the model does, now that it is ready."""
    encodings.learn(ready.tokenizer, name=ready.info.title)
