"""A small version of ``python -m tests.promises.secrets``: half a visit, before the model is loaded."""

from __future__ import annotations

import pytest

from tests.fakes.discord.faults import Refused, Reset
from tests.promises.secrets import Secrets, Served, report, represented, served
from tests.promises.secrets_search import Search

FEW = (Reset(), Refused(50035))


@pytest.mark.slow
async def test_the_log_has_no_secret_and_no_text_of_a_person() -> None:
    search = Search()
    visit = await served("json", search, with_model=False, wrong=FEW)

    assert search.found == {}
    assert visit.interactions > 10
    assert visit.lines > visit.interactions


@pytest.mark.slow
async def test_the_search_finds_what_discord_py_logs_at_debug() -> None:
    search = Search()
    await served("plain", search, with_model=False, guarded=False, wrong=FEW)

    assert {"a prompt in the log (plain)", "an interaction's token in the log (plain)"} <= search.found.keys()


async def test_no_repr_or_traceback_has_a_secret_in_it() -> None:
    search = Search()
    await represented(search)

    assert search.found == {}
    assert search.read["reprs and tracebacks"] > 1_000


def test_hits_are_counted_by_canary_and_place() -> None:
    search = Search()
    search.look("a log", "one canary and one canary", [("the token", "canary"), ("a prompt", "London")])

    assert search.found == {"the token in a log": 2}
    assert search.read == {"a log": 25}


@pytest.mark.parametrize(
    ("found", "control", "status"),
    [({}, {"a prompt in a log": 1}, 0), ({"a prompt in a log": 1}, {"a prompt in a log": 1}, 1), ({}, {}, 1)],
)
def test_the_promise_is_kept_only_if_the_search_works_and_finds_nothing(
    found: dict[str, int], control: dict[str, int], status: int
) -> None:
    assert report(Secrets([], {"a log": 25}, found, control)) == status


@pytest.mark.parametrize(
    ("visits", "read"), [([Served(10, 0, 10)], {"a log": 25}), ([Served(10, 1, 10)], {"a log": 0})]
)
def test_the_promise_is_not_kept_if_nothing_could_be_found(
    visits: list[Served], read: dict[str, int]
) -> None:
    assert report(Secrets(visits, read, {}, {"a prompt in a log": 1})) == 1
