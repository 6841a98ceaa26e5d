"""From settings to a running bot: the model worker first, because it takes longest.

This module imports only what it takes to start the worker. The rest of the bot is
imported while the worker loads the model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.integrity import verify
from bot.model.client.process import ModelProcess, worker_command
from bot.model.client.progress import LoadingBar
from bot.model.protocol import Ready
from bot.moderation.rules import blocked_words
from bot.settings import Settings
from bot.text.tokenization import Encodings

if TYPE_CHECKING:
    from bot.app import Started


@asynccontextmanager
async def started(
    settings: Settings, environment: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Started]:
    """Start the model worker (still loading), then open everything else, for the block.

    ``environment`` is where the settings were read from; the worker gets the part that is for the hub.
    Raises ShippedFileAltered before anything is read from an altered file.
    """
    verify()
    blocked = blocked_words(settings.blocked_words_file)
    encodings = Encodings()
    async with loading(settings, environment, encodings) as model:
        await model.launched()
        from bot.app import assembled

        async with assembled(settings, model, encodings, blocked) as parts:
            yield parts


@asynccontextmanager
async def loading(
    settings: Settings, environment: Mapping[str, str], encodings: Encodings
) -> AsyncIterator[ModelProcess]:
    """The model worker, from its start on, for the block; ``encodings`` learn the model's tokenizer."""
    with LoadingBar() as bar:
        async with ModelProcess(
            command(settings),
            name=settings.model,
            on_loading=bar.show,
            on_ready=partial(learn, encodings),
            settings=environment,
        ) as model:
            yield model


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
