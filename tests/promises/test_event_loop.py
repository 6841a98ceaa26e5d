"""The program that looks at the event loop, in small."""

from tests.promises.event_loop import measure


async def test_the_bot_looks_at_its_event_loop_while_it_works() -> None:
    lagged = await measure(3.0, 4.0, seed=1)

    assert lagged.actions > 0
    assert lagged.greatest > 0
