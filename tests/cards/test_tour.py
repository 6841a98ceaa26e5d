"""The seven cards of /tour: a picture each, true to its lesson, and within Discord's limits."""

import io
from dataclasses import replace
from math import exp, log
from typing import Any

import pytest
from discord import ButtonStyle, ui
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from PIL import Image

from bot import cards
from bot.cards import Audience, TourCard
from bot.cards.pictures.canvas import LEAST, LIGHT_COLOURS, SCALE
from bot.cards.tour import Lesson, describe_lesson, words
from bot.cards.tour.stations import AGAIN, SCORES, STATIONS
from bot.features.complete import CompletionRun
from bot.model.protocol import Candidate, SamplingParams, Step
from bot.text.pieces import Token
from bot.text.tokenization import Encodings
from tests.fakes.scripted_worker import scripted_info
from tests.support import strategies
from tests.support.drawing import drawn_by
from tests.support.limits import alt_of, assert_within_limits, buttons_of, text_of
from tests.support.samples import candidate, completion_run, step

ENCODINGS = Encodings()
MODEL = scripted_info()
RUN = completion_run("a" * 16, 530, 286, 262, 1178, params=SamplingParams(temperature=1.0, seed=42))
NUMBERS = range(1, len(STATIONS) + 1)
BLUE, YELLOW, GREEN, RED = LIGHT_COLOURS[:4]

# What a card may take, so that Share can still add a line.
MOST_COMPONENTS, MOST_CHARACTERS = 38, 3850
# What a person has to read on a card, besides its picture and the small print.
MOST_READ = 350
MOST_HEIGHT = 430  # units of a picture


def lesson(run: CompletionRun = RUN, **computed: Any) -> Lesson:
    """The content shown for ``run``; what is not given is made up."""
    made_up = {
        "rows": tuple(step(11) for _ in run.prompt_ids[1:]),
        "reshaped": ((0.5, step(530)), (1.5, step(530))),
        "again": run.token_ids,
    }
    return describe_lesson(run, MODEL, ENCODINGS, **{**made_up, **computed})


def content_of(station: int, content: Lesson | None = None, *, private: bool = False) -> TourCard:
    return TourCard("a" * 16, station, content or lesson(), Audience(1, private=private))


def card_of(station: int, content: Lesson | None = None) -> ui.LayoutView:
    return cards.tour(content_of(station, content))


def said(station: int, content: Lesson | None = None) -> str:
    """What the picture says in words."""
    return alt_of(card_of(station, content))


def written(station: int, content: Lesson | None = None) -> list[str]:
    """The texts in the picture itself."""
    drawn = drawn_by(content_of(station, content).shown.draw)
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in drawn.texts]


@st.composite
def contents(draw: st.DrawFn) -> TourCard:
    ids = ENCODINGS.encode(draw(strategies.long_texts.filter(bool)))[:1023]
    steps = tuple(draw(st.lists(strategies.steps, min_size=1, max_size=16)))
    run = completion_run(
        prompt_ids=ids,
        steps=steps,
        params=SamplingParams(temperature=1.0),
        finish_reason=draw(st.sampled_from(["stop", "length"])),
    )
    again = draw(st.lists(strategies.token_ids, max_size=16) | st.just(list(run.token_ids)))
    rows = (draw(strategies.steps),) * (len(ids) - 1)
    reshaped = ((0.5, draw(strategies.steps)), (1.5, draw(strategies.steps)))
    content = describe_lesson(run, MODEL, ENCODINGS, rows=rows, reshaped=reshaped, again=again)
    return TourCard(run.run_id, draw(st.sampled_from(NUMBERS)), content, draw(strategies.audiences))


@pytest.mark.slow
@given(contents())
def test_any_text_fits_in_a_card_that_can_be_shared(content: TourCard) -> None:
    view = cards.tour(content)
    ids = [button.custom_id for button in buttons_of(view).values()]

    assert_within_limits(view)
    assert view.total_children_count <= MOST_COMPONENTS
    assert view.content_length() <= MOST_CHARACTERS
    assert len(set(ids)) == len(ids) == (5 if content.station == 7 else 4)
    assert read(view) <= MOST_READ


