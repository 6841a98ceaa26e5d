"""The README's moving picture: a walk, a text that grows, and the end of a round, in the real playground."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from tests.support.browsing import Person, Playground

WIDTH, HEIGHT = 620, 640
BACKGROUND = (50, 51, 57)  # the page's
LARGEST = 2_000_000  # bytes
# Milliseconds: to read a card, to see which button is pressed, and between two states of a growing text.
READ, PRESS, GROW = 1_300, 500, 300
TOKENS, AT_ONCE = 48, 6
# The page's policy allows no style sheet but its own; these change elements.
OUTLINE = "button => { button.style.outline = '3px solid #fff'; button.style.outlineOffset = '2px'; }"
REST = """message => {
    document.activeElement.blur();
    for (const one of message.querySelectorAll(".message-apps, .message-context-actions"))
        one.style.visibility = "hidden";
}"""
FREQUENT = 200  # colours of the palette's 256 that are the most frequent ones; the others keep rare hues


@dataclass(frozen=True)
class Frame:
    picture: Image.Image
    milliseconds: int


def record(place: Playground, window: Browser) -> list[Frame]:
    """Play the three scenes; the same model gives the same texts and tables."""
    pages = [
        window.new_page(viewport={"width": WIDTH, "height": 2_400}, color_scheme="dark") for _ in range(3)
    ]
    ada, *others = (
        Person(page, place.url, name=name) for page, name in zip(pages, ("Ada", "Grace", "Alan"), strict=True)
    )
    frames = [*walk(ada), *growing_text(ada, place), *round_of(ada, others)]
    for page in pages:
        page.close()
    return frames


def walk(ada: Person) -> Iterator[Frame]:
    ada.run("next", {"prompt": "The wizard raised his", "seed": "42"})
    ada.reads("step 1")
    card = ada.messages.last
    yield Frame(shot(card), READ)
    for step, label in enumerate(("① ", "Roll the dice", "① "), start=2):
        yield pressing(ada, card, label)
        ada.reads(f"step {step}")
        yield Frame(shot(card), READ)


def growing_text(ada: Person, place: Playground) -> Iterator[Frame]:
    place.pace.hold()
    ada.run("complete", {"prompt": "Alice opened the door and found", "seed": "1", "max_tokens": str(TOKENS)})
    ada.reads("Stop")
    for _ in range(TOKENS // AT_ONCE - 1):
        written = ada.written()
        place.pace.beat(AT_ONCE)
        ada.sees_more_than(written)
        yield Frame(shot(ada.messages.last), GROW)
    place.pace.free()
    ada.reads("Continue")
    yield Frame(shot(ada.messages.last), READ)


def round_of(ada: Person, others: list[Person]) -> Iterator[Frame]:
    ada.run("guess", {"text": "Once upon a time there"})
    ada.reads("Reveal")
    found = f"article[data-message-id='{ada.messages.last.get_attribute('data-message-id')}']"
    game = ada.page.locator(found)
    yield Frame(shot(game), READ)
    for choice, person in enumerate((ada, *others)):
        person.page.locator(found).locator(".component-button").nth(choice).click()
        expect(person.page.get_by_text("Only you can see this").last).to_be_visible()
    expect(game).to_contain_text("3 votes")
    yield pressing(ada, game, "Reveal")
    expect(game.get_by_role("button", name="Reveal")).to_have_count(0)
    yield Frame(shot(game), READ + READ)


def pressing(person: Person, message: Locator, label: str) -> Frame:
    """Press the message's button; the frame shows which one, before that."""
    button = message.locator(".component-button").filter(has_text=label).first
    button.evaluate(OUTLINE)
    frame = Frame(shot(message), PRESS)
    # As Person.press: a message that is drawn anew loses a click with the mouse.
    person.when_ready()
    button.dispatch_event("click")
    return frame


def shot(message: Locator) -> Image.Image:
    """The message with its pictures, at the top of a page of one size."""
    for image in message.locator(".component-container img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)
    message.page.mouse.move(0, 0)
    message.evaluate(REST)
    taken = message.screenshot(animations="disabled")
    page = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    page.paste(Image.open(io.BytesIO(taken)).convert("RGB"), (0, 8))
    return page


def save(frames: list[Frame], file: Path) -> Path:
    """Save the frames as a GIF that plays for ever, with one palette, so that nothing flickers."""
    palette = Image.new("P", (1, 1))
    palette.putpalette(shared_palette([frame.picture for frame in frames]))
    first, *rest = (frame.picture.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    durations = [frame.milliseconds for frame in frames]
    first.save(file, save_all=True, append_images=rest, duration=durations, loop=0, optimize=False)
    if file.stat().st_size > LARGEST:
        raise ValueError(f"{file} has {file.stat().st_size:,} bytes, more than {LARGEST:,}")
    return file


def shared_palette(pictures: list[Image.Image]) -> list[int]:
    """The red, green and blue of 256 colours."""
    counts: Counter[tuple[int, ...]] = Counter()
    strip = Image.new("RGB", (WIDTH, HEIGHT * len(pictures)))
    for number, picture in enumerate(pictures):
        strip.paste(picture, (0, HEIGHT * number))
        for count, colour in picture.getcolors(WIDTH * HEIGHT) or ():
            assert isinstance(colour, tuple)
            counts[colour] += count
    rare = strip.quantize(256 - FREQUENT, method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    return [part for colour, _ in counts.most_common(FREQUENT) for part in colour] + rare
