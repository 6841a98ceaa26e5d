"""An environment without network for programs, which records what they tried to reach."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Every Python process imports this at its start, and so do all its descendants.
_GUARD = """
import os, sys

def guard(event, arguments):
    if event == "socket.connect" or event == "socket.sendto":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "127.0.0.1"  # otherwise a socket of this machine
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in (None, "", "127.0.0.1", "::1", "localhost"):
        with open(os.environ["ATTEMPTS"], "a") as attempts:
            print(event, host, file=attempts)
        raise OSError("there is no network")

sys.addaudithook(guard)
"""


@contextmanager
def guarded(folder: Path, **variables: str) -> Iterator[tuple[dict[str, str], Callable[[], list[str]]]]:
    """An environment in which no other machine can be reached, and a function that returns the attempts."""
    guard, attempts = folder / "guard", folder / "attempts"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(_GUARD, encoding="utf-8")
    path = os.pathsep.join([str(guard), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "ATTEMPTS": str(attempts), **variables}
    environment.pop("DISCORD_TOKEN", None)

    def tried() -> list[str]:
        return attempts.read_text(encoding="utf-8").splitlines() if attempts.exists() else []

    yield environment, tried
