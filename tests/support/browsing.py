"""The playground in its own process, and a person who uses it in a browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.fakes.paced_worker import FREE, PACE

ROOT = Path(__file__).parents[2]
# As root, as in containers, Chromium runs only without its sandbox. None of
# these switches changes what a page shows; they keep the browser off the network.
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE = 60_000.0  # milliseconds
MARGIN = 8


def chromium() -> str | None:
    """The path of Chromium: the variable CHROMIUM, or an installed one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@dataclass
class Pace:
    """Controls how fast the model writes: at full speed, unless it is held."""

    file: Path
    _steps: int = field(default=0, init=False)

    def hold(self) -> None:
        """Stop the model before its next step."""
        self.file.write_text(str(self._steps))

    def beat(self, steps: int = 2) -> None:
        """Let a held model take ``steps`` more steps."""
        self._steps += steps
        self.hold()

    def free(self) -> None:
        self.file.write_text(FREE)


@dataclass
class Playground:
    """A running playground. ``errors`` is the file of its stderr."""

    process: subprocess.Popen[str]
    url: str
    errors: Path
    pace: Pace

    def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """End it as the terminal or a service manager does; return its exit status."""
        self.process.send_signal(sign)
        return self.process.wait(60)


@contextmanager
def playground(folder: Path, **variables: str) -> Iterator[Playground]:
    """``python -m bot`` without a token; ``variables`` are added to its environment."""
    environ = {name: value for name, value in os.environ.items() if name != "DISCORD_TOKEN"}
    errors, pace = folder / "playground.log", Pace(folder / "pace")
    pace.free()
    variables[PACE] = str(pace.file)
    command = [sys.executable, "-m", "tests.fakes.paced_worker", "bot", "--env", os.devnull, "--no-browser"]
    with (
        errors.open("w") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=environ | variables, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if found := re.search(r"http://127\.0\.0\.1:\S+", line):
                    break
            else:
                raise AssertionError(f"no address: {said}{errors.read_text()}")
            yield Playground(process, found[0], errors, pace)
        finally:
            process.kill()


@contextmanager
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as tools:
        yield tools.chromium.launch(executable_path=chromium(), args=list(SWITCHES))


class Person:
    """A person at the playground's page, as one of its members."""

    def __init__(self, page: Page, url: str, *, name: str = "Ada") -> None:
        self.page = page
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        self.when_ready()
        viewer = page.get_by_label("Viewing as")
        if viewer.locator("option:checked").inner_text() != name:
            viewer.select_option(label=name)
        expect(self.composer).to_be_visible(timeout=PATIENCE)

    @property
    def composer(self) -> Locator:
        return self.page.locator("#channel-composer-input")

    @property
    def messages(self) -> Locator:
        return self.page.locator("article.channel-message")

    @property
    def card(self) -> Locator:
        """The newest card."""
        return self.messages.last.locator(".component-container")

    def run(self, command: str, options: Mapping[str, str]) -> None:
        """Pick ``command`` in the picker, fill in its options, send it, and wait for a new message."""
        self.when_ready()
        with self.sees_new_message():
            self.composer.click()
            self.page.keyboard.type(f"/{command}")
            self.page.get_by_role("option", name=f"/{command}").first.click()
            for name, value in options.items():
                field = self.page.locator(f"input[data-option={name}]")
                if not field.count():
                    self.page.locator("button.command-ghost").click()
                    self.page.locator(f".command-suggestion[data-value={name}]").click()
                field.fill(value)
            # In an option with suggestions, Enter picks the first of them.
            self.page.locator("button[aria-label*=Send], button[title*=Send]").first.click()

    def type(self, *lines: str) -> None:
        """Type into the box, with Enter after each of ``lines``, and wait for a new message."""
        with self.sees_new_message():
            self.composer.click()
            for line in lines:
                self.page.keyboard.type(line)
                self.page.keyboard.press("Enter")

    def take_example(self, label: str) -> None:
        """Press an example, and wait for a new message."""
        with self.sees_new_message():
            self.page.get_by_role("navigation", name="Examples").get_by_role("button", name=label).click()

    def use(self, name: str) -> None:
        """Use a message command on the newest message that offers them, by keyboard."""
        with self.sees_new_message():
            self.page.get_by_role("button", name="Apps for this message").last.press("Enter")
            self.page.get_by_role("menuitem", name=name).press("Enter")

    @contextmanager
    def sees_new_message(self) -> Iterator[None]:
        """Wait at the end for a message newer than all that are there at the start.

        Until then the newest one is another, and whatever is done to it goes astray. Messages are not
        counted: a new private card may take an old one's place.
        """
        before = self.messages.last.get_attribute("data-message-id")
        yield
        self.page.wait_for_function(
            "before => BigInt([...document.querySelectorAll('article.channel-message')].at(-1)"
            ".dataset.messageId) > BigInt(before)",
            arg=before,
        )

    @property
    def below(self) -> float:
        """How many pixels of the channel are below what is in view."""
        hidden: float = self.page.evaluate(
            "() => { const all = document.querySelector('#channel-timeline');"
            " return all.scrollHeight - all.scrollTop - all.clientHeight; }"
        )
        return hidden

    def sees_the_end(self) -> None:
        """Wait until the end of the channel is in view, and stays there."""
        self.page.wait_for_function(
            "() => { const all = document.querySelector('#channel-timeline');"
            " return all.scrollHeight - all.scrollTop - all.clientHeight < 2; }"
        )

    def press(self, label: str) -> None:
        """Press the newest card's first button whose label, after an emoji, begins with ``label``."""
        self.when_ready()
        # Playwright passes the expression to JavaScript between slashes.
        name = re.escape(label).replace("/", r"\/")
        button = self.card.get_by_role("button", name=re.compile(r"^\W*" + name)).first
        button.click(trial=True)
        # A mouse goes down and up, and a page that is redrawn in between, as while a text grows,
        # loses the click.
        button.dispatch_event("click")

    def delete_cards(self) -> None:
        """Press *Delete* on every card that has it: each message makes the page slower."""
        delete = self.page.get_by_role("button", name="Delete", exact=True)
        while (cards := self.messages.filter(has=delete)).count():
            self.when_ready()
            card = self.page.locator(f"[data-message-id='{cards.first.get_attribute('data-message-id')}']")
            card.get_by_role("button", name="Delete", exact=True).dispatch_event("click")
            card.filter(has=delete).wait_for(state="detached")

    def reads(self, *texts: str) -> None:
        """Wait until all ``texts`` are in the newest card."""
        for text in texts:
            expect(self.card).to_contain_text(text, timeout=PATIENCE)

    def sees_picture(self) -> None:
        """Wait until the newest card's picture is there, not only its alt text."""
        image = self.card.locator("img").first
        expect(image).to_be_visible(timeout=PATIENCE)
        expect(image).not_to_have_js_property("naturalWidth", 0, timeout=PATIENCE)

    def written(self) -> str:
        """The first paragraph of the newest card."""
        return self.card.locator(".text-display").first.inner_text()

    def sees_more_than(self, written: str) -> None:
        """Wait until the first paragraph of the newest card is longer."""
        self.page.wait_for_function(
            "length => [...document.querySelectorAll('article.channel-message')].at(-1)"
            ".querySelector('.component-container .text-display').innerText.length > length",
            arg=len(written),
        )

    def when_ready(self) -> None:
        """Wait until the page shows the result of the last action; before that it ignores the next one."""
        self.page.wait_for_function(
            "() => window.simcordPreview?.ready === true"
            " && !(simcordPreview.awaitingRevision > simcordPreview.publishedRevision)"
        )


def wait_for_model(window: Browser, url: str) -> None:
    """Wait until the model is loaded, and leave no message that others see.

    A prompt that is too long is refused privately, once the loaded model's limit is known.
    """
    page = window.new_page()
    person = Person(page, url, name="Alan")
    person.run("complete", {"prompt": "🙃" * 900})
    person.reads("the model can only see")
    page.close()
