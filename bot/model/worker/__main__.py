"""The child process: read frames, step the engine, write frames.

    python -m bot.model.worker --model M [--revision R] [--precision P] [--threads N]
                               [--max-batch N] [--prefix-cache MIB] [--cache-dir FOLDER] [--processor KIND]

Frames travel over the stdin and stdout that the process started with; anything else
that is printed goes to stderr. It sends Loading… and then Ready, or Unusable before it
ends with exit status 3. The end of stdin means that the parent is gone, and ends the
process at once with status 0. Bytes on stdin that are no message end it with status 4,
and a failure to read them with status 5. Prompts and tokens are never logged.
"""

from __future__ import annotations

import argparse
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bot.model.checkpoint.refusal import ModelRefused, described_error, refusal
from bot.model.model_info import ModelInfo, Tokenizer
from bot.model.protocol import Abort, Forget, Loading, Lookup, Message, Ping, Pong, Ready, Submit, Unusable
from bot.model.wire import ProtocolError
from bot.model.worker.options import parse
from bot.model.worker.pipe import Pipe
from bot.system.files import discard_unfinished
from bot.system.runtime import Tidy, keep_large_apart, return_freed

# torch takes a second to import, and what is imported may print meanwhile: so the
# functions below import it, once stdout is safe and the parent knows that loading
# has begun.
if TYPE_CHECKING:
    from bot.model.gpt2.transformer import GPT2
    from bot.model.worker.engine import Engine
    from bot.model.worker.similarity import Similarity

EXIT_UNUSABLE = 3
EXIT_PROTOCOL = 4
EXIT_DEAF = 5

NICENESS = 10  # of 19; the bot is at 0

# Set before huggingface_hub is imported, which reads it then.
_QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1"}

# Read by torch's OpenMP when it is loaded: how often a waiting thread polls before it
# sleeps. The default takes milliseconds from anything else that needs the core, even
# from the thread it waits for. This takes some ten microseconds: as long as it is from
# one layer to the next.
_PATIENT = {"GOMP_SPINCOUNT": "10000"}


@dataclass(frozen=True, slots=True)
class Settled:
    """The model, in memory where it is faster."""

    model: GPT2


Inbox = queue.SimpleQueue[Message | Settled]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    options = parse(arguments)
    folder: Path | None = options.cache_dir
    pipe = Pipe(partial(discard_unfinished, folder)) if folder else Pipe()
    # Ctrl-C in the terminal reaches the whole process group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(_PATIENT | os.environ | _QUIET)
    _give_way()
    inbox: Inbox = queue.SimpleQueue()
    threading.Thread(target=_feed, args=(pipe, inbox), name="frames", daemon=True).start()
    started = start(options, lambda progress: pipe.send([progress]))
    if isinstance(started, Unusable):
        # The parent may close our stdin as soon as it knows.
        pipe.status = EXIT_UNUSABLE
        pipe.send([started])
        sys.exit(EXIT_UNUSABLE)
    pipe.send([Ready(started.info, started.tokenizer)])
    engine, similarity = started.engine, started.similarity
    threading.Thread(target=_settle, args=(started, inbox), name="settle", daemon=True).start()
    del started  # it holds pages of a file, which are not needed for long
    _serve(engine, similarity, inbox, pipe)


def _give_way() -> None:
    """Let the bot have the processor first: it needs little, and people wait for it."""
    if sys.platform != "win32":
        os.nice(NICENESS)


@dataclass(frozen=True, slots=True)
class Started:
    """A loaded model and the parts that serve requests; ``keep`` and ``settled`` are those of LoadedModel."""

    info: ModelInfo
    tokenizer: Tokenizer | None
    engine: Engine
    similarity: Similarity
    keep: Callable[[], None]
    settled: Callable[[], GPT2] | None


