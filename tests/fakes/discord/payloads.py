"""The JSON that Discord sends for its state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.fakes.discord.state import Attachment, Channel, Guild, Json, Message, Person

EVERYTHING = str((1 << 53) - 1)
SIZE_LIMIT = 10 * 1024 * 1024


def user(person: Person) -> Json:
    return {
        "id": str(person.id),
        "username": person.name,
        "global_name": None if person.is_bot else person.name.title(),
        "discriminator": "0",
        "avatar": None,
        "bot": person.is_bot,
        "public_flags": 0,
    }


def member(person: Person) -> Json:
    return {
        "user": user(person),
        "roles": [],
        "nick": None,
        "avatar": None,
        "joined_at": _time(0),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "permissions": str(person.permissions),
    }


def channel(of: Channel) -> Json:
    payload: Json = {"id": str(of.id), "type": int(of.kind), "flags": 0, "last_message_id": None}
    if of.guild is None:
        return payload | {"recipients": []}
    if of.parent is not None:
        return payload | _thread(of, of.guild, of.parent)
    return payload | {
        "guild_id": str(of.guild.id),
        "name": of.name,
        "position": 0,
        "permission_overwrites": [],
        "topic": None,
        "nsfw": of.nsfw,
        "rate_limit_per_user": 0,
        "parent_id": None,
        "permissions": EVERYTHING,
    }


def _thread(of: Channel, guild: Guild, parent: Channel) -> Json:
    """A thread's members. There is no ``nsfw``: Discord doesn't send it for threads."""
    metadata = {
        "archived": False,
        "auto_archive_duration": 1440,
        "archive_timestamp": _time(0),
        "locked": False,
    }
    return {
        "guild_id": str(guild.id),
        "name": of.name,
        "parent_id": str(parent.id),
        "owner_id": "1",
        "thread_metadata": metadata,
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "rate_limit_per_user": 0,
        "permissions": EVERYTHING,
    }


def guild(of: Guild, bot: Person) -> Json:
    """GUILD_CREATE's body."""
    everyone = {
        "id": str(of.id),
        "name": "@everyone",
        "permissions": EVERYTHING,
        "position": 0,
        "color": 0,
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
    return {
        "id": str(of.id),
        "name": of.name,
        "owner_id": str(of.id),
        "icon": None,
        "roles": [everyone],
        "channels": [channel(each) for each in of.channels.values() if not each.deleted],
        "members": [member(bot)],
        "member_count": 100,
        "joined_at": _time(0),
        "large": True,
        "unavailable": False,
        "preferred_locale": "en-US",
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_progress_bar_enabled": False,
        "system_channel_flags": 0,
        "afk_timeout": 300,
    } | {
        name: []
        for name in (
            "emojis",
            "features",
            "stickers",
            "threads",
            "voice_states",
            "presences",
            "stage_instances",
            "guild_scheduled_events",
            "soundboard_sounds",
        )
    }


def message(of: Message) -> Json:
    payload: Json = {
        "id": str(of.id),
        "type": 20 if of.interaction else 0,
        "channel_id": str(of.channel.id),
        "author": user(of.author),
        "content": of.content,
        "components": of.components,
        "attachments": [],
        "embeds": [],
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "pinned": False,
        "tts": False,
        "flags": of.flags,
        "timestamp": _time(of.created_at),
        "edited_timestamp": None if of.edited_at is None else _time(of.edited_at),
    }
    if of.author.is_bot:
        payload |= {"application_id": str(of.author.id), "webhook_id": str(of.author.id)}
    if of.interaction:
        payload["interaction_metadata"] = dict(of.interaction)
    return payload


def media(of: Attachment) -> Json:
    """What replaces ``attachment://…`` once the file is uploaded."""
    return {
        "url": of.url,
        "proxy_url": of.url,
        "width": None,
        "height": None,
        "content_type": of.content_type,
        "attachment_id": str(of.id),
        "loading_state": 2,
    }


def interaction(
    *,
    id_: int,
    kind: int,
    token: str,
    data: Mapping[str, Any],
    person: Person,
    at: Channel,
    application_id: int,
    on: Message | None,
) -> Json:
    """INTERACTION_CREATE's body; ``on`` is the message whose button was pressed."""
    payload: Json = {
        "id": str(id_),
        "application_id": str(application_id),
        "type": kind,
        "token": token,
        "version": 1,
        "data": dict(data),
        "channel_id": str(at.id),
        "channel": channel(at),
        "locale": "en-US",
        "app_permissions": EVERYTHING,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "attachment_size_limit": SIZE_LIMIT,
    }
    if on is not None:
        payload["message"] = message(on)
    if at.guild is None:
        owners = {"1": str(person.id)}
        return payload | {"user": user(person), "context": 1, "authorizing_integration_owners": owners}
    owners = {"0": str(at.guild.id)} if at.guild.has_bot else {"1": str(person.id)}
    return payload | {
        "guild_id": str(at.guild.id),
        "guild": {"id": str(at.guild.id), "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "member": member(person),
        "context": 0,
        "authorizing_integration_owners": {"0": str(at.guild.id)}
        if at.guild.has_bot
        else {"1": str(person.id)},
    }


def application(bot: Person) -> Json:
    return {
        "id": str(bot.id),
        "name": bot.name,
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": user(bot),
        "flags": 0,
        "summary": "",
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
