"""Services that a bot cannot use, and what it says of them at its start."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import trustme
from yarl import URL

from bot.errors import InvalidSetting
from bot.model import wire
from bot.model.remote.service import ModelService
from tests.support.model_services import FakeReplica, on_loopback


@dataclass(frozen=True, slots=True)
class Misfit:
    """What the bot says of a service that it cannot use, after so many seconds; nothing if it uses it."""

    what: str
    said: str
    after: float
    is_usable: bool = False  # it should be

    @property
    def kept(self) -> bool:
        return bool(self.said) != self.is_usable

    def __str__(self) -> str:
        return f"{self.what}\n    after {self.after:.2f} s: {self.said or 'it serves'}"


async def misfits() -> list[Misfit]:
    """Each with a bot of its own, and one whose certificate is by an authority that the bot trusts."""
    found: list[Misfit] = []
    async with on_loopback(FakeReplica(key="one").app()) as address:
        found.append(await _tried("a wrong key", address, key="another"))
    async with on_loopback(FakeReplica(version=wire.VERSION + 1).app()) as address:
        found.append(await _tried("a service of another version", address))
    with tempfile.TemporaryDirectory() as folder:
        authority, files = trustme.CA(), [Path(folder) / name for name in ("authority", "cert", "key")]
        authority.cert_pem.write_to_path(files[0])
        for name, is_fit in (("localhost", True), ("elsewhere.example", False)):
            certificate = authority.issue_cert(name)
            certificate.cert_chain_pems[0].write_to_path(files[1])
            certificate.private_key_pem.write_to_path(files[2])
            served = on_loopback(FakeReplica().app(), ssl_certfile=str(files[1]), ssl_keyfile=str(files[2]))
            async with served as numeric:
                address = numeric.with_host("localhost")
                with patch.dict(os.environ, {"SSL_CERT_FILE": str(files[0])}):
                    found.append(await _tried(f"a certificate for {name}", address, is_usable=is_fit))
                found.append(await _tried(f"a certificate for {name}, its authority unknown", address))
    return found


async def _tried(what: str, address: URL, *, key: str | None = None, is_usable: bool = False) -> Misfit:
    began, said = time.monotonic(), ""
    async with ModelService(address, key) as model:
        try:
            await model.wait_ready()
        except InvalidSetting as error:
            said = str(error)
    return Misfit(what, said, time.monotonic() - began, is_usable)
