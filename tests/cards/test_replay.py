"""The *Replay* card says identical, or what differs and what has changed."""

from dataclasses import replace

import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import Audience, ReplayCard
from bot.cards.layout import PRIVATE_COLOUR
from bot.features.replay import Changed, Difference, Replay, compare, rerun
from bot.text.tokenization import Encodings
from tests.support import strategies
from tests.support.limits import assert_within_limits, buttons_of, text_of
from tests.support.samples import ADA, FINGERPRINT, NOON, candidate, completion_run, step

ENCODINGS = Encodings()
SAME = Replay(tokens=64, difference=None, exact=True, drift=0.0, changed=())
OTHER = Difference(12, then=candidate(530), now=candidate(257, rank=2, logprob=-0.75))
CONTENT = ReplayCard(
    replay=SAME,
    text="London was one",
    given=0,
    names={530: "␣one", 257: "␣a"},
    fingerprint="1a2b3c4d5e6f",
    made="2026-11-24 20:00 UTC",
    audience=Audience(owner=1, private=True),
)
tokens = st.none() | strategies.candidates
replays = st.builds(
    Replay,
    tokens=st.integers(1, 1023),
    difference=st.none() | st.builds(Difference, position=st.integers(0, 1023), then=tokens, now=tokens),
    exact=st.booleans(),
    drift=st.floats(0, 1000),
    changed=st.lists(
        st.builds(
            Changed,
            part=st.sampled_from(["weights", "precision", "processor", "torch", "engine"]),
            then=strategies.texts,
            now=strategies.texts,
        ),
        max_size=5,
    ).map(tuple),
)


def said(**changes: object) -> str:
    return text_of(cards.replayed(replace(CONTENT, **changes)))  # type: ignore[arg-type]


@pytest.mark.slow
@given(replays, strategies.long_texts, st.integers(0, 1023), strategies.texts.filter(bool))
def test_any_replay_fits_in_a_message(found: Replay, text: str, given_: int, name: str) -> None:
    names = dict.fromkeys(range(50257), name)

    assert_within_limits(cards.replayed(replace(CONTENT, replay=found, text=text, given=given_, names=names)))


def test_identical_to_the_last_bit() -> None:
    text = said()

    verdict, facts = text.splitlines()[1:]
    assert verdict.startswith(
        "✅ **Identical.** The model wrote the same 64 tokens again; at each step its top"
    )
    assert verdict.endswith("five scores (logits) match to the last bit.")
    assert facts == "-# fingerprint 1a2b3c4d5e6f · saved reply from 2026-11-24 20:00 UTC"
    assert list(buttons_of(cards.replayed(CONTENT))) == ["Share"]


def test_identical_tokens_with_other_logits_say_how_far_apart_these_are() -> None:
    assert "The scores (logits) differ by up to 0.000012." in said(
        replay=replace(SAME, exact=False, drift=1.2e-5)
    )
    assert "by less than 0.000001." in said(replay=replace(SAME, exact=False, drift=1e-9))
    assert "The scores (logits) match, but" in said(replay=replace(SAME, exact=False, drift=0.0))


def test_only_the_end_of_a_long_text_is_shown() -> None:
    text = said(text="word " * 200 + "end")

    assert text.startswith("…")
    assert "word end\n" in text
    assert len(text.splitlines()[0]) <= 300
    assert said(text="a\n" * 99 + "b").splitlines()[:5] == ["…a", "a", "a", "a", "b"]


def test_a_private_replay_has_the_colour_of_private_cards() -> None:
    for difference in (None, OTHER):
        (frame,) = cards.replayed(replace(CONTENT, replay=replace(SAME, difference=difference))).children

        assert isinstance(frame, ui.Container)
        assert frame.accent_colour == PRIVATE_COLOUR


def test_the_first_token_that_differs_is_named_with_both_probabilities() -> None:
    text = said(replay=replace(SAME, exact=False, difference=OTHER))

    assert (
        "❌ **Different from token 13 on:** then `␣one` (rank 1, 60.7 %), now `␣a` (rank 2, 47.2 %)." in text
    )
    assert text.startswith("London was one ▁▁▁")
    assert "please tell the people who run this bot" in text


def test_given_tokens_are_counted() -> None:
    text = said(given=5, replay=replace(SAME, exact=False, difference=OTHER))

    assert "token 18 on" in text
    assert "The first 5 tokens, up to the last hand-picked one, were given" in text
    assert "The first token, picked by hand, was given" in said(given=1)
    assert "given" not in said()


def test_the_end_of_a_text_can_be_the_difference() -> None:
    assert ", now the end of the text." in said(replay=replace(SAME, difference=replace(OTHER, now=None)))


def test_changes_since_are_listed() -> None:
    changed = (Changed("precision", "float32", "int8"), Changed("weights", "sha256:" + "a" * 64, "commit:b"))
    text = said(replay=replace(SAME, exact=False, difference=OTHER, changed=changed))

    assert (
        "\nChanged since: the precision `float32` → `int8`; "
        "the model's weights `sha256:aaaaaaaaaaaaaaaa…` → `commit:b`.\n" in text
    )
    assert "please tell" not in text


def test_the_common_part_of_both_texts_is_shown() -> None:
    again = rerun(completion_run("a" * 16, 530, 286, 262), owner=ADA, context=1024)
    found = compare(again.then, (step(530), step(257), step(1)), FINGERPRINT, FINGERPRINT)
    content = cards.describe_replay(
        again, found, ENCODINGS, today=FINGERPRINT, made=NOON, audience=CONTENT.audience
    )

    assert content.text == "London was one"
    assert content.names == {286: "␣of", 257: "␣a"}
