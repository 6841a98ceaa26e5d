"""Every error that ends the bot has an exit status, and so has every reason of the worker's."""

from typing import get_args

import pytest

from bot.errors import ModelUnusable, StartError, UnusableReason
from bot.system.exit_status import AFTER_ERROR, AFTER_REASON, ExitStatus, exit_status


def test_no_error_is_unmapped() -> None:
    ending = {cls for cls in StartError.__subclasses__() if cls.__module__ == "bot.errors"}

    assert {*AFTER_ERROR, ModelUnusable} == ending


def test_no_reason_is_unmapped() -> None:
    assert AFTER_REASON.keys() == set(get_args(UnusableReason))


@pytest.mark.parametrize("reason", get_args(UnusableReason))
def test_an_unusable_model_ends_the_bot_by_its_reason(reason: UnusableReason) -> None:
    assert exit_status(ModelUnusable("m", problem="is so.", reason=reason)) is AFTER_REASON[reason]


def test_a_service_manager_can_distinguish_faults_from_wrong_settings() -> None:
    assert dict(ExitStatus.__members__) == {"OK": 0, "FAILED": 1, "NEEDS_FIX": 2}
