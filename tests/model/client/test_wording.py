from __future__ import annotations

import pytest

from bot.model.client.wording import loading_text
from bot.model.protocol import Loading


@pytest.mark.parametrize(
    ("loading", "text"),
    [
        (None, "starting"),
        (Loading("starting torch", 0, 0, ""), "starting torch"),
        (Loading("downloading", 0, 0, "B"), "downloading"),
        (Loading("downloading", 0, 3_246_000_000, "B"), "downloading, 0.0 of 3.2 GB"),
        (Loading("downloading", 1_210_000_000, 3_246_000_000, "B"), "downloading, 1.2 of 3.2 GB"),
        (Loading("downloading", 12_000_000, 0, "B"), "downloading, 12 MB"),
        (Loading("checking", 5_000_000, 12_400_000, "B"), "checking, 5 of 12 MB"),
        (Loading("packing weights", 0, 36, "layers"), "packing weights, 0 %"),
        (Loading("packing weights", 35, 36, "layers"), "packing weights, 97 %"),
        (Loading("packing weights", 36, 36, "layers"), "packing weights, 100 %"),
        (Loading("packing weights", 40, 36, "layers"), "packing weights, 100 %"),
    ],
)
def test_how_far_the_model_is(loading: Loading | None, text: str) -> None:
    assert loading_text(loading) == text
