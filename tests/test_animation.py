"""The moving picture's file: every state as long as it was meant, and colours that are not mixed up."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from tests import animation
from tests.animation import BACKGROUND, HEIGHT, WIDTH, Frame

GOLD, RED = (255, 200, 0), (210, 45, 57)


def page(colour: tuple[int, int, int]) -> Image.Image:
    drawn = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    drawn.paste(colour, (100, 100, 110, 110))
    return drawn


def test_frames_keep_their_times_and_rare_colours(tmp_path: Path) -> None:
    noise = Image.effect_noise((WIDTH, HEIGHT), 60).convert("RGB")
    frames = [Frame(page(GOLD), 300), Frame(page(RED), 1_300), Frame(noise, 500)]

    file = animation.save(frames, tmp_path / "moving.gif")

    with Image.open(file) as moving:
        assert moving.info["loop"] == 0
        shown = [(one.info["duration"], one.convert("RGB")) for one in ImageSequence.Iterator(moving)]
    assert [duration for duration, _ in shown] == [300, 1_300, 500]
    for (_, picture), colour in zip(shown, (GOLD, RED), strict=False):
        seen = picture.getpixel((105, 105))
        assert isinstance(seen, tuple)
        assert max(abs(one - other) for one, other in zip(seen, colour, strict=True)) < 48
        assert picture.getpixel((5, 5)) == BACKGROUND


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animation, "LARGEST", 100)

    with pytest.raises(ValueError, match="more than 100"):
        animation.save([Frame(page(GOLD), 300)], tmp_path / "moving.gif")
