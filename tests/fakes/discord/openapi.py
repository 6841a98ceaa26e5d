"""Validates request bodies against Discord's own OpenAPI description, where it is available."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.fakes.discord.state import Json

VARIABLE = "DISCORD_OPENAPI"
_NEARBY = Path(__file__).parents[4] / "shared" / "discord" / "openapi.json"
_DOCUMENT = "urn:discord"


def description_file() -> Path | None:
    """The file named by DISCORD_OPENAPI, or the one beside the repository; None if there is none."""
    file = Path(os.environ.get(VARIABLE) or _NEARBY)
    return file if file.is_file() else None


@cache
def described(file: Path | None) -> Description:
    """The description in ``file``; cached, because reading it takes a moment."""
    return Description(file)


class Description:
    """``reason`` says why nothing can be checked, if so.

    Bodies may have members that the description doesn't know: Discord ignores them.
    """

    def __init__(self, file: Path | None) -> None:
        self.reason = None if file else f"Discord's OpenAPI description is not available (see {VARIABLE})"
        self._document = json.loads(file.read_text()) if file else {"paths": {}}
        self._registry: Registry[Any] = Registry().with_resource(
            _DOCUMENT,
            Resource.from_contents(
                _discriminated(self._document, self._document), default_specification=DRAFT202012
            ),
        )
        self._validator = cache(self._new_validator)

    def problems(self, method: str, template: str, body: object) -> Iterator[str]:
        """The violations of the description in ``body``, as sentences.

        ``template`` is the path as the description has it, such as ``/users/@me``.
        """
        validator = self._validator(method.lower(), template)
        if validator is not None:
            for error in validator.iter_errors(_with_textual_ids(body)):
                yield f"{method} {template}: {error.json_path}: {_deepest(error)}"

    def _new_validator(self, method: str, template: str) -> Draft202012Validator | None:
        operation = self._document["paths"].get(template, {}).get(method, {})
        if "application/json" not in operation.get("requestBody", {}).get("content", {}):
            return None
        steps = ("paths", template, method, "requestBody", "content", "application/json", "schema")
        pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
        return Draft202012Validator({"$ref": f"{_DOCUMENT}#{quote(pointer)}"}, registry=self._registry)


def _discriminated(schema: Any, document: Json) -> Any:
    """The same description, with ``type`` selecting among alternatives that differ in it.

    Trying all alternatives at each depth takes a hundred times as long, and the error is
    then that a component matches none of them.
    """
    if isinstance(schema, list):
        return [_discriminated(each, document) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: _discriminated(value, document) for name, value in schema.items()}
    if constants := [each["const"] for each in schema.get("oneOf", ()) if "const" in each]:
        del changed["oneOf"]
        return changed | {"enum": constants}
    for name in ("oneOf", "anyOf"):
        kinds = [_kinds(each, document) for each in schema.get(name, ())]
        if len(kinds) > 1 and all(kinds):
            del changed[name]
            changed["allOf"] = [*changed.get("allOf", ()), *_chosen_by_kind(schema[name], kinds)]
    return changed


def _chosen_by_kind(alternatives: list[Json], kinds: list[list[int]]) -> Iterator[Json]:
    known = [kind for each in kinds for kind in each]
    yield {"type": "object", "required": ["type"], "properties": {"type": {"enum": known}}}
    for alternative, own in zip(alternatives, kinds, strict=True):
        yield {"if": {"properties": {"type": {"enum": own}}}, "then": alternative}


def _kinds(alternative: Json, document: Json) -> list[int]:
    """The values of ``type`` that the alternative allows; none if ``type`` doesn't discriminate it."""
    name = alternative.get("$ref", "").rpartition("/")[2]
    schema = document.get("components", {}).get("schemas", {}).get(name, {})
    if "type" not in schema.get("required", ()):
        return []
    return list(schema["properties"]["type"].get("enum", ()))


def _with_textual_ids(body: Any) -> Any:
    """``body`` with the ids of its attachments as strings: Discord also accepts discord.py's numbers."""
    if not isinstance(body, dict):
        return body
    changed = {name: _with_textual_ids(body[name]) for name in ("data",) if name in body}
    if body.get("attachments"):
        changed["attachments"] = [each | {"id": str(each["id"])} for each in body["attachments"]]
    return body | changed


def _deepest(error: Any) -> str:
    """The most specific of the reasons why no alternative fits."""
    while error.context:
        error = max(error.context, key=lambda each: len(each.absolute_path))
    return str(error.message)[:300]
