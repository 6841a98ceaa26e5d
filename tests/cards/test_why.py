"""The *Why this word?* card shows one position of a text, and leads to the others."""

from dataclasses import replace
from typing import Any

import pytest
from discord import ui
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from bot import cards
from bot.cards import Audience, WhyCard
from bot.cards.layout import NO_BREAK
from bot.cards.pictures.bars import Bar
from bot.cards.why import PAGE
from bot.model.model_info import END_OF_TEXT
from bot.model.protocol import SamplingParams, Step
from bot.text.tokenization import Encodings
from tests.support import strategies
from tests.support.limits import alt_of, assert_within_limits, buttons_of, text_of
from tests.support.samples import candidate, completion_run, step

ENCODINGS = Encodings()
CLOSING = Audience(owner=1, private=True)

any_steps = st.builds(
    Step,
    chosen=strategies.candidates,
    candidates=st.lists(
        strategies.candidates, min_size=5, max_size=5, unique_by=lambda one: one.token_id
    ).map(tuple),
    entropy=st.floats(0, 15.62),
)


@st.composite
def contents(draw: st.DrawFn) -> WhyCard:
    count = draw(st.sampled_from([1, 2, 24, 25, 26, 50, 1024]))
    position = draw(st.integers(0, count - 1))
    step_ = draw(any_steps)
    names = st.one_of(strategies.texts.filter(bool), st.just("`" * 128), st.just("🙃" * 80))
    ids = [one.token_id for one in (step_.chosen, *step_.candidates)]
    return WhyCard(
        run_id=strategies.RUN_ID,
        prompt=draw(strategies.long_texts),
        before=draw(strategies.long_texts),
        after=draw(strategies.long_texts),
        position=position,
        tokens=tuple(draw(st.lists(names, min_size=1, max_size=3)) * count)[:count],
        chosen=(step_.chosen,) * count,
        step=step_,
        names={token_id: draw(names) for token_id in ids},
        params=draw(strategies.params),
        by_hand=draw(st.booleans()),
        private=draw(st.booleans()),
        most_surprising=draw(st.booleans()),
        audience=draw(strategies.audiences),
    )


def shown(position: int = 1, **changes: Any) -> WhyCard:
    run = completion_run("a" * 16, 530, 286, 262, **changes)
    return cards.describe_why(run, position, ENCODINGS, private=False, audience=CLOSING)


def menu_of(view: ui.LayoutView) -> ui.Select[Any]:
    (menu,) = (item for item in view.walk_children() if isinstance(item, ui.Select))
    return menu


@pytest.mark.slow
@given(contents())
@settings(max_examples=60)
def test_any_position_of_any_text_fits_in_a_message(content: WhyCard) -> None:
    view = cards.why(content)
    ids = [button.custom_id for button in view.walk_children() if isinstance(button, ui.Button)]
    options = menu_of(view).options

    assert_within_limits(view)
    assert len(ids) == len(set(ids))
    assert 1 <= len(options) <= PAGE
    assert all(1 <= len(option.label) <= 100 for option in options)
    assert [option.value for option in options if option.default] == [str(content.position)]


def test_the_token_is_marked_within_the_text() -> None:
    assert text_of(cards.why(shown())).startswith("**London was** one`␣of` the\n")


def test_the_picture_is_the_table_with_the_chosen_token_marked() -> None:
    bars = cards.why_bars(shown())

    assert bars[0] == Bar(
        "␣of", 1.0, f"60.7{NO_BREAK}%", rank="1", note="id 286 · logit 2.25", mark="chosen", colour="#ffd166"
    )
    assert [bar.mark for bar in bars[1:]] == [""] * 5
    assert bars[-1].label == "everything else"
    assert "1. ␣of 60.7 %, id 286 · logit 2.25, chosen; " in alt_of(cards.why(shown()))


def low() -> WhyCard:
    """A position at which a token far below the top five was chosen."""
    names = {id_: f"<{id_}>" for id_ in range(280, 300)}
    return replace(shown(), step=step(286, rank=1_204, logprob=-9.0), names=names)


def test_a_chosen_token_below_the_top_five_has_a_row_of_its_own() -> None:
    *_, chosen, rest = cards.why_bars(low())

    assert (chosen.label, chosen.rank, chosen.value, chosen.mark) == (
        "<286>",
        "1,204",
        f"0.012{NO_BREAK}%",
        "chosen",
    )
    assert rest.label == "everything else"
    assert "**It drew `<286>`, its 1,204th choice** (0.012 %)" in text_of(cards.why(low()))
    assert list(buttons_of(cards.why(low())))[:5] == [
        f"{place} <{286 + number}>" for number, place in enumerate("①②③④⑤", 1)
    ]


