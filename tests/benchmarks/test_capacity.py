"""The capacity simulation: exact on cases whose values are known, and its plans and tables."""

from __future__ import annotations

from itertools import accumulate
from math import factorial
from random import Random
from statistics import fmean

import pytest
from sqlalchemy import func, select

from bot.store.database import Database
from bot.store.tables import metadata
from tests.benchmarks.capacity.__main__ import table
from tests.benchmarks.capacity.demand import HOURS, Demand
from tests.benchmarks.capacity.figures import PRECISIONS, ROWS_OF_A_TEXT
from tests.benchmarks.capacity.picture import picture
from tests.benchmarks.capacity.plan import Aim, Replicas, parts, plan
from tests.benchmarks.capacity.replicas import Speed, Text, Times, simulate
from tests.docs.documents import document
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.hosted import hosted

# Reads at once, and writes one text at 2 tokens/s or two at 1.5 tokens/s each.
SLOW = Speed([2.0, 3.0], reading=float("inf"))


def test_a_text_alone_grows_at_full_speed_once_its_prompt_is_read() -> None:
    speed = Speed([2.0], reading=10.0)

    # 30 tokens of the prompt in 3 s, then a token every half second.
    assert simulate(1, speed, [Text(5.0, 30, 8)]) == [Times(3.5, 7.0)]


def test_two_texts_slow_each_other_down_while_both_are_there() -> None:
    # The first has 2 of 8 tokens when the second arrives, which has its 3 two seconds later; then 5 of 8 are
    # there, and the others take 1.5 s.
    times = simulate(1, SLOW, [Text(0.0, 0, 8), Text(1.0, 0, 3)])

    assert [each.first for each in times] == pytest.approx([0.5, 1 / 1.5])
    assert [each.last for each in times] == pytest.approx([4.5, 2.0])


def test_a_third_text_waits_for_the_first_slot_that_is_free() -> None:
    times = simulate(1, SLOW, [Text(0.0, 0, 3), Text(0.0, 0, 6), Text(0.0, 0, 3)])

    # Two until 2 s; from then on the second, with 3 left, and the third, with 3.
    assert [each.last for each in times] == pytest.approx([2.0, 4.0, 4.0])
    assert times[2].first == pytest.approx(2 + 1 / 1.5)


def test_the_replica_with_the_fewest_texts_gets_the_next() -> None:
    times = simulate(2, SLOW, [Text(0.0, 0, 2), Text(0.0, 0, 2), Text(0.0, 0, 2)])

    assert [each.last for each in times] == pytest.approx([2 / 1.5, 1.0, 2 / 1.5])


def test_reading_a_prompt_slows_the_others_down() -> None:
    # While it is read, the second text takes the place of 2 tokens: the first gets its own later.
    times = simulate(1, Speed([2.0, 2.0], reading=1.0), [Text(0.0, 0, 4), Text(0.0, 1, 2)])

    assert [each.last for each in times] == pytest.approx([4.0, 4.0])


def poisson(load: float, count: int, lengths: str, seed: int = 1) -> list[Text]:
    """Texts of one token on average, ``load`` a second."""
    random = Random(seed)
    times = accumulate(random.expovariate(load) for _ in range(count))
    return [Text(time, 0, random.expovariate(1.0) if lengths == "exponential" else 1.0) for time in times]


def erlang_c(servers: int, load: float) -> float:
    """The share of customers who wait in M/M/c, with a mean service time of 1."""
    waits = load**servers / factorial(servers) * servers / (servers - load)
    return waits / (sum(load**n / factorial(n) for n in range(servers)) + waits)


