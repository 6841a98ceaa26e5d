"""The first signal ends a program properly, a second one at once, at any moment."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIGNALS = [signal.SIGTERM, signal.SIGINT]

# The first argument says what it does after the first signal.
PROGRAM = """
import asyncio, sys, time
from bot.system.signals import end_by_signal

async def main():
    working = asyncio.create_task(asyncio.sleep(60))
    end_by_signal(lambda number: (print(number.name, file=sys.stderr), working.cancel()))
    print("ready", flush=True)
    try:
        await working
    except asyncio.CancelledError:
        print("ending", flush=True)
        match sys.argv[1]:
            case "waits":
                await asyncio.sleep(60)
            case "hangs":
                time.sleep(60)
        print("ended")

asyncio.run(main())
"""


async def program(after: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, after, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    await said(process, b"ready")
    return process


async def said(process: asyncio.subprocess.Process, line: bytes) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == line + b"\n"


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_first_signal_ends_it_properly(number: signal.Signals) -> None:
    process = await program("ends")
    process.send_signal(number)
    output, errors = await asyncio.wait_for(process.communicate(), 30)

    assert (output, errors.split()) == (b"ending\nended\n", [number.name.encode()])
    assert process.returncode == 0


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
@pytest.mark.parametrize("after", ["waits", "hangs"])
async def test_a_second_signal_ends_it_at_once(
    first: signal.Signals, second: signal.Signals, after: str
) -> None:
    process = await program(after)
    process.send_signal(first)
    await said(process, b"ending")
    process.send_signal(second)
    output, _ = await asyncio.wait_for(process.communicate(), 30)

    assert output == b""
    assert process.returncode == 128 + second


@pytest.mark.slow
async def test_two_signals_to_a_busy_program_end_it_at_once() -> None:
    busy = PROGRAM.replace('print("ready", flush=True)', 'print("ready", flush=True); time.sleep(1)')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", busy, "waits", cwd=ROOT, stdout=subprocess.PIPE
    )
    await said(process, b"ready")
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode in (128 + signal.SIGTERM, 128 + signal.SIGINT)
