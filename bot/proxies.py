"""The proxy on the way to Discord, read from the environment as other programs do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

from bot.errors import InvalidSetting

if TYPE_CHECKING:
    from aiohttp import BasicAuth

ALLOWED = "http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"
# discord.py takes one proxy for both.
_HOSTS = ("discord.com", "gateway.discord.gg")
_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy; ``address`` is as in the environment, with its password."""

    address: str = field(repr=False)

    @property
    def url(self) -> str:
        """The address without user and password."""
        return str(URL(self.address).with_user(None))

    @property
    def auth(self) -> BasicAuth | None:
        from aiohttp import BasicAuth  # takes a while to import, and the model worker waits for the settings

        url = URL(self.address)
        if url.user is None:
            return None
        # As curl does; aiohttp by default encodes in Latin-1, which lacks many characters.
        return BasicAuth(url.user, url.password or "", encoding="utf-8")

    @property
    def passwords(self) -> tuple[str, ...]:
        """The password, plain and as it is encoded in the address."""
        url = URL(self.address)
        return tuple(filter(None, dict.fromkeys((url.password, url.raw_password))))


def proxy_for_discord(environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy, if there is one; InvalidSetting, which quotes no part of it, if it cannot be used.

    HTTP_PROXY does not count: all of Discord's addresses are https or wss.
    """
    variable, given = _first(environ, _VARIABLES)
    if not given or _is_excepted(environ):
        return None
    return Proxy(_address(variable, given))


def _first(environ: Mapping[str, str], variables: tuple[str, ...]) -> tuple[str, str]:
    for variable in variables:
        if given := environ.get(variable, "").strip():
            return variable, given
    return "", ""


def _is_excepted(environ: Mapping[str, str]) -> bool:
    variable, given = _first(environ, _EXCEPTIONS)
    names = [name.strip().lower() for name in given.split(",")]
    excepted = [any(_is_excepted_by(name, host) for name in names) for host in _HOSTS]
    if any(excepted) and not all(excepted):
        raise InvalidSetting(
            variable,
            problem=f"names only one of {' and '.join(_HOSTS)}",
            allowed="both of them or neither",
        )
    return all(excepted)


def _is_excepted_by(name: str, host: str) -> bool:
    domain = name.removeprefix("*").removeprefix(".")
    return name == "*" or (domain != "" and f".{host}".endswith(f".{domain}"))


def _address(variable: str, given: str) -> str:
    address = given if "://" in given else f"http://{given}"
    try:
        url = URL(address)
        extra = url.path.strip("/") or url.query_string or url.fragment or ":" in (url.user or "")
        is_one = bool(url.host and url.port) and not extra
    except ValueError:  # its text would quote the address
        is_one = False
    if address.lower().startswith("socks"):
        raise InvalidSetting(variable, problem="is a SOCKS proxy", allowed=ALLOWED)
    if not is_one or url.scheme not in ("http", "https") or not address.isprintable() or " " in address:
        raise InvalidSetting(variable, problem="is not the address of a proxy", allowed=ALLOWED)
    return address
