"""The process's exit statuses, which tell a service manager whether to start it again."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from bot.errors import (
    DatabaseNewer,
    DatabaseUnreachable,
    DiscordUnreachable,
    GatewayRefused,
    InvalidSetting,
    LoginRefused,
    ModelUnusable,
    OutputLost,
    PortTaken,
    ReceiptUnusable,
    ServiceAway,
    SettingsFileUnusable,
    ShippedFileAltered,
    StartError,
    UnexpectedStop,
    UnusableReason,
)


class ExitStatus(IntEnum):
    OK = 0
    FAILED = 1  # a fault, or something that may go away by itself: start the bot again
    NEEDS_FIX = 2  # restarting is no use until a setting, a file or the version is changed


#: How the bot ends after each error but ModelUnusable, which depends on its reason.
AFTER_ERROR: Mapping[type[StartError], ExitStatus] = {
    InvalidSetting: ExitStatus.NEEDS_FIX,
    SettingsFileUnusable: ExitStatus.NEEDS_FIX,
    ShippedFileAltered: ExitStatus.NEEDS_FIX,
    PortTaken: ExitStatus.NEEDS_FIX,
    DatabaseNewer: ExitStatus.NEEDS_FIX,
    # Only `migrate` ends with it, and FAILED means there that the database is older.
    DatabaseUnreachable: ExitStatus.NEEDS_FIX,
    ReceiptUnusable: ExitStatus.NEEDS_FIX,
    GatewayRefused: ExitStatus.NEEDS_FIX,
    ServiceAway: ExitStatus.FAILED,
    DiscordUnreachable: ExitStatus.FAILED,
    LoginRefused: ExitStatus.FAILED,
    UnexpectedStop: ExitStatus.FAILED,
    OutputLost: ExitStatus.FAILED,
}

#: How it ends if the model cannot be used, by the worker's code for why.
AFTER_REASON: Mapping[UnusableReason, ExitStatus] = {
    "not_found": ExitStatus.NEEDS_FIX,
    "forbidden": ExitStatus.NEEDS_FIX,
    "not_gpt2": ExitStatus.NEEDS_FIX,
    "failed": ExitStatus.NEEDS_FIX,
    "not_fetched": ExitStatus.FAILED,
    "no_memory": ExitStatus.FAILED,
    "disk_full": ExitStatus.FAILED,
    "disk_error": ExitStatus.FAILED,
    "fault": ExitStatus.FAILED,
}


def exit_status(error: StartError) -> ExitStatus:
    """How the bot ends after ``error``."""
    return AFTER_REASON[error.reason] if isinstance(error, ModelUnusable) else AFTER_ERROR[type(error)]
