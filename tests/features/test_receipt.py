"""A receipt holds all that a text depends on, and tells if any of it was changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from bot.errors import MixedText, NothingWritten, ReceiptUnusable, TextTooOld
from bot.features.complete import CompletionRun
from bot.features.receipt import Mismatch, Receipt, as_file, from_file, mismatch, receipt_of
from bot.model.model_info import Fingerprint
from tests.fakes.scripted_worker import scripted_info
from tests.support.samples import completion_run

MADE = Fingerprint(weights="0f" * 32, precision="int8", engine=4)
MODEL = scripted_info("0f" * 32)


def run(*token_ids: int, **changes: Any) -> CompletionRun:
    return replace(completion_run("a" * 16, *token_ids), fingerprint=MADE, **changes)


def receipt(*token_ids: int, **changes: Any) -> Receipt:
    return receipt_of(run(*(token_ids or (10, 20, 30)), **changes), MODEL)


def test_a_receipt_comes_back_from_its_file() -> None:
    made = receipt()
    assert from_file(as_file(made).encode(), "receipt.json") == made


def test_the_request_writes_the_text_again() -> None:
    text = run(10, 20, 30)
    request = receipt().request
    assert request.prompt_ids == text.prompt_ids
    assert request.generated == 0
    assert structs.replace(request.params, candidates=5) == structs.replace(text.params, max_new_tokens=3)


def test_what_stands_before_the_last_hand_picked_token_is_given() -> None:
    forked = receipt(10, 20, 30, by_hand=(1,))
    assert (forked.given, forked.written) == (2, (30,))
    assert forked.request.prompt_ids == (*run(10, 20, 30).prompt_ids, 10, 20)
    assert forked.request.generated == 2  # draws of the seed were spent on them


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 43},
        {"temperature": 0.8},
        {"top_k": 49},
        {"top_p": 0.5},
        {"prompt_ids": [23421]},
        {"token_ids": [10, 20, 31]},
        {"given": 1},
        {"fingerprint": {"weights": "0f" * 32, "precision": "float32", "engine": 4}},
    ],
)
def test_a_receipt_that_was_changed_is_noticed(changes: dict[str, Any]) -> None:
    changed = json.loads(as_file(receipt())) | changes
    with pytest.raises(ReceiptUnusable, match=r"receipt\.json.*changed after it was made"):
        from_file(json.dumps(changed).encode(), "receipt.json")


def test_where_the_weights_are_found_is_no_part_of_the_number() -> None:
    moved = structs.replace(receipt(), model="elsewhere", revision=None)
    assert from_file(as_file(moved).encode(), "receipt.json").model == "elsewhere"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b'{"receipt": 1}', as_file(receipt()).encode()[:-9]]
)
def test_other_files_are_no_receipts(content: bytes) -> None:
    with pytest.raises(ReceiptUnusable, match="not the file that the button Receipt gives"):
        from_file(content, "receipt.json")


def test_a_receipt_without_a_written_token_is_refused() -> None:
    empty = structs.replace(receipt(), given=3)
    numbered = structs.replace(empty, receipt=empty.number)
    with pytest.raises(ReceiptUnusable, match="wrote nothing"):
        from_file(as_file(numbered).encode(), "receipt.json")


def test_a_text_of_several_models_an_old_one_and_an_empty_one_have_no_receipt() -> None:
    with pytest.raises(MixedText):
        receipt(mixed=True)
    with pytest.raises(TextTooOld):
        receipt_of(completion_run("a" * 16, 10), MODEL)
    with pytest.raises(NothingWritten):
        receipt(10, by_hand=(0,))


def test_another_model_s_place_is_not_named() -> None:
    other = receipt_of(run(10), scripted_info("1f" * 32))
    assert (other.model, other.revision) == (None, None)


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ((20, 30), None),
        ((20, 31), Mismatch(2, 30, 31)),
        ((20,), Mismatch(2, 30, None)),
        ((20, 30, 40), Mismatch(3, None, 40)),
    ],
)
def test_the_first_token_that_differs_is_found(now: tuple[int, ...], found: Mismatch | None) -> None:
    assert mismatch(receipt(10, 20, 30, by_hand=(0,)), now) == found
