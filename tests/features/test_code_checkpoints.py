"""A run's program prints its text whatever else the model's folder has in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.features.code import script
from bot.features.complete import CompletionJob, CompletionRun, new_run_id
from bot.model.checkpoint.find import find
from bot.model.protocol import SamplingParams
from bot.model.worker.engine import Engine
from bot.model.worker.loading import LoadedModel, load
from bot.queue.updates import Completion
from bot.text.tokenization import Encodings
from tests.model.conftest import DEMO_MODEL
from tests.support.checkpoints import (
    SPANISH,
    chatting,
    trained,
    write_model,
    write_tokenizer,
    write_vocabulary,
)
from tests.support.driving import run, sampling_kernels
from tests.support.programs import outputs_of, text_of_run
from tests.support.samples import NOON

SIZE = 480  # more rows than the tokenizers have tokens
GENERATION: dict[str, dict[str, Any]] = {
    "repetition": {"repetition_penalty": 1.8, "no_repeat_ngram_size": 2},
    "filters": {"min_p": 0.2, "typical_p": 0.3, "top_h": 0.4, "epsilon_cutoff": 0.01, "do_sample": True},
    "words": {"bad_words_ids": [[5], [9]], "suppress_tokens": [7, 8], "begin_suppress_tokens": [3]},
    "ends": {"forced_eos_token_id": 3, "forced_bos_token_id": 2, "min_new_tokens": 30, "max_length": 20},
    "beams": {"num_beams": 3, "num_return_sequences": 2, "length_penalty": 2.0, "early_stopping": True},
    "settings": {
        "temperature": 0.1,
        "top_k": 2,
        "top_p": 0.3,
        "do_sample": True,
        "return_dict_in_generate": True,
    },
    "several ends": {"eos_token_id": [17, 30, 41, 52]},
    "no end": {"eos_token_id": None},
    "an end that there is not": {"eos_token_id": [100_000, -1]},
}


def generating(folder: Path, **settings: Any) -> Path:
    (folder / "generation_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def configured(folder: Path, **settings: Any) -> Path:
    """As older checkpoints have it: what generates is said beside the shape, and nowhere else."""
    (folder / "generation_config.json").unlink(missing_ok=True)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **settings}), encoding="utf-8")
    return folder


def gpt2s_files(folder: Path, **settings: Any) -> Path:
    shutil.copy(DEMO_MODEL / "tokenizer.json", folder)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def spanish(folder: Path) -> Path:
    return write_tokenizer(write_model(folder, SIZE), trained(SPANISH))


MADE: dict[str, Callable[[Path], Path]] = {
    **{
        f"generation {name}": lambda folder, settings=settings: generating(spanish(folder), **settings)  # type: ignore[misc]
        for name, settings in GENERATION.items()
    },
    "configured": lambda folder: configured(spanish(folder), repetition_penalty=1.8, num_beams=2),
    "several ends configured": lambda folder: configured(spanish(folder), eos_token_id=[17, 30, 41]),
    "task": lambda folder: configured(
        spanish(folder), task_specific_params={"text-generation": {"do_sample": True, "max_length": 5}}
    ),
    "chat": lambda folder: write_tokenizer(write_model(folder, SIZE), chatting(trained())),
    "prefix space": lambda folder: write_tokenizer(spanish(folder), trained(), add_prefix_space=True),
    "begins and ends": lambda folder: write_tokenizer(
        spanish(folder), trained(), add_bos_token=True, add_eos_token=True
    ),
    "two files": lambda folder: write_vocabulary(write_model(folder, SIZE), trained()),
    "cleaning up": lambda folder: write_tokenizer(
        spanish(folder), trained(), clean_up_tokenization_spaces=True
    ),
    "no tokenizer": lambda folder: write_model(folder, 50_257),
    "padded": lambda folder: gpt2s_files(write_model(folder, 50_304)),
    "gpt2 with a prefix space": lambda folder: gpt2s_files(
        write_model(folder, 50_257), add_prefix_space=True
    ),
    "gpt2 with a beginning": lambda folder: gpt2s_files(write_model(folder, 50_257), add_bos_token=True),
}
PARAMS = (
    SamplingParams(max_new_tokens=24, temperature=0.9, top_k=50, seed=42),
    SamplingParams(max_new_tokens=24, temperature=1.1, top_k=0, top_p=0.9, seed=7),
    SamplingParams(max_new_tokens=24, temperature=0.0),
)


def read(folder: Path) -> tuple[LoadedModel, Encodings]:
    loaded = load(
        find(str(folder), revision=None, report=lambda _: None), precision="float32", report=lambda _: None
    )
    encodings = Encodings()
    encodings.learn(loaded.tokenizer, name=folder.name)
    return loaded, encodings


def written(loaded: LoadedModel, job: CompletionJob) -> CompletionRun:
    engine = Engine(loaded.model, sampling_kernels(), ends=loaded.info.fingerprint.ends, max_batch=1)
    outcome = run(engine, job.request(loaded.info.context))[job.run_id]
    completion = Completion(tuple(outcome.steps), "stop" if outcome.ending == "stop" else "length")
    return job.finished(completion, fingerprint=loaded.info.fingerprint, asked_at=NOON)


def runs_of(loaded: LoadedModel, encodings: Encodings) -> list[CompletionRun]:
    ids = encodings.encode("Había una vez", loaded.info.encoding)
    jobs = [CompletionJob(new_run_id(), 1, ids, params, private=False) for params in PARAMS]
    runs = [written(loaded, job) for job in jobs]
    first = runs[0]
    position = len(first.steps) // 2
    token_id = first.steps[position].candidates[-1].token_id
    return [*runs, written(loaded, first.forked(position, token_id, owner=1)), replace(first, steps=())]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_programs_print_what_was_written(tmp_path: Path) -> None:
    gpt2 = tmp_path / "openai-community" / "gpt2"
    gpt2s_files(write_model(gpt2, 50_257))
    texts: list[str] = []
    programs: list[str] = []
    for name, make in MADE.items():
        folder = make(tmp_path / name.replace(" ", "-"))
        loaded, encodings = read(folder)
        for one in runs_of(loaded, encodings):
            prompt = encodings.decode(one.prompt_ids, loaded.info.encoding)
            texts.append(f"{name}: {text_of_run(one, encodings)}\n")
            programs.append(f"print({name!r}, end=': ')\n" + script(one, prompt, loaded.info))

    assert len(set(texts)) == len(texts)
    for printed, text, program in zip(await outputs_of(programs, tmp_path), texts, programs, strict=True):
        assert printed == text, program


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "ends"),
    [
        ("generation several ends", (17, 30, 41, 52)),
        ("several ends configured", (17, 30, 41)),
        ("generation no end", ()),
        ("generation an end that there is not", ()),
        ("two files", ()),  # that of GPT-2, which this model has no row for
        ("no tokenizer", (50_256,)),
    ],
)
def test_a_text_ends_where_generate_ends_it(tmp_path: Path, make: str, ends: tuple[int, ...]) -> None:
    loaded, encodings = read(MADE[make](tmp_path / "model"))
    params = SamplingParams(max_new_tokens=50, temperature=2.0, top_k=0, seed=1)
    ids = encodings.encode("Había", loaded.info.encoding)
    one = written(loaded, CompletionJob(new_run_id(), 1, ids, params, private=False))

    assert loaded.info.fingerprint.ends == ends
    if len(ends) > 1:
        assert one.finish_reason == "stop"
        assert one.token_ids[-1] in ends
    assert not set(one.token_ids[:-1]) & set(ends)
