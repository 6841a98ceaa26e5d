"""Runs ↔ rows of the table ``runs``."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec.structs import asdict, replace

from bot.errors import StoreUnavailable
from bot.features.complete import CompletionJob, CompletionRun
from bot.features.guess import Round
from bot.features.next import Walk, WalkRun
from bot.model.model_info import Fingerprint
from bot.model.protocol import SamplingParams
from bot.store.steps import packed, unpacked

Run = CompletionRun | WalkRun
Kind = Literal["completion", "walk"]


def row_of(run: Run) -> dict[str, Any]:
    return _completion_row(run) if isinstance(run, CompletionRun) else _walk_row(run)


def run_of(row: Mapping[str, Any], sources: Iterable[int] = ()) -> Run:
    """The run in a row; StoreUnavailable if the row is damaged, as those of a broken file may be."""
    people = frozenset(sources)
    try:
        return _completion(row, people) if row["kind"] == "completion" else _walk(row, people)
    except (ValueError, TypeError, LookupError, struct.error) as error:
        # The row holds what people wrote, so it is not quoted.
        raise StoreUnavailable(f"a run is damaged ({type(error).__name__})") from None


def round_row(round_: Round) -> dict[str, Any]:
    """The row of a new round; votes have rows of their own."""
    return {
        "run_id": round_.run_id,
        "guild": round_.guild,
        "choices": round_.choices,
        "favourite": round_.top_guess,
        "revealed": round_.revealed,
    }


def answer_row(run: Run, channel: int | None) -> dict[str, Any] | None:
    """What lets people of ``channel`` find a run that they saw there; None if only its owner may."""
    asked = run if isinstance(run, CompletionRun) else run.walk
    if channel is None or asked.private or (isinstance(run, CompletionRun) and not _is_answer(run)):
        return None
    return {"run_id": run.run_id, "question": question(asked, run.fingerprint, channel)}


def source_rows(run: Run) -> list[dict[str, Any]]:
    return [{"run_id": run.run_id, "person": person} for person in run.sources]


def question(
    asked: CompletionJob | CompletionRun | Walk, fingerprint: Fingerprint, channel: int | None = None
) -> str:
    """A digest of all that an answer depends on: two runs of one question have the same tokens.

    The question is a whole completion, or one step of a walk; asked in ``channel``, if given.
    """
    params = asked.params
    if params.temperature == 0:
        # Greedy picks depend neither on the seed nor on what would filter a draw.
        params = replace(params, seed=0, top_k=0, top_p=1.0)
    appended = asked.appended_ids if isinstance(asked, Walk) else None
    known: list[object] = [fingerprint.stored(), asked.prompt_ids, appended, asdict(params)]
    if channel is not None:
        known.append(channel)
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _completion_row(run: CompletionRun) -> dict[str, Any]:
    return {
        "kind": "completion",
        "question": question(run, run.fingerprint) if _is_answer(run) else None,
        "private": run.private,
        "prompt_ids": run.prompt_ids,
        "params": asdict(run.params),
        "token_ids": run.token_ids,
        "steps": packed(run.steps),
        "by_hand": run.by_hand,
        "mixed": run.mixed,
        "finish_reason": run.finish_reason,
        "parent": run.parent,
        "group": run.group,
        **_common(run),
    }


def _walk_row(run: WalkRun) -> dict[str, Any]:
    walk = run.walk
    return {
        "kind": "walk",
        "question": question(walk, run.fingerprint),
        "private": walk.private,
        "prompt_ids": walk.prompt_ids,
        "params": asdict(walk.params),
        "token_ids": walk.appended_ids,
        "steps": packed([run.step]),
        "by_hand": (),
        "mixed": False,
        "finish_reason": None,
        "parent": walk.parent,
        "group": None,
        **_common(run),
    }


def _common(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "owner": run.owner,
        "asked_at": run.asked_at,
        "fingerprint": run.fingerprint.stored(),
    }


def _is_answer(run: CompletionRun) -> bool:
    """Whether the run is exactly what its prompt and settings give."""
    asked, written = run.params.max_new_tokens, len(run.steps)
    whole = written == asked or (written < asked and run.finish_reason == "stop")
    return whole and run.finish_reason != "cancelled" and not run.by_hand and not run.mixed


def _completion(row: Mapping[str, Any], sources: frozenset[int]) -> CompletionRun:
    return CompletionRun(
        run_id=row["run_id"],
        owner=row["owner"],
        prompt_ids=tuple(row["prompt_ids"]),
        params=SamplingParams(**row["params"]),
        private=row["private"],
        steps=unpacked(row["steps"]),
        by_hand=tuple(row["by_hand"]),
        mixed=row["mixed"],
        finish_reason=row["finish_reason"],
        fingerprint=_fingerprint(row["fingerprint"]),
        asked_at=row["asked_at"],
        parent=row["parent"],
        group=row["group"],
        sources=sources,
    )


def _walk(row: Mapping[str, Any], sources: frozenset[int]) -> WalkRun:
    walk = Walk(
        run_id=row["run_id"],
        owner=row["owner"],
        prompt_ids=tuple(row["prompt_ids"]),
        appended_ids=tuple(row["token_ids"]),
        temperature=row["params"]["temperature"],
        seed=row["params"]["seed"],
        private=row["private"],
        parent=row["parent"],
        candidates=row["params"]["candidates"],
        top_k=row["params"]["top_k"],
        sources=sources,
    )
    (step,) = unpacked(row["steps"])
    return WalkRun(walk, step, _fingerprint(row["fingerprint"]), row["asked_at"])


def _fingerprint(known: Mapping[str, Any]) -> Fingerprint:
    """Fields that are not stored have GPT-2's values."""
    found = Fingerprint(**known)
    return replace(found, ends=tuple(found.ends))
