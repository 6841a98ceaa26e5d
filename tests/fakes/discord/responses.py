"""What the bot's requests do to interactions and messages."""

from __future__ import annotations

import copy
import mimetypes
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord import payloads
from tests.fakes.discord.components import Kind, media, walk
from tests.fakes.discord.interaction import CallbackType, Interaction
from tests.fakes.discord.refusals import Refusal
from tests.fakes.discord.snowflakes import Snowflakes
from tests.fakes.discord.state import Attachment, Channel, Flag, Json, Message, Person

PATIENCE = 3.0  # seconds in which an interaction must be acknowledged
LIFETIME = 900.0  # seconds for which its token then lives
_NEEDS_V2 = frozenset(Kind) - {Kind.ACTION_ROW, Kind.BUTTON, Kind.STRING_SELECT}


@dataclass
class Responses:
    """``address`` returns the URL where files are served; ``files`` are those, by attachment id."""

    bot: Person
    snowflakes: Snowflakes
    address: Callable[[], str]
    patience: float = PATIENCE
    lifetime: float = LIFETIME
    by_id: dict[int, Interaction] = field(default_factory=dict)
    by_token: dict[str, Interaction] = field(default_factory=dict)
    files: dict[int, Attachment] = field(default_factory=dict)
    _shown: defaultdict[int, list[Interaction]] = field(default_factory=lambda: defaultdict(list))

    def add(self, interaction: Interaction) -> None:
        self.by_id[interaction.id] = self.by_token[interaction.token] = interaction

    def call_back(self, id_: int, token: str, body: Json, uploads: Mapping[int, Any]) -> Interaction:
        """Respond to an interaction for the first time. Raises Refusal."""
        interaction, now = self.by_id.get(id_), time.monotonic()
        if interaction is None or interaction.token != token:
            raise Refusal(10062)
        if interaction.is_acknowledged:
            interaction.refused += 1
            raise Refusal(40060)
        if now - interaction.sent_at > self.patience:
            raise Refusal(10062)
        self._apply(interaction, CallbackType(body["type"]), body.get("data") or {}, uploads)
        interaction.callback, interaction.acknowledged_at = CallbackType(body["type"]), now
        if interaction.reply is not None:
            interaction.revision = interaction.reply.revision
            self._shown[interaction.reply.id].append(interaction)
            self.changed(interaction.reply)
        interaction.changed()
        return interaction

    def changed(self, message: Message) -> None:
        """Wake those who wait for an interaction whose reply is ``message``."""
        for interaction in self._shown.get(message.id, ()):
            interaction.changed()

    def delete(self, message: Message) -> None:
        message.deleted = True
        self.changed(message)

    def find(self, token: str) -> Interaction:
        """The interaction with this token. Raises Refusal if the token is unknown, unused or expired."""
        interaction = self.by_token.get(token)
        if interaction is None or interaction.acknowledged_at is None:
            raise Refusal(10015)
        if time.monotonic() - interaction.acknowledged_at > self.lifetime:
            raise Refusal(50027)
        return interaction

    def original(self, token: str, message_id: str = "@original") -> tuple[Interaction, Message]:
        """The interaction with this token, and one of its messages. Raises Refusal."""
        interaction = self.find(token)
        message = interaction.reply
        if message_id != "@original":
            own = [*interaction.followups, *([interaction.reply] if interaction.reply else [])]
            message = next((each for each in own if str(each.id) == message_id), None)
        if message is None:
            raise Refusal(10008)
        _check_there(message.channel, message)
        return interaction, message

    def edit(self, message: Message, body: Json, uploads: Mapping[int, Any]) -> None:
        """Change what ``body`` names; this ends "thinking…". Raises Refusal."""
        self._fill(message, body, uploads)
        message.flags &= ~Flag.LOADING
        message.revision += 1
        message.edited_at = time.time()
        self.changed(message)

    def follow_up(self, interaction: Interaction, body: Json, uploads: Mapping[int, Any]) -> Message:
        """Send a further message; the first one after "thinking…" replaces that. Raises Refusal."""
        if interaction.reply is not None and interaction.reply.is_loading and not interaction.reply.deleted:
            self.edit(interaction.reply, body | {"flags": body.get("flags", 0) & ~Flag.EPHEMERAL}, uploads)
            return interaction.reply
        message = self.post(interaction.channel, body, uploads, interaction=_metadata(interaction))
        interaction.followups.append(message)
        interaction.changed()
        return message

    def post(
        self, channel: Channel, body: Json, uploads: Mapping[int, Any], *, interaction: Json | None = None
    ) -> Message:
        """Post a new message of the bot. Raises Refusal."""
        _check_there(channel)
        message = Message(self.snowflakes.new(), channel, self.bot, interaction=interaction)
        message.flags = body.get("flags", 0) & (Flag.EPHEMERAL | Flag.COMPONENTS_V2)
        self._fill(message, body, uploads)
        channel.messages[message.id] = message
        return message

    def _apply(
        self, interaction: Interaction, kind: CallbackType, data: Json, uploads: Mapping[int, Any]
    ) -> None:
        metadata = _metadata(interaction)
        match kind:
            case CallbackType.MESSAGE:
                interaction.reply = self.post(interaction.channel, data, uploads, interaction=metadata)
            case CallbackType.DEFERRED_MESSAGE:
                _check_there(interaction.channel)
                interaction.reply = Message(
                    self.snowflakes.new(), interaction.channel, self.bot, interaction=metadata
                )
                interaction.reply.flags = Flag.LOADING | (data.get("flags", 0) & Flag.EPHEMERAL)
                interaction.channel.messages[interaction.reply.id] = interaction.reply
            case CallbackType.DEFERRED_UPDATE:
                interaction.reply = interaction.message
            case CallbackType.UPDATE:
                if interaction.message is None:
                    raise Refusal(50035, "there is no message to update")
                _check_there(interaction.channel, interaction.message)
                self.edit(interaction.message, data, uploads)
                interaction.reply = interaction.message
            case CallbackType.MODAL:
                interaction.modal = data
            case CallbackType.AUTOCOMPLETE:
                interaction.choices = data["choices"]

    def _fill(self, message: Message, body: Json, uploads: Mapping[int, Any]) -> None:
        components = copy.deepcopy(body.get("components"))
        flags = message.flags | (body.get("flags") or 0) & Flag.COMPONENTS_V2
        is_v2 = bool(flags & Flag.COMPONENTS_V2)
        if is_v2 and (body.get("content") or body.get("embeds")):
            raise Refusal(50035, "content and embeds cannot be used with IS_COMPONENTS_V2")
        if components is not None:
            if not is_v2 and any(item["type"] in _NEEDS_V2 for item in walk(components)):
                raise Refusal(50035, "these components need the flag IS_COMPONENTS_V2")
            kept = {} if "attachments" in body else message.attachments
            known = kept | self._stored(message.channel, body, uploads)
            _number(components)
            _resolve(components, known)
            message.components, message.attachments = components, known
        if "content" in body:
            message.content = body["content"] or ""
        message.flags = flags

    def _stored(self, channel: Channel, body: Json, uploads: Mapping[int, Any]) -> dict[str, Attachment]:
        stored = {}
        for attachment in body.get("attachments") or ():
            upload = uploads.get(int(attachment["id"]))
            if upload is None:
                continue  # it exists already and is kept
            id_, name = self.snowflakes.new(), attachment["filename"]
            url = f"{self.address()}/attachments/{channel.id}/{id_}/{name}?ex=0&is=0&hm=0"
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            stored[name] = self.files[id_] = Attachment(id_, name, url, kind, upload)
        return stored


