"""A small version of ``python -m tests.promises.worker_faults``: a scripted worker, and no timing."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.model.protocol import GenerationRequest, SamplingParams
from tests.fakes.scripted_worker import POISON, REJECTED
from tests.promises.worker_faults import Fault, Figures, Outcome, inflicted, report, signalled
from tests.promises.worker_kills import Kills, kill_repeatedly
from tests.promises.worker_serving import Serving, bystanders, serving

STEPS = 40


def command(journal: Path, *lives: dict[str, Any]) -> tuple[str, ...]:
    script = json.dumps([{"step_seconds": 0.01, **life} for life in lives or ({},)])
    return (sys.executable, "-m", "tests.fakes.scripted_worker", str(journal), script)


def a_culprit(first: int) -> GenerationRequest:
    return GenerationRequest("culprit", (first, 1), SamplingParams(max_new_tokens=5))


def assert_only_the_culprit_fails(outcome: Outcome) -> None:
    assert (outcome.failed, outcome.differing) == (0, 0)
    assert outcome.culprit_failed == outcome.fault.guilty
    assert outcome.restarts == outcome.fault.cost


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        Fault("SIGKILL", 1, inflict=signalled(signal.SIGKILL)),
        Fault("SIGSTOP", 1, inflict=signalled(signal.SIGSTOP)),
        Fault("rejected", 0, culprit=a_culprit(REJECTED), guilty=True),
        Fault("poison", 3, culprit=a_culprit(POISON), guilty=True),
    ],
    ids=lambda fault: fault.name,
)
async def test_only_the_culprit_fails_and_the_others_are_unchanged(tmp_path: Path, fault: Fault) -> None:
    async with serving(command(tmp_path / "journal"), steps=STEPS, patience=0.5) as there:
        assert_only_the_culprit_fails(await inflicted(there, fault, bystanders(STEPS)))


async def kill(there: Serving, count: int) -> Kills:
    return await kill_repeatedly(there, count, steps=STEPS, on_kill=lambda kills: None)


@pytest.mark.slow
async def test_kills_in_a_row_fail_no_request(tmp_path: Path) -> None:
    async with serving(command(tmp_path / "journal"), steps=STEPS) as there:
        kills = await kill(there, 5)
        assert there.model.restarts == 5
    assert kills.requests == kills.finished >= 4
    assert (kills.failed, kills.differing) == (0, 0)
    assert len(kills.recovery) == 5


def test_the_verdict_follows_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    good = Kills(1, requests=4, finished=4, failed=0, differing=0, recovery=(3.0,), beyond=(0.5,))
    slow = Kills(1, requests=4, finished=4, failed=0, differing=0, recovery=(9.0,), beyond=(5.5,))
    hang = Fault("hang", 1)
    found = Outcome(hang, 9.0, 3.0, 2.0, 1, culprit_failed=False, failed=0, differing=0)
    late = Outcome(hang, 11.0, 3.0, 2.0, 1, culprit_failed=False, failed=0, differing=0)
    assert report(Figures((found,), good)) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("ok: ")
    for figures in (Figures((late,), good), Figures((found,), slow)):
        assert report(figures) == 1
        assert capsys.readouterr().out.splitlines()[-1].startswith("MISSED: ")
