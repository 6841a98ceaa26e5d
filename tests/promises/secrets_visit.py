"""A person who writes a canary into everything the bot accepts, while much goes wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord import Channel, FakeDiscord, Interaction, Person, texts
from tests.fakes.discord.components import pressable
from tests.fakes.discord.faults import EventFault, Failed, Limited, Refused, RequestFault, Reset
from tests.fakes.discord.requests import Request
from tests.promises.secrets_verbose_bot import CRASH

FAULTS: tuple[RequestFault, ...] = (
    Reset(),
    Reset(applied=True),
    Limited(0.05),
    Limited(0.05, everywhere=True),
    Failed(502),
    *(Refused(code) for code in (10008, 10015, 10062, 50027, 50035)),
)
LEAST = 24  # characters of a completion, enough to be unique


@dataclass(eq=False)
class OneAtATime:
    """After :meth:`arm`, faults the bot's next response to an interaction, once."""

    fault: RequestFault | None = None

    def arm(self, fault: RequestFault) -> None:
        self.fault = fault

    def of_request(self, request: Request) -> RequestFault | None:
        if not request.template.startswith(("/webhooks", "/interactions")):
            return None
        fault, self.fault = self.fault, None
        return fault

    def of_event(self, _name: str) -> EventFault | None:
        return None


@dataclass(eq=False)
class Visit:
    """``word`` is in everything that is typed; ``written`` are the texts that the model wrote after it.

    Each fault in ``wrong`` happens once in each half of the visit.
    """

    discord: FakeDiscord
    faults: OneAtATime
    word: str
    wrong: Sequence[RequestFault] = FAULTS
    written: set[str] = field(default_factory=set)

    @property
    def ada(self) -> Person:
        return self.discord.person("ada")

    @property
    def channel(self) -> Channel:
        return self.discord.channel()

    async def commands_without_a_model(self) -> None:
        await self._slash("tokens", text=f"London {self.word} was", encoding=self.word)
        await self._press_everything(await self._slash("tokens", text=f"London {self.word} was"))
        await self._slash("tokens", text=f"London {self.word} {CRASH}")
        await self._slash("decode", ids=self.word)
        await self._slash("vocabulary", query=self.word)
        await self._slash("complete", prompt=f"London {self.word} was")
        message = self.discord.say(self.ada, self.channel, f"London {self.word} was")
        await self._done(self.discord.message_command(self.ada, message, "Tokenize"))
        interaction = self.discord.autocomplete(
            self.ada, self.channel, "tokens", focused="encoding", text=self.word, encoding=self.word
        )
        await self._done(interaction)
        for fault in self.wrong:
            self.faults.arm(fault)
            await self._slash("tokens", text=f"London {self.word} was")

    async def commands_with_a_model(self) -> None:
        prompt = f"London {self.word} was"
        visited: Sequence[tuple[str, dict[str, Any]]] = (
            ("complete", {"prompt": prompt, "max_tokens": 24}),
            ("next", {"prompt": prompt}),
            ("surprise", {"text": prompt}),
            ("compare", {"prompt": prompt, "max_tokens": 8}),
            ("tour", {"prompt": prompt}),
            ("guess", {"text": f"{prompt} one of the many places that people go to, and {self.word} again"}),
            ("model", {}),
        )
        for command, options in visited:
            interaction = await self._slash(command, **options)
            self._note(interaction)
            await self._press_everything(interaction)
        message = self.discord.say(self.ada, self.channel, prompt)
        await self._done(self.discord.message_command(self.ada, message, "Surprise"))
        for fault in self.wrong:
            self.faults.arm(fault)
            await self._slash("complete", prompt=prompt, max_tokens=4)
        await self._forget()

    async def worker_killed(self, worker: Callable[[], int]) -> None:
        """Kill the worker while it writes a text, so that another one writes the rest."""
        interaction = self.discord.slash(
            self.ada, self.channel, "complete", prompt=f"{self.word} dies", max_tokens=256
        )
        await interaction.acknowledged()
        os.kill(worker(), signal.SIGKILL)
        await self._done(interaction)
        self._note(interaction)

    async def _slash(self, command: str, **options: Any) -> Interaction:
        return await self._done(self.discord.slash(self.ada, self.channel, command, **options))

    async def _done(self, interaction: Interaction) -> Interaction:
        # Discord's faults may have cut it off for good.
        with suppress(TimeoutError):
            await interaction.settled(patience=60.0 if self.faults.fault is None else 2.0)
        return interaction

    async def _forget(self) -> None:
        if (asked := (await self._slash("forget")).reply) is not None:
            *_, confirm = pressable(asked.components)
            await self._done(self.discord.press(self.ada, asked, custom_id=confirm["custom_id"]))

    async def _press_everything(self, interaction: Interaction) -> None:
        """Press each button and menu of the card once, Delete last, and submit each form that opens."""
        for item in list(pressable(interaction.reply.components)) if interaction.reply else []:
            with suppress(LookupError):  # an earlier press has changed the card
                values = [option["value"] for option in item.get("options", [])][:1] or None
                pressed = self.discord.press(
                    self.ada, interaction.reply, custom_id=item["custom_id"], values=values
                )
                if (await self._done(pressed)).modal is not None:
                    await self._done(self.discord.submit(self.ada, pressed, {"Your text": f"My {self.word}"}))
                self._note(pressed)

    def _note(self, interaction: Interaction) -> None:
        for message in interaction.all_messages:
            self.written.update(_after(self.word, texts(message.components)))


def _after(word: str, shown: Iterator[str]) -> Iterator[str]:
    """What a card shows after the word: the model's own text, without the formatting around it."""
    for text in shown:
        _, found, rest = text.partition(word)
        line = rest.rpartition("**")[2].strip().split("\n")[0][:LEAST]
        if found and len(line) == LEAST:
            yield line
