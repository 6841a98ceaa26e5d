"""What becomes of texts that try to be more than text.

    python -m tests.promises.bad_input [--texts 100000] [--commands 3000] [--seed 0]

Texts with bidirectional and zero-width characters, ANSI escapes, code fences,
mentions, custom emoji, timestamps, links, surrogates, NUL, stacks of combining
characters, up to 6,000 characters long, as what people typed and as what a model
wrote. Each is disarmed, and shown on a card, of every kind in turn; an independent
reader of Discord's markdown looks for any mark that is left. Then whole commands
are used in a simulated Discord, and every request to it is looked at. Printed is
how many pinged somebody, escaped, crashed, or broke one of Discord's limits.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from bot.playground.plain import plain
from bot.text.escaping import inert, without_isolates
from bot.text.tokenization import Encodings
from tests.promises import fuzz, markdown_oracle
from tests.promises.card_kinds import KINDS, kinds
from tests.promises.command_fuzz import Used, use
from tests.promises.content_factory import OTHER, OWNER, Maker
from tests.promises.figures import parser, verdict
from tests.promises.message_checks import Faults, escapes_in, over_limits_in, walked

PEOPLE = frozenset({OWNER, OTHER})


@dataclass(frozen=True, slots=True)
class Shown:
    """``crashes`` and ``faults`` name the kind of card, or ``inert`` for the text alone."""

    texts: int
    characters: int
    cards: Mapping[str, int]
    crashes: tuple[str, ...]
    faults: Faults


@dataclass(frozen=True, slots=True)
class BadInput:
    shown: Shown
    used: Used

    @property
    def pings(self) -> tuple[str, ...]:
        """Requests that would let a mention through; a mention on a card is an escape."""
        return self.used.faults.pings

    @property
    def escapes(self) -> tuple[str, ...]:
        return self.shown.faults.escapes + self.used.faults.escapes

    @property
    def crashes(self) -> tuple[str, ...]:
        return (*self.shown.crashes, *self.used.crashes)

    @property
    def over_limits(self) -> tuple[str, ...]:
        return self.shown.faults.over_limits + self.used.faults.over_limits

    @property
    def kept(self) -> bool:
        return not (self.pings or self.escapes or self.crashes or self.over_limits)


def show(texts: int, random: Random, encodings: Encodings) -> Shown:
    """Disarm each text, and put another one on a card."""
    counts: Counter[str] = Counter()
    characters, faults, crashes = 0, Faults(), []
    for _, kind in zip(range(texts), kinds(), strict=False):
        text = fuzz.text(random)
        characters += len(text)
        left = markdown_oracle.active(without_isolates(inert(text)))
        faults += Faults(escapes=tuple(f"inert: {mark}" for mark in left))
        maker = Maker(random, encodings, fuzz.typed(random))
        try:
            card: Any = KINDS[kind](maker)
            components = card.to_components()
            plain(components)
        except Exception as error:
            crashes.append(f"{kind}: {error!r}")
            continue
        counts[kind] += 1
        faults += _of_card(kind, walked(components))
    return Shown(texts, characters, counts, tuple(crashes), faults)


def _of_card(kind: str, components: tuple[Mapping[str, object], ...]) -> Faults:
    return Faults(
        escapes=tuple(f"{kind}: {mark}" for mark in escapes_in(components, people=PEOPLE)),
        over_limits=tuple(f"{kind}: {limit}" for limit in over_limits_in(components)),
    )


async def measure(texts: int, commands: int, seed: int) -> BadInput:
    encodings = Encodings()
    encodings.load()
    shown = show(texts, Random(seed), encodings)
    return BadInput(shown, await use(commands, Random(seed), encodings))


def report(measured: BadInput) -> int:
    shown, used = measured.shown, measured.used
    print(f"{shown.texts:,} texts disarmed, {shown.characters / shown.texts:,.0f} characters each")
    print(f"{sum(shown.cards.values()):,} cards of {len(shown.cards)} kinds")
    print(
        f"{used.commands:,} commands with what follows of them ({used.unsaid:,} cannot be typed), "
        f"{used.messages:,} messages on the wire"
    )
    for name in ("pings", "escapes", "crashes", "over_limits"):
        found: tuple[str, ...] = getattr(measured, name)
        print(f"{name.replace('_', ' ')}: {len(found):,}")
        for what, times in Counter(found).most_common(10):
            print(f"  {times:,} × {what}")
    bar = "0 pings, 0 escapes, 0 crashes, every message within Discord's limits"
    return verdict(bar, kept=measured.kept)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--texts", type=int, default=100_000, help="how many (default: 100,000)")
    arguments.add_argument("--commands", type=int, default=3_000, help="how many (default: 3,000)")
    arguments.add_argument("--seed", type=int, default=0, help="of the texts (default: 0)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.texts, options.commands, options.seed)))


if __name__ == "__main__":
    raise SystemExit(main())
