"""What so many servers take: replicas, shards, processes, writes, money; and what gives way first.

    python -m tests.benchmarks.capacity [--servers 100 10000 100000] [--precision int8 float32] [--batch 8]
    python -m tests.benchmarks.capacity --svg docs/scale.svg

A simulation: texts arrive at random, more in the evening than at night, and replicas of GPT-2 Large, each on
a machine of two cores, write them at the speed that was measured (docs/performance.md). For each hour of the
day the program looks for the fewest replicas with which 99 % of the texts have their first token within 5 s.
The bot's processes, the shards and the database are counted from what one of each was measured to carry.
docs/scale.md says what is assumed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.capacity.demand import Demand
from tests.benchmarks.capacity.figures import PRECISIONS
from tests.benchmarks.capacity.picture import picture
from tests.benchmarks.capacity.plan import Aim, Part, Plan, Replicas, parts, plan
from tests.promises.figures import parser

SERVERS = (100, 10_000, 100_000)
DRAWN = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
PRICE = 0.10

_HEADER = (
    "",
    "servers",
    "texts/s",
    "replicas",
    "shards",
    "processes",
    "rows/s",
    "transactions/s",
    "a month, replicas by the hour",
    "all day",
)


def table(plans: Sequence[tuple[str, Plan]]) -> str:
    lines = ["| " + " | ".join(_HEADER) + " |", "| --- " * len(_HEADER) + "|"]
    for precision, found in plans:
        cells = (
            precision,
            f"{found.servers:,}",
            _rate(found.per_second),
            f"{min(found.replicas):,} to {max(found.replicas):,}",
            f"{found.shards:,}",
            f"{found.processes:,}",
            _rate(found.rows),
            _rate(found.transactions),
            f"{found.following:,.0f}",
            f"{found.fixed:,.0f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _rate(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def carried(precision: str, found: Sequence[Part]) -> str:
    listed = ", ".join(f"{part.name} {round(part.servers, -2):,.0f}" for part in found)
    return f"{precision}, servers that one of each carries: {listed}"


def main() -> int:
    options = parse()
    demand = Demand(texts=options.texts, swing=options.swing, prompt=options.prompt, tokens=options.tokens)
    aim = Aim(within=options.within, share=options.share)
    crowds = {
        name: Replicas(PRECISIONS[name].speed(min(options.batch, PRECISIONS[name].most)), demand, aim)
        for name in options.precision
    }
    print(
        table(
            [
                (name, plan(servers, crowd, price=options.price))
                for name, crowd in crowds.items()
                for servers in options.servers
            ]
        )
    )
    for name, crowd in crowds.items():
        print(carried(name, parts(crowd)))
    if options.svg:
        drawn = {
            name: [plan(servers, crowd, price=options.price) for servers in DRAWN]
            for name, crowd in crowds.items()
        }
        options.svg.write_text(picture(drawn), encoding="utf-8")
    return 0


def parse() -> argparse.Namespace:
    arguments = parser(__doc__)
    usual, aim = Demand(), Aim()
    arguments.add_argument("--servers", type=int, nargs="+", default=SERVERS)
    arguments.add_argument("--precision", choices=PRECISIONS, nargs="+", default=list(PRECISIONS))
    arguments.add_argument("--batch", type=int, default=8, help="texts of a replica at once, BATCH_SIZE")
    arguments.add_argument("--texts", type=float, default=usual.texts, help="of a server in a day")
    arguments.add_argument("--swing", type=float, default=usual.swing, help="of the day: 0 is even")
    arguments.add_argument("--prompt", type=int, default=usual.prompt, help="tokens of a prompt")
    arguments.add_argument("--tokens", type=int, default=usual.tokens, help="tokens of a text at most")
    arguments.add_argument("--within", type=float, default=aim.within, help="seconds to the first token")
    arguments.add_argument("--share", type=float, default=aim.share, help="of the texts within that")
    arguments.add_argument("--price", type=float, default=PRICE, help="of a machine of two cores for an hour")
    arguments.add_argument("--svg", type=Path, metavar="FILE", help="draw a picture, too")
    return arguments.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
