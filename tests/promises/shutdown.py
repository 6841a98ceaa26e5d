"""What becomes of everybody when the bot is told to end.

    python -m tests.promises.shutdown

The real bot with the demo model, as a process of its own, on a Discord on
loopback. While eight texts run, several wait, a tour is computed, a text is
read, six are compared and a button is pressed, it gets SIGTERM or SIGINT; some
ask even then. Printed is how long it took to exit, with which status, and what
every card said at last. In "orderly" the model goes on, in "stuck" it is
stopped, so that the 20 seconds for what runs pass in vain, and in "twice" a
second signal comes while it is stuck (it is then let go on, for one that is
stopped cannot even notice that it is alone). In "drawing" the model is idle, and
103 people wait for the picture of a long text.

The bars: exit status 0 within 20 s for what runs (unless some of it ended by
itself, all of them must have passed; none where pictures alone are drawn), 5 s to tell people
and 5 s to close all; a second signal exits within 1 s; no card is left "thinking…" or with a
*Stop* on it (but where the second signal allowed for nothing), everybody was told, and the
model worker does not outlive the bot.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from bot.serve import GRACE
from tests.fakes.discord import FakeDiscord, Interaction, texts
from tests.fakes.discord.process import BotProcess
from tests.promises.crowd import LONG_TEXT
from tests.promises.event_loop import LIMITS
from tests.promises.figures import verdict
from tests.support.processes import first_child, is_alive

ORDERLY_BAR = 30.0
DRAWING_BAR = 10.0
TWICE_BAR = 1.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)
RESTARTING = "restarting"
Kind = Literal["orderly", "stuck", "twice", "drawing"]
KINDS: tuple[Kind, ...] = ("orderly", "stuck", "twice", "drawing")
TEXTS = 12  # eight run and the others wait
PICTURES = 103


@dataclass(frozen=True, slots=True)
class Shutdown:
    """``seconds`` are from the last signal to the exit; the rest counts interactions.

    ``told`` were that the bot restarts, ``left`` is what the cards said that are not final.
    """

    kind: Kind
    number: signal.Signals
    seconds: float
    status: int
    asked: int
    told: int
    late: int  # asked after the signal
    late_told: int
    left: tuple[str, ...]
    worker_outlived: bool
    violations: tuple[str, ...]

    @property
    def kept(self) -> bool:
        if self.worker_outlived or self.violations:
            return False
        if self.kind == "twice":
            return self.status == 128 + self.number and self.seconds < self.bar
        told = self.late_told == self.late and not self.left
        has_waited = self.kind == "drawing" or self.told < self.asked or self.seconds >= GRACE
        return self.status == 0 and self.seconds < self.bar and told and has_waited

    @property
    def bar(self) -> float:
        """Seconds in which it has to be over."""
        return {"twice": TWICE_BAR, "drawing": DRAWING_BAR}.get(self.kind, ORDERLY_BAR)


async def measure(
    kind: Kind, number: signal.Signals, *, writers: int = TEXTS, pictures: int = PICTURES
) -> Shutdown:
    """End one bot that is busy with so many texts, among other things, or with so many pictures."""
    settings = {"BATCH_SIZE": "8"} | (LIMITS if kind == "drawing" else {})
    async with FakeDiscord.opened() as discord, discord.bot(settings) as bot:
        await discord.joined()
        worker = first_child(bot.pid)
        if kind == "drawing":
            asked = await _drawing(discord, pictures)
        else:
            asked = await _busy(discord, writers, tokens=64 if kind == "orderly" else 256)
        try:
            if kind in ("stuck", "twice"):
                os.kill(worker, signal.SIGSTOP)
            at, late = await _end(kind, number, discord, bot)
            status = await bot.wait()
            seconds = time.monotonic() - at
            await _gone(worker)
        finally:
            outlived = is_alive(worker)
            if outlived:
                os.kill(worker, signal.SIGKILL)
    acknowledged = [one for one in (*asked, *late) if one.is_acknowledged]
    return Shutdown(
        kind,
        number,
        seconds,
        status,
        asked=len(asked),
        told=sum(RESTARTING in _said(one) for one in asked),
        late=len(late),
        late_told=sum(RESTARTING in _said(one) for one in late),
        left=tuple(_said(one) for one in acknowledged if not one.is_settled),
        worker_outlived=outlived,
        violations=tuple(discord.violations),
    )


async def _busy(discord: FakeDiscord, writers: int, *, tokens: int) -> list[Interaction]:
    """Interactions in progress, of all sorts."""
    channel = discord.channel()
    done = await _finished(discord)
    asked = [
        discord.slash(
            discord.person(f"writer {number}"), channel, "complete", prompt="Once", max_tokens=tokens
        )
        for number in range(writers)
    ]
    asked += [
        discord.slash(discord.person("tourist"), channel, "tour", private=True),
        discord.slash(discord.person("reader"), channel, "surprise", text="It was a dark night. " * 40),
        discord.slash(discord.person("judge"), channel, "compare", prompt="London was", max_tokens=64),
    ]
    for one in asked:
        with suppress(TimeoutError):  # on a machine too busy to deliver it in time, it is dropped
            await one.acknowledged(4.0)
    pressed = discord.press(discord.person("curious"), done.reply, label="Re-roll")
    await pressed.acknowledged()
    return [one for one in (*asked, pressed) if one.is_acknowledged]


async def _drawing(discord: FakeDiscord, pictures: int) -> list[Interaction]:
    """People who wait for the pictures of long texts, while the model is idle."""
    await _finished(discord)
    asked = [
        discord.slash(discord.person(f"painter {number}"), discord.channel(), "tokens", text=LONG_TEXT)
        for number in range(pictures)
    ]
    for one in asked:
        with suppress(TimeoutError):
            await one.acknowledged(4.0)
    return [one for one in asked if one.is_acknowledged]


async def _finished(discord: FakeDiscord) -> Interaction:
    """A text with its buttons, once the model is loaded."""
    ada, channel = discord.person("ada"), discord.channel()
    while True:
        interaction = discord.slash(ada, channel, "complete", prompt="London was", max_tokens=64)
        await interaction.settled()
        if interaction.reply is not None and "seed" in _said(interaction):
            return interaction
        await asyncio.sleep(0.2)


async def _end(
    kind: Kind, number: signal.Signals, discord: FakeDiscord, bot: BotProcess
) -> tuple[float, list[Interaction]]:
    """Send the signals; when the last one was sent, and what was asked after the first."""
    at = time.monotonic()
    bot.signal(number)
    await asyncio.sleep(0.1)
    late = []
    if kind in ("stuck", "twice"):  # elsewhere it may have ended by now
        people = [discord.person(f"late {count}") for count in range(3)]
        late = [discord.slash(one, discord.channel(), "next", prompt="London was") for one in people]
        await asyncio.sleep(1.0)
    if kind == "twice":
        at = time.monotonic()
        bot.signal(number)
    return at, late


async def _gone(worker: int) -> None:
    """Give the worker the moment that it takes to notice the end of its stdin."""
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGCONT)
    for _ in range(100):
        if not is_alive(worker):
            return
        await asyncio.sleep(0.02)


def _said(interaction: Interaction) -> str:
    return "\n".join(text for message in interaction.all_messages for text in texts(message.components))


def report(measured: Sequence[Shutdown]) -> int:
    for one in measured:
        print(
            f"{one.number.name} {one.kind:8} exit status {one.status:3} after {one.seconds:5.2f} s "
            f"(bar {one.bar:.0f} s); {one.asked} in progress, {one.told} of them told of the restart; "
            f"{one.late} asked then, {one.late_told} refused; {len(one.left)} cards not final"
            f"{'; the worker outlived it' if one.worker_outlived else ''}   "
            f"{'ok' if one.kept else 'MISSED'}"
        )
        for violation in one.violations:
            print(f"    {violation}")
    promise = "ended in order and everybody told, exit status 0; a second signal exits at once"
    return verdict(promise, kept=all(one.kept for one in measured))


async def main() -> int:
    return report([await measure(kind, number) for number in SIGNALS for kind in KINDS])


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
