"""A worker process, driven over its pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.model.protocol import Ended, FromWorker, GenerationRequest, Message, Step, Stepped, Submit, ToWorker
from bot.model.wire import HEADER, body_length, decode, encode

ROOT = Path(__file__).parents[2]


class Worker:
    """A worker process and the parent's ends of its pipes."""

    def __init__(self, *arguments: str, program: tuple[str, ...] = ("-m", "bot.model.worker")) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"},
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def send(self, *messages: ToWorker) -> None:
        self.stdin.write(b"".join(encode(message) for message in messages))
        self.stdin.flush()

    def receive(self) -> Message | None:
        header = self.stdout.read(HEADER.size)
        return decode(self.stdout.read(body_length(header))) if header else None

    def until(self, *kinds: type[FromWorker]) -> list[Message]:
        """The messages up to and including the first of one of ``kinds``."""
        messages: list[Message] = []
        while not messages or not isinstance(messages[-1], kinds):
            message = self.receive()
            assert message is not None, f"the worker ended: {self.end()}"
            messages.append(message)
        return messages

    def run(self, *requests: GenerationRequest) -> dict[str, list[Step]]:
        """The steps of ``requests`` submitted together."""
        self.send(*(Submit(request) for request in requests))
        steps: dict[str, list[Step]] = {request.request_id: [] for request in requests}
        going = set(steps)
        while going:
            match self.receive():
                case Stepped(name, index, step):
                    assert index == len(steps[name])
                    steps[name].append(step)
                case Ended(name, _):
                    going.remove(name)
                case other:
                    pytest.fail(f"{other}")
        return steps

    def end(self) -> tuple[int, str]:
        """Close stdin; return the exit status and stderr."""
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors.decode()
