"""One request in the model, from its first step to what becomes of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from bot.errors import GenerationFailed, TokenwiseError
from bot.logs import named
from bot.model.protocol import Alike, Ended, FinishReason, GenerationRequest, Loading, ModelInfo, Stepped
from bot.queue.updates import Outcome, Ticket

logger = logging.getLogger(__name__)


class Model(Protocol):
    """What the queue needs of :class:`bot.model.client.process.ModelProcess`."""

    @property
    def info(self) -> ModelInfo | None: ...

    @property
    def loading(self) -> Loading | None: ...

    def run(self, request: GenerationRequest) -> AsyncGenerator[Stepped | Ended, None]: ...

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]: ...

    def forget(self) -> None: ...


async def run(
    model: Model, ticket: Ticket, clock: Callable[[], float], on_token: Callable[[Ticket, float], None]
) -> Outcome:
    """Run a request in the model; what becomes of it, were it decided here.

    Whoever decides otherwise interrupts it by the ticket's ``scope``, and thereby
    aborts it in the model. ``on_token`` is called with the ticket and the time
    before it gets each token that the model wrote.
    """
    try:
        async with asyncio.timeout(None) as ticket.scope:
            reason = await _follow(model, ticket, clock, on_token)
            return ticket.finished(reason, clock())
    except TokenwiseError as error:
        return error
    except Exception as error:
        if ticket.outcome is None:  # nobody interrupted it: this is a defect
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
            if not ticket.request.scored:  # of a text that is read, many come at once
                on_token(ticket, now)
            ticket.stepped(event.step, now)
    raise GenerationFailed("the model stopped without an end")
