"""deploy/Dockerfile: its steps taken one by one in a folder, without Docker.

Files are copied, packages looked up, modules compiled and the bot started as the steps say. Some steps
are only read: FROM, the creation of the user, and those for Docker itself (VOLUME, STOPSIGNAL …).
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port
from prometheus_client import CollectorRegistry

from bot.monitoring.endpoint import Address, endpoint
from tests.support.deploying import DEPLOY, ROOT, assert_it_starts_the_bot, assert_variables_are_known
from tests.support.dockerfile import arguments_of, command, instructions, variables, volumes


def test_the_image_uses_the_project_s_python_version() -> None:
    assert instructions()[0] == ("FROM", "python:3.11-slim")


def test_everything_that_is_copied_into_the_image_is_there() -> None:
    sources = [source for text in arguments_of("COPY") for source in text.split()[:-1]]

    assert sources == ["requirements.txt", "bot", "cogs"]
    assert all((ROOT / source).exists() for source in sources)


def test_docker_is_sent_only_what_is_copied() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in ignored if line and not line.startswith("#")]
    sources = [source for text in arguments_of("COPY") for source in text.split()[:-1]]

    assert patterns[0] == "*"
    assert [pattern[1:] for pattern in patterns if pattern.startswith("!")] == sources


def test_the_image_runs_the_bot_as_an_unprivileged_user() -> None:
    names = [name for name, _ in instructions()]

    assert arguments_of("USER") == ["tokenwise"]
    assert names.index("USER") > max(number for number, name in enumerate(names) if name == "RUN")
    assert arguments_of("STOPSIGNAL") == ["SIGTERM"]
    assert_it_starts_the_bot(command())
    assert_variables_are_known(variables())


def test_no_setting_that_is_secret_gets_into_the_image() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")

    assert not any(name in text for name in ("TOKEN", "PASSWORD", "DATABASE_URL"))
    assert command()[-2:] == ["--env", "/run/secrets/tokenwise"]


@dataclass
class Image:
    """A folder that stands for the image's root, and the state that instructions leave behind."""

    root: Path
    folder: Path = field(init=False)
    variables: dict[str, str] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put programs on PATH in front of the system's: this Python, and a pip that only looks."""
        self.folder = self.root
        programs = self.root / "programs"
        programs.mkdir()
        for name, does in {
            "python": f'exec "{sys.executable}" "$@"',
            # A package must be installed here already, otherwise the step fails.
            "pip": f'exec "{sys.executable}" -m pip --isolated "$@" --no-index --dry-run',
            **dict.fromkeys(("groupadd", "useradd", "install"), 'echo "${0##*/} $*"'),
        }.items():
            (programs / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
            (programs / name).chmod(0o755)
        self.variables["PATH"] = f"{programs}:{os.defpath}"

    def at(self, path: str) -> str:
        """A path in the image as one of this machine; any other word as it is."""
        return str(self.root / path[1:]) if path.startswith("/") else path

    def take(self, instruction: str, arguments: str) -> None:
        match instruction:
            case "ARG":
                name, _, value = arguments.partition("=")
                self.variables[name] = value
            case "ENV":
                self.variables |= {name: self.at(value) for name, value in variables().items()}
            case "WORKDIR":
                self.folder = Path(self.at(arguments))
                self.folder.mkdir(parents=True, exist_ok=True)
            case "COPY":
                *sources, target = arguments.split()
                for source in sources:
                    self.copy(ROOT / source, self.folder / target)
            case "RUN":
                self.journal.append(self.run("/bin/sh", "-c", arguments))

    def copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            arguments, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def image(tmp_path: Path) -> Image:
    if importlib.util.find_spec("pip") is None:
        pytest.skip("there is no pip here, which the steps ask what is installed")
    image = Image(tmp_path)
    for instruction, arguments in instructions():
        image.take(instruction, arguments)
    return image


@pytest.mark.slow
def test_every_step_succeeds_and_the_bot_then_runs(image: Image) -> None:
    torch, requirements, compiled, user = image.journal

    assert "Requirement already satisfied: torch==" in torch
    assert "Would install" not in torch + requirements
    assert list((image.root / "opt/tokenwise/bot/__pycache__").iterdir()), compiled
    assert user.splitlines()[-1].split()[-2:] == sorted(volumes(), reverse=True)

    settings = Path(image.at("/run/secrets/tokenwise"))
    settings.parent.mkdir(parents=True)
    settings.write_text("MODEL=\nMETRICS_PORT=\n", encoding="utf-8")
    card = image.run(*map(image.at, command()), "try", "/decode ids:40313 481")

    assert "Paris will" in card
    assert not list(image.folder.iterdir())


def test_the_image_installs_the_torch_that_is_pinned_from_the_index_without_cuda() -> None:
    (index,) = [text.partition("=")[2] for text in arguments_of("ARG")]
    install = arguments_of("RUN")[0].replace("pip install --no-cache-dir --index-url", "echo")
    environment = {"TORCH_INDEX": index}
    asked = subprocess.run(
        ["/bin/sh", "-c", install], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (pinned,) = [line for line in pins if line.startswith("torch==")]

    assert index == "https://download.pytorch.org/whl/cpu"
    assert asked.stdout.split() == [index, pinned]


@pytest.mark.parametrize(("health_problems", "status"), [([], 0), (["the model is not ready"], 1)])
async def test_the_image_s_health_check_queries_the_bot(health_problems: list[str], status: int) -> None:
    _, _, check = arguments_of("HEALTHCHECK")[0].partition("CMD ")
    _, *arguments = json.loads(check)
    at = Address("127.0.0.1", unused_port())
    async with endpoint(at, CollectorRegistry(), lambda: health_problems):
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env={"METRICS_PORT": str(at.port)}, stderr=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == status
