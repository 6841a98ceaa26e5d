"""The queue as a command sees it, and what stands around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.model.model_info import ModelInfo
from bot.model.protocol import Alike, GenerationRequest
from bot.queue.limits import Asker
from bot.queue.updates import Load, Update, Warming


class Generations(Protocol):
    """The queue before the model, as commands see it."""

    @property
    def model(self) -> ModelInfo:
        """The loaded model; ModelLoading while there is none yet."""
        ...

    @property
    def load(self) -> Load:
        """What it has to do now."""
        ...

    def warm_up(
        self, *, asker: Asker, group: str, requests: int = 1
    ) -> AbstractAsyncContextManager[AsyncIterator[Warming]]:
        """Take a place in line or raise; then its updates, until the model is ready."""
        ...

    def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Update]]:
        """Admit the request or raise; then its updates, ``Finished`` last."""
        ...

    def is_in_progress(self, group: str) -> bool:
        """Whether :meth:`cancel` has something to stop."""
        ...

    def cancel(self, group: str, *, owner: int) -> None:
        """Stop what is in progress of a group, or of a request alone by its id; NotYours or NotRunning."""
        ...

    async def similar(self, token_id: int, count: int, *, asker: Asker) -> tuple[Alike, ...]:
        """The tokens most like this one to the model, the most alike first."""
        ...

    def forget(self) -> None:
        """Let the model keep nothing of any text so far, nor of one in progress once it has ended."""
        ...


class GenerationsWrapper(ABC):
    """Generations around ``inner``, which differ in their streams and else only where they say so."""

    def __init__(self, inner: Generations) -> None:
        self._inner = inner

    @property
    def model(self) -> ModelInfo:
        return self._inner.model

    @property
    def load(self) -> Load:
        return self._inner.load

    def warm_up(
        self, *, asker: Asker, group: str, requests: int = 1
    ) -> AbstractAsyncContextManager[AsyncIterator[Warming]]:
        return self._inner.warm_up(asker=asker, group=group, requests=requests)

    @abstractmethod
    def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Update]]: ...

    def is_in_progress(self, group: str) -> bool:
        return self._inner.is_in_progress(group)

    def cancel(self, group: str, *, owner: int) -> None:
        self._inner.cancel(group, owner=owner)

    async def similar(self, token_id: int, count: int, *, asker: Asker) -> tuple[Alike, ...]:
        return await self._inner.similar(token_id, count, asker=asker)

    def forget(self) -> None:
        self._inner.forget()