def start(options: argparse.Namespace, report: Callable[[Loading], None]) -> Started | Unusable:
    """Load the model; return it ready to run, or why it cannot be used."""
    report(Loading("starting", 0, 0, ""))
    try:
        return _load(options, report)
    except ModelRefused as refused:
        return Unusable(refused.reason, refused.detail)
    except Exception as error:
        unforeseen = refusal(error)
        if unforeseen.reason == "fault":
            traceback.print_exc()
        return Unusable(unforeseen.reason, unforeseen.detail)


def _load(options: argparse.Namespace, report: Callable[[Loading], None]) -> Started:
    from bot.model.checkpoint.digests import Digests
    from bot.model.checkpoint.find import find

    folder: Path | None = options.cache_dir
    digests = Digests(folder) if folder else None
    checkpoint = find(options.model, revision=options.revision, report=report, digests=digests)
    report(Loading("starting torch", 0, 0, ""))
    import torch

    from bot.model.cache.packed_files import PackedFiles
    from bot.model.kernels.processor import this_processor
    from bot.model.worker.engine import Engine
    from bot.model.worker.loading import load
    from bot.model.worker.similarity import Similarity

    torch.set_num_threads(options.threads)
    loaded = load(
        checkpoint,
        precision=options.precision,
        report=report,
        processor=this_processor(options.processor),
        files=PackedFiles(folder) if folder else None,
    )
    # Only now: loading is faster without, and returns what it took when it ends.
    keep_large_apart()
    engine = Engine(
        loaded.model,
        loaded.sampling,
        ends=loaded.info.fingerprint.ends,
        max_batch=options.max_batch,
        prefix_bytes=options.prefix_cache * 2**20,
    )
    return Started(
        loaded.info, loaded.tokenizer, engine, Similarity(loaded.model), loaded.keep, loaded.settled
    )


def _feed(pipe: Pipe, inbox: Inbox) -> NoReturn:
    """Put the parent's messages into ``inbox``; end the process with the parent."""
    try:
        for message in pipe.receive():
            inbox.put(message)
    except ProtocolError:
        # The bytes themselves stay out of the log: they may be a prompt.
        print("The model worker received bytes that are no message.", file=sys.stderr, flush=True)
        pipe.status = EXIT_PROTOCOL
    except Exception:
        # Perhaps for lack of memory. The next worker gets the lost message again.
        traceback.print_exc()
        pipe.status = EXIT_DEAF
    pipe.end()


def _settle(started: Started, inbox: Inbox) -> None:
    """Do what can wait until requests are served, in a thread of its own."""
    import torch

    torch.set_num_threads(1)  # of this thread's work
    started.keep()
    if started.settled is not None:
        try:
            inbox.put(Settled(started.settled()))
        except (MemoryError, OSError, RuntimeError) as error:  # the last for torch's own memory
            reason = described_error(error)
            print(f"The weights stay in the pages of their file ({reason}).", file=sys.stderr, flush=True)


def _serve(engine: Engine, similarity: Similarity, inbox: Inbox, pipe: Pipe) -> NoReturn:
    def rest() -> None:
        engine.rest()
        return_freed()

    tidy = Tidy(rest)
    while True:
        if idle := engine.idle and similarity.idle:
            # Pings from the bot wake this loop, so this runs about once a second.
            tidy.idle()
        for message in _arrived(inbox, wait=idle):
            match message:
                case Submit(request):
                    engine.submit(request)
                case Abort(request_id):
                    engine.abort(request_id)
                case Lookup():
                    similarity.submit(message)
                case Forget():
                    engine.forget()
                    tidy.worked()
                case Settled(model):
                    engine.use(model)
                    similarity.use(model)
                    tidy.worked()
                case Ping():
                    pipe.send([Pong()])
        if events := [*engine.step(), *similarity.step()]:
            tidy.worked()
            pipe.send(events)


def _arrived(inbox: Inbox, *, wait: bool) -> Iterator[Message | Settled]:
    """Yield the messages that have arrived; if ``wait``, wait for the first one."""
    if wait:
        yield inbox.get()
    with suppress(queue.Empty):
        while True:
            yield inbox.get_nowait()


if __name__ == "__main__":
    main()
