"""A small version of ``python -m tests.promises.bad_input``, and tests of its markdown parser."""

from __future__ import annotations

import re
from random import Random

import pytest

from bot.text.escaping import inert
from tests.promises import fuzz, markdown_oracle
from tests.promises.bad_input import measure
from tests.promises.card_kinds import KINDS
from tests.promises.content_factory import OWNER
from tests.promises.message_checks import Violations, check_message

PEOPLE = frozenset({OWNER})
SILENT: dict[str, list[str]] = {"parse": []}


@pytest.mark.slow
async def test_no_odd_text_pings_escapes_crashes_or_exceeds_a_limit() -> None:
    measured = await measure(texts=3 * len(KINDS), commands=12, seed=1)

    assert measured.pings == ()
    assert measured.escapes == ()
    assert measured.crashes == ()
    assert measured.over_limits == ()
    assert set(measured.cards.by_kind.values()) == {3}
    assert measured.commands.messages >= 10


def test_every_mark_is_found_unless_it_is_made_inert() -> None:
    marks = (*fuzz.MENTIONS[:8], *fuzz.RICH[:2], *fuzz.RICH[4:], *fuzz.LINKS[:8], *fuzz.BIDI[:9], *fuzz.ANSI)
    lines = ("# x", "## x", "### x", "-# x", "> x", ">>> x", "- x", "+ x", "1. x", "  - x")
    spans = ("*x*", "**x**", "_x_", "__x__", "~~x~~", "||x||", "`x", "\ud800", "\x00", "\u2028")

    for mark in (*marks, *lines, *spans):
        assert markdown_oracle.active_marks(mark), mark
        assert not markdown_oracle.active_marks(inert(mark)), mark


@pytest.mark.parametrize(
    "markup", ["`*x*`", "```\n# x\n```", r"\*x\*", r"\<@1>", "snake_case_name", "12:30", "a: b"]
)
def test_code_escaped_signs_and_ordinary_writing_are_not_marks(markup: str) -> None:
    assert markdown_oracle.active_marks(markup) == []


def test_a_card_may_use_markup_and_mentions_but_its_texts_may_not() -> None:
    assert markdown_oracle.escapes(f"### Title\n**bold** ||`code`||\n-# by <@{OWNER}>", people=PEOPLE) == []
    assert markdown_oracle.escapes(f"<@{OWNER + 1}>", people=PEOPLE) == ["mention"]
    assert markdown_oracle.escapes(f"<@&{OWNER}>", people=PEOPLE) == ["mention"]
    assert markdown_oracle.escapes("**bold** **", people=PEOPLE) == ["strong"]
    assert markdown_oracle.escapes("||hidden|| ||", people=PEOPLE) == ["spoiler"]
    assert markdown_oracle.escapes("\u2068open", people=PEOPLE) == ["isolate"]


@pytest.mark.parametrize("allowed", [None, {}, {"parse": ["users"]}, {"parse": [], "users": ["1"]}])
def test_a_message_that_could_ping_is_found(allowed: object) -> None:
    text = {"type": 10, "content": "x"}
    loud = check_message({"components": [text], "allowed_mentions": allowed}, people=PEOPLE)
    silent = check_message({"data": {"components": [text], "allowed_mentions": SILENT}}, people=PEOPLE)

    assert loud is not None
    assert loud.pings
    assert silent == Violations()


@pytest.mark.parametrize(
    ("component", "limit"),
    [
        ({"type": 10, "content": "x" * 4_001}, "4001 characters"),
        ({"type": 10, "content": " "}, "an empty text"),
        ({"type": 2, "label": "x" * 81}, "a label of 81 characters"),
        ({"type": 2, "label": ""}, "a label of 0 characters"),
        ({"type": 3, "options": [{"label": "x" * 101, "value": "1"}]}, "a label of 101 characters"),
        ({"type": 12, "items": [{"description": "x" * 1_025}]}, "a description of 1025 characters"),
        ({"type": 17, "components": [{"type": 14}] * 40}, "41 components"),
    ],
)
def test_a_message_beyond_a_limit_is_found(component: dict[str, object], limit: str) -> None:
    found = check_message({"components": [component], "allowed_mentions": SILENT}, people=PEOPLE)

    assert found is not None
    assert found.over_limits == (limit,)


def test_a_seed_gives_the_same_texts_of_every_kind_and_length() -> None:
    texts = [fuzz.text(random) for random in [Random(7)] for _ in range(300)]

    assert texts == [fuzz.text(random) for random in [Random(7)] for _ in range(300)]
    assert max(map(len, texts)) == fuzz.LONGEST
    assert min(map(len, texts)) >= 1
    for wanted in (
        r"<@&",
        "```",
        "\x1b",
        "\x00",
        "[\ud800-\udfff]",
        "\u202e",
        "@everyone",
        "<t:",
        "https://",
    ):
        assert any(re.search(wanted, text) for text in texts), wanted


def test_typed_texts_have_no_surrogates_and_are_not_blank() -> None:
    random = Random(3)

    for _ in range(300):
        text = fuzz.typed(random)
        assert text.strip()
        assert text.encode()
