"""*Numbers* of a comparison: what its card leaves out."""

from __future__ import annotations

from dataclasses import replace

from bot import cards
from bot.cards import Divergence
from bot.queue.updates import Completion, Finished
from tests.support.compare_cards import DONE, THREE, compared
from tests.support.limits import text_of
from tests.support.samples import step


def test_numbers_have_every_text_with_its_ranks() -> None:
    other = compared(2, DONE, " one of few", Divergence(2, "␣few", "␣the"), shared=7)
    stopped = compared(3, Finished(Completion((step(1),), "cancelled"), 1.0), " one", shared=4)
    content = replace(THREE, texts=(THREE.texts[0], other, stopped))
    picks = "took the top guess 2 of 3 times · riskiest pick: rank 40"

    assert text_of(cards.comparison_numbers(content)).splitlines()[:7] == [
        "**London was**",
        "**greedy:** one of the",
        f"-# {picks}",
        "**temperature 0.7:** one of few",
        f"-# differs from greedy at token 3 (`␣few`, not `␣the`) · {picks}",
        "**temperature 1.0:** one",
        "-# took the top guess 1 of 1 time · stopped",
    ]


def test_numbers_leave_out_names_that_must_not_be_shown() -> None:
    other = compared(2, DONE, " one of few", Divergence(2, "", ""), shared=7)
    text = text_of(cards.comparison_numbers(replace(THREE, texts=(THREE.texts[0], other))))

    assert "differs from greedy at token 3 · took" in text
