"""The unit and the Dockerfile in docs/hosting.md fit the bot as it is. Nothing is installed or built."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port
from prometheus_client import CollectorRegistry

from bot.__main__ import _parser
from bot.monitoring.endpoint import Address, endpoint
from bot.serve import FAREWELL, GRACE
from bot.settings import Settings

ROOT = Path(__file__).parents[1]
HOSTING = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
OTHERS = {"PYTHONPATH", "HF_HOME"}  # variables that are not the bot's own
MOST_EXPOSED = 2.0  # of 10, as systemd-analyze judges; 2.0 and less is "OK"


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", HOSTING, re.DOTALL)
    return str(found)


def unit() -> dict[str, list[str]]:
    """What the unit says, by its keys; some come more than once."""
    said: dict[str, list[str]] = {}
    for line in block("ini").splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            said.setdefault(key, []).append(value)
    return said


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in their order."""
    lines = re.sub(r"\\\n\s*", "", block("dockerfile")).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if not line.startswith("#")]


def of(name: str) -> list[str]:
    return [text for instruction, text in instructions() if instruction == name]


def assert_it_starts_the_bot(command: Sequence[str]) -> None:
    assert list(command[1:3]) == ["-m", "bot"]
    assert _parser().parse_args(command[3:]).env


def assert_variables_are_known(words: str) -> None:
    names = {word.partition("=")[0] for word in shlex.split(words)}

    assert names <= OTHERS | {name.upper() for name in Settings.__dataclass_fields__}


def test_the_unit_starts_the_bot_with_variables_that_it_knows() -> None:
    assert_it_starts_the_bot(shlex.split(unit()["ExecStart"][0]))
    assert_variables_are_known(unit()["Environment"][0])


def test_the_unit_gives_the_bot_the_time_it_takes_to_end() -> None:
    assert int(unit()["TimeoutStopSec"][0]) > GRACE + FAREWELL + 5
    assert unit()["KillMode"] == ["mixed"]  # the worker is the bot's to end


def test_the_unit_lets_the_worker_write_machine_code() -> None:
    assert "MemoryDenyWriteExecute" not in unit()


def test_the_unit_has_no_secret_in_it() -> None:
    assert "DISCORD_TOKEN" not in block("ini")
    assert unit()["LoadCredential"] == ["settings:/etc/tokenwise.env"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_finds_nothing_wrong_with_the_unit_and_little_that_is_exposed(tmp_path: Path) -> None:
    file = tmp_path / "tokenwise.service"
    file.write_text(block("ini").replace("/opt/tokenwise/.venv/bin/python", sys.executable))
    verified = analyze("verify", str(file))
    judged = analyze("security", "--offline=true", str(file))

    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", judged.stdout)
    assert exposure is not None
    assert float(exposure[1]) <= MOST_EXPOSED


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_image_begins_with_the_python_that_the_project_is_for() -> None:
    assert instructions()[0] == ("FROM", "python:3.11-slim")


def test_everything_that_is_copied_into_the_image_is_there() -> None:
    sources = [source for text in of("COPY") for source in text.split()[:-1]]

    assert sources == ["requirements.txt", "bot", "cogs"]
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_runs_the_bot_as_nobody_special() -> None:
    names = [name for name, _ in instructions()]

    assert of("USER") == ["tokenwise"]
    assert names.index("USER") > max(number for number, name in enumerate(names) if name == "RUN")
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert_it_starts_the_bot(json.loads(of("CMD")[0]))
    assert_variables_are_known(of("ENV")[0])


def test_the_image_installs_the_torch_that_is_pinned() -> None:
    install = of("RUN")[0].replace("pip install --no-cache-dir", "echo")
    told = subprocess.run(
        ["/bin/sh", "-c", install], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    )
    (pinned,) = re.findall(r"^torch==.*$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)

    assert told.stdout.strip() == pinned


@pytest.mark.parametrize(("problems", "status"), [([], 0), (["the model is not ready"], 1)])
async def test_the_image_s_health_check_asks_the_bot(problems: list[str], status: int) -> None:
    _, _, command = of("HEALTHCHECK")[0].partition("CMD ")
    _, *arguments = json.loads(command)
    at = Address("127.0.0.1", unused_port())
    async with endpoint(at, CollectorRegistry(), lambda: problems):
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env={"METRICS_PORT": str(at.port)}, stderr=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == status


def test_docker_waits_for_the_bot_to_end() -> None:
    (seconds,) = re.findall(r"--stop-timeout (\d+)", HOSTING)

    assert int(seconds) > GRACE + FAREWELL + 5
