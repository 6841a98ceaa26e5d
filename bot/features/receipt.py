"""A receipt of a text: all that it depends on, from which any machine can write it again. Pure.

A receipt's number is a hash of everything that decides the text and of the text itself. It shows that a
receipt was changed, not who made it: anyone can make one of a text that a model would write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, structs

from bot.errors import MixedText, ReceiptUnusable, TextTooOld
from bot.features.complete import CompletionRun
from bot.model.model_info import Count, Fingerprint, ModelInfo
from bot.model.protocol import MAX_SEED, GenerationRequest, SamplingParams

#: The first version of the engine whose texts do not depend on the kind of processor.
FIRST_ENGINE = 4
LARGEST_RECEIPT = 2**20  # bytes

_NAME = "verify"  # of a request

Ids = tuple[Count, ...]


class Receipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text and what it depends on.

    Its ``token_ids`` follow ``prompt_ids``; the model was given the first ``given`` of them. ``model``
    and ``revision`` say where the weights may be found; None where that is not known.
    """

    receipt: str
    format: Literal[1] = 1
    model: str | None
    revision: str | None
    fingerprint: Fingerprint
    temperature: Annotated[float, Meta(ge=0)]
    top_k: Count
    top_p: Annotated[float, Meta(gt=0, le=1)]
    seed: Annotated[int, Meta(ge=0, le=MAX_SEED)]
    prompt_ids: Annotated[Ids, Meta(min_length=1)]
    given: Count
    token_ids: Annotated[Ids, Meta(min_length=1)]

    @property
    def number(self) -> str:
        """What ``receipt`` must be: 64 hexadecimal digits."""
        hashed = {
            name: value
            for name, value in msgspec.to_builtins(self).items()
            if name not in ("receipt", "model", "revision")
        }
        return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()

    @property
    def written(self) -> Ids:
        """The tokens that the model wrote."""
        return self.token_ids[self.given :]

    @property
    def request(self) -> GenerationRequest:
        """What the model is asked to write again."""
        params = SamplingParams(
            max_new_tokens=len(self.written),
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            seed=self.seed,
            candidates=0,
        )
        ids = self.prompt_ids + self.token_ids[: self.given]
        return GenerationRequest(_NAME, ids, params, generated=self.given)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first ``position`` in a text (from 0) with another token; None where one text has ended."""

    position: int
    then: int | None
    now: int | None


def receipt_of(run: CompletionRun, model: ModelInfo) -> Receipt:
    """The receipt of a finished text, which ``model`` may have written.

    NothingWritten if the model wrote none of it after the last token chosen by hand; MixedText or
    TextTooOld if no model could write it again.
    """
    if run.mixed:
        raise MixedText
    if run.fingerprint.engine < FIRST_ENGINE:
        raise TextTooOld
    again = run.again(owner=run.owner)
    is_its_own = model.fingerprint.weights == run.fingerprint.weights
    params = run.params
    unnumbered = Receipt(
        receipt="",
        model=(model.name if model.revision else model.title) if is_its_own else None,
        revision=model.revision if is_its_own else None,
        fingerprint=run.fingerprint,
        temperature=params.temperature,
        top_k=params.top_k,
        top_p=params.top_p,
        seed=params.seed,
        prompt_ids=run.prompt_ids,
        given=len(again.earlier),
        token_ids=run.token_ids,
    )
    return structs.replace(unnumbered, receipt=unnumbered.number)


def as_file(receipt: Receipt) -> str:
    """The receipt as JSON, a list of ids in a line."""
    fields = msgspec.to_builtins(receipt)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items())
    return f"{{\n{lines}\n}}\n"


def from_file(content: bytes, name: str) -> Receipt:
    """Read the receipt in the file ``name``; ReceiptUnusable if it is none or was changed."""
    try:
        receipt = msgspec.json.decode(content, type=Receipt)
    except msgspec.DecodeError:
        raise ReceiptUnusable(name, problem="it is not the file that the button Receipt gives") from None
    if receipt.receipt != receipt.number:
        raise ReceiptUnusable(name, problem="it was changed after it was made")
    if not receipt.written:
        raise ReceiptUnusable(name, problem="the model wrote nothing of its text")
    return receipt


def mismatch(receipt: Receipt, now: Sequence[int]) -> Mismatch | None:
    """Where the tokens written ``now`` first differ from the receipt's; None if they are the same."""
    then = receipt.written
    for position in range(max(len(then), len(now))):
        was, is_now = (ids[position] if position < len(ids) else None for ids in (then, now))
        if was != is_now:
            return Mismatch(receipt.given + position, was, is_now)
    return None
