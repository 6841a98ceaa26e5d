"""The beginnings that /guess itself offers."""

from bot.features.beginnings import BEGINNINGS, PLAIN, REMEMBERED, TRIES, some_beginnings


def test_there_are_many_and_all_differ() -> None:
    assert len(set(BEGINNINGS)) == len(BEGINNINGS) >= 100
    assert len(PLAIN) >= REMEMBERED + TRIES


def test_none_ends_where_its_next_token_would_have_begun() -> None:
    # A space belongs to the token after it.
    assert all(beginning == beginning.strip() for beginning in BEGINNINGS)


def test_the_latest_beginnings_are_not_drawn_again() -> None:
    latest: list[str] = []
    for _ in range(2 * len(BEGINNINGS)):
        drawn = list(some_beginnings(TRIES, latest[-REMEMBERED:]))
        assert not {*drawn} & {*latest[-REMEMBERED:]}
        latest.append(drawn[0])


def test_all_tries_differ_and_all_but_the_first_are_plain() -> None:
    for _ in range(100):
        first, *others = some_beginnings(TRIES, ())

        assert first in BEGINNINGS
        assert len({first, *others}) == TRIES
        assert set(others) <= set(PLAIN)


def test_draws_differ() -> None:
    assert len({tuple(some_beginnings(TRIES, ())) for _ in range(100)}) > 90
    assert len({next(some_beginnings(TRIES, ())) for _ in range(300)} - set(PLAIN)) > 5
