"""Checks of the bodies of all requests; violations are kept as sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property

from tests.fakes.discord.openapi import Description, described, description_file
from tests.fakes.discord.paths import CALLBACK, FOLLOW_UPS, MESSAGE, MESSAGES, WEBHOOK_MESSAGE
from tests.fakes.discord.requests import Request
from tests.fakes.discord.rules import callback_problems, message_problems

_CREATE_OR_EDIT = {FOLLOW_UPS, WEBHOOK_MESSAGE, MESSAGES, MESSAGE}


class Checks:
    """Checks every request by our own rules, every ``schema_every``-th by Discord's OpenAPI; 0 is never."""

    def __init__(self, *, schema_every: int = 1) -> None:
        self.violations: list[str] = []
        self.validated = 0
        self._schema_every = schema_every
        self._seen = 0

    @cached_property
    def description(self) -> Description:
        return described(description_file())

    def check(self, request: Request) -> None:
        if request.json is None:
            return
        self._seen += 1
        where = f"{request.method} {request.template}"
        self.violations += (f"{where}: {problem}" for problem in _problems(request))
        if self._schema_every and self._seen % self._schema_every == 0 and self.description.reason is None:
            self.validated += 1
            self.violations += self.description.problems(request.method, request.template, request.json)


def _problems(request: Request) -> Iterator[str]:
    if request.template == CALLBACK:
        yield from callback_problems(request.json)
    elif request.template in _CREATE_OR_EDIT and request.method in ("POST", "PATCH"):
        yield from message_problems(request.json, is_edit=request.method == "PATCH")
    try:
        json.dumps(request.json, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        yield "a lone surrogate"