@pytest.mark.slow
@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (4, 3.0), (12, 10.0)])
def test_one_text_at_a_time_waits_as_long_as_in_m_m_c(servers: int, load: float) -> None:
    texts = poisson(load, 200_000, "exponential")
    times = simulate(servers, Speed([1.0], reading=float("inf")), texts)
    waits = [each.last - text.tokens for each, text in zip(times, texts, strict=True)]

    assert fmean(wait > 1e-9 for wait in waits) == pytest.approx(erlang_c(servers, load), rel=0.04)
    assert fmean(waits) == pytest.approx(erlang_c(servers, load) / (servers - load), rel=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("lengths", ["exponential", "fixed"])
def test_texts_that_share_one_speed_take_as_long_as_in_m_g_1_ps(lengths: str) -> None:
    shared = Speed([1.0] * 200, reading=float("inf"))
    times = simulate(1, shared, poisson(0.6, 200_000, lengths))

    assert fmean(each.last for each in times) == pytest.approx(1 / (1 - 0.6), rel=0.03)


def test_speed_lies_on_lines_between_what_was_measured() -> None:
    speed = Speed.between({1: 10.0, 4: 40.0, 8: 60.0}, reading=1.0, slots=6)

    assert speed.together == pytest.approx([10, 20, 30, 40, 45, 50])
    with pytest.raises(ValueError, match="8 texts at most"):
        Speed.between({1: 10.0, 8: 60.0}, reading=1.0, slots=9)


def test_a_day_has_all_texts_and_its_busiest_hour() -> None:
    demand = Demand(texts=24.0, swing=0.5)
    hours = [demand.per_second(1_000, hour) for hour in HOURS]

    assert sum(hours) * 3_600 == pytest.approx(24_000)
    assert max(hours) == hours[20] == pytest.approx(1.5 * 1_000 / 3_600)
    assert min(hours) == hours[8] == pytest.approx(0.5 * 1_000 / 3_600)


def test_lengths_and_arrivals_have_the_means_that_are_said() -> None:
    demand = Demand()
    texts = demand.arriving(4.0, 50_000, Random(1))

    assert fmean(text.tokens for text in texts) == pytest.approx(demand.mean_tokens, rel=0.01)
    assert texts[-1].arrives == pytest.approx(50_000 / 4, rel=0.02)
    assert {text.tokens for text in Demand(ends=0.0).arriving(1.0, 9, Random(1))} == {64}


SMALL = Replicas(Speed([10.0, 15.0], reading=100.0), Demand(texts=100.0), Aim(texts=2_000))


def test_the_fewest_replicas_suffice_and_one_less_does_not() -> None:
    fewest = SMALL.fewest(2.0)

    assert fewest >= 2.0 * SMALL.demand.mean_tokens / 15
    assert SMALL.suffice(fewest, 2.0)
    assert not SMALL.suffice(fewest - 1, 2.0)


def test_one_replica_carries_what_it_is_said_to() -> None:
    most = SMALL.most()

    assert SMALL.fewest(most) == 1
    assert SMALL.fewest(1.05 * most) == 2


def test_a_plan_counts_the_day_and_its_price() -> None:
    found = plan(1_500, SMALL, price=0.5)

    assert max(found.replicas) == found.replicas[20] == SMALL.fewest(found.per_second)
    assert found.replicas[8] == min(found.replicas)
    assert found.replicas[19] == found.replicas[21]
    assert found.shards == 2
    assert found.rows == 3 * found.per_second
    assert found.fixed == 30 * 24 * 0.5 * (max(found.replicas) + found.others)
    assert found.following == 30 * 0.5 * (sum(found.replicas) + 24 * found.others)


def test_the_table_and_the_picture_have_every_plan() -> None:
    plans = [plan(servers, SMALL, price=0.5) for servers in (100, 1_000)]
    _, _, small, large = table([("int8", found) for found in plans]).splitlines()
    svg = picture({"int8": plans, "float32": plans})

    assert small.startswith("| int8 | 100 | 0.21 | ")
    assert f" to {max(plans[1].replicas)} | 1 | " in large
    assert all(f">{label}<" in svg for label in ("replicas, int8", "replicas, float32", "shards", "1,000"))


def test_what_gives_way_first_comes_first() -> None:
    found = parts(SMALL)

    assert found[0].name == "a replica"
    assert [each.servers for each in found] == sorted(each.servers for each in found)
    assert {each.name: each.servers for each in found}["a connection to Discord"] == 2_500


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_speeds_are_those_of_the_page_about_performance(precision: str) -> None:
    page = document("docs/performance.md")
    numbers = (1, 2, 4, 8, 16, 32, 64)
    (grown,) = (row for row in page.table(precision, *map(str, numbers)) if "worker" in row[0])
    table = page.table("", "16", "64", "256", "512", "1,000")
    (first,) = (row for row in table if "worker" in row[0] and f" {precision}, one" in row[0])

    together = zip(numbers, (float(cell.split()[0]) for cell in grown[1:]), strict=True)
    assert PRECISIONS[precision].together == dict(together)
    assert PRECISIONS[precision].reading == 512 / float(first[4])


async def test_a_text_adds_as_many_rows_as_are_counted(url: str) -> None:
    async with FakeDiscord.opened(schema_every=0) as discord, hosted(discord, url=url) as bot:
        database = bot.services.runs._database
        before = await rows(database)
        asked = discord.slash(discord.person("ada"), discord.channel(), "complete", prompt="London was")
        await asked.settled()
        added = await rows(database) - before

    # Only PostgreSQL serves several processes, which need claims.
    assert added == ROWS_OF_A_TEXT - (not database.is_shared)


async def rows(database: Database) -> int:
    """In all tables."""
    async with database.transaction() as connection:
        counts = [
            await connection.scalar(select(func.count()).select_from(table))
            for table in metadata.tables.values()
        ]
    return sum(count or 0 for count in counts)
