"""deploy/compose.yaml: the bot and its database. Docker's client checks it where installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import settings_file
from bot.settings import Settings
from bot.store.address import parsed
from bot.store.postgresql import PostgreSQL
from tests.support.deploying import DEPLOY, LONGEST_END, MARGIN, ROOT, assert_variables_are_known, unit
from tests.support.dockerfile import command, variables, volumes

COMPOSE = DEPLOY / "compose.yaml"
PASSWORD = "5f1c0de9" * 6  # as long as `openssl rand -hex 24` prints
FILLED_IN = "${POSTGRES_PASSWORD:?set it in .env as compose.yaml says}"


def has_compose() -> bool:
    """Whether docker's client and its compose plugin are installed."""
    if shutil.which("docker") is None:
        return False
    return docker_compose("version").returncode == 0


def docker_compose(*arguments: str, folder: Path = DEPLOY) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bot(compose: Any) -> Any:
    return compose["services"]["bot"]


@pytest.fixture(scope="module")
def database(compose: Any) -> Any:
    return compose["services"]["database"]


@pytest.mark.skipif(not has_compose(), reason="there is no docker with its compose plugin here")
@pytest.mark.parametrize(("password", "accepted"), [(PASSWORD, True), ("", False)])
def test_docker_accepts_it_if_there_is_a_password(tmp_path: Path, password: str, accepted: bool) -> None:
    (tmp_path / ".env").write_text(f"POSTGRES_PASSWORD={password}\n", encoding="utf-8")
    shutil.copy(COMPOSE, tmp_path)
    read = docker_compose("config", "--format", "json", folder=tmp_path)

    assert (read.returncode == 0) == accepted, read.stderr
    if accepted:
        assert PASSWORD in json.loads(read.stdout)["services"]["bot"]["environment"]["DATABASE_URL"]
    else:
        assert "set it in .env" in read.stderr


def test_it_builds_the_image_from_the_project_s_folder(bot: Any) -> None:
    context = (DEPLOY / bot["build"]["context"]).resolve()

    assert context == ROOT
    assert (context / bot["build"]["dockerfile"]).is_file()


def test_it_gives_the_bot_variables_that_it_knows_and_no_token(bot: Any) -> None:
    assert_variables_are_known(bot["environment"])
    assert set(bot["environment"]) == {"DATABASE_URL", "METRICS_HOST"}


def test_the_settings_file_is_where_the_image_looks_for_it(compose: Any, bot: Any) -> None:
    (secret,) = bot["secrets"]

    assert f"/run/secrets/{secret['target']}" == command()[-1]
    assert compose["secrets"] == {secret["source"]: {"file": ".env"}}
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_example_s_settings_with_a_password_below_them_are_read(tmp_path: Path, bot: Any) -> None:
    file = tmp_path / ".env"
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    file.write_text(f"{example}POSTGRES_PASSWORD={PASSWORD}\n", encoding="utf-8")
    settings = Settings.from_env(settings_file.read(file) | environment_of(bot) | variables())

    assert settings.database_url == bot["environment"]["DATABASE_URL"].replace(FILLED_IN, PASSWORD)
    assert settings.metrics_port == 9464


def environment_of(bot: Any) -> dict[str, str]:
    """The bot's variables, as compose fills in the password."""
    return {name: value.replace(FILLED_IN, PASSWORD) for name, value in bot["environment"].items()}


def test_the_bot_reaches_the_database_by_its_name_and_keeps_its_password_secret(
    compose: Any, bot: Any, database: Any
) -> None:
    address = parsed(environment_of(bot)["DATABASE_URL"])

    assert isinstance(address, PostgreSQL)
    assert address.parameters["host"] in compose["services"]
    assert address.parameters["user"] == database["environment"]["POSTGRES_USER"]
    assert address.parameters["dbname"] == database["environment"]["POSTGRES_DB"]
    assert address.parameters["password"] == PASSWORD
    assert PASSWORD in address.secrets
    assert database["environment"]["POSTGRES_PASSWORD"] == FILLED_IN


def test_the_bot_waits_for_a_database_that_is_healthy(bot: Any, database: Any) -> None:
    check = database["healthcheck"]["test"]

    assert bot["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert check[:2] == ["CMD", "pg_isready"]
    # The server that sets the database up first listens on its socket alone.
    assert "--host=127.0.0.1" in check


def test_the_database_is_on_no_network_but_the_bot_s(compose: Any, bot: Any, database: Any) -> None:
    assert database["networks"] == ["database"]
    assert compose["networks"]["database"]["internal"] is True
    assert bot["networks"] == ["default", "database"]
    assert "ports" not in database


def test_metrics_are_served_to_this_machine_alone(bot: Any) -> None:
    port = variables()["METRICS_PORT"]

    assert bot["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert bot["environment"]["METRICS_HOST"] == "0.0.0.0"  # noqa: S104 - in the container


def test_docker_waits_for_the_bot_to_end(bot: Any) -> None:
    assert int(bot["stop_grace_period"].removesuffix("s")) > LONGEST_END + MARGIN


def test_the_bot_can_write_only_to_its_volumes_and_has_no_privileges(bot: Any) -> None:
    mounted = {volume.partition(":")[2] for volume in bot["volumes"]}

    assert bot["read_only"] is True
    assert mounted == volumes()
    assert bot["tmpfs"] == ["/tmp"]  # noqa: S108
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "user", "pid", "network_mode"} & set(bot)


def test_the_bot_has_as_much_memory_as_systemd_would_give_it(bot: Any) -> None:
    assert [bot["mem_limit"].upper()] == unit()["MemoryMax"]


def test_both_come_back_after_a_reboot(bot: Any, database: Any) -> None:
    assert bot["restart"] == database["restart"] == "unless-stopped"
