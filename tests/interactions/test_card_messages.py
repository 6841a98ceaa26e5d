"""A card's buttons say which run it shows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from discord import ui

from bot import cards
from bot.custom_ids import SHARE, custom_id, delete_id
from bot.interactions import card_messages

RUN = "0123456789abcdef"


@pytest.fixture
def message(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A message whose buttons have the given custom_ids."""

    def of(*custom_ids: str) -> Any:
        view = cards.error("Oh.")
        for one in custom_ids:
            view.add_item(ui.ActionRow(ui.Button(label="x", custom_id=one)))
        monkeypatch.setattr(ui.LayoutView, "from_message", lambda _message, timeout: view)
        return SimpleNamespace(content="")

    return of


@pytest.mark.parametrize(
    "pressed", [custom_id("complete", "continue", RUN), custom_id("why", "page-next", RUN, 5)]
)
def test_a_card_s_buttons_name_its_run(message: Any, pressed: str) -> None:
    assert card_messages.run_id_of(message(SHARE, pressed)) == RUN


@pytest.mark.parametrize(
    "pressed",
    [
        SHARE,
        delete_id(815),
        custom_id("complete", "stop", RUN),
        custom_id("compare", "stop", RUN),
        custom_id("compare", "open", RUN),  # it shows several
        custom_id("numbers", "compare", RUN),
        custom_id("guess", "vote", RUN, 530),  # its table is a secret until the reveal
        "x:y:z",
    ],
)
def test_a_card_without_a_finished_run_names_none(message: Any, pressed: str) -> None:
    assert card_messages.run_id_of(message(pressed)) is None
    assert card_messages.run_id_of(message()) is None
