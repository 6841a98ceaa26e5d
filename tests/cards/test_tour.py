"""The seven cards of /tour: short, true to their lesson, and within Discord's limits."""

import re
from dataclasses import replace
from typing import Any

import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot import cards
from bot.cards import Audience, TourCard
from bot.cards.tour import Lesson, describe_lesson, words
from bot.cards.tour import shown as excerpts
from bot.cards.tour.stations import AGAIN, SCORES, STATIONS
from bot.features.complete import CompletionRun
from bot.model.protocol import Step
from bot.text.pieces import Token
from bot.text.tokenization import Encodings
from tests.fakes.scripted_worker import scripted_info
from tests.support import strategies
from tests.support.limits import assert_within_limits, buttons_of, text_of
from tests.support.samples import candidate, completion_run, step

ENCODINGS = Encodings()
MODEL = scripted_info()
RUN = completion_run("a" * 16, 530, 286, 262, 1178)
NUMBERS = range(1, len(STATIONS) + 1)

# What a card may take, so that Share can still add a line.
MOST_COMPONENTS, MOST_CHARACTERS = 38, 3850


def lesson(run: CompletionRun = RUN, **computed: Any) -> Lesson:
    """The content shown for ``run``; ``rows`` and ``again`` are made up if they are not given."""
    made_up = {"rows": tuple(step(11) for _ in run.prompt_ids[1:]), "again": run.token_ids}
    return describe_lesson(run, MODEL, ENCODINGS, **{**made_up, **computed})


def shown(station: int, content: Lesson | None = None) -> ui.LayoutView:
    return cards.tour(TourCard("a" * 16, station, content or lesson(), Audience(1, private=False)))


def said(station: int, content: Lesson | None = None) -> str:
    return text_of(shown(station, content))


@st.composite
def contents(draw: st.DrawFn) -> TourCard:
    ids = ENCODINGS.encode(draw(strategies.long_texts.filter(bool)))[:1023]
    steps = tuple(draw(st.lists(strategies.steps, min_size=1, max_size=16)))
    run = completion_run(prompt_ids=ids, steps=steps, finish_reason=draw(st.sampled_from(["stop", "length"])))
    again = draw(st.lists(strategies.token_ids, max_size=16) | st.just(list(run.token_ids)))
    rows = (draw(strategies.steps),) * (len(ids) - 1)
    content = describe_lesson(run, MODEL, ENCODINGS, rows=rows, again=again)
    return TourCard(run.run_id, draw(st.sampled_from(NUMBERS)), content, draw(strategies.audiences))


@pytest.mark.slow
@given(contents())
def test_any_text_fits_in_a_card_that_can_be_shared(content: TourCard) -> None:
    view = cards.tour(content)
    ids = [button.custom_id for button in buttons_of(view).values()]

    assert_within_limits(view)
    assert view.total_children_count <= MOST_COMPONENTS
    assert view.content_length() <= MOST_CHARACTERS
    assert len(set(ids)) == len(ids) == 4


@given(strategies.long_texts, st.sampled_from(NUMBERS), st.integers(0, 2**32 - 1))
def test_any_text_fits_in_the_modal(text: str, station: int, seed: int) -> None:
    modal = cards.own_text("a" * 16, station, text=text, seed=seed)

    assert len(modal.title) <= 45
    assert len(modal.custom_id) <= 100
    for label in modal.walk_children():
        if isinstance(label, ui.Label):
            assert len(label.text) <= 45
            assert len(label.description or "") <= 100
        if isinstance(label, ui.TextInput):
            assert len(label.placeholder or "") <= 100
            assert len((label.default or "").encode("utf-16-le")) // 2 <= (label.max_length or 0)


@pytest.mark.parametrize("station", NUMBERS)
def test_a_card_explains_in_few_words(station: int) -> None:
    explained = STATIONS[station - 1].explain(MODEL)

    assert len(explained.split()) <= 120


@pytest.mark.parametrize("station", NUMBERS)
def test_the_buttons_go_back_and_on_but_not_beyond_the_ends(station: int) -> None:
    buttons = buttons_of(shown(station))

    assert f"{station} of 7" in said(station)
    assert buttons["Back"].disabled == (station == 1)
    assert buttons["Next"].disabled == (station == 7)
    assert buttons["Next"].custom_id == f"tour:show:{'a' * 16}:{station + 1}"


def test_a_text_is_shown_as_its_tokens_and_their_signs_are_explained() -> None:
    text = said(1)

    assert "**London was**\n`London` `␣was`" in text
    assert "10 characters → 2 tokens · ␣ is a space" in text
    assert "new line" not in text


@pytest.mark.parametrize("station", NUMBERS)
def test_right_to_left_text_in_a_table_moves_nothing_beside_it(station: int) -> None:
    (shin,) = ENCODINGS.encode("ש")
    run = replace(RUN, prompt_ids=(shin, 530), steps=(step(shin), step(shin)))
    tables = said(station, lesson(run, rows=(step(shin),))).split("```")[1::2]

    for line in "".join(tables).splitlines():
        bare = re.sub("\u2068[^\u2068\u2069]*\u2069", "", line)
        assert "ש" not in bare
        assert ("ש" in line) == (line != bare)


def test_a_byte_of_a_character_is_explained() -> None:
    run = replace(RUN, prompt_ids=ENCODINGS.encode("שלום\n"))

    assert "⏎ is a new line · \\x starts a byte" in said(1, lesson(run))


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("a\r\n", "⏎ is a new line · \\x0D is a carriage return"),
        ("\x00", "\\x00 is a null character"),
        ("\x01", "\\x01 is a control character"),
        ("\x7f", "\\x7F is a delete character"),
        ("\t", "⇥ is a tab"),
        ("\u00a0", "⟨U+00A0⟩ is an invisible character"),
        ("\ufeff", "⟨U+FEFF⟩ is an invisible character"),
        ("\u0085", "⟨U+0085⟩ is an invisible character"),
    ],
)
def test_a_control_character_is_no_part_of_one(text: str, explained: str) -> None:
    tokens = tuple(Token(0, part.encode()) for part in text)
    said_of_it = excerpts.tokens(replace(lesson(), tokens=tokens))

    assert said_of_it.endswith(explained)
    assert "byte" not in said_of_it


