"""``python -m bot verify FILE``: does this machine write the text of a receipt?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.errors import ReceiptUnusable, TokenwiseError
from bot.features.receipt import LARGEST_RECEIPT, Mismatch, Receipt, from_file, mismatch
from bot.launch import loading
from bot.model.model_info import ModelInfo
from bot.model.protocol import Stepped
from bot.quoting import plural
from bot.settings import Settings
from bot.system.exit_status import ExitStatus
from bot.system.terminal import complain, say
from bot.text.tokenization import Encodings


async def verify(file: Path, settings: Settings, environment: Mapping[str, str]) -> ExitStatus:
    """Write the text again in the receipt's precision; OK if it is the same, FAILED with the place if not.

    NEEDS_FIX with the reason if there is nothing to compare: the file is no receipt, or one of another model
    or version of the engine, or the model could not write.
    """
    try:
        receipt = _read(file)
        now, encodings = await _written_again(receipt, str(file), settings, environment)
    except TokenwiseError as error:
        complain(error)
        return ExitStatus.NEEDS_FIX
    found = mismatch(receipt, now)
    if found is None:
        say(f"Identical: seed {receipt.seed} gives the same {plural(len(receipt.written), 'token')} here.")
        return ExitStatus.OK
    say(_different(receipt, found, encodings))
    return ExitStatus.FAILED


async def _written_again(
    receipt: Receipt, file: str, settings: Settings, environment: Mapping[str, str]
) -> tuple[list[int], Encodings]:
    """The tokens that the model writes now, and what names them."""
    encodings = Encodings()
    settings = replace(settings, precision=receipt.fingerprint.precision)
    async with loading(settings, environment, encodings, answers_once=True) as model:
        _check(receipt, await model.wait_ready(), file)
        now = [
            event.step.chosen.token_id
            async for event in model.run(receipt.request)
            if isinstance(event, Stepped)
        ]
    return now, encodings


def _read(file: Path) -> Receipt:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_RECEIPT + 1)
    except OSError as error:
        raise ReceiptUnusable(str(file), problem=error.strerror or "it cannot be read") from None
    if len(content) > LARGEST_RECEIPT:
        raise ReceiptUnusable(str(file), problem="it is too large to be one")
    return from_file(content, str(file))


def _check(receipt: Receipt, model: ModelInfo, file: str) -> None:
    """ReceiptUnusable unless ``model`` may have written the text."""
    then, now = receipt.fingerprint, model.fingerprint
    if then.weights != now.weights:
        wanted = "another model wrote its text"
        if receipt.revision is not None:
            wanted += f": set MODEL={receipt.model} and MODEL_REVISION={receipt.revision}"
        elif receipt.model is not None:
            wanted += f", from a folder called {receipt.model}"
        raise ReceiptUnusable(file, problem=wanted)
    if then.engine != now.engine:
        problem = f"version {then.engine} of the engine wrote its text, and this is version {now.engine}"
        raise ReceiptUnusable(file, problem=problem)
    if then.precision != now.precision:
        # Elsewhere it is that of the receipt: see verify.
        problem = f"its text was written in {then.precision}, and the model service has {now.precision}"
        raise ReceiptUnusable(file, problem=problem)
    if then != now:
        raise ReceiptUnusable(file, problem="its text was written with another tokenizer")
    ids = receipt.prompt_ids + receipt.token_ids
    if len(ids) > model.context or max(ids) >= model.vocabulary:
        raise ReceiptUnusable(file, problem="its text does not fit the model")


def _different(receipt: Receipt, found: Mismatch, encodings: Encodings) -> str:
    then, now = (
        "the end" if token_id is None else encodings.token(token_id, receipt.fingerprint.encoding).visible
        for token_id in (found.then, found.now)
    )
    return (
        f"Different from token {found.position + 1:,} on: the receipt has {then}, this machine writes {now}."
    )
