"""The program that measures acknowledgements, in small: what is in time is acknowledged, and nothing else."""

from tests.promises.acknowledgement import measure


async def test_what_comes_in_time_is_acknowledged_and_what_comes_late_is_not() -> None:
    measured = await measure(80, 10.0, seed=5)

    assert measured.unanswered == 0
    assert measured.late > 0
    assert measured.late_answered == 0
    assert len(measured.latencies) + measured.late == 80
    assert measured.violations == ()
