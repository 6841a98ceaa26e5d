"""A model worker without a model: it speaks the protocol and misbehaves on cue.

    python -m tests.fakes.scripted_worker JOURNAL '[{"die_at": 3}, {}]'

The script is a list of lives; each start of the worker takes the next one, and
later starts repeat the last. Each start and each message to the worker is a line
in the file JOURNAL. Tokens are made from prompt, seed and index, so every life
writes the same. All keys of a life:

    loading         list of [stage, done, total, unit] to report first
    unusable        [reason, detail] to send instead of Ready
    exit_loading    exit status to end with instead of Ready
    fingerprint     of the weights
    encoding        of its token ids (gpt2)
    step_seconds    time a step takes (0.002)
    hang_loading    hang instead of sending Ready
    die_at, exit_at, close_at, garbage_at, oversize_at, unfinished_at, skip_at,
    hang_at, busy_at
                    step index at which any request makes the worker SIGKILL
                    itself, exit with status 3, close its pipe and live on, write
                    something other than a frame, announce a frame of 1 GB, leave a
                    frame unfinished, skip that step, hang, or compute for
                    ``busy_seconds`` before it goes on
    note_steps      whether to note each step in the journal
    digits_at       step index at which to write a message with a number of 400 digits
    flood           bytes to write to stderr at every step
    die_at_lookup, hang_at_lookup
                    number of the lookup, from 1, at which to do so

SIGUSR1 makes it write garbage at its next step. A prompt that begins with POISON kills every
worker at step 2; one that begins with REJECTED is rejected.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from bot.model.model_info import GPT2_ENCODING, Fingerprint, ModelInfo
from bot.model.protocol import (
    Abort,
    Alike,
    Candidate,
    Ended,
    Forget,
    GenerationRequest,
    Loading,
    Lookup,
    Message,
    Ping,
    Pong,
    Ready,
    Rejected,
    Similar,
    Step,
    Stepped,
    Submit,
    Unusable,
)
from bot.model.wire import HEADER, body_length, decode, encode

POISON = 13
REJECTED = 14


def scripted_step(request: GenerationRequest, index: int) -> Step:
    token = hash((request.prompt_ids, request.params.seed, index)) % 50257
    chosen = Candidate(token, float(token), -0.5, 1)
    return Step(chosen, (chosen,), 1.5)


def scripted_similar(token_id: int, count: int) -> tuple[Alike, ...]:
    """The ids after ``token_id``, each less similar than the one before."""
    return tuple(Alike(token_id + away, 1 / (1 + away)) for away in range(1, count + 1))


def scripted_info(fingerprint: str = "scripted", encoding: str = GPT2_ENCODING) -> ModelInfo:
    made_of = Fingerprint(weights=fingerprint, precision="float32", engine=1, encoding=encoding)
    return ModelInfo("scripted", None, 1, 1, 1, 1, 1024, 50257, "float32", "none", 1, 2**20, made_of)


class ScriptedWorker:
    def __init__(self, life: dict[str, Any], journal: Path, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self.life = life
        self.journal = journal
        self.inbox = inbox
        self.outbox = outbox
        self.received: queue.Queue[Message | None] = queue.Queue()
        self.running: dict[str, tuple[GenerationRequest, int]] = {}
        self.lookups = 0
        self.garbage = False  # due
        signal.signal(signal.SIGUSR1, self.soil)

    def soil(self, *_: object) -> None:
        self.garbage = True

    def note(self, line: str) -> None:
        with self.journal.open("a") as file:
            file.write(line + "\n")

    def say(self, message: Message) -> None:
        self.outbox.write(encode(message))
        self.outbox.flush()

    def listen(self) -> None:
        while header := self.inbox.read(HEADER.size):
            self.received.put(decode(self.inbox.read(body_length(header))))
        self.received.put(None)

    def load(self) -> None:
        for stage, done, total, unit in self.life.get("loading", []):
            self.say(Loading(stage, done, total, unit))
        if "unusable" in self.life:
            reason, detail = self.life["unusable"]
            self.say(Unusable(reason, detail))
            os._exit(1)  # no farewell: a daemon thread holds stdin
        if "hang_loading" in self.life:
            time.sleep(60)
        if "exit_loading" in self.life:
            os._exit(self.life["exit_loading"])
        known = (self.life.get("fingerprint", "scripted"), self.life.get("encoding", GPT2_ENCODING))
        self.say(Ready(scripted_info(*known)))

    def work(self) -> None:
        """Take all messages, then one step of every running request; repeat."""
        while True:
            while not self.running or not self.received.empty():
                message = self.received.get()
                if message is None:
                    self.note("end")
                    return
                self.take(message)
            time.sleep(self.life.get("step_seconds", 0.002))
            for request, index in list(self.running.values()):
                self.step(request, index)

    def take(self, message: Message) -> None:
        match message:
            case Submit(request) if request.prompt_ids[0] == REJECTED:
                self.say(Rejected(request.request_id, "on cue"))
            case Submit(request):
                self.note(f"submit {request.request_id}")
                self.running[request.request_id] = (request, 0)
            case Abort(request_id):
                self.note(f"abort {request_id}")
                if self.running.pop(request_id, None):
                    self.say(Ended(request_id, "cancelled"))
            case Lookup(lookup_id, token_id, count):
                self.lookups += 1
                if self.life.get("die_at_lookup") == self.lookups:
                    os.kill(os.getpid(), signal.SIGKILL)
                if self.life.get("hang_at_lookup") == self.lookups:
                    time.sleep(60)
                self.say(Similar(lookup_id, scripted_similar(token_id, count)))
            case Forget():
                self.note("forget")
            case Ping():
                self.say(Pong())

    def step(self, request: GenerationRequest, index: int) -> None:
        if index == request.params.max_new_tokens:
            del self.running[request.request_id]
            self.say(Ended(request.request_id, "length"))
            return
        self.misbehave(request, index)
        if "note_steps" in self.life:
            self.note(f"step {request.request_id}")
        self.running[request.request_id] = (request, index + 1)
        if self.life.get("skip_at") != index:
            self.say(Stepped(request.request_id, index, scripted_step(request, index)))

    def misbehave(self, request: GenerationRequest, index: int) -> None:
        life = self.life
        if life.get("die_at") == index or (request.prompt_ids[0] == POISON and index == 2):
            os.kill(os.getpid(), signal.SIGKILL)
        if life.get("exit_at") == index:
            os._exit(3)
        if life.get("close_at") == index:
            os.close(self.outbox.fileno())
            time.sleep(60)
        if self.garbage or life.get("garbage_at") == index:
            self.garbage = False
            self.outbox.write(b"Loading weights: 100%|#####| 12/12 [00:00<00:00]\n")
            self.outbox.flush()
        if life.get("digits_at") == index:
            body = b'{"type": "Similar", "lookup_id": "a", "tokens": [{"token_id": 1, "cosine": %s}]}' % (
                b"9" * 400
            )
            self.outbox.write(HEADER.pack(len(body)) + body)
            self.outbox.flush()
        if life.get("oversize_at") == index:
            self.outbox.write(HEADER.pack(1 << 30))
            self.outbox.flush()
        if life.get("unfinished_at") == index:
            self.outbox.write(HEADER.pack(100) + b"{")
            self.outbox.flush()
            time.sleep(60)
        if life.get("hang_at") == index:
            time.sleep(60)
        if life.get("busy_at") == index:
            end = time.monotonic() + life["busy_seconds"]
            while time.monotonic() < end:
                sum(range(1000))
        if "flood" in life:
            sys.stderr.write("flood " * (life["flood"] // 6) + "\n")
            sys.stderr.flush()


def main(journal: Path, script: list[dict[str, Any]]) -> None:
    past = journal.read_text().count("start\n") if journal.exists() else 0
    worker = ScriptedWorker(script[min(past, len(script) - 1)], journal, sys.stdin.buffer, sys.stdout.buffer)
    worker.note("start")
    threading.Thread(target=worker.listen, daemon=True).start()
    worker.load()
    worker.work()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
