"""A small version of ``python -m tests.benchmarks.invariance``, with small models."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.model.checkpoint.find import find
from bot.model.client.process import worker_command
from bot.model.gpt2.transformer import GPT2
from bot.model.worker.loading import load
from tests.benchmarks.crowd import Crowd, Findings, RecordedModel, alone, compared
from tests.benchmarks.needles import Limits, random_needle
from tests.benchmarks.restarts import through_restarts
from tests.support.driving import seeded

# Compiling a model takes a second.
pytestmark = pytest.mark.slow

END_OF_TEXT = 7  # likely enough to end some texts early


def test_thirty_requests_are_bit_identical_in_a_crowd(precise: GPT2) -> None:
    random, limits = seeded(0), Limits(vocabulary=precise.vocabulary, longest_prompt=500, most_new_tokens=12)
    model = RecordedModel(precise)
    requests = [random_needle(random, f"{number}", limits) for number in range(30)]
    needles = [alone(model, request, ends={END_OF_TEXT}) for request in requests]
    crowd = Crowd(model, random, limits, ends={END_OF_TEXT}, prefix_bytes=500_000)
    crowd.run(needles)
    steps = sum(len(needle.alone) for needle in needles)
    assert crowd.findings == Findings(steps=crowd.findings.steps)
    assert crowd.findings.steps >= steps
    # Each of these happened.
    assert crowd.needle_hits
    assert crowd.cancelled
    assert crowd.continued
    assert crowd.prefixes.forgotten


@pytest.mark.skipif(sys.platform == "win32", reason="workers are killed by a signal")
async def test_requests_are_the_same_in_a_worker_that_is_killed(tiny_folder: Path) -> None:
    checkpoint = find(str(tiny_folder), revision=None, report=lambda progress: None)
    loaded = load(checkpoint, precision="float32", report=lambda progress: None)
    random = seeded(0)
    limits = Limits(vocabulary=loaded.info.vocabulary, longest_prompt=250, most_new_tokens=12)
    model = RecordedModel(loaded.model)
    requests = [random_needle(random, f"{number}", limits) for number in range(12)]
    needles = [alone(model, request, ends=loaded.info.fingerprint.ends) for request in requests]
    command = worker_command(str(tiny_folder), None, 1, 8, prefix_cache=1)
    restarted = await through_restarts(command, needles, random, limits, kills=1)
    assert restarted.findings == Findings(steps=sum(len(needle.alone) for needle in needles))
    assert restarted.restarts == 1
    assert restarted.fingerprint == str(loaded.info.fingerprint)


def test_differences_are_counted(precise: GPT2) -> None:
    limits = Limits(vocabulary=precise.vocabulary, longest_prompt=9, most_new_tokens=12)
    requests = [random_needle(seeded(seed), "", limits) for seed in (1, 2)]
    model = RecordedModel(precise)
    one, other = (alone(model, request, ends=()).alone for request in requests)
    assert compared(one, one, "") == Findings(steps=len(one))
    found = compared(one, other, "the other")
    assert found.logits == found.reports == min(len(one), len(other))
    assert found.tokens >= abs(len(one) - len(other))
    assert found.examples == ("the other",)
