"""A small version of ``python -m tests.promises.soak``."""

from dataclasses import replace

import pytest

from tests.promises.monitor import Usage
from tests.promises.soak import Soaked, measure, report

USAGE = Usage(memory=2**27, worker_memory=2**28, descriptors=20, threads=12, tasks=15)


@pytest.mark.slow
async def test_everything_is_answered_and_nothing_goes_wrong() -> None:
    soaked = await measure(0.1, 8.0, seed=1, samples=2)

    assert soaked.actions > 0
    assert soaked.unanswered == 0
    assert soaked.errors == ()
    assert soaked.violations == ()


def grown(**more: int) -> Soaked:
    """Thirty samples, each with a little more than the one before."""
    samples = [
        replace(USAGE, **{name: getattr(USAGE, name) + number * by for name, by in more.items()})
        for number in range(30)
    ]
    return Soaked(tuple(samples), actions=7_200, unanswered=0, errors=(), violations=())


@pytest.mark.parametrize("soaked", [grown(), grown(memory=2**17)])
def test_steady_use_passes(soaked: Soaked, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(soaked) == 0
    assert "ok: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "soaked",
    [
        grown(tasks=1),
        grown(descriptors=1),
        grown(threads=1),
        grown(memory=2**20),
        grown(worker_memory=2**21),
        replace(grown(), unanswered=1),
        replace(grown(), errors=("Traceback",)),
        replace(grown(), violations=("a ping",)),
    ],
)
def test_growth_or_an_error_fails(soaked: Soaked, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(soaked) == 1
    assert "MISSED: " in capsys.readouterr().out
