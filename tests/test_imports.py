"""Imports run one way; this reads them from the source, so they stay so."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Only these may hold the model in memory: they run in the worker process (or train the demo model).
WORKER_SIDE = {
    "bot.model.gpt2.attention",
    "bot.model.checkpoint.find",
    "bot.model.checkpoint.configuration",
    "bot.model.gpt2.embedding",
    "bot.model.worker.engine",
    "bot.model.gpt2.transformer",
    "bot.model.checkpoint.hub",
    "bot.model.gpt2.kv_cache",
    "bot.model.gpt2.linear",
    "bot.model.worker.loading",
    "bot.model.gpt2.memory",
    "bot.model.gpt2.passes",
    "bot.model.worker.prefix_cache",
    "bot.model.checkpoint.refusal",
    "bot.model.worker.report",
    "bot.model.worker.requests",
    "bot.model.worker.sequence",
    "bot.model.worker.sampling",
    "bot.model.worker.similarity",
    "bot.model.checkpoint.weights",
    "bot.model.worker",
}
TRAINING = {"bot.training", "bot.model.checkpoint.gpt2_tokenizer"}
SIMULATION = {"bot.playground"}


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {
    module_name(file): set(imported_by(file))
    for folder in ("bot", "cogs")
    for file in sorted((ROOT / folder).rglob("*.py"))
}
MODULES = sorted(IMPORTS)


def uses(module: str, *packages: str) -> set[str]:
    return {
        name
        for name in IMPORTS[module]
        for package in packages
        if name == package or name.startswith(package + ".")
    }


def within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def test_the_protocol_imports_nothing_of_ours_but_the_codes_of_an_error() -> None:
    assert uses("bot.model.protocol", "bot", "cogs") == {"bot.errors", "bot.errors.UnusableReason"}
    assert uses("bot.model.wire", "bot", "cogs") == uses("bot.model.wire", "bot.model.protocol", "bot.model")


def test_errors_import_nothing_of_ours_but_how_to_quote() -> None:
    assert uses("bot.errors", "bot", "cogs") == uses("bot.errors", "bot.quoting")
    assert not uses("bot.quoting", "bot", "cogs")


@pytest.mark.parametrize("module", MODULES)
def test_torch_stays_in_the_worker(module: str) -> None:
    if within(module, WORKER_SIDE | TRAINING):
        return
    assert not uses(module, "torch", "transformers", "safetensors", *WORKER_SIDE)


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("bot.model")])
def test_the_model_knows_neither_discord_nor_the_bot(module: str) -> None:
    outside = {
        name for name in uses(module, "bot") if name != "bot.model" and not name.startswith("bot.model.")
    }

    assert not uses(module, "discord", "cogs", "simcord")
    assert outside <= {
        "bot",
        "bot.background",
        "bot.background.Background",
        *uses(module, "bot.errors", "bot.quoting"),
    } or (within(module, {"bot.training", "bot.model.checkpoint.gpt2_tokenizer"}))


@pytest.mark.parametrize("module", [module for module in MODULES if within(module, {"bot.features"})])
def test_what_the_commands_do_knows_neither_discord_nor_waiting(module: str) -> None:
    ours = {
        "bot.features",
        "bot.errors",
        "bot.model.protocol",
        "bot.queue.updates",
        "bot.text.tokenization",
        "bot.text.numbers",
    }

    assert not uses(module, "discord", "asyncio")
    assert uses(module, "bot") - {"bot", "bot.model"} == uses(module, *ours)


@pytest.mark.parametrize("module", [module for module in MODULES if within(module, {"bot.cards"})])
def test_cards_know_neither_who_asks_nor_what_waits(module: str) -> None:
    assert not uses(module, "asyncio", "bot.interactions", "bot.flows", "bot.queue.queue", "bot.store.runs")


@pytest.mark.parametrize("module", [module for module in MODULES if within(module, {"bot.interactions"})])
def test_discord_s_side_knows_no_single_command(module: str) -> None:
    assert not uses(module, "bot.features", "bot.flows", "bot.queue.queue", "bot.store")


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("bot")])
def test_nothing_imports_the_commands(module: str) -> None:
    assert not uses(module, "cogs")


@pytest.mark.parametrize("module", MODULES)
def test_the_simulated_discord_is_only_in_the_playground(module: str) -> None:
    if within(module, SIMULATION):
        return
    assert not uses(module, "simcord")


def test_the_bot_process_starts_without_torch() -> None:
    code = (
        "import sys, bot.__main__; from importlib import import_module; from bot.client import COGS; "
        "list(map(import_module, COGS)); "
        "print({'torch', 'transformers', 'simcord'} & set(sys.modules))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.stdout.strip() == "set()", answer.stderr