def read(view: ui.LayoutView) -> int:
    """How many characters there are to read on a card besides its small print."""
    lines = text_of(view).splitlines()
    return len("\n".join(line for line in lines if not line.startswith("-# ")))


@pytest.mark.slow
@settings(max_examples=50)
@given(contents())
def test_any_station_can_be_drawn_in_letters_that_a_phone_can_show(content: TourCard) -> None:
    drawn = drawn_by(content.shown.draw)

    assert min(drawn.sizes) >= LEAST
    assert height_of(content.shown.draw()) <= MOST_HEIGHT


def height_of(png: bytes) -> float:
    return Image.open(io.BytesIO(png)).height / SCALE


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
def test_there_is_little_to_read_on_a_card(station: int) -> None:
    large = structs.replace(MODEL, parameters=774_030_080, vocabulary=50_257)
    spaced = replace(lesson(), model=large, text="London was ")

    assert read(card_of(station, spaced)) <= MOST_READ


@pytest.mark.parametrize("station", NUMBERS)
def test_the_picture_says_what_its_alt_text_says(station: int) -> None:
    told = said(station).replace("␣", " ")

    assert written(station)
    assert [text for text in written(station) if text.replace("␣", " ") not in told] == []


def test_the_buttons_go_back_and_on_but_not_before_the_start() -> None:
    for station in NUMBERS[:-1]:
        buttons = buttons_of(card_of(station))
        assert list(buttons) == ["Next", "Back", "Try it yourself", "Delete"]
        assert buttons["Back"].disabled == (station == 1)
        assert buttons["Next"].custom_id == f"tour:show:{'a' * 16}:{station + 1}"
        assert buttons["Next"].style is ButtonStyle.primary


def test_the_end_of_the_tour_leads_to_other_commands() -> None:
    buttons = buttons_of(card_of(7))

    assert list(buttons) == ["Walk a sentence", "Play a round", "Back", "Try it yourself", "Delete"]
    assert buttons["Walk a sentence"].custom_id == f"tour:walk:{'a' * 16}"
    assert buttons["Play a round"].custom_id == f"tour:play:{'a' * 16}"
    assert buttons["Back"].custom_id == f"tour:show:{'a' * 16}:6"


def test_the_small_print_has_the_settings_where_the_dice_roll() -> None:
    every = replace(RUN, params=SamplingParams(temperature=1.0, top_k=0, seed=42))  # as before version 0.3
    limited, unlimited = (
        [text_of(card_of(station, content)).splitlines()[-1] for station in NUMBERS]
        for content in (lesson(), lesson(every))
    )

    assert all(line.endswith(" · seed 42") for line in limited[:4])
    assert all(
        line.endswith(" · seed 42 · temperature 1 · top-k 50: the dice choose among its top 50")
        for line in limited[4:]
    )
    assert all(line.endswith(" · seed 42 · temperature 1") for line in unlimited[4:])


def test_the_tour_s_own_temperature_is_said_where_it_rolls() -> None:
    assert "This tour rolls at 1; elsewhere 0.9 is usual." in text_of(card_of(5))
    assert "temperature 0.5 (careful), 1 (as it is), 1.5 (daring)" in said(5)


def test_a_text_is_shown_as_its_tokens_and_their_signs_are_explained() -> None:
    assert written(1) == ["London was", "London", "␣was", "10 characters → 2 tokens", "␣ is a space"]
    assert "London was, cut into London | ␣was. 10 characters → 2 tokens. ␣ is a space" in said(1)


def test_a_byte_of_a_character_is_explained() -> None:
    run = replace(RUN, prompt_ids=ENCODINGS.encode("שלום\n"))

    assert "⏎ is a new line" in written(1, lesson(run))
    assert "\\x starts a byte that is only part of a character" in written(1, lesson(run))


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("a\r\n", "⏎ is a new line. \\x0D is a carriage return"),
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
    shown = said(1, replace(lesson(), tokens=tokens))

    assert shown.endswith(explained)
    assert "byte" not in shown


