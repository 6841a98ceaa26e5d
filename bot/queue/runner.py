"""One request in the model, from its first step to its outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from bot.errors import GenerationFailed, TokenwiseError
from bot.logs import named
from bot.model.model_info import ModelInfo
from bot.model.protocol import Alike, Capacity, Ended, FinishReason, GenerationRequest, Loading, Stepped
from bot.queue.ticket import Ticket
from bot.queue.updates import Outcome

logger = logging.getLogger(__name__)


class Model(Protocol):
    """What the queue uses of the model: a worker (:mod:`bot.model.client`) or a service (``remote``)."""

    @property
    def info(self) -> ModelInfo | None: ...

    @property
    def loading(self) -> Loading | None: ...

    @property
    def capacity(self) -> Capacity | None:
        """How many requests it takes at once now; None if that is for the limits to say."""
        ...

    async def wait_ready(self) -> ModelInfo: ...

    def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]: ...

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]: ...

    def forget(self) -> None: ...


async def run_in_model(
    model: Model, ticket: Ticket, clock: Callable[[], float], on_token: Callable[[Ticket, float], None]
) -> Outcome:
    """Run a request in the model and return its outcome, unless the queue decides another.

    To do so the queue interrupts the ticket's ``scope``, which aborts the request in the
    model. ``on_token`` is called with the ticket and the time, before the ticket gets each
    token that the model wrote.
    """
    try:
        async with asyncio.timeout(None) as ticket.scope:
            reason = await _follow(model, ticket, clock, on_token)
            return ticket.finished(reason, clock())
    except TokenwiseError as error:
        return error
    except Exception as error:
        if ticket.outcome is None:  # not interrupted, so this is a defect
            logger.exception("request %s failed", ticket.request.request_id)
        return GenerationFailed(named(error))
    finally:
        ticket.scope = None


async def _follow(
    model: Model, ticket: Ticket, clock: Callable[[], float], on_token: Callable[[Ticket, float], None]
) -> FinishReason:
    async with aclosing(model.run(ticket.request)) as events:
        async for event in events:
            if isinstance(event, Ended):
                return event.finish_reason
            now = clock()
            if not ticket.request.scored:  # a text that is only read gives many at once
                on_token(ticket, now)
            ticket.stepped(event.step, now)
    raise GenerationFailed("the model stopped without saying why")
