"""A model service without a model, which writes any number of texts at the same even pace.

    python -m tests.fakes.scripted_service --slots 2048 --speed 20

It serves what :mod:`bot.model.serving` does, on a free port of 127.0.0.1, whose address is its one line of
output. Every text has the same words; they are encoded once, so that many texts cost this process little.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from itertools import count
from random import Random

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.model import wire
from bot.model.model_info import GPT2_ENCODING
from bot.model.protocol import Candidate, Capacity, Ended, Ready, Step, Stepped, Submit
from bot.model.serving.application import Served, application
from bot.model.serving.pacing import APART
from bot.text.tokenization import Encodings
from tests.fakes.model import FakeModel
from tests.fakes.scripted_worker import scripted_info
from tests.support.model_services import on_loopback

WORDS = (
    " The harbour was quiet that morning, and the first boats had not come back yet. She counted the gulls on"
    " the wall, lost count, and began again. Nobody had told her when the letter would arrive; it was enough"
    ' that it might. "You are early," said the man from the ferry. He was right, as he always was about time.'
)
EACH = 8  # texts of a replica
_NAME = "0" * 16  # stands for a request's id, which is as long


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--slots", type=int, default=2048, help="texts that it takes at once")
    arguments.add_argument("--speed", type=float, default=20.0, help="tokens/s of each text")
    options = arguments.parse_args()
    asyncio.run(_serve(options.slots, options.speed))


async def _serve(slots: int, speed: float) -> None:
    async with on_loopback(service(slots, speed)) as address:
        print(address, flush=True)
        await asyncio.Event().wait()


def service(slots: int, speed: float) -> ASGIApp:
    """The application: ``slots`` texts at once, each at ``speed`` tokens/s."""
    replicas = -(-slots // EACH)
    info = scripted_info()

    async def capacity() -> Capacity:
        return Capacity(replicas, replicas, slots, str(info.fingerprint))

    async def forget() -> None:
        pass

    served = Served(FakeModel(), lambda: Ready(info), "replica 0", capacity, forget)
    return _Service(application(served), speed, replicas)


class _Service:
    """``inner``, which leaves the texts to this one."""

    def __init__(self, inner: ASGIApp, speed: float, replicas: int) -> None:
        self._inner = inner
        self._speed = speed
        self._replicas = replicas
        self._texts = count()
        self._frames = _frames()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/texts":
            await self._inner(scope, receive, send)
            return
        asked = (await _body(receive)).request
        headers = {
            wire.VERSION_HEADER: str(wire.VERSION),
            wire.REPLICA_HEADER: f"replica {next(self._texts) % self._replicas}",
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await self._write(asked.request_id, asked.params.max_new_tokens, send)

    async def _write(self, request_id: str, tokens: int, send: Send) -> None:
        """Send as many steps as are due every APART seconds, as a real service does."""
        clock = asyncio.get_running_loop().time
        name, sent = request_id.encode(), 0
        assert len(name) == len(_NAME)
        began = last = clock()
        while sent < tokens:
            next_chunk = max(last + APART, began + (sent + 1) / self._speed)
            await asyncio.sleep(next_chunk - clock())
            last = clock()
            due = min(tokens, max(sent + 1, int((last - began) * self._speed)))
            chunk = b"".join(self._frames[sent:due]).replace(_NAME.encode(), name)
            sent = due
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        end = wire.encode(Ended(request_id, "length"))
        await send({"type": "http.response.body", "body": end, "more_body": False})


async def _body(receive: Receive) -> Submit:
    body, is_more = b"", True
    while is_more:
        part = await receive()
        body, is_more = body + part.get("body", b""), part.get("more_body", False)
    message = wire.decode(body)
    assert isinstance(message, Submit)
    return message


def _frames(most: int = 256) -> Sequence[bytes]:
    """The frames of a text's steps, with five candidates each, for the request _NAME."""
    random, ids = Random(0), Encodings().encode(WORDS, GPT2_ENCODING)
    return [wire.encode(Stepped(_NAME, index, _step(random, ids[index % len(ids)]))) for index in range(most)]


def _step(random: Random, token: int) -> Step:
    others = [random.randrange(50_257) for _ in range(4)]
    candidates = tuple(
        Candidate(each, random.uniform(-90, -80), -random.expovariate(0.3), rank)
        for rank, each in enumerate((token, *others), start=1)
    )
    return Step(candidates[0], candidates, random.uniform(0, 6))


if __name__ == "__main__":
    main()