def test_ids_stand_beside_their_tokens_and_one_letter_changes_them() -> None:
    text = said(2)

    assert "23421  London\n  373  ␣was" in text
    assert "All that the model gets: `[23421, 373]`" in text
    assert "`London` is `[23421]`, `london` is `[75, 3391]`" in text


@pytest.mark.parametrize("start", ["123", "שלום", "", "Llanfairpwllgwyngyll", "x" * 100])
def test_a_word_without_two_kinds_of_letters_or_of_many_tokens_is_no_example(start: str) -> None:
    run = replace(RUN, prompt_ids=ENCODINGS.encode(f"{start} was"))

    assert ("One letter" in said(2, lesson(run))) == (start == "")


def test_the_table_has_its_shape_and_for_each_row_the_highest_score() -> None:
    rows = (Step(candidate(11), (candidate(11, logit=7.25),), 1.0),)
    steps = (Step(candidate(530), (candidate(262, logit=-5.5),), 1.0),)
    text = said(SCORES, lesson(replace(RUN, steps=steps), rows=rows))

    assert "`[1, 2, 50257]`: 1 text × 2 tokens × 50,257 scores, 100,514 numbers in all" in text
    assert re.search(r"\n  London +7\.25  ,\n", text)
    assert re.search(r"\n▶ ␣was +−5\.50  ␣the\n", text)


def test_a_text_of_one_token_has_one_row() -> None:
    text = said(SCORES, lesson(replace(RUN, prompt_ids=(23421,))))

    assert "`[1, 1, 50257]`: 1 text × 1 token ×" in text
    assert "▶ London" in text


@pytest.mark.parametrize(
    ("station", "what"), [(1, "40 tokens; 960"), (2, "10 tokens; 990"), (3, "10 rows; 990")]
)
def test_the_end_of_a_long_text_is_shown_and_the_rest_counted(station: int, what: str) -> None:
    run = replace(RUN, prompt_ids=(262,) * 1000)

    assert f"the last {what} earlier ones are left out" in said(station, lesson(run))


def test_the_five_most_likely_have_their_shares_and_scores() -> None:
    text = said(4)

    assert text.count("░\n") + text.count("█\n") >= 4
    assert "**1.** `␣one` **60.7 %** · score 2.25" in text
    assert "The other 50,252 tokens share the rest" in text


@pytest.mark.parametrize(
    ("rank", "luck"),
    [
        (1, "the top guess"),
        (3, "among the top five"),
        (700, "not among the top five, but together the others have 10.0 % of the wheel"),
    ],
)
def test_the_draw_says_how_likely_it_was(rank: int, luck: str) -> None:
    most_likely = tuple(candidate(262 + place, rank=place, logprob=-1.7147984) for place in range(1, 6))
    drawn = Step(candidate(530, rank=rank, logprob=-4.60517), most_likely, 1.0)
    text = said(5, lesson(replace(RUN, steps=(drawn,))))

    assert "Seed 42 draws `␣one` **1.0 %**" in text
    assert f"rank {rank:,} of 50,257: {luck}" in text
    assert ("Greedy would take" in text) == (rank > 1)


def test_appending_is_shown_round_by_round() -> None:
    text = said(6)

    assert "London was + ␣one\nLondon was one + ␣of\nLondon was one of + ␣the\n" in text
    assert "After 4 rounds:\n**London was** one of the few" in text


def test_a_text_that_the_model_ended_says_so() -> None:
    ended = replace(RUN, finish_reason="stop")

    assert "The last token drawn ends the text" in said(6, lesson(ended))
    assert "The last token drawn ends the text" not in said(6)


def test_an_identical_text_says_so() -> None:
    assert "✅ the same 4 tokens as before.\n**London was** one of the few" in said(AGAIN)


@pytest.mark.parametrize(("again", "same"), [((530, 286, 257, 1178), 2), ((530,), 1), ((), 0)])
def test_a_different_text_is_not_called_identical(again: tuple[int, ...], same: int) -> None:
    text = said(AGAIN, lesson(again=again))

    assert f"❌ of 4 tokens, only the first {same} are the same" in text
    assert "✅" not in text
    assert "Before: **London was** one of the few" in text


def test_the_model_is_described_by_its_own_numbers() -> None:
    large = structs.replace(MODEL, parameters=774_030_080, vocabulary=50_257)

    assert "774,030,080 numbers in a file" in words.what_it_is_not(large)
    assert "a fixed list of 50,257" in words.tokens(large)
    assert "from 0 to 50,256" in words.ids(large)


def test_where_the_seed_matters_the_modal_asks_for_it_and_keeps_the_text() -> None:
    fields = {
        station: {
            item.custom_id: item.default
            for item in cards.own_text("a" * 16, station, text="London was", seed=7).walk_children()
            if isinstance(item, ui.TextInput)
        }
        for station in NUMBERS
    }

    assert fields[1] == {"text": None}
    assert fields[5] == {"text": "London was", "seed": "7"}


@pytest.mark.parametrize("station", NUMBERS)
def test_a_space_at_the_end_of_the_text_is_pointed_out(station: int) -> None:
    assert "The prompt ends with a space" in said(station, replace(lesson(), text="London was "))
    assert "The prompt ends with a space" not in said(station)
