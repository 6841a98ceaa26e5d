"""The people on the fake Discord, their servers and channels, and what they do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.fakes.discord import interaction_data, payloads
from tests.fakes.discord.faults import EventFault, Faults
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interaction import Interaction, InteractionType
from tests.fakes.discord.responses import Responses
from tests.fakes.discord.snowflakes import Snowflakes
from tests.fakes.discord.state import Channel, Guild, Json, Message, Person


@dataclass(eq=False)
class Community:
    """``commands`` are those the bot has registered; ``interactions`` are all so far."""

    bot_user: Person
    snowflakes: Snowflakes
    responses: Responses
    gateway: Gateway
    faults: Faults
    shards: int = 1
    commands: list[Json] = field(default_factory=list)
    guilds: dict[str, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    interactions: list[Interaction] = field(default_factory=list)
    _people: dict[str, Person] = field(default_factory=dict)

    def guild(self, name: str = "Playground", *, has_bot: bool = True, shard: int | None = None) -> Guild:
        """The server of that name; created if there is none, for any ``shard`` or for this one."""
        if name not in self.guilds:
            id_ = self.snowflakes.new(age=3_600)
            if shard is not None:
                id_ += ((shard - (id_ >> 22)) % self.shards) << 22
            guild = self.guilds[name] = Guild(id_, name, has_bot=has_bot)
            if has_bot:
                self.gateway.dispatch("GUILD_CREATE", payloads.guild(guild, self.bot_user))
        return self.guilds[name]

    def channel(
        self, name: str = "look-inside", *, guild: Guild | None = None, nsfw: bool = False
    ) -> Channel:
        """The text channel of that name on the server; created if there is none."""
        guild = guild or self.guild()
        for channel in guild.channels.values():
            if channel.name == name and not channel.deleted:
                return channel
        channel = Channel(self.snowflakes.new(age=1_800), name, guild, nsfw=nsfw)
        guild.channels[channel.id] = self.channels[channel.id] = channel
        if guild.has_bot:
            self.gateway.dispatch("CHANNEL_CREATE", payloads.channel(channel))
        return channel

    def thread(self, parent: Channel) -> Channel:
        """A new thread of the channel; the bot first hears of it from an interaction there."""
        thread = Channel(self.snowflakes.new(age=900), "a thread", parent.guild, parent=parent)
        self.channels[thread.id] = thread
        return thread

    def conversation(self) -> Channel:
        """A new direct message channel with the bot."""
        channel = Channel(self.snowflakes.new(), "", None)
        self.channels[channel.id] = channel
        return channel

    @property
    def people(self) -> Iterable[Person]:
        """Everyone so far, on every server."""
        return self._people.values()

    def person(self, name: str) -> Person:
        if name not in self._people:
            self._people[name] = Person(self.snowflakes.new(age=7_200), name)
        return self._people[name]

    def slash(
        self, person: Person, at: Channel, command: str, /, *, age: float = 0.0, **options: Any
    ) -> Interaction:
        """A slash command; ``age`` is how many seconds ago it was sent."""
        data = interaction_data.slash_data(self.commands, command, options)
        return self._ask(InteractionType.COMMAND, person, at, data, age=age)

    def autocomplete(
        self, person: Person, at: Channel, command: str, /, *, focused: str, **options: Any
    ) -> Interaction:
        """Ask for suggestions for the option ``focused``, one of ``options``."""
        data = interaction_data.slash_data(self.commands, command, options, focused)
        return self._ask(InteractionType.AUTOCOMPLETE, person, at, data)

    def message_command(self, person: Person, on: Message, command: str) -> Interaction:
        data = interaction_data.message_command_data(self.commands, command, on)
        return self._ask(InteractionType.COMMAND, person, on.channel, data)

    def press(
        self,
        person: Person,
        message: Message | None,
        *,
        label: str | None = None,
        custom_id: str | None = None,
        values: Sequence[str] | None = None,
        age: float = 0.0,
    ) -> Interaction:
        """Press a button, or choose ``values`` of a menu. Raises LookupError if it is not there."""
        if message is None:
            raise LookupError("there is no message")
        data = interaction_data.press_data(message, label=label, custom_id=custom_id, values=values)
        return self._ask(InteractionType.COMPONENT, person, message.channel, data, on=message, age=age)

    def submit(self, person: Person, opened: Interaction, typed: Mapping[str, str]) -> Interaction:
        """Submit the form that ``opened`` showed; ``typed`` maps labels or ``custom_id``s to texts."""
        if opened.modal is None:
            raise LookupError("no form was opened")
        data = interaction_data.form_data(opened.modal, typed)
        return self._ask(InteractionType.MODAL, person, opened.channel, data, on=opened.message)

    def say(self, person: Person, at: Channel, content: str) -> Message:
        """Post an ordinary message. The bot gets no event: it lacks the intent."""
        message = Message(self.snowflakes.new(), at, person, content)
        at.messages[message.id] = message
        return message

    def delete_message(self, message: Message) -> None:
        """Delete a message. The bot gets no event: it lacks the intent."""
        self.responses.delete(message)

    def delete_channel(self, channel: Channel) -> None:
        channel.deleted = True
        for message in channel.messages.values():
            self.responses.changed(message)
        self.gateway.dispatch("CHANNEL_DELETE", payloads.channel(channel))

    def _ask(
        self,
        kind: InteractionType,
        person: Person,
        at: Channel,
        data: Json,
        *,
        on: Message | None = None,
        age: float = 0.0,
    ) -> Interaction:
        interaction = Interaction(
            self.snowflakes.new(age=age), kind, secrets.token_urlsafe(48), person, at, data, on
        )
        interaction.sent_at -= age
        self.interactions.append(interaction)
        self.responses.add(interaction)
        payload = payloads.interaction(
            id_=interaction.id,
            kind=kind,
            token=interaction.token,
            data=data,
            person=person,
            at=at,
            application_id=self.bot_user.id,
            on=on,
        )
        self._deliver(interaction, payload, self.faults.of_event("INTERACTION_CREATE") or EventFault())
        return interaction

    def _deliver(self, interaction: Interaction, payload: Json, fault: EventFault) -> None:
        send = partial(self.gateway.dispatch, "INTERACTION_CREATE", payload, interaction.written)
        for _ in range(1 + fault.copies):
            if fault.late:
                asyncio.get_running_loop().call_later(fault.late, send)
            else:
                send()