def test_numbers_have_every_figure() -> None:
    text = text_of(cards.why_numbers(low()))

    assert "**1,204.** `<286>` **0.012 %** · id 286 · logit" in text
    assert "Surprise of `<286>`: **12.98 bits**" in text
    assert text.count(" · logit ") == 6
    assert "Entropy of the whole distribution" in text


@pytest.mark.slow
@given(contents())
@settings(max_examples=60)
def test_numbers_of_any_position_fit_in_a_message(content: WhyCard) -> None:
    assert_within_limits(cards.why_numbers(content))


def test_every_other_candidate_can_be_forked_to() -> None:
    buttons = list(buttons_of(cards.why(shown())).values())

    assert [button.disabled for button in buttons[:5]] == [True, False, False, False, False]
    assert buttons[0].label == "① ␣of"
    assert buttons[1].label == f"② {ENCODINGS.token(288).visible}"
    assert buttons[1].custom_id == f"why:fork:{'a' * 16}:1:288:0"


def test_a_token_that_ends_the_text_cannot_be_forked_to() -> None:
    ending = structs.replace(step(286), candidates=(candidate(END_OF_TEXT), candidate(286)))
    content = replace(shown(), step=ending, names={END_OF_TEXT: "<|endoftext|>", 286: "␣of"})

    assert buttons_of(cards.why(content))["① <|endoftext|>"].disabled


@pytest.mark.parametrize(
    ("params", "by_hand", "said"),
    [
        (SamplingParams(), False, "It drew `␣of`"),
        (SamplingParams(temperature=0), False, "Greedy took `␣of`"),
        (SamplingParams(), True, "A person picked `␣of`"),
    ],
)
def test_the_card_says_how_the_token_was_chosen(params: SamplingParams, by_hand: bool, said: str) -> None:
    content = shown(params=params, by_hand=(1,) if by_hand else (0,))

    assert f"**{said}, its top choice** (60.7 %)." in text_of(cards.why(content))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (SamplingParams(temperature=0), "greedy · token"),
        (SamplingParams(temperature=0.7, top_k=0), "temperature 0.7 · token"),
        (SamplingParams(top_k=40), "temperature 0.9 · top-k 40 · token"),
        (SamplingParams(top_k=0, top_p=0.8), "temperature 0.9 · top-p 0.8 · token"),
        (SamplingParams(top_k=9, top_p=0.8), "temperature 0.9 · top-k 9 · top-p 0.8 · token"),
    ],
)
def test_the_small_print_says_which_settings_it_was_drawn_with(params: SamplingParams, said: str) -> None:
    assert said in text_of(cards.why(shown(params=params)))


def test_the_biggest_surprise_says_so() -> None:
    run = completion_run("a" * 16, 530, 286)
    run = replace(run, steps=(run.steps[0], step(286, logprob=-7.0)))
    first, second = (
        text_of(cards.why(cards.describe_why(run, position, ENCODINGS, private=False, audience=CLOSING)))
        for position in (0, 1)
    )

    assert "choice** (0.091 %), the biggest surprise in this text." in second
    assert "token 2 of 2" in second
    assert "surprise" not in first


def test_the_menu_has_one_page_of_tokens_and_the_buttons_turn_it() -> None:
    run = completion_run("a" * 16, *range(300, 360))
    view = cards.why(cards.describe_why(run, 25, ENCODINGS, private=False, audience=CLOSING))
    turns = {button.label: button for button in list(buttons_of(view).values())[-6:]}

    assert [option.value for option in menu_of(view).options] == [str(place) for place in range(25, 50)]
    assert menu_of(view).placeholder == "Tokens 26 to 50"
    assert {label: (turns[label].custom_id or "").split(":")[3] for label in list(turns)[:4]} == {
        "−25": "0",
        "‹ Back": "24",
        "Next ›": "26",
        "+25": "50",
    }
    assert list(turns)[-2:] == ["Numbers", "Share"]


def test_every_position_has_a_menu_of_its_own_so_that_it_shows_the_right_token() -> None:
    assert menu_of(cards.why(shown(0))).custom_id != menu_of(cards.why(shown(1))).custom_id


@pytest.mark.parametrize(
    ("position", "disabled"),
    [(0, ["−25", "‹ Back", "+25"]), (2, ["−25", "Next ›", "+25"])],
)
def test_at_the_ends_the_buttons_beyond_are_disabled(position: int, disabled: list[str]) -> None:
    turns = list(buttons_of(cards.why(shown(position))).values())[-6:]

    assert [button.label for button in turns if button.disabled] == disabled
