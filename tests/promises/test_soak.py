"""The program that uses the bot for long, in small: everything is answered and nothing goes wrong."""

from tests.promises.soak import measure


async def test_everything_is_answered_and_nothing_goes_wrong() -> None:
    soaked = await measure(0.1, 8.0, seed=1, looks=2)

    assert soaked.actions > 0
    assert soaked.unanswered == 0
    assert soaked.errors == ()
    assert soaked.violations == ()
