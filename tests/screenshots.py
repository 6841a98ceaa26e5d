"""The README's pictures; ``python -m tests.screenshots FOLDER`` takes them again.

Each is a real screenshot of the bot in the playground, with the demo model or MODEL:
a card of each command, the whole page, and a walk, a growing text and a game that move.
Seeds are fixed, so the same model gives the same pictures, except for the times in them.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from tests import animation
from tests.support.browsing import PATIENCE, Person, browser, chromium, playground, wait_for_model

WIDTH, HEIGHT = 1200, 2400  # large enough that no card is clipped or squeezed
LARGEST = 150_000  # bytes


def completion(person: Person) -> None:
    person.run("complete", {"prompt": "London was", "seed": "42", "max_tokens": "48"})
    person.reads("Continue")


def next_tokens(person: Person) -> None:
    person.run("next", {"prompt": "London was", "seed": "42"})
    person.reads("roll the dice")
    person.sees_picture()


def cut(person: Person) -> None:
    person.run("tokens", {"text": "Paris will be the first city, naïve café 🙂"})
    person.reads("in UTF-8")
    person.sees_picture()


def decoded(person: Person) -> None:
    person.run("decode", {"ids": "40313, 481"})
    person.reads("in UTF-8")
    person.sees_picture()


def why(person: Person) -> None:
    completion(person)
    person.press("Why this word?")
    person.reads("Pick another token")
    person.sees_picture()


def surprise(person: Person) -> None:
    person.run("surprise", {"text": "It was the best of times, it was the worst of bananas."})
    person.reads("equal options")
    person.sees_picture()


def compare(person: Person) -> None:
    person.run("compare", {"prompt": "London was", "seed": "42", "max_tokens": "24"})
    person.reads("Show all six")
    person.sees_picture()


def model(person: Person) -> None:
    person.run("model", {})
    person.reads("has no memory")
    person.sees_picture()


def vocabulary(person: Person) -> None:
    person.run("vocabulary", {"query": "␣will"})
    person.reads("cosine")
    person.sees_picture()


def tour(person: Person) -> None:
    person.run("tour", {"seed": "42"})
    for _ in range(3):
        person.press("Next")
    person.reads("4 of 7")
    person.sees_picture()


def guess(person: Person) -> Locator:
    person.run("guess", {"text": "Once upon a time there"})
    person.press("␣was")
    person.reads("You voted for")  # which is a message of its own, below
    game = person.messages.nth(-2).locator(".component-container")
    game.get_by_role("button", name="Reveal").click()
    expect(game).to_contain_text("The model's top guess", timeout=PATIENCE)
    expect(game.locator("img").first).not_to_have_js_property("naturalWidth", 0)
    return game


# Each shows a card: the one it returns, otherwise the newest.
CARDS: dict[str, Callable[[Person], Locator | None]] = {
    "complete": completion,
    "why": why,
    "next": next_tokens,
    "tokens": cut,
    "decode": decoded,
    "surprise": surprise,
    "compare": compare,
    "vocabulary": vocabulary,
    "model": model,
    "tour": tour,
    "guess": guess,
}


def take(folder: Path, *, only_moving: bool = False) -> list[Path]:
    """Take all pictures, as files in ``folder``; ``only_moving`` takes the one that moves."""
    with tempfile.TemporaryDirectory() as scratch, playground(Path(scratch)) as place, browser() as window:
        wait_for_model(window, place.url)
        taken = [] if only_moving else [save(overview(window, place.url), folder / "playground.png")]
        taken.append(animation.save(animation.record(place, window), folder / "tokenwise.gif"))
        if only_moving:
            return taken
        person = visitor(window, place.url, width=WIDTH, height=HEIGHT)
        for name, show in CARDS.items():
            card = show(person) or person.card
            person.page.mouse.move(0, 0)
            taken.append(save(card.screenshot(animations="disabled"), folder / f"{name}.png"))
        person.page.close()
    return taken


def visitor(window: Browser, url: str, *, width: int, height: int) -> Person:
    page = window.new_page(viewport={"width": width, "height": height}, color_scheme="dark")
    return Person(page, url)


def overview(window: Browser, url: str) -> bytes:
    """The page as a new person finds it: the welcome, and examples to press."""
    person = visitor(window, url, width=1000, height=640)
    expect(person.page.get_by_role("navigation", name="Examples")).to_be_visible()
    picture = person.page.screenshot(animations="disabled")
    person.page.close()
    return picture


def save(png: bytes, file: Path) -> Path:
    """Save the screenshot as a compact PNG: its colours are so few that a palette holds them."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    # Maximum coverage keeps rare colours, such as the edge of a card.
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        file, optimize=True
    )
    if file.stat().st_size > LARGEST:
        raise ValueError(f"{file} has {file.stat().st_size:,} bytes, more than {LARGEST:,}")
    return file


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--only-moving", action="store_true", help="take the moving picture alone")
    options = parser.parse_args()
    folder: Path = options.folder
    if chromium() is None:
        print("No Chromium is installed.", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for file in take(folder, only_moving=options.only_moving):
        print(f"{file} ({file.stat().st_size:,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
