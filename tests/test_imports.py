"""Imports run one way. One table says which room may import which; the tests read the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Room:
    """A package, or a module that stands alone: the rooms and the third-party libraries it may import."""

    rooms: str = ""
    libraries: str = ""


# From the top of the house to its ground: a room imports only what stands below it. Names are
# those under ``bot``; a module belongs to the longest name that it begins with.
HOUSE = {
    "cogs": Room("client flows interactions cards services features model custom_ids", "discord"),
    "__main__": Room(
        "playground serve verify migrate launch app monitoring settings executor text system logs "
        "settings_file errors"
    ),
    "cluster": Room(
        "launch settings_file settings model.serving model.client model logs errors quoting", "ray starlette"
    ),
    "playground": Room(
        "client cards services store features queue text model system errors quoting custom_ids",
        "aiohttp discord simcord",
    ),
    "serve": Room("app monitoring login client interactions proxies gateway system errors"),
    "verify": Room("launch settings features text model system errors quoting"),
    "migrate": Room("store system errors"),
    "launch": Room("app moderation settings text model.remote model.client model integrity", "yarl"),
    "app": Room(
        "monitoring cards.pictures services moderation settings store executor queue text "
        "model.remote model.client model system errors"
    ),
    "monitoring": Room(
        "store executor queue model.client model gateway background errors",
        "aiohttp prometheus_client",
    ),
    "login": Room("client interactions proxies errors", "aiohttp discord"),
    "client": Room("interactions services gateway proxies store background", "discord"),
    "flows": Room(
        "interactions cards cards.pictures services store features queue text model logs errors", "discord"
    ),
    "interactions": Room("cards services moderation queue text logs errors custom_ids", "aiohttp discord"),
    "cards": Room("cards.pictures features queue text model errors quoting custom_ids", "discord"),
    "cards.pictures": Room("text", "PIL bidi regex uharfbuzz"),
    "services": Room("moderation store executor queue text"),
    "moderation": Room("store features queue text model errors", "ahocorasick regex"),
    "settings": Room("store model proxies gateway logs errors quoting", "yarl"),
    "store": Room("features model background errors quoting", "aiosqlite alembic msgspec psycopg sqlalchemy"),
    "executor": Room("queue"),
    "features": Room("queue text model errors", "msgspec"),
    "queue": Room("model.client model logs background errors"),
    "text": Room("model errors", "regex tiktoken tiktoken_ext"),
    "model.remote": Room("model.client model background errors quoting", "aiohttp yarl"),
    "model.client": Room("model background errors", "psutil tqdm"),
    "model.serving": Room("model errors", "msgspec starlette"),
    "model.worker": Room(
        "model.cache model.gpt2 model.kernels model.checkpoint model system", "psutil safetensors torch"
    ),
    "model.cache": Room("model.gpt2 model.kernels model system", "llvmlite torch xxhash"),
    "model.gpt2": Room("model.kernels model.checkpoint model", "torch"),
    "model.kernels": Room("model", "llvmlite torch"),
    "training": Room("model.checkpoint", "tiktoken torch transformers"),
    "model.checkpoint": Room(
        "model system errors quoting",
        "httpx2 huggingface_hub safetensors tiktoken tiktoken_ext tokenizers tqdm",
    ),
    "model": Room("errors", "msgspec psutil"),
    "gateway": Room("", "discord yarl"),
    "proxies": Room("errors", "aiohttp yarl"),
    "system": Room("logs errors"),
    "logs": Room("errors", "pythonjsonlogger tqdm"),
    "integrity": Room("errors"),
    "settings_file": Room("errors", "dotenv"),
    "background": Room(),
    "errors": Room("quoting"),
    "quoting": Room(),
    "custom_ids": Room(),
}
# Rooms that only decide and lay out: nothing in them waits.
PURE = ("features", "cards")
# Each is loaded only where it is needed: in the worker, in the simulated Discord, or on a cluster.
HEAVY = ("torch", "transformers", "llvmlite", "simcord", "ray", "starlette")


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_name(file): file for folder in ("bot", "cogs") for file in sorted((ROOT / folder).rglob("*.py"))
}


def room_of(module: str) -> str:
    """The room a module is in; the package ``bot`` itself belongs to none."""
    name = module.removeprefix("bot.")
    while name not in HOUSE and "." in name:
        name = name.rpartition(".")[0]
    return name


def imported_by(module: str) -> Iterator[str]:
    """Every module that ``module`` imports, also within functions and for types alone."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module} has a relative import"
            for alias in node.names:
                within = f"{node.module}.{alias.name}"
                yield within if within in FILES else node.module


def is_ours(name: str) -> bool:
    return name.partition(".")[0] in ("bot", "cogs")


def rooms_used(module: str) -> set[str]:
    return {room_of(name) for name in imported_by(module) if is_ours(name)} - {room_of(module), "bot"}


def libraries_used(module: str) -> set[str]:
    packages = {name.partition(".")[0] for name in imported_by(module) if not is_ours(name)}
    return packages - sys.stdlib_module_names


def modules_of(room: str) -> list[str]:
    return [module for module in FILES if room_of(module) == room]


@pytest.mark.parametrize("module", [module for module in FILES if module != "bot"])
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    room = HOUSE[room_of(module)]

    assert rooms_used(module) <= set(room.rooms.split())
    assert libraries_used(module) <= set(room.libraries.split())


def test_rooms_import_only_rooms_below_them() -> None:
    height = {name: place for place, name in enumerate(HOUSE)}
    upward = [
        f"{name} → {other}"
        for name, room in HOUSE.items()
        for other in room.rooms.split()
        if height[other] <= height[name]
    ]

    assert upward == []


@pytest.mark.parametrize("name", HOUSE)
def test_the_table_allows_no_more_than_is_used(name: str) -> None:
    modules = modules_of(name)

    assert set(HOUSE[name].rooms.split()) == {room for module in modules for room in rooms_used(module)}
    assert set(HOUSE[name].libraries.split()) == {
        library for module in modules for library in libraries_used(module)
    }


@pytest.mark.parametrize("module", [module for room in PURE for module in modules_of(room)])
def test_modules_that_decide_what_is_shown_never_await(module: str) -> None:
    assert "asyncio" not in set(imported_by(module))


def test_the_protocol_knows_neither_the_bot_nor_the_worker() -> None:
    assert rooms_used("bot.model.protocol") <= {"errors"}


def test_only_modules_of_one_command_share_a_name() -> None:
    def names(*rooms: str) -> set[str]:
        return {module.rpartition(".")[2] for room in rooms for module in modules_of(room)}

    commands = names("cogs") | names("flows")
    seen: dict[str, list[str]] = {}
    for module in FILES:
        name = module.rpartition(".")[2]
        if FILES[module].name not in ("__init__.py", "__main__.py") and name not in commands:
            seen.setdefault(name, []).append(module)

    assert {name: modules for name, modules in seen.items() if len(modules) > 1} == {}


@pytest.mark.slow
def test_the_bot_process_starts_without_what_only_others_need() -> None:
    code = (
        "import sys, bot.__main__; from importlib import import_module; from bot.client import COGS; "
        f"list(map(import_module, COGS)); print({set(HEAVY)} & set(sys.modules))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.stdout.strip() == "set()", answer.stderr


@pytest.mark.slow
def test_the_worker_starts_before_the_rest_is_imported() -> None:
    code = (
        "import sys, bot.__main__; "
        "print({'discord', 'aiohttp', 'PIL', 'prometheus_client', 'bot.app'} & set(sys.modules))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.stdout.strip() == "set()", answer.stderr
