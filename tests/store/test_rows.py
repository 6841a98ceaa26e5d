"""Runs survive being rows; requests are equal exactly if their replies are."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from bot.features.complete import CompletionJob
from bot.features.next import Walk
from bot.model.protocol import SamplingParams
from bot.store.rows import Run, question, row_of, run_of
from tests.support.samples import ADA, FINGERPRINT, LONDON_WAS, completion_run, walk_run


@pytest.mark.parametrize(
    "run",
    [
        completion_run(),
        completion_run(private=True, by_hand=(1,), parent="c" * 16, finish_reason="stop"),
        completion_run(owner=2**63 - 1, params=SamplingParams(temperature=0, seed=2**32 - 1)),
        completion_run(steps=()),
        completion_run(group="9" * 16),
        walk_run(),
        walk_run("d" * 16, 530, 286, private=True, parent="b" * 16, temperature=0.0),
        walk_run(candidates=20),
        completion_run(fingerprint=structs.replace(FINGERPRINT, encoding="bpe:0f", ends=(7, 13))),
        completion_run(fingerprint=structs.replace(FINGERPRINT, ends=())),
    ],
)
def test_a_row_holds_all_of_a_run(run: Run) -> None:
    assert run_of(row_of(run)) == run


def test_a_gpt2_run_is_stored_as_before_other_encodings_existed() -> None:
    run = completion_run()

    assert set(row_of(run)["fingerprint"]) == {"weights", "precision", "processor", "torch", "engine"}
    assert str(FINGERPRINT) == "11b75ec16000"
    assert question(run, FINGERPRINT).startswith("5ae5b99cb7a3")


@pytest.mark.parametrize("changes", [{"encoding": "bpe:0f"}, {"ends": (13,)}, {"ends": ()}])
def test_another_tokenizer_or_end_token_makes_another_request(changes: dict[str, Any]) -> None:
    other = structs.replace(FINGERPRINT, **changes)

    assert str(other) != str(FINGERPRINT)
    assert question(completion_run(), other) != question(completion_run(), FINGERPRINT)


def job(**changes: Any) -> CompletionJob:
    params = SamplingParams(**{"max_new_tokens": 2, "seed": 42, **changes})
    return CompletionJob("e" * 16, ADA, LONDON_WAS, params, private=False)


def test_a_finished_run_matches_its_own_request() -> None:
    assert row_of(completion_run())["question"] == question(job(), FINGERPRINT)
    assert row_of(walk_run())["question"] == question(walk_run().walk, FINGERPRINT)


def test_everything_that_can_change_a_token_is_part_of_the_request() -> None:
    asked: list[CompletionJob | Walk] = [
        job(),
        job(seed=43),
        job(temperature=0.5),
        job(top_k=1),
        job(top_p=0.5),
        job(max_new_tokens=3),
        replace(job(), prompt_ids=(23421,)),
        replace(walk_run().walk, seed=42),
        replace(walk_run().walk, appended_ids=(530,)),
        # A longer table would be too long where a shorter one is shown.
        replace(walk_run().walk, candidates=20),
    ]
    questions = [question(one, FINGERPRINT) for one in asked]
    questions.append(question(job(), structs.replace(FINGERPRINT, engine=4)))

    assert len(set(questions)) == len(questions)


def test_the_requester_is_not_part_of_the_request() -> None:
    assert question(replace(job(), owner=9, run_id="f" * 16, private=True), FINGERPRINT) == question(
        job(), FINGERPRINT
    )


def test_greedy_is_one_request_with_any_seed_and_filters() -> None:
    greedy = question(job(temperature=0.0), FINGERPRINT)

    assert question(job(temperature=0.0, seed=1, top_k=3, top_p=0.5), FINGERPRINT) == greedy


@pytest.mark.parametrize(
    "changes",
    [
        {"finish_reason": "cancelled"},
        {"mixed": True},
        {"by_hand": (0,)},
        {"params": SamplingParams(max_new_tokens=9)},
        # Continued, and then ended by the model: two tokens where one was requested.
        {"finish_reason": "stop", "params": SamplingParams(max_new_tokens=1)},
    ],
)
def test_a_stopped_forked_or_continued_run_matches_no_request(changes: dict[str, Any]) -> None:
    assert row_of(completion_run(**changes))["question"] is None


def test_walks_over_different_chosen_tokens_are_different_requests() -> None:
    assert question(walk_run("b" * 16, 1).walk, FINGERPRINT) != question(
        walk_run("b" * 16, 2).walk, FINGERPRINT
    )


def test_a_text_that_the_model_ended_early_matches_its_request() -> None:
    params = SamplingParams(max_new_tokens=64, seed=42)
    run = completion_run(finish_reason="stop", params=params)

    assert row_of(run)["question"] == question(job(max_new_tokens=64), FINGERPRINT)
