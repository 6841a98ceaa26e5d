"""The environment variables that the model worker gets."""

from __future__ import annotations

from collections.abc import Mapping

# The worker has no use for them.
_SECRETS = frozenset({"DISCORD_TOKEN", "DATABASE_URL", "PGPASSWORD", "MODEL_KEY"})
# Read by huggingface_hub, and by the libraries with which it reaches the network.
_BEGINNINGS = ("HF_", "HUGGING_FACE_", "HUGGINGFACE_")
_NAMES = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CACHE_HOME", "TRANSFORMERS_OFFLINE"),
    }
)


def worker_environment(own: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return the bot's ``own`` environment without its secrets, plus the ``settings`` meant for the hub.

    An empty variable for the hub counts as absent, like an empty setting of the bot.
    """
    kept = {name: value for name, value in own.items() if name not in _SECRETS and not _is_for_hub(name)}
    hubs = {**own, **settings}
    return kept | {name: value for name, value in hubs.items() if _is_for_hub(name) and value.strip()}


def _is_for_hub(name: str) -> bool:
    return name.upper().startswith(_BEGINNINGS) or name.upper() in _NAMES
