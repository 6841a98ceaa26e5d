"""Digests of large files, remembered as long as the files stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.system.files import distrusted, replaced


@dataclass(frozen=True, slots=True)
class Digests:
    """Remembers digests in ``folder``, which is made for them.

    What others may have written there is not believed. Files count as unchanged if their sizes, times and
    places on the disk are. Changing a file's content without any of them takes the rights of the system's
    administrator.
    """

    folder: Path

    def of(self, paths: Sequence[Path], compute: Callable[[], str]) -> str:
        """The digest that ``compute`` has for ``paths``, now or before."""
        name = str(paths[0].resolve().parent)
        state = _state(paths)
        match self._known().get(name):
            case {"state": known, "digest": str(digest)} if known == state:
                return digest
        digest = compute()
        # Not what changed meanwhile.
        if _state(paths) == state:
            self._remember(name, {"state": state, "digest": digest})
        return digest

    def _known(self) -> dict[str, Any]:
        try:
            if distrusted(self.folder):
                return {}
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}

    @property
    def _file(self) -> Path:
        return self.folder / "digests.json"

    def _remember(self, name: str, entry: dict[str, Any]) -> None:
        """Nothing is lost where this fails: the files are read again the next time."""
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replaced(self._file) as file:
                file.write(json.dumps(self._known() | {name: entry}).encode())


def _state(paths: Sequence[Path]) -> list[list[Any]]:
    found = []
    for path in paths:
        status = path.stat()
        times = [status.st_mtime_ns, status.st_ctime_ns]
        found.append([path.name, status.st_size, *times, status.st_dev, status.st_ino])
    return found
