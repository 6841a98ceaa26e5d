"""What people do, and what goes wrong for them, in one schedule."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from tests.fakes.discord import Channel, FakeDiscord, Interaction, Message, Person
from tests.fakes.discord.components import Kind, pressable

PATIENCE = 20.0  # seconds that a person waits for a reply before doing something else
IMPATIENCE = 2.0
NAMES = ("ada", "grace", "alan")


class Users:
    """Several people who act at the same time; ``counts`` says what went wrong for them."""

    def __init__(self, discord: FakeDiscord, rng: random.Random, *, quick: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self._discord = discord
        self._rng = rng
        self._quick = quick
        self._channels = [discord.channel("one"), discord.channel("two")]

    async def act(self) -> None:
        """Let all people act, with trouble in between, until all are done."""
        async with asyncio.TaskGroup() as group:
            for name in NAMES:
                group.create_task(self._visit(self._discord.person(name)))
            group.create_task(self._cause_trouble())

    async def _visit(self, person: Person) -> None:
        last: Interaction | None = None
        for _ in range(self._rng.randint(1, 4)):
            await asyncio.sleep(self._rng.uniform(0.0, 0.4))
            last = self._ask(person, last)
            if self._rng.random() < 0.8:
                with suppress(TimeoutError):
                    await last.settled(IMPATIENCE if self._quick else PATIENCE)

    def _ask(self, person: Person, last: Interaction | None) -> Interaction:
        """Press a button of the last reply, or use a command."""
        message = last.reply if last is not None else None
        if message is not None and not message.deleted and self._rng.random() < 0.5:
            for item in self._rng.sample(live := _live(message), len(live)):
                return self._press(person, message, item)
        if last is not None and last.modal is not None:
            return self._discord.submit(person, last, {})
        return self._command(person)

    def _press(self, person: Person, message: Message, item: dict[str, object]) -> Interaction:
        options = item.get("options")
        values = None
        if isinstance(options, list):
            values = [str(self._rng.choice(options)["value"])]
        return self._discord.press(person, message, custom_id=str(item["custom_id"]), values=values)

    def _command(self, person: Person) -> Interaction:
        channel = self._rng.choice(self._channels)
        private = self._rng.random() < 0.3
        ask: list[Callable[[], Interaction]] = [
            lambda: self._complete(person, channel, private),
            lambda: self._discord.slash(person, channel, "next", prompt="London was", private=private),
            lambda: self._discord.slash(person, channel, "tokens", text="Paris will", private=private),
            lambda: self._discord.slash(person, channel, "next", prompt="  "),
            lambda: self._discord.slash(person, channel, "compare", prompt="London was", max_tokens=3),
            lambda: self._discord.slash(person, channel, "model"),
            lambda: self._discord.autocomplete(person, channel, "vocabulary", focused="query", query="Lon"),
            lambda: self._on_a_message(person, channel),
        ]
        return self._rng.choices(ask, weights=(6, 2, 3, 1, 1, 1, 1, 1))[0]()

    def _complete(self, person: Person, channel: Channel, private: bool) -> Interaction:
        tokens = self._rng.randint(1, 8)
        return self._discord.slash(
            person, channel, "complete", prompt="London was", max_tokens=tokens, private=private
        )

    def _on_a_message(self, person: Person, channel: Channel) -> Interaction:
        said = self._discord.say(person, channel, "Paris will be the first city")
        return self._discord.message_command(person, said, "Tokenize")

    async def _cause_trouble(self) -> None:
        for _ in range(self._rng.randint(0, 3)):
            await asyncio.sleep(self._rng.uniform(0.05, 1.0))
            kinds = ("reset", "reconnect", "resumable", "forgotten", "message", "channel", "access")
            kind = self._rng.choices(kinds, weights=(4, 3, 3, 0 if self._quick else 1, 4, 1, 2))[0]
            self._inflict(kind)

    def _inflict(self, kind: str) -> None:
        gateway, discord = self._discord.gateway, self._discord
        match kind:
            case "reset":
                gateway.reset()
                self.counts["gateway reset"] += 1
            case "reconnect":
                gateway.ask_to_reconnect()
                self.counts["RECONNECT"] += 1
            case "resumable":
                gateway.invalidate(resumable=True)
                self.counts["invalid session, resumable"] += 1
            case "forgotten":
                gateway.invalidate(resumable=False)
                self.counts["invalid session, forgotten"] += 1
            case "message":
                if replies := [each.reply for each in discord.interactions if each.reply is not None]:
                    discord.delete_message(self._rng.choice(replies))
                    self.counts["message deleted"] += 1
            case "channel":
                self._channels.append(discord.channel("three"))
                discord.delete_channel(self._channels.pop(0))
                self.counts["channel deleted"] += 1
            case _:
                self._rng.choice(self._channels).refusal = self._rng.choice((50001, 50013))
                self.counts["no permission in a channel"] += 1


def _live(message: Message) -> list[dict[str, object]]:
    """Buttons and menus that can be pressed; Discord sends no event for links."""
    known = (Kind.BUTTON, Kind.STRING_SELECT)
    return [
        item for item in pressable(message.components) if item["type"] in known and not item.get("disabled")
    ]
