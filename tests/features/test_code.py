"""A run's program prints the very text that the bot wrote."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from bot.features.code import home, is_its_own, script
from bot.features.complete import CompletionJob, CompletionRun, new_run_id
from bot.flows.streams import ask
from bot.launch import started
from bot.model.protocol import MAX_SEED, SamplingParams
from bot.queue.limits import Asker
from bot.services import Services
from bot.settings import DEMO_MODEL, Settings
from tests.fakes.scripted_worker import scripted_info
from tests.support.programs import outputs_of, text_of_run
from tests.support.samples import NOON, completion_run

ODD_PROMPTS = (
    "\"It's\" \\ 'mine'",
    "`a` ``` {b} %s",
    "one\ntwo\r\n\tthree  ",
    " naïve café 🙂 שלום",
    "<|endoftext|>The end",
    "half a\ud83d",
    "\x00\x1b[31m\u202e",
    "#",
)
INFO = scripted_info("0f" * 32)


async def write(services: Services, job: CompletionJob) -> CompletionRun:
    model = services.generations.model
    # One person may have only a few requests in progress, so each is someone else's.
    owner = int(job.run_id, 16)
    async with ask(services.generations, job.request(model.context), asker=Asker(owner, None)) as answer:
        return job.finished(await answer(), fingerprint=model.fingerprint, asked_at=NOON)


async def begin(services: Services, *, prompt: str = "London was", **changes: Any) -> CompletionRun:
    params = SamplingParams(**{"max_new_tokens": 12, "seed": 42, **changes})
    ids = services.encodings.encode(prompt)
    return await write(services, CompletionJob(new_run_id(), 1, ids, params, private=False))


async def fork(services: Services, run: CompletionRun, position: int) -> CompletionRun:
    """Fork to the least likely of the top five at ``position``."""
    token_id = run.steps[position].candidates[-1].token_id
    return await write(services, run.forked(position, token_id, owner=1))


async def go_on(services: Services, run: CompletionRun) -> CompletionRun:
    return await write(services, run.continued(owner=1))


async def family(services: Services, **params: Any) -> list[CompletionRun]:
    """A run; the run continued and forked; and forks, continuations and beginnings of those."""
    first = await begin(services, **params)
    longer = await go_on(services, first)
    forked = await fork(services, longer, 15)
    return [
        first,
        longer,
        forked,
        await go_on(services, forked),
        await fork(services, forked, 20),
        await fork(services, first, 0),
        replace(first, steps=first.steps[:5], finish_reason="cancelled"),
        replace(first, steps=()),
        replace(forked, steps=forked.steps[:16]),
    ]


async def ended(folder: Path) -> CompletionRun:
    """A run of a copy of the demo model in which every full stop ends the text."""
    shutil.copytree(DEMO_MODEL, folder)
    for name in ("config.json", "generation_config.json"):
        config = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**config, "eos_token_id": 13}))
    async with started(Settings.from_env({"MODEL": str(folder)})) as parts:
        await parts.model.wait_ready()
        return await begin(parts.services, max_new_tokens=200)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_the_programs_print_what_was_written(services: Services, tmp_path: Path) -> None:
    runs = [*await family(services), *await family(services, temperature=0.0)]
    others: list[dict[str, Any]] = [
        {"temperature": 1.0, "top_k": 0, "seed": MAX_SEED},
        {"top_k": 20, "top_p": 0.8},
    ]
    for params in others:
        first = await begin(services, **params)
        runs += [first, await go_on(services, first), await fork(services, first, 4)]
    runs += await asyncio.gather(*(begin(services, prompt=prompt) for prompt in ODD_PROMPTS))
    context = services.generations.model.context
    runs.append(await begin(services, prompt="word " * (context - 103), max_new_tokens=100))
    assert len(runs[-1].prompt_ids) + len(runs[-1].steps) == context - 2
    texts = [text_of_run(run, services.encodings) + "\n" for run in runs]
    programs = [
        script(run, services.encodings.decode(run.prompt_ids), services.generations.model) for run in runs
    ]
    short = await ended(tmp_path / "model")
    assert short.finish_reason == "stop"
    assert len(short.steps) < 200
    texts.append(text_of_run(short, services.encodings) + "\n")
    named = structs.replace(services.generations.model, name=str(tmp_path / "model"))
    programs.append(script(short, "London was", named).replace("'model'", repr(named.name)))

    assert len(set(texts)) > 2 / 3 * len(texts)  # the rest are those of which nothing was written
    for printed, text, program in zip(await outputs_of(programs), texts, programs, strict=True):
        assert printed == text, program


@pytest.mark.parametrize("path", ["/home/ada/model/", "C:\\Users\\ada\\model", "/home/ada/x/../model/."])
def test_the_program_names_the_folder_without_its_path(path: str) -> None:
    program = script(completion_run(), "London was", structs.replace(INFO, name=path))

    assert "from_pretrained('model')" in program
    assert "ada" not in program


@pytest.mark.parametrize(
    "path",
    [DEMO_MODEL, "bot/data/demo-model", "./bot/data/demo-model/", "C:\\tokenwise\\bot\\data\\demo-model"],
)
def test_the_program_finds_the_demo_model_from_the_project_s_folder(path: str) -> None:
    model = structs.replace(INFO, name=path)
    program = script(completion_run(), "London was", model)

    assert home(model) == "project"
    assert "GPT2LMHeadModel.from_pretrained('bot/data/demo-model', dtype" in program
    assert "AutoTokenizer.from_pretrained('bot/data/demo-model')" in program
    assert "# The model is in bot/data/demo-model: run this in the project's folder.\n" in program
    assert path == "bot/data/demo-model" or path not in program


@pytest.mark.parametrize(
    "path", ["/x/demo-model", "data/demo-model", "/x/mybot/data/demo-model", "/bot/data/demo-model/x"]
)
def test_another_folder_is_not_the_demo_model_s(path: str) -> None:
    assert home(structs.replace(INFO, name=path)) == "folder"


def test_the_program_is_in_the_folder_or_the_revision_that_is_loaded() -> None:
    local = script(completion_run(), "London was", structs.replace(INFO, name="/home/somebody/model"))
    pinned = script(completion_run(), "London was", structs.replace(INFO, name="a/b", revision="c0ffee"))

    assert "from_pretrained('model')" in local
    assert "ask the people who run the bot" in local
    assert "ask the people" not in pinned
    assert "from_pretrained('a/b', revision='c0ffee')" in pinned


def test_the_program_says_in_what_the_text_was_written() -> None:
    run = completion_run()

    assert f"written in float32; fingerprint {run.fingerprint}" in script(run, "London was", INFO)


def test_a_text_of_another_model_says_so() -> None:
    other = replace(completion_run(), fingerprint=structs.replace(completion_run().fingerprint, weights="x"))

    assert is_its_own(completion_run(), INFO)
    assert "another model" not in script(completion_run(), "London was", INFO)
    assert not is_its_own(other, INFO)
    assert "another model" in script(other, "London was", INFO)


@pytest.mark.parametrize("prompt", ["`", "a``` b", "\\`", "'`\\"])
def test_nothing_in_the_program_ends_the_code_block_around_it(prompt: str) -> None:
    program = script(completion_run(), prompt, INFO)
    (literal,) = re.findall(r"ids = torch\.tensor\(.*\)  # (.*)", program)

    assert "`" not in program
    assert eval(literal) == prompt  # noqa: S307


def test_greedy_needs_no_seed_and_an_empty_text_no_model() -> None:
    greedy = replace(completion_run(), params=SamplingParams(temperature=0))

    assert "seed(" not in script(greedy, "London was", INFO)
    assert "LMHead" not in script(replace(completion_run(), steps=()), "London was", INFO)
