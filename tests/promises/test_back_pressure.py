"""The program that asks for too much, in small: who is refused is told when to come back."""

from tests.promises.back_pressure import measure


async def test_whoever_is_refused_is_told_when_to_come_back() -> None:
    pressed = await measure(0.1, 30.0, warm_up=2.0, counted=3.0)

    assert pressed.refusals
    assert pressed.unfriendly == 0
    assert pressed.unanswered == 0
    assert pressed.violations == ()
