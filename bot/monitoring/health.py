"""Whether the bot serves, and if not, why."""

from __future__ import annotations

from bot.client import TokenwiseBot
from bot.model.client.wording import loading_text
from bot.monitoring.collectors import Worker


def ailments(model: Worker, bot: TokenwiseBot) -> list[str]:
    """What keeps people from being served now, a few words each; nothing if they are."""
    found = []
    if not model.serving:
        found.append(f"the model is not ready ({loading_text(model.loading)})")
    if not bot.connected:
        found.append("there is no connection to Discord")
    return found
