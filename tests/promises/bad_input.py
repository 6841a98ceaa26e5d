"""Whether texts full of markup and odd characters stay text.

    python -m tests.promises.bad_input [--texts 100000] [--commands 3000] [--seed 0]

Texts with bidirectional and zero-width characters, ANSI escapes, code fences,
mentions, custom emoji, timestamps, links, surrogates, NUL, stacks of combining
characters, up to 6,000 characters long, as people type and as a model writes them.
Each is made inert and shown on a card, of each kind in turn; an independent parser
of Discord's markdown looks for marks that survived. Then whole commands are run in
a simulated Discord, and every request to it is checked. The program prints how many
texts pinged someone, escaped, crashed, or broke one of Discord's limits.
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
from tests.promises.command_fuzz import CommandResults, run_commands
from tests.promises.content_factory import OTHER, OWNER, ContentFactory
from tests.promises.figures import parser, verdict
from tests.promises.message_checks import Violations, escapes_in, over_limits_in, walked

PEOPLE = frozenset({OWNER, OTHER})


@dataclass(frozen=True, slots=True)
class CardResults:
    """``crashes`` and ``violations`` begin with the kind of card, or ``inert`` for the text alone."""

    texts: int
    characters: int
    by_kind: Mapping[str, int]
    crashes: tuple[str, ...]
    violations: Violations


@dataclass(frozen=True, slots=True)
class BadInput:
    cards: CardResults
    commands: CommandResults

    @property
    def pings(self) -> tuple[str, ...]:
        """Requests that would let a mention ping; a mention on a card counts as an escape."""
        return self.commands.violations.pings

    @property
    def escapes(self) -> tuple[str, ...]:
        return self.cards.violations.escapes + self.commands.violations.escapes

    @property
    def crashes(self) -> tuple[str, ...]:
        return (*self.cards.crashes, *self.commands.crashes)

    @property
    def over_limits(self) -> tuple[str, ...]:
        return self.cards.violations.over_limits + self.commands.violations.over_limits

    @property
    def kept(self) -> bool:
        return not (self.pings or self.escapes or self.crashes or self.over_limits)


def render_cards(texts: int, random: Random, encodings: Encodings) -> CardResults:
    """Make each text inert, and show another one on a card."""
    counts: Counter[str] = Counter()
    characters, violations, crashes = 0, Violations(), []
    for _, kind in zip(range(texts), kinds(), strict=False):
        text = fuzz.text(random)
        characters += len(text)
        left = markdown_oracle.active_marks(without_isolates(inert(text)))
        violations += Violations(escapes=tuple(f"inert: {mark}" for mark in left))
        factory = ContentFactory(random, encodings, fuzz.typed(random))
        try:
            card: Any = KINDS[kind](factory)
            components = card.to_components()
            plain(components)
        except Exception as error:
            crashes.append(f"{kind}: {error!r}")
            continue
        counts[kind] += 1
        violations += _of_card(kind, walked(components))
    return CardResults(texts, characters, counts, tuple(crashes), violations)


def _of_card(kind: str, components: tuple[Mapping[str, object], ...]) -> Violations:
    return Violations(
        escapes=tuple(f"{kind}: {mark}" for mark in escapes_in(components, people=PEOPLE)),
        over_limits=tuple(f"{kind}: {limit}" for limit in over_limits_in(components)),
    )


async def measure(texts: int, commands: int, seed: int) -> BadInput:
    encodings = Encodings()
    encodings.load()
    cards = render_cards(texts, Random(seed), encodings)
    return BadInput(cards, await run_commands(commands, Random(seed), encodings))


def report(measured: BadInput) -> int:
    cards, commands = measured.cards, measured.commands
    print(f"{cards.texts:,} texts made inert, {cards.characters / cards.texts:,.0f} characters each")
    print(f"{sum(cards.by_kind.values()):,} cards of {len(cards.by_kind)} kinds")
    print(
        f"{commands.commands:,} commands and the buttons of their cards ({commands.untypable:,} cannot be "
        f"typed), {commands.messages:,} messages on the wire"
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
    arguments.add_argument("--texts", type=int, default=100_000, help="default: 100,000")
    arguments.add_argument("--commands", type=int, default=3_000, help="default: 3,000")
    arguments.add_argument("--seed", type=int, default=0, help="of the texts (default: 0)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.texts, options.commands, options.seed)))


if __name__ == "__main__":
    raise SystemExit(main())
