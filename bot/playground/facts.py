"""An answer as JSON for scripts. Pure.

docs/commands.md describes it; names are added, never changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from discord import ComponentType

from bot.features.complete import CompletionRun
from bot.model.model_info import Fingerprint
from bot.model.protocol import Candidate, Step
from bot.playground.answer import Attached, Card
from bot.playground.plain import Names, harmless, label, leaves, plain
from bot.store.rows import Run
from bot.text.markdown import unformatted
from bot.text.tokenization import Encodings


def facts(line: str, cards: Sequence[Card], names: Names, encodings: Encodings) -> dict[str, Any]:
    """Everything that the cards say and their buttons know."""
    return {
        "command": line,
        "ok": bool(cards) and not any(card.is_error for card in cards),
        "error": None,
        "cards": [_card(card, names, encodings) for card in cards],
    }


def refused(line: str, sentence: str) -> dict[str, Any]:
    """The same for a command that has no answer, with the reason."""
    return {"command": line, "ok": False, "error": sentence, "cards": []}


def _card(card: Card, names: Names, encodings: Encodings) -> dict[str, Any]:
    parts = list(leaves(card.components))
    texts = [part["content"] for part in parts if part["type"] == ComponentType.text_display.value]
    pictures = [part for part in parts if part["type"] == ComponentType.thumbnail.value]
    pictures += [item for part in parts for item in part.get("items", ())]
    controls = [part for part in parts if "custom_id" in part or "url" in part]
    return {
        "private": card.private,
        "refused": card.is_error,
        "text": [line for text in texts for line in harmless(unformatted(text, names)).split("\n")],
        "pictures": [picture.get("description") or "" for picture in pictures],
        "buttons": [
            {"label": label(control), "disabled": bool(control.get("disabled"))} for control in controls
        ],
        "files": [_file(file) for file in card.attached if not file.is_picture],
        "numbers": plain(card.numbers, names).split("\n") if card.numbers else [],
        "runs": [_run(run, encodings) for run in card.runs],
    }


def _file(file: Attached) -> dict[str, str]:
    return {"name": file.name, "text": file.content.decode(errors="replace")}


def _run(run: Run, encodings: Encodings) -> dict[str, Any]:
    """The request, what was written, and each step of the model."""
    if isinstance(run, CompletionRun):
        asked, written, params = run.prompt_ids, run.token_ids, run.params
        steps = [_step(step, run.fingerprint, encodings) for step in run.steps]
    else:
        asked, written, params = run.walk.prompt_ids, run.walk.appended_ids, run.walk.params
        # Which token the seed draws is not what the walk has taken.
        steps = [_step(run.step, run.fingerprint, encodings) | {"chosen": None}]
    encoding = run.fingerprint.encoding
    return {
        "kind": "text" if isinstance(run, CompletionRun) else "walk",
        "prompt": _shown(encodings.bytes_of(asked, encoding)),
        "prompt_ids": list(asked),
        "text": _shown(encodings.bytes_of(written, encoding)),
        "token_ids": list(written),
        "temperature": params.temperature,
        "top_k": params.top_k,
        "top_p": params.top_p,
        "seed": params.seed,
        "finish_reason": run.finish_reason if isinstance(run, CompletionRun) else None,
        "fingerprint": str(run.fingerprint),
        "steps": steps,
    }


def _step(step: Step, under: Fingerprint, encodings: Encodings) -> dict[str, Any]:
    def shown(candidate: Candidate) -> dict[str, Any]:
        return {
            "id": candidate.token_id,
            "token": _shown(encodings.bytes_of((candidate.token_id,), under.encoding)),
            "rank": candidate.rank,
            "logit": candidate.logit,
            "probability": math.exp(candidate.logprob),
        }

    return {
        "chosen": shown(step.chosen),
        "candidates": [shown(candidate) for candidate in step.candidates],
        "entropy_bits": step.entropy,
    }


def _shown(data: bytes) -> str:
    """Bytes as text; those of incomplete characters as U+FFFD, which JSON can hold everywhere."""
    return data.decode(errors="replace")
