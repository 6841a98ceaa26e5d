"""Packed models and their compiled kernels, kept in the folder ``CACHE_DIR`` for the next start.

A file's name stands for everything that it depends on: the weights, the precision, the processor, and the
code that packs and compiles. So a file is never wrong, only missing or damaged; either way it is made anew.
Those that nothing has used for a month are deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import llvmlite
import torch

from bot.model.cache.tensor_file import Content, Damaged, read, size_of, write
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision
from bot.system.files import UNFINISHED, distrusted, replaced

_MODEL_CODE = Path(__file__).parents[1]
#: The packages on whose code a packed model depends.
_PACKAGES = ("cache", "checkpoint", "gpt2", "kernels", "worker")
# Seconds since the last use, and since the last write of what was not finished.
_KEPT, _ABANDONED = 30 * 24 * 3600.0, 600.0
_SPARE = 2**30  # bytes


@dataclass(frozen=True, slots=True)
class PackedFiles:
    """The files in ``folder``, which is made for them. Any number of workers may share it.

    Nothing is written unless ``spare`` bytes of the disk stay free.
    """

    folder: Path
    spare: int = field(default=_SPARE, kw_only=True)

    def path(self, identity: str, precision: Precision, processor: Processor) -> Path | None:
        """Where the model's file is or would be; None if the code has no sources to tell its version by."""
        code = _code(_MODEL_CODE)
        if code is None:
            return None
        processor_kind = [processor.name, processor.features, processor.rows, processor.vectors]
        depends = [identity, precision, *processor_kind, code, llvmlite.__version__, sys.byteorder]
        digest = hashlib.sha256(json.dumps(depends).encode()).hexdigest()
        return self.folder / f"{precision}-{digest[:32]}.packed"

    def read(self, path: Path) -> Content | None:
        """The content of ``path``; None if there is none that can be used."""
        try:
            if not path.is_file():
                return None
            if reason := distrusted(self.folder):
                raise Damaged(reason)
            content = read(path, threads=torch.get_num_threads())
        except (Damaged, OSError) as error:
            _say(f"{path} is not used ({_described(error)}): the weights are packed again.")
            return None
        with suppress(OSError):  # it may be there only to be read
            os.utime(path)
        return content

    def write(self, path: Path, content: Content) -> None:
        """Write ``content`` in one step, so that no other worker sees a part; say so if it fails."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if reason := distrusted(self.folder):
                raise OSError(reason)
            if shutil.disk_usage(self.folder).free < size_of(content) + self.spare:
                raise OSError("the disk is nearly full")
            with replaced(path) as file:
                write(content, file)
        except OSError as error:
            _say(f"The packed weights were not kept in {self.folder} ({_described(error)}).")

    def sweep(self) -> None:
        """Delete what has not been used for long, and what a killed worker left."""
        longest = {".packed": _KEPT, UNFINISHED: _ABANDONED}
        with suppress(OSError):  # there is no folder, or it cannot be read
            for path in list(self.folder.iterdir()):
                # Another worker may delete it first.
                with suppress(OSError):
                    if path.suffix in longest and time.time() - path.stat().st_mtime > longest[path.suffix]:
                        path.unlink()


def _code(folder: Path) -> str | None:
    """A digest of the code that packs and compiles; None without its sources."""
    sources: Sequence[Path] = sorted(path for package in _PACKAGES for path in folder.glob(f"{package}/*.py"))
    if not sources:
        return None
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _described(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _say(line: str) -> None:
    """To stderr, from where the bot puts it into its log."""
    print(line, file=sys.stderr, flush=True)
