"""deploy/ray.yaml and two units: the model service on a Ray cluster."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from ray.serve._private import constants
from ray.serve.schema import ServeDeploySchema

from bot.cluster import DRAIN, app
from bot.model.model_info import GPT2_LARGE
from bot.settings import Settings
from tests.deploy.test_unit import analyze
from tests.support.deploying import DEPLOY, ROOT, assert_variables_are_known, unit, variables

CONFIG = DEPLOY / "ray.yaml"
MACHINE, SERVICE = DEPLOY / "tokenwise-ray.service", DEPLOY / "tokenwise-model.service"


@pytest.fixture(scope="module")
def config() -> Any:
    return yaml.safe_load(CONFIG.read_text(encoding="utf-8"))


@pytest.fixture
def application(config: Any) -> Any:
    (application,) = config["applications"]
    return application


@pytest.fixture
def environment(application: Any) -> dict[str, str]:
    return dict(application["runtime_env"]["env_vars"])


def test_ray_serve_reads_it_and_passes_nothing_over(config: Any) -> None:
    read = ServeDeploySchema.model_validate(config)

    # Ray lets what it does not know pass.
    assert_all_known(config, read)
    assert [each.import_path for each in read.applications] == ["bot.cluster:app"]


def assert_all_known(given: Any, read: Any) -> None:
    for name, value in given.items():
        assert name in type(read).model_fields, f"Ray Serve has no option {name}"
        inner = getattr(read, name)
        for one, model in zip(value, inner, strict=True) if isinstance(inner, list) else [(value, inner)]:
            if isinstance(model, BaseModel):
                assert_all_known(one, model)


def test_its_settings_are_the_bot_s(environment: dict[str, str]) -> None:
    assert_variables_are_known(environment)
    settings = Settings.from_env(environment)

    assert (settings.model, settings.precision) == (GPT2_LARGE, "int8")


def test_each_replica_has_the_processors_that_its_settings_ask_for(
    application: Any, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    deployment = app(application["args"])._bound_deployment

    scaling = deployment._deployment_config.autoscaling_config
    assert scaling is not None
    assert (scaling.min_replicas, scaling.max_replicas) == (2, 8)
    assert deployment.ray_actor_options is not None
    assert deployment.ray_actor_options["num_cpus"] == 2


def test_the_key_is_not_in_it(environment: dict[str, str]) -> None:
    """`serve status` and Ray's dashboard show the file to everyone who reaches them."""
    assert "MODEL_KEY" not in environment


def test_the_service_deploys_that_file_and_gives_its_texts_time_to_end() -> None:
    (start,) = unit(SERVICE)["ExecStart"]
    (folder,) = unit(SERVICE)["WorkingDirectory"]

    assert Path(folder, start.split()[-1]) == Path("/opt/tokenwise", CONFIG.relative_to(ROOT))
    assert int(unit(SERVICE)["TimeoutStopSec"][0]) > DRAIN


def test_serve_has_the_settings_of_its_own_that_a_machine_gives_it() -> None:
    """It passes over what it does not know, too."""
    known = Path(constants.__file__).read_text(encoding="utf-8")

    for name in variables(MACHINE):
        assert not name.startswith("RAY_SERVE_") or f'"{name}"' in known


@pytest.mark.parametrize("file", [MACHINE, SERVICE], ids=lambda file: file.stem)
def test_what_ends_is_started_again(file: Path) -> None:
    """Ray's processes end when they lose the head node, and come back by starting anew."""
    assert unit(file)["Restart"] == ["always"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_finds_the_units_valid(tmp_path: Path) -> None:
    copies = [tmp_path / file.name for file in (MACHINE, SERVICE)]
    for file, copy in zip((MACHINE, SERVICE), copies, strict=True):
        text = file.read_text(encoding="utf-8")
        for program in ("ray", "serve"):
            text = text.replace(f"/opt/tokenwise/.venv/bin/{program} ", f"{sys.executable} ")
        copy.write_text(text, encoding="utf-8")
    verified = analyze("verify", *map(str, copies))

    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
