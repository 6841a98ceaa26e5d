"""What the model worker's environment has."""

from __future__ import annotations

from collections.abc import Mapping

# Of no use to the worker.
_SECRETS = frozenset({"DISCORD_TOKEN", "DATABASE_URL", "PGPASSWORD"})
# What huggingface_hub reads, and the libraries with which it asks the network.
_BEGINNINGS = ("HF_", "HUGGING_FACE_", "HUGGINGFACE_")
_NAMES = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CACHE_HOME", "TRANSFORMERS_OFFLINE"),
    }
)


def worker_environment(own: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The bot's ``own`` environment without its secrets, and of its ``settings`` what is for the hub.

    A variable for the hub that is empty counts as absent, as the bot's settings do.
    """
    kept = {name: value for name, value in own.items() if name not in _SECRETS and not _is_for_hub(name)}
    hubs = {**own, **settings}
    return kept | {name: value for name, value in hubs.items() if _is_for_hub(name) and value.strip()}


def _is_for_hub(name: str) -> bool:
    return name.upper().startswith(_BEGINNINGS) or name.upper() in _NAMES
