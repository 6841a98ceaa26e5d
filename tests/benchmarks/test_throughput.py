"""The comparison's report on given figures; nothing is measured here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from tests.benchmarks import ours, peers
from tests.benchmarks.limits import UNLIMITED, Limited
from tests.benchmarks.models import configuration, is_large, linked_model, weights_a_token
from tests.benchmarks.report import Report, short, spread, table
from tests.benchmarks.throughput import rounds_in
from tests.benchmarks.workload import Beside, Figures, Precision, random_prompts, rotated

FIGURES = Figures(
    load=1.0,
    loading=2.0,
    loaded=3.0,
    alone=10.0,
    together=50.0,
    first_token=2.0,
    peak=4.0,
    bandwidth=50.0,
    again=0.5,
)


def tried(figures: Figures) -> Figures:
    """With a single try of each task."""
    seconds = {
        "alone": [32 / figures.alone],
        "together": [8 * 32 / figures.together],
        "first_token": [figures.first_token],
    }
    return replace(figures, tries=seconds)


def report(
    precision: Precision = "float32",
    worker: Figures = FIGURES,
    *,
    large: bool = False,
    limited: bool = False,
    usual: Sequence[float] = (),
    **programs: Figures,
) -> Report:
    results = {name: [Beside(tried(worker), tried(figures))] for name, figures in programs.items()}
    return Report(precision, results, 500_000_000, large, limited, usual)


def bars(of: Report) -> dict[str, tuple[float, float, bool]]:
    return {bar.text: (bar.value, bar.limit, bar.met) for bar in of.bars()}


def test_a_ratio_is_the_median_of_those_of_two_tries_in_a_row() -> None:
    # A slow minute of the machine is slow for both, so the medians of each would compare different minutes.
    own = replace(FIGURES, tries={"alone": [5.0, 2.5, 5.0], "together": [1.0], "first_token": [1.0]})
    other = replace(FIGURES, tries={"alone": [6.0, 3.0, 3.0], "together": [2.0], "first_token": [1.5]})
    measured = Report("bfloat16", {"llama_cpp": [Beside(own, other)] * 2}, weights=1, large=False)
    assert bars(measured) == {
        "one request, times as fast as llama_cpp": (1.2, 1.0, True),
        "8 requests, times as fast as llama_cpp": (2.0, 1.0, True),
        "first token of 512, times as fast as llama_cpp": (1.5, 1.0, True),
    }


def test_a_missed_bar_is_reported() -> None:
    missed = report(worker=replace(FIGURES, together=189.0), generate=replace(FIGURES, alone=4.0))
    assert not missed.met
    assert "ok     one request, times as fast as generate: 2.50, at least 2.20" in str(missed)
    assert "MISSED 8 requests, times as fast as generate: 3.78, at least 3.80" in str(missed)


def test_the_worker_must_be_as_fast_as_every_peer() -> None:
    slow = replace(FIGURES, first_token=3.0, alone=8.0)
    quick = replace(FIGURES, first_token=1.0, together=40.0)
    compared = bars(report("int8", onnxruntime_=quick, openvino_=slow))
    assert compared["first token of 512, times as fast as onnxruntime_"] == (0.5, 1.0, False)
    assert compared["first token of 512, times as fast as openvino_"] == (1.5, 1.0, True)
    assert compared["8 requests, times as fast as onnxruntime_"] == (1.25, 1.0, True)
    assert compared["one request, times as fast as openvino_"] == (1.25, 1.0, True)


def test_with_a_lesser_processor_int8_is_compared_with_float32_too() -> None:
    limited = report("int8", replace(FIGURES, alone=21.0), limited=True, worker_float32=FIGURES)
    assert bars(limited) == {"one request, times as fast as worker_float32": (2.1, 2.2, False)}
    assert bars(replace(limited, limited=False)) == {}
    assert limited.shares("worker_float32") == [40]


def test_with_a_lesser_processor_every_program_obeys_or_is_left_out(tmp_path: Path) -> None:
    limited = Limited("avx2", tmp_path)
    assert [name for name in peers.NAMES if limited.obstacle(name)] == ["openvino_", "onnxruntime_"]
    assert Limited("avx2").obstacle("llama_cpp")
    assert limited.variables("llama_cpp")["PYTHONPATH"] == str(tmp_path)
    assert "PYTHONPATH" not in limited.variables("generate")
    command = ours.command(tmp_path, 2, "int8", limited)
    assert "ATEN_CPU_CAPABILITY=avx2" in command
    assert command[-2:] == ("--processor", "avx2")


def test_without_a_limit_nothing_is_set_or_left_out(tmp_path: Path) -> None:
    assert not any(UNLIMITED.obstacle(name) or UNLIMITED.variables(name) for name in peers.NAMES)
    assert "--processor" not in ours.command(tmp_path, 2, "int8")


def test_memory_has_a_bar_only_with_gpt2_large_s_shape() -> None:
    much = replace(FIGURES, loaded=3.7)
    assert report(worker=much, large=False, ctranslate2_=FIGURES).met
    assert not report(worker=much, large=True, ctranslate2_=FIGURES).met


def test_the_start_is_compared_with_generate_s() -> None:
    own = replace(FIGURES, loaded=1.0, load=2.2, again=1.6, loading=0.9)
    found = bars(report("int8", own, large=True, usual=[2.0], openvino_=FIGURES))
    assert found["memory meanwhile, GiB"] == (0.9, 500_000_000 / 2**30 + 0.5, True)
    assert found["start to first token, worker : generate"] == (1.1, 1.0, False)
    assert found["death to next token, worker : start of generate"] == (0.8, 0.7, False)


def test_there_are_no_bars_before_anything_was_measured() -> None:
    empty: dict[str, list[Beside]] = {"llama_cpp": [], "worker_float32": []}
    assert Report("int8", empty, weights=1, large=True, limited=True).bars() == []


@pytest.mark.parametrize(("precision", "share"), [("float32", 40), ("bfloat16", 20), ("int8", 10)])
def test_the_share_of_the_speed_that_the_bandwidth_allows(precision: Precision, share: float) -> None:
    assert report(precision, generate=FIGURES).shares("worker") == [share]


def test_all_figures_are_in_the_json() -> None:
    content = json.loads(json.dumps(report(generate=replace(FIGURES, alone=4.0)).plain()))
    assert content["pairs"]["generate"][0]["worker"]["alone"] == 10.0
    assert content["ratios"]["generate"] == {"alone": 2.5, "together": 1.0, "first_token": 1.0}
    assert {bar["met"] for bar in content["bars"]} == {True, False}


def test_earlier_rounds_are_read_from_the_json(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    assert rounds_in(file) == {}
    file.write_text(json.dumps({"figures": [report("int8", generate=FIGURES).plain()]}))
    assert rounds_in(file) == {"int8": {"generate": [Beside(tried(FIGURES), tried(FIGURES))]}}


def test_a_table_is_aligned() -> None:
    assert table([["program", "s"], ["worker", "1.25 (1 to 2)"]]).splitlines() == [
        "| program | s             |",
        "| ------- | ------------- |",
        "| worker  | 1.25 (1 to 2) |",
    ]


def test_numbers_have_about_three_digits() -> None:
    assert [short(number) for number in (0.4242, 5.129, 61.23, 480.4)] == ["0.42", "5.13", "61.2", "480"]
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00 to 3.00)"


def test_every_peer_can_be_described_without_being_installed() -> None:
    for name in peers.NAMES:
        assert peers.peer(name).NOTE
        assert peers.peer(name).PRECISIONS
    assert peers.missing("generate") == []


def test_a_peer_reads_its_own_conversion_or_the_model(tmp_path: Path) -> None:
    model = tmp_path / "model"
    converted = peers.converted("llama_cpp", model, tmp_path)
    for path in (
        *(model / "model.safetensors", model / "config.json"),
        *(converted / "int8.gguf", converted / "float32" / "weights.bin"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    read = {
        precision: peers.reads("llama_cpp", model, tmp_path, precision) for precision in get_args(Precision)
    }
    assert read == {
        "float32": [converted / "float32" / "weights.bin"],
        "bfloat16": [model / "model.safetensors"],
        "int8": [converted / "int8.gguf"],
    }


def test_none_always_follows_the_same_other() -> None:
    assert [rotated("abc", number) for number in range(4)] == [[*"abc"], [*"bca"], [*"cab"], [*"abc"]]
    assert rotated([], 1) == []


def test_no_prompt_repeats() -> None:
    prompts = random_prompts(8, 16)
    assert len({tuple(prompt) for prompt in prompts}) == 8
    assert all(0 <= token < 50_000 for prompt in prompts for token in prompt)


def test_a_given_model_is_linked_and_never_ends(tmp_path: Path) -> None:
    original = tmp_path / "original"
    original.mkdir()
    config = {"n_embd": 4, "n_layer": 2, "n_head": 2, "vocab_size": 10, "eos_token_id": 9}
    (original / "config.json").write_text(json.dumps(config))
    (original / "generation_config.json").write_text('{"eos_token_id": 9}')
    (original / "model.safetensors").write_bytes(b"weights")
    model = linked_model(original, tmp_path / "files")
    assert configuration(model) == config | {"eos_token_id": 10}
    assert json.loads((model / "generation_config.json").read_text()) == {"eos_token_id": 10}
    assert configuration(original) == config
    assert (original / "generation_config.json").read_text() == '{"eos_token_id": 9}'
    assert (model / "model.safetensors").read_bytes() == b"weights"
    assert weights_a_token(model) == 2 * 12 * 16 + 10 * 4
    assert not is_large(model)
