"""The playground in a browser, with everything tried as a person would."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.support.browsing import (
    PATIENCE,
    Pace,
    Person,
    Playground,
    chromium,
    playground,
    wait_for_model,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no Chromium is installed"),
]


@pytest.fixture
def ada(place: Playground, window: Browser) -> Iterator[Person]:
    yield from visitor("Ada", place, window)


@pytest.fixture
def grace(place: Playground, window: Browser) -> Iterator[Person]:
    yield from visitor("Grace", place, window)


def visitor(name: str, place: Playground, window: Browser) -> Iterator[Person]:
    page = window.new_page(viewport={"width": 1100, "height": 900})
    yield Person(page, place.url, name=name)
    page.close()


@pytest.fixture
def slow_model(place: Playground) -> Iterator[Pace]:
    """The model, one step at a time, so that its text can be watched growing."""
    place.pace.hold()
    yield place.pace
    place.pace.free()


@pytest.fixture
def ada_on_a_phone(place: Playground, window: Browser) -> Iterator[Person]:
    page = window.new_page(viewport={"width": 420, "height": 860})
    yield Person(page, place.url, name="Ada")
    page.close()


def test_the_channel_says_what_to_try(ada: Person) -> None:
    expect(ada.messages.first).to_contain_text("Press an example below, or type / to see every command.")
    examples = ada.page.get_by_role("navigation", name="Examples")
    for label in ("Take the tour", "Write a story", "Walk a sentence", "Play a round"):
        expect(examples.get_by_role("button", name=label)).to_be_visible()


def test_every_command_can_be_picked(ada: Person) -> None:
    ada.composer.click()
    ada.page.keyboard.type("/")

    for command in (
        *("/tour", "/complete", "/next", "/surprise", "/compare", "/guess"),
        *("/tokens", "/decode", "/vocabulary", "/model"),
    ):
        expect(ada.page.get_by_role("option", name=command).first).to_be_attached()


def test_an_example_is_answered_at_a_press_and_its_end_is_in_view(ada_on_a_phone: Person) -> None:
    ada = ada_on_a_phone
    ada.take_example("Walk a sentence")
    ada.reads("The wizard raised his", "step 1")
    ada.sees_picture()
    ada.sees_the_end()

    ada.press("① ")
    ada.reads("step 2")
    ada.sees_picture()
    ada.sees_the_end()

    ada.take_example("Write a story")
    ada.reads("Continue")
    ada.sees_the_end()


def test_a_card_keeps_its_height_while_its_picture_loads(ada_on_a_phone: Person) -> None:
    ada = ada_on_a_phone
    held: list[Route] = []
    ada.page.route("**/api/assets/*", lambda route: held.append(route))
    ada.take_example("Split a text")
    ada.reads("tokens for GPT-2 and GPT-3")
    image = ada.card.locator("img")
    expect(image).to_have_js_property("naturalWidth", 0)
    before = ada.card.bounding_box()

    for route in held:
        route.continue_()
    ada.sees_picture()

    assert held
    assert ada.card.bounding_box() == before


def test_code_has_the_fonts_of_all_scripts(ada: Person) -> None:
    ada.run("tokens", {"text": "สวัสดี"})
    expect(ada.card.locator("code").first).to_have_text("ส")

    used = """() => [...document.fonts].filter(face => face.family.includes("Picture Fonts")
        && face.status === "loaded").map(face => face.unicodeRange.toLowerCase())"""
    ada.page.wait_for_function(f"() => ({used})().length > 0")
    assert ada.page.evaluate(used) == ["u+e00-e7f"]


def test_a_growing_text_stays_in_view_until_the_person_scrolls_away(
    ada_on_a_phone: Person, slow_model: Pace
) -> None:
    ada = ada_on_a_phone
    ada.take_example("Split a text")  # something to scroll back to
    ada.run("complete", {"prompt": "Once upon a time there was", "seed": "42", "max_tokens": "256"})
    ada.reads("Stop")
    for _ in range(3):
        written = ada.written()
        slow_model.beat(24)
        ada.sees_more_than(written)
        ada.sees_the_end()

    ada.messages.last.hover()
    ada.page.mouse.wheel(0, -300)
    ada.page.wait_for_timeout(500)
    away = ada.below
    assert away > 100
    written = ada.written()
    slow_model.beat(24)
    ada.sees_more_than(written)
    ada.page.wait_for_timeout(500)
    assert ada.below >= away

    slow_model.free()
    ada.take_example("Split a text")
    ada.sees_picture()
    ada.sees_the_end()


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["/model", ""], "Ada used /model"),
        (["/forget", ""], "Ada used /forget"),
        (["/tokens Paris will"], "40313"),
        (["/decode ids:40313, 481"], "Paris will"),
        (["/vocabulary ␣will", ""], "␣will"),
    ],
    ids=["one option", "no option", "as in Discord", "a whole line", "suggestions"],
)
def test_enter_sends(lines: list[str], answer: str, ada: Person) -> None:
    ada.type(*lines)

    expect(ada.messages.last).to_contain_text(answer, timeout=PATIENCE)


def test_enter_adds_an_option_that_the_arrows_have_chosen(ada: Person) -> None:
    ada.composer.click()
    ada.page.keyboard.type("/model")
    ada.page.keyboard.press("Enter")
    ada.page.keyboard.press("ArrowDown")
    ada.page.keyboard.press("ArrowUp")
    ada.page.keyboard.press("Enter")

    expect(ada.page.locator("input[data-option=private]")).to_be_visible()


def test_a_mistyped_line_stays_in_the_box_and_is_explained_without_a_card(ada: Person) -> None:
    before = ada.messages.count()
    ada.page.evaluate("() => document.querySelector('#channel-composer-input').focus()")
    ada.page.keyboard.insert_text("/tokens text:Hi <b>temp</b> temp:1")
    ada.page.keyboard.press("Enter")

    expect(ada.page.locator(".playground-notice")).to_contain_text("/tokens has no option temp;")
    expect(ada.composer).to_have_value("/tokens text:Hi <b>temp</b> temp:1")
    assert ada.messages.count() == before


def test_a_person_who_just_talks_learns_what_is_answered(ada: Person) -> None:
    ada.type("London was")

    expect(ada.messages.last).to_contain_text("London was")
    expect(ada.page.locator(".playground-notice")).to_contain_text("answers commands only")


@pytest.mark.parametrize("name", ["Tokenize", "Surprise", "Replay"])
def test_message_commands_are_in_a_menu_on_each_message(name: str, ada_on_a_phone: Person) -> None:
    ada = ada_on_a_phone
    ada.run("complete", {"prompt": "The sea", "seed": "7", "max_tokens": "8"})
    ada.reads("Continue")

    ada.use(name)

    expect(ada.messages.last).to_contain_text("Only you can see this")
    ada.sees_the_end()


def test_the_menu_opens_at_a_right_click_moves_with_the_arrows_and_closes(ada: Person) -> None:
    ada.type("Paris will")
    ada.messages.last.click(button="right")
    items = ada.page.get_by_role("menuitem")
    expect(items.first).to_be_focused()

    ada.page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    ada.page.keyboard.press("ArrowDown")
    expect(items.first).to_be_focused()
    ada.page.keyboard.press("Escape")
    expect(items.first).to_be_hidden()


def test_an_open_menu_outlives_the_message_s_edits(ada: Person, slow_model: Pace) -> None:
    ada.run("complete", {"prompt": "The menu", "seed": "42", "max_tokens": "256"})
    ada.reads("Stop")
    items = ada.page.get_by_role("menuitem")
    button = ada.messages.last.get_by_role("button", name="Apps for this message")

    def edited() -> None:
        written = ada.written()
        slow_model.beat(24)
        ada.sees_more_than(written)

    button.focus()
    edited()
    expect(button).to_be_focused()

    button.press("Enter")
    expect(items.first).to_be_focused()
    edited()
    expect(items.first).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")

    ada.page.keyboard.press("Escape")
    expect(items.first).to_be_hidden()
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    ada.press("Stop")
    ada.reads("Stopped after")


@pytest.mark.slow
def test_a_completion_and_its_buttons(ada: Person) -> None:
    ada.run("complete", {"prompt": "London was", "seed": "42", "max_tokens": "8"})
    ada.reads("London was", "seed 42", "8 tokens", "Continue")
    first = ada.written()

    ada.press("Continue")
    expect(ada.card.locator(".text-display").first).not_to_have_text(first, timeout=PATIENCE)
    assert ada.written().startswith(first)

    with ada.sees_new_message():
        ada.press("Re-roll")
    ada.reads("London was", "Continue")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_text(ada: Person, grace: Person) -> None:
    texts = []
    for person in (ada, grace):
        person.run("complete", {"prompt": "The sea", "seed": "7", "max_tokens": "8"})
        person.reads("seed 7", "Continue")
        texts.append(person.written())

    assert texts[0] == texts[1]


@pytest.mark.slow
def test_a_completion_grows_until_it_is_stopped(ada: Person, slow_model: Pace) -> None:
    ada.run("complete", {"prompt": "Once upon a time", "seed": "42", "max_tokens": "256"})
    ada.reads("Stop")
    for _ in range(3):
        written = ada.written()
        slow_model.beat()
        ada.sees_more_than(written)

    ada.press("Stop")

    ada.reads("Stopped after", "Continue", "Re-roll")
    expect(ada.card.get_by_role("button", name="Stop")).to_have_count(0)
    shown = re.search(r"· (\d+) tokens", ada.card.inner_text())
    assert shown is not None
    assert 0 < int(shown[1]) < 256


@pytest.mark.slow
def test_a_command_can_be_typed_while_a_text_is_written(ada: Person, grace: Person, slow_model: Pace) -> None:
    ada.run("complete", {"prompt": "A long story", "seed": "42", "max_tokens": "256"})
    ada.reads("Stop")
    grace.composer.click()
    for part in ("This ", "is ", "typed ", "slowly"):
        written = ada.written()
        slow_model.beat()
        grace.page.keyboard.type(part, delay=80)
        ada.sees_more_than(written)
    expect(grace.composer).to_have_value("This is typed slowly")
    ada.press("Stop")
    ada.reads("Stopped after")


@pytest.mark.slow
def test_only_the_author_can_stop(ada: Person, grace: Person, slow_model: Pace) -> None:
    ada.run("complete", {"prompt": "Mine", "max_tokens": "256"})
    ada.reads("Stop")
    expect(grace.messages.last).to_contain_text("Mine", timeout=PATIENCE)

    grace.press("Stop")

    grace.reads("Only the person who asked can stop this.")
    expect(grace.messages.last).to_contain_text("Only you can see this")
    expect(ada.messages.last).to_contain_text("Mine")
    ada.press("Stop")
    ada.reads("Stopped after")


@pytest.mark.slow
def test_a_vote_is_counted_on_the_other_people_s_pages(ada: Person, grace: Person) -> None:
    ada.run("guess", {"text": "Once upon a time there"})
    ada.reads("No votes yet")
    game = grace.messages.filter(has_text="No votes yet").last
    expect(game).to_be_visible(timeout=PATIENCE)
    grace.press("␣was")

    expect(ada.messages.filter(has_text="1 vote").last).to_be_visible(timeout=PATIENCE)


@pytest.mark.slow
def test_the_next_tokens_walk_on_and_back(ada: Person) -> None:
    ada.run("next", {"prompt": "London was"})
    ada.reads("London was", "step 1", "roll the dice")
    ada.sees_picture()
    expect(ada.card.get_by_role("button", name=re.compile("^[①②③④⑤] "))).to_have_count(5)
    start = ada.written()

    ada.press("① ")
    ada.reads("step 2")
    assert ada.written() != start

    ada.press("Undo")
    ada.reads("step 1")
    assert ada.written() == start


@pytest.mark.slow
def test_tokens_are_a_picture_with_its_text(ada: Person) -> None:
    ada.run("tokens", {"text": "Paris will"})
    ada.reads("2 tokens", "40313", "481")

    ada.sees_picture()


def test_ids_become_text_again(ada: Person) -> None:
    ada.run("decode", {"ids": "40313, 481"})

    ada.reads("Paris will")


@pytest.mark.slow
def test_a_refusal_is_private(ada: Person, grace: Person) -> None:
    grace.run("tokens", {"text": "x", "encoding": "gpt3"})
    grace.reads("There is no encoding or model called 'gpt3'.")
    expect(grace.messages.last).to_contain_text("Only you can see this")

    ada.run("decode", {"ids": "1"})
    expect(ada.page.get_by_text("There is no encoding or model called")).to_have_count(0)


# 0.7 to 1.3 s were measured on two free cores, and 5 are promised; a busy machine loads the model later.
FIRST_ANSWER = 20.0


@pytest.mark.slow
def test_the_first_press_is_answered_though_the_model_still_loads(window: Browser, tmp_path: Path) -> None:
    page = window.new_page(viewport={"width": 420, "height": 860})
    with playground(tmp_path) as place:
        person = Person(page, place.url)
        begun = time.monotonic()
        person.take_example("Walk a sentence")
        person.reads("step 1")
        person.sees_picture()

        assert time.monotonic() - begun < FIRST_ANSWER
        assert person.messages.count() == 2
        person.sees_the_end()
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_on_a_signal(sign: signal.Signals, window: Browser, tmp_path: Path) -> None:
    with playground(tmp_path) as place:
        wait_for_model(window, place.url)
        page = window.new_page()
        person = Person(page, place.url)
        place.pace.hold()
        person.run("complete", {"prompt": "Never finished", "max_tokens": "256"})
        person.reads("Stop")
        place.pace.free()

        assert place.end(sign) == 0
        page.close()
        assert "Traceback" not in place.errors.read_text()


@pytest.mark.slow
def test_it_ends_cleanly_from_the_page(window: Browser, tmp_path: Path) -> None:
    with playground(tmp_path) as place:
        page = window.new_page()
        person = Person(page, place.url)
        person.page.get_by_text("More", exact=True).click()
        person.page.get_by_role("button", name="End preview session").click()

        assert place.process.wait(60) == 0
        page.close()
        assert "Traceback" not in place.errors.read_text()


def test_nothing_was_logged_on_the_way(place: Playground) -> None:
    """Checks the log of all tests before this one; run alone, it checks the start."""
    said = place.errors.read_text()

    assert "Traceback" not in said
    assert " ERROR " not in said