def test_ids_stand_below_their_tokens_and_one_letter_changes_them() -> None:
    assert written(2) == [
        "All that the model gets: its ids",
        *("23421", "London", "373", "␣was"),
        "One letter makes a difference:",
        *("23421", "London", "75, 3391", "london"),
    ]
    assert "London = 23421, ␣was = 373; as a list, [23421, 373]" in said(2)
    assert "One letter makes a difference: London = 23421, london = 75, 3391" in said(2)


@pytest.mark.parametrize("start", ["123", "שלום", "", "Llanfairpwllgwyngyll", "x" * 100])
def test_a_word_without_two_kinds_of_letters_or_of_many_tokens_is_no_example(start: str) -> None:
    run = replace(RUN, prompt_ids=ENCODINGS.encode(f"{start} was"))

    assert ("One letter" in said(2, lesson(run))) == (start == "")


def test_the_matrix_has_its_size_and_in_each_row_the_highest_score() -> None:
    rows = (Step(candidate(11), (candidate(11, logit=7.25),), 1.0),)
    steps = (Step(candidate(530), (candidate(262, logit=-5.5), candidate(50_256)), 1.0),)
    content = lesson(replace(RUN, steps=steps), rows=rows)

    assert written(SCORES, content) == [
        "2 rows × 50,257 = 100,514 scores",
        *("London", "highest: 7.25 for ,"),
        *("␣was", "highest: −5.50 for ␣the"),
    ]
    assert "after London, highest: 7.25 for ,; after ␣was, highest: −5.50 for ␣the" in said(SCORES, content)


def test_only_the_last_row_of_the_matrix_is_highlighted_where_it_scores_highest() -> None:
    drawn = drawn_by(content_of(SCORES).shown.draw)
    (left, top, _, bottom), *others = drawn.outlined
    chips = [box for box, colour in drawn.filled if colour == YELLOW]

    assert others == []
    assert [top < box[1] < bottom for box in chips] == [True, True]  # the token's chip and one cell
    assert chips[0][2] < left < chips[1][0]
    assert drawn.texts.index("␣was") > drawn.texts.index("London")


def test_a_text_of_one_token_has_one_row() -> None:
    alone = lesson(replace(RUN, prompt_ids=(23421,)))

    assert written(SCORES, alone)[:2] == ["1 row × 50,257 = 50,257 scores", "London"]


@pytest.mark.parametrize(
    ("station", "what"),
    [(1, "… and 970 tokens before"), (2, "… and 985 tokens before"), (3, "… 995 rows before")],
)
def test_the_end_of_a_long_text_is_shown_and_the_rest_counted(station: int, what: str) -> None:
    run = replace(RUN, prompt_ids=(262,) * 1000)

    assert what in written(station, lesson(run))


def test_the_five_most_likely_have_their_shares_and_scores() -> None:
    drawn = drawn_by(content_of(4).shown.draw)
    bars = drawn.widths(BLUE, height=12)

    assert "1. ␣one 60.7 %, id 530 · logit 2.25" in said(4)
    assert "60.7 %" in written(4)
    assert "**London was** ▁▁▁" in text_of(card_of(4))
    assert [bar / bars[0] for bar in bars] == pytest.approx(
        [exp(0.5 - 0.5 * place) for place in range(1, 6)], abs=0.02
    )


def shares(*logprobs: float) -> tuple[Candidate, ...]:
    return tuple(
        candidate(262 + place, rank=place, logprob=logprob) for place, logprob in enumerate(logprobs, start=1)
    )


