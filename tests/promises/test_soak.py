"""The program that uses the bot for long, in small: everything is answered and nothing goes wrong."""

from dataclasses import replace

import pytest

from tests.promises.monitor import Taken
from tests.promises.soak import Soaked, measure, report

TAKEN = Taken(memory=2**27, worker_memory=2**28, descriptors=20, threads=12, tasks=15)


@pytest.mark.slow
async def test_everything_is_answered_and_nothing_goes_wrong() -> None:
    soaked = await measure(0.1, 8.0, seed=1, looks=2)

    assert soaked.actions > 0
    assert soaked.unanswered == 0
    assert soaked.errors == ()
    assert soaked.violations == ()


def grown(**more: int) -> Soaked:
    """Thirty looks, at each of which there is a little more."""
    looks = [
        replace(TAKEN, **{name: getattr(TAKEN, name) + number * by for name, by in more.items()})
        for number in range(30)
    ]
    return Soaked(tuple(looks), actions=7_200, unanswered=0, errors=(), violations=())


@pytest.mark.parametrize("soaked", [grown(), grown(memory=2**17)])
def test_what_stays_is_reported_so(soaked: Soaked, capsys: pytest.CaptureFixture[str]) -> None:
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
def test_what_grows_or_goes_wrong_is_reported_so(soaked: Soaked, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(soaked) == 1
    assert "MISSED: " in capsys.readouterr().out
