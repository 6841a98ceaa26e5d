"""The beginnings that /guess itself offers."""

from bot.features.beginnings import BEGINNINGS, REMEMBERED, random_beginning


def test_there_are_many_and_all_differ() -> None:
    assert len(set(BEGINNINGS)) == len(BEGINNINGS) >= 40


def test_none_ends_where_its_next_token_would_have_begun() -> None:
    # A space belongs to the token after it.
    assert all(beginning == beginning.strip() for beginning in BEGINNINGS)


def test_the_latest_beginnings_are_not_drawn_again() -> None:
    latest: list[str] = []
    for _ in range(2 * len(BEGINNINGS)):
        beginning = random_beginning(latest[-REMEMBERED:])
        assert beginning not in latest[-REMEMBERED:]
        latest.append(beginning)


def test_draws_differ() -> None:
    assert len({random_beginning(()) for _ in range(100)}) > 10