def test_the_temperatures_stand_side_by_side() -> None:
    own, careful, daring = (
        Step(five[1], five, 1.0)
        for five in (
            shares(log(0.4), log(0.2), log(0.1), log(0.05), log(0.05)),
            shares(log(0.8), log(0.16), log(0.02), log(0.01), log(0.01)),
            shares(log(0.1), log(0.08), log(0.06), log(0.05), log(0.05)),
        )
    )
    content = lesson(replace(RUN, steps=(own,)), reshaped=((0.5, careful), (1.5, daring)))
    drawn = drawn_by(content_of(5, content).shown.draw)
    text = written(5, content)

    assert text[:6] == ["0.5", "careful", "1", "as it is", "1.5", "daring"]
    first, second = (ENCODINGS.token(token_id, "gpt2").visible for token_id in (263, 264))
    assert text[6:14] == [first, "80.0 %", "40.0 %", "10.0 %", second, "16.0 %", "20.0 %", "8.0 %"]
    assert text[-7:] == [
        "all others",
        "≈ 0 %",
        "20.0 %",
        "66.0 %",
        "drew",
        second,
        "its 2nd choice",
    ]
    blue, yellow = drawn.widths(BLUE, height=10), drawn.widths(YELLOW, height=10)
    assert [bar / blue[0] for bar in blue[:3]] == pytest.approx([1, 0.5, 0.125], abs=0.01)
    assert [bar / blue[0] for bar in yellow] == pytest.approx([0.2, 0.25, 0.1], abs=0.01)


def test_a_drawn_token_beyond_the_five_has_a_row_and_its_share_at_each_temperature() -> None:
    five = shares(*[log(0.1)] * 5)
    drawn = candidate(530, rank=700, logprob=log(0.004), logit=2.25 - 2 * log(5))
    steps = (Step(drawn, five, 1.0),)
    half = Step(five[0], five, 1.0)
    text = written(5, lesson(replace(RUN, steps=steps), reshaped=((0.5, half), (1.5, half))))
    place = text.index("␣one")

    # At temperature 0.5, a logit lower by 2 ln 5 divides the share of the top guess by 5 to the 4th.
    assert text[place + 1 : place + 3] == ["0.016 %", "0.4 %"]
    assert text[-1] == "its 700th choice"


def test_appending_is_shown_round_by_round() -> None:
    text = written(6)

    assert text[:6] == ["London was", "␣one", "London was one", "␣of", "London was one of", "␣the"]
    assert text[6:] == ["After 4 rounds:", "London", "␣was", "␣one", "␣of", "␣the", "␣few"]
    assert "London was + ␣one; London was one + ␣of" in said(6)
    assert "After 4 rounds: London was one of the few" in said(6)


def test_a_text_that_the_model_ended_says_so() -> None:
    ended = lesson(replace(RUN, finish_reason="stop"))

    assert "After 4 rounds, and the text ended itself:" in written(6, ended)


def test_an_identical_text_says_so_and_is_green() -> None:
    drawn = drawn_by(content_of(AGAIN).shown.draw)

    assert drawn.texts[-5:] == ["Again with seed 42: the same 4 tokens", "␣one", "␣of", "␣the", "␣few"]
    assert len(drawn.widths(GREEN, height=28)) == 4
    assert drawn.widths(RED, height=28) == []


@pytest.mark.parametrize(("again", "same"), [((530, 286, 257, 1178), 2), ((530,), 1), ((), 0)])
def test_a_different_text_is_not_called_identical(again: tuple[int, ...], same: int) -> None:
    content = lesson(again=again)
    drawn = drawn_by(content_of(AGAIN, content).shown.draw)

    assert f"Again with seed 42: {same} of 4 the same" in said(AGAIN, content)
    assert len(drawn.widths(GREEN, height=28)) == same
    assert len(drawn.widths(RED, height=28)) == len(again) - same


def test_what_it_is_not_has_the_model_s_own_numbers() -> None:
    large = structs.replace(MODEL, parameters=774_030_080, vocabulary=50_257)
    text = written(AGAIN, replace(lesson(), model=large))

    assert "774,030,080 numbers, fixed by training" in text
    assert "it saw these 2 tokens and nothing else" in text
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
    spaced = replace(lesson(), text="London was ")

    assert "the text ends with a space" in text_of(card_of(station, spaced))
    assert "the text ends with a space" not in text_of(card_of(station))