def _check_there(channel: Channel, message: Message | None = None) -> None:
    if channel.deleted:
        raise Refusal(10003)
    if message is not None and message.deleted:
        raise Refusal(10008)


def _metadata(interaction: Interaction) -> Json:
    return {
        "id": str(interaction.id),
        "type": int(interaction.kind),
        "user": payloads.user(interaction.person),
        "authorizing_integration_owners": {},
    }


def _number(components: list[Json]) -> None:
    """Give an id to every component that has none, in order."""
    taken = {item["id"] for item in walk(components) if item.get("id")}
    free = (number for number in range(1, 1000) if number not in taken)
    for item in walk(components):
        if not item.get("id"):
            item["id"] = next(free)


def _resolve(components: list[Json], known: Mapping[str, Attachment]) -> None:
    """Replace ``attachment://…`` by URLs. Raises Refusal for an attachment that is not there."""
    for place in media(components):
        scheme, _, name = place["url"].partition("://")
        if scheme != "attachment":
            continue
        if name not in known:
            raise Refusal(50035, f"there is no attachment {name}")
        place.update(payloads.media(known[name]))
    for item in walk(components):
        if (
            item["type"] == Kind.FILE
            and (name := item["file"]["url"].split("?")[0].rpartition("/")[2]) in known
        ):
            item.update(name=name, size=len(known[name].content))
