"""Whether the bot shuts down in time, leaves no card unfinished and answers everyone.

    python -m tests.promises.shutdown

The real bot with the demo model, in a process of its own, is connected to a Discord
on loopback. It gets SIGTERM or SIGINT while eight texts run, several wait, a tour is
computed, a text is scored, a comparison runs and a button is pressed; some requests
come even later. The program prints how long the bot took to exit, its exit status,
and how many cards were left unfinished. There are four kinds:

    orderly   the model keeps working
    stuck     the worker is stopped, so the 20 s of grace for running texts pass in full
    twice     as stuck, but a second signal follows (the worker is then continued, because
              a stopped one cannot notice that the bot is gone)
    drawing   the model is idle, and 103 people wait for the picture of a long text

The bars: exit status 0 within 30 s, that is 20 s of grace for running texts, 5 s to notify
people and 5 s to close (10 s for "drawing", which has no running texts; if no text finished,
all of the grace must have passed); a second signal exits within 1 s; no card is left
"thinking…" or with a *Stop* button, and every request is answered (except after a second
signal, which leaves no time for it); the model worker does not outlive the bot.
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
    """``seconds`` are from the last signal to the exit.

    ``requests`` counts interactions before the signal, ``notified`` those of them that were answered
    by the notice of a restart, ``unfinished`` has the texts of cards that are not final.
    """

    kind: Kind
    number: signal.Signals
    seconds: float
    status: int
    requests: int
    notified: int
    late: int  # interactions after the signal
    late_notified: int
    unfinished: tuple[str, ...]
    worker_outlived: bool
    violations: tuple[str, ...]

    @property
    def kept(self) -> bool:
        if self.worker_outlived or self.violations:
            return False
        if self.kind == "twice":
            return self.status == 128 + self.number and self.seconds < self.bar
        answered = self.late_notified == self.late and not self.unfinished
        has_waited = self.kind == "drawing" or self.notified < self.requests or self.seconds >= GRACE
        return self.status == 0 and self.seconds < self.bar and answered and has_waited

    @property
    def bar(self) -> float:
        """Seconds within which the bot must have exited."""
        return {"twice": TWICE_BAR, "drawing": DRAWING_BAR}.get(self.kind, ORDERLY_BAR)


async def measure(
    kind: Kind, number: signal.Signals, *, writers: int = TEXTS, pictures: int = PICTURES
) -> Shutdown:
    """Shut down a bot that is busy with ``writers`` texts and more, or with ``pictures``."""
    settings = {"BATCH_SIZE": "8"} | (LIMITS if kind == "drawing" else {})
    async with FakeDiscord.opened() as discord, discord.bot(settings) as bot:
        await discord.joined()
        worker = first_child(bot.pid)
        if kind == "drawing":
            interactions = await _drawing(discord, pictures)
        else:
            interactions = await _busy(discord, writers, tokens=64 if kind == "orderly" else 256)
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
    acknowledged = [one for one in (*interactions, *late) if one.is_acknowledged]
    return Shutdown(
        kind,
        number,
        seconds,
        status,
        requests=len(interactions),
        notified=sum(RESTARTING in _text_of(one) for one in interactions),
        late=len(late),
        late_notified=sum(RESTARTING in _text_of(one) for one in late),
        unfinished=tuple(_text_of(one) for one in acknowledged if not one.is_settled),
        worker_outlived=outlived,
        violations=tuple(discord.violations),
    )


async def _busy(discord: FakeDiscord, writers: int, *, tokens: int) -> list[Interaction]:
    """Start interactions of all sorts; those that are in progress."""
    channel = discord.channel()
    done = await _finished(discord)
    interactions = [
        discord.slash(
            discord.person(f"writer {number}"), channel, "complete", prompt="Once", max_tokens=tokens
        )
        for number in range(writers)
    ]
    interactions += [
        discord.slash(discord.person("tourist"), channel, "tour", private=True),
        discord.slash(discord.person("reader"), channel, "surprise", text="It was a dark night. " * 40),
        discord.slash(discord.person("judge"), channel, "compare", prompt="London was", max_tokens=64),
    ]
    for one in interactions:
        with suppress(TimeoutError):  # on a machine too busy to deliver it in time, it is dropped
            await one.acknowledged(4.0)
    pressed = discord.press(discord.person("curious"), done.reply, label="Re-roll")
    await pressed.acknowledged()
    return [one for one in (*interactions, pressed) if one.is_acknowledged]


async def _drawing(discord: FakeDiscord, pictures: int) -> list[Interaction]:
    """Request pictures of long texts while the model is idle; those that are in progress."""
    await _finished(discord)
    interactions = [
        discord.slash(discord.person(f"painter {number}"), discord.channel(), "tokens", text=LONG_TEXT)
        for number in range(pictures)
    ]
    for one in interactions:
        with suppress(TimeoutError):
            await one.acknowledged(4.0)
    return [one for one in interactions if one.is_acknowledged]


async def _finished(discord: FakeDiscord) -> Interaction:
    """A finished text with its buttons, once the model is loaded."""
    ada, channel = discord.person("ada"), discord.channel()
    while True:
        interaction = discord.slash(ada, channel, "complete", prompt="London was", max_tokens=64)
        await interaction.settled()
        if interaction.reply is not None and "seed" in _text_of(interaction):
            return interaction
        await asyncio.sleep(0.2)


async def _end(
    kind: Kind, number: signal.Signals, discord: FakeDiscord, bot: BotProcess
) -> tuple[float, list[Interaction]]:
    """Send the signals; the time of the last one, and the interactions after the first."""
    at = time.monotonic()
    bot.signal(number)
    await asyncio.sleep(0.1)
    late = []
    if kind in ("stuck", "twice"):  # the others may have exited by now
        people = [discord.person(f"late {count}") for count in range(3)]
        late = [discord.slash(one, discord.channel(), "next", prompt="London was") for one in people]
        await asyncio.sleep(1.0)
    if kind == "twice":
        at = time.monotonic()
        bot.signal(number)
    return at, late


async def _gone(worker: int) -> None:
    """Give the worker a moment to notice the end of its stdin."""
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGCONT)
    for _ in range(100):
        if not is_alive(worker):
            return
        await asyncio.sleep(0.02)


def _text_of(interaction: Interaction) -> str:
    return "\n".join(text for message in interaction.all_messages for text in texts(message.components))


def report(measured: Sequence[Shutdown]) -> int:
    for one in measured:
        print(
            f"{one.number.name} {one.kind:8} exit status {one.status:3} after {one.seconds:5.2f} s "
            f"(bar {one.bar:.0f} s); {one.requests} in progress, {one.notified} notified of the restart; "
            f"{one.late} came later, {one.late_notified} refused; {len(one.unfinished)} cards unfinished"
            f"{'; the worker outlived the bot' if one.worker_outlived else ''}   "
            f"{'ok' if one.kept else 'MISSED'}"
        )
        for violation in one.violations:
            print(f"    {violation}")
    promise = "in time, all answered, exit status 0; a second signal exits at once"
    return verdict(promise, kept=all(one.kept for one in measured))


async def main() -> int:
    return report([await measure(kind, number) for number in SIGNALS for kind in KINDS])


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
