"""People on several servers who use every command and button at random."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.fakes.discord import Channel, FakeDiscord, Interaction, Person
from tests.fakes.discord.components import pressable

SENTENCE = "London was one of the few places that had the courage to stand up. "
LONG_TEXT = ("The quick brown 狐狸 jumps over the lazy 🐶, again and again. " * 120)[:6000]
BEGINNINGS = ("London was", "Paris will", "Once upon a time", "It was a dark and", "She opened the door and")
# The buttons of this many of the latest replies may be pressed.
REMEMBERED = 200

Act = Callable[["Crowd", Person, Channel], Interaction | None]


@dataclass(eq=False)
class Crowd:
    """``interactions`` are those whose replies' buttons may be pressed."""

    discord: FakeDiscord
    random: Random
    people: Sequence[Person]
    channels: Sequence[Channel]
    acts: Sequence[Act]
    weights: Sequence[float]
    interactions: deque[Interaction] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @classmethod
    def gathered(
        cls,
        discord: FakeDiscord,
        *,
        seed: int,
        people: int,
        servers: int,
        acts: dict[str, float] | None = None,
    ) -> Crowd:
        """``acts`` maps names in ``ACTS`` to weights; by default, ``WEIGHTS``."""
        chosen = WEIGHTS if acts is None else acts
        return cls(
            discord,
            Random(seed),
            [discord.person(f"person-{number}") for number in range(people)],
            [discord.channel(guild=discord.guild(f"server-{number}")) for number in range(servers)],
            [ACTS[name] for name in chosen],
            list(chosen.values()),
        )

    def act(self) -> Interaction:
        """Let a random person do something."""
        while True:
            (act,) = self.random.choices(self.acts, self.weights)
            interaction = act(self, self.random.choice(self.people), self.random.choice(self.channels))
            if interaction is not None:
                self.interactions.append(interaction)
                return interaction

    def beginning(self) -> str:
        return self.random.choice(BEGINNINGS)

    def pressable(self) -> Iterator[tuple[Interaction, dict[str, Any]]]:
        """Buttons and menus of the latest replies, in a random order."""
        interactions = [
            interaction for interaction in self.interactions if interaction.reply and interaction.is_settled
        ]
        self.random.shuffle(interactions)
        for interaction in interactions:
            if interaction.reply is None or interaction.reply.deleted:
                continue
            items = [item for item in pressable(interaction.reply.components) if not item.get("disabled")]
            if items:
                yield interaction, self.random.choice(items)


def _slash(name: str, **options: Any) -> Act:
    def act(crowd: Crowd, person: Person, channel: Channel) -> Interaction:
        return crowd.discord.slash(person, channel, name, **options)

    return act


def _from_a_beginning(name: str, option: str = "prompt", **options: Any) -> Act:
    def act(crowd: Crowd, person: Person, channel: Channel) -> Interaction:
        return crowd.discord.slash(person, channel, name, **{option: crowd.beginning(), **options})

    return act


def _press(crowd: Crowd, person: Person, _channel: Channel) -> Interaction | None:
    for interaction, item in crowd.pressable():
        values = [crowd.random.choice(item["options"])["value"]] if item.get("options") else None
        who = interaction.person if interaction.reply and interaction.reply.is_ephemeral else person
        return crowd.discord.press(who, interaction.reply, custom_id=item["custom_id"], values=values)
    return None


def _suggest(crowd: Crowd, person: Person, channel: Channel) -> Interaction:
    return crowd.discord.autocomplete(person, channel, "vocabulary", focused="query", query="wo")


def _tokenize(crowd: Crowd, person: Person, channel: Channel) -> Interaction:
    return crowd.discord.message_command(person, crowd.discord.say(person, channel, SENTENCE), "Tokenize")


ACTS: dict[str, Act] = {
    "complete": _from_a_beginning("complete", max_tokens=16),
    "long complete": _from_a_beginning("complete", max_tokens=256),
    "next": _from_a_beginning("next"),
    "seeded next": _from_a_beginning("next", seed=7),
    "tokens": _slash("tokens", text=SENTENCE),
    "long tokens": _slash("tokens", text=LONG_TEXT, encoding="gpt-4o"),
    "decode": _slash("decode", ids="40313, 481"),
    "surprise": _slash("surprise", text=SENTENCE),
    "long surprise": _slash("surprise", text=SENTENCE * 28),
    "compare": _from_a_beginning("compare", max_tokens=8),
    "guess": _slash("guess"),
    "tour": _from_a_beginning("tour"),
    "vocabulary": _slash("vocabulary", query="world"),
    "model": _slash("model"),
    "press": _press,
    "suggest": _suggest,
    "tokenize": _tokenize,
}
WEIGHTS = {
    "complete": 20.0,
    "next": 12.0,
    "seeded next": 4.0,
    "tokens": 10.0,
    "long tokens": 2.0,
    "decode": 10.0,
    "surprise": 3.0,
    "long surprise": 1.0,
    "compare": 2.0,
    "guess": 3.0,
    "tour": 2.0,
    "vocabulary": 3.0,
    "model": 3.0,
    "press": 20.0,
    "suggest": 4.0,
    "tokenize": 3.0,
}
