"""Texts of one prompt are compared with the first."""

from __future__ import annotations

from bot import cards
from bot.cards import Divergence
from bot.features.compare import FEW, Continuation, jobs
from bot.queue.updates import Completion, Finished, Queued
from bot.text.tokenization import Encodings
from tests.fakes.scripted_worker import scripted_info
from tests.support.compare_cards import RUN_IDS
from tests.support.samples import step


def test_texts_are_compared_token_by_token() -> None:
    greedy, *_ = jobs((23421, 373), FEW, seed=1, max_tokens=3, owner=1, private=False)
    encodings = Encodings()
    # "é" as two tokens of a byte each: the texts part within the character.
    ids = ((257, 127, 102), (257, 127, 107), (257, 127, 102))
    written = [
        Continuation(method, RUN_IDS[0], Queued(1, None)).after(
            Finished(Completion(tuple(map(step, some)), "length"), 1.0)
        )
        for method, some in zip(FEW, ids, strict=True)
    ]
    first, second, third = cards.describe_comparison(greedy, written, scripted_info(), encodings).texts

    assert (first.divergence, first.shared) == (None, 0)
    own, other = (encodings.token(token_id, "gpt2").visible for token_id in (107, 102))
    assert second.divergence == Divergence(2, own, other)
    assert second.text[: second.shared] == " a"
    assert (third.divergence, third.shared) == (None, len(third.text))
