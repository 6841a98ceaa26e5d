"""The /surprise card shows every token's surprise in colour, and the three biggest in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot import cards
from bot.cards import Audience, SurpriseCard
from bot.cards.pictures.canvas import LEAST, MARGIN, WIDTH, lettered, units
from bot.cards.pictures.cells import Cells
from bot.cards.pictures.legend import Legend
from bot.cards.pictures.stack import stacked
from bot.cards.pictures.tiles import CAPTIONED, COMPACT, Rows
from bot.cards.surprise import LISTING, PICTURE, surprise_tiles
from bot.features.surprise import Reading, reading
from bot.model.protocol import Candidate, Step
from tests.support import strategies
from tests.support.drawing import drawn_by
from tests.support.limits import (
    alt_of,
    assert_within_limits,
    buttons_of,
    parts_of_a_card_with_a_file,
    text_of,
)
from tests.support.scoring import ENCODINGS, LIKELIER, LONDON, READ, read, read_evenly

HIGHEST = 550  # units: 400 pixels on a phone


def described(read: Reading, *, private: bool = False) -> SurpriseCard:
    return cards.describe_surprise(
        read, model="gpt2-large", vocabulary=50_257, audience=Audience(815, private)
    )


def shown(read: Reading) -> str:
    return text_of(cards.surprise(described(read)))


@pytest.mark.slow
@given(strategies.long_texts, st.lists(strategies.steps, min_size=1, max_size=40), strategies.audiences)
def test_any_text_fits_in_a_message(text: str, steps: list[Step], audience: Audience) -> None:
    ids = ENCODINGS.encode("a " + text)[:1024]
    found = reading(ids, [steps[at % len(steps)] for at in range(len(ids) - 1)], ENCODINGS.token)
    content = cards.describe_surprise(found, model="m" * 300, vocabulary=50_257, audience=audience)

    assert_within_limits(cards.surprise(content))
    assert sum(block.height + 14 for block in content.picture) <= HIGHEST


def test_the_card_has_the_order_of_all_cards() -> None:
    head, picture, result, file, facts = parts_of_a_card_with_a_file(cards.surprise(described(READ)))

    assert head.content.startswith("### How surprising is this text?\n")
    assert picture.items[0].media.url == f"attachment://{PICTURE}"
    assert len(result.content.splitlines()) == 3
    assert file.media.url == f"attachment://{LISTING}"
    assert facts.content == (
        "-# gpt2-large · 5 tokens · 1 bit = one coin flip · the first token isn't scored · ␣ is a space"
    )


def test_a_short_text_s_tiles_have_their_bits() -> None:
    rows, legend = described(READ).picture
    assert isinstance(rows, Rows)
    tiles = surprise_tiles(READ.parts(), READ.most_surprising(1))

    assert rows.style is CAPTIONED
    assert isinstance(legend, Legend)
    assert [(tile.text, tile.captions, tile.is_marked) for tile in tiles] == [
        ("London", ("–",), False),
        ("␣was", ("1",), False),
        ("␣one", ("6",), False),
        ("␣of", ("20",), True),
        ("␣the", ("2",), False),
    ]
    assert len({tile.colour for tile in tiles}) == 4
    assert tiles[1].colour == tiles[4].colour


def test_every_colour_is_in_the_legend_with_its_bits() -> None:
    bits = (2, 6, 10, 11)
    found = read(*[(9, -count * math.log(2)) for count in bits])
    _, legend = described(found).picture
    assert isinstance(legend, Legend)
    _, *tiles = surprise_tiles(found.parts(), ())

    assert [(tile.colour, words) for tile, (_, words) in zip(tiles, legend.colours, strict=True)] == [
        (colour, words) for colour, words in legend.colours
    ]
    drawn = drawn_by(lambda: stacked([legend]))
    last = units(lettered("11+", LEAST))
    assert drawn.texts == [legend.title, *(words for _, words in legend.colours)]
    assert max(right for (_, _, right, _), _ in drawn.filled) + 5 + last <= WIDTH - MARGIN
    assert [words for _, words in legend.colours] == ["0–2", "3–6", "7–10", "11+"]


def test_a_longer_text_has_its_tiles_without_bits() -> None:
    rows, _ = described(read_evenly("one two three four five " * 14)).picture
    assert isinstance(rows, Rows)

    assert (rows.style, rows.left_out) == (COMPACT, 0)


def test_a_long_text_is_a_map_with_the_passages_around_its_biggest_surprises() -> None:
    ids = ENCODINGS.encode("one two three four five " * 80)
    surprising = {50: -9.0, 200: -8.0, 300: -7.0}
    found = read(*[(3, surprising.get(at, -1.0)) for at in range(1, len(ids))], ids=ids)
    cells, *passages, legend = described(found).picture

    assert isinstance(cells, Cells)
    assert len(cells.colours) == len(ids)
    assert cells.marked == set(surprising)
    assert isinstance(legend, Legend)
    for rows, bits in zip(passages, ("13", "12", "10"), strict=True):
        assert isinstance(rows, Rows)
        assert [shaped.tile.captions for shaped in rows.rows[0] if shaped.tile.is_marked] == [(bits,)]


@pytest.mark.parametrize(
    "text", ["안녕하세요 " * 300, "สวัสดี " * 300, "שלום עולם " * 150, "😀" * 300, "\n" * 900]
)
def test_a_text_in_any_script_can_be_drawn(text: str) -> None:
    content = described(read_evenly("a" + text))

    assert stacked(content.picture).startswith(b"\x89PNG")


def test_the_picture_is_described() -> None:
    assert alt_of(cards.surprise(described(READ))) == (
        "The biggest surprises: ␣of 20, ␣one 6, ␣the 2. "
        "Each token with its surprise in bits: London – | ␣was 1 | ␣one 6 | ␣of 20 | ␣the 2"
    )


def test_the_biggest_surprises_come_with_the_model_s_top_guess() -> None:
    assert shown(READ).splitlines()[2:5] == [
        "`␣of` **20 bits** · it expected `␣a`",
        "`␣one` **6 bits** · it expected `␣a`",
        "`␣the` **2 bits** · it expected `␣a`",
    ]


def test_a_character_of_several_tokens_is_one_surprise() -> None:
    found = read((9, -2.0), (500, -12.0), ids=ENCODINGS.encode("a😀"))

    assert "`😀` **20 bits** in 2 tokens" in shown(found)
    assert surprise_tiles(found.parts(), ())[1].captions == ("20",)


def test_a_surprise_whose_likelier_tokens_are_withheld_has_its_rank() -> None:
    ids = LONDON[:2]
    step = Step(Candidate(ids[1], 1.0, -4.0, 22), LIKELIER, 1.0)
    found = reading(ids, [step], ENCODINGS.token, hidden=lambda _: True)

    assert "`␣was` **6 bits**, its 22nd choice" in shown(found)


def test_right_to_left_text_does_not_move_what_is_beside_it() -> None:
    assert "`\u2068ו\u2069` **6 bits** · it expected" in shown(read_evenly("שלום"))


def test_a_text_without_surprises_says_so() -> None:
    content = described(read(*[(1, -0.1)] * 4))

    assert "**No surprises:** every token was the model's top guess." in text_of(cards.surprise(content))
    assert content.picture_text.startswith("Each token with")


def test_two_long_names_share_a_line_on_a_phone() -> None:
    ids = (257, ENCODINGS.encode("-" * 64)[0])
    (guess,) = ENCODINGS.encode(" consideration")

    assert "`" + "-" * 9 + "…` **6 bits** · it expected `␣a`" in shown(read((12, -4.0), ids=ids))
    step = Step(Candidate(ids[1], 1.0, -4.0, 12), (Candidate(guess, 9.0, -0.5, 1),), 1.0)
    both = reading(ids, [step], ENCODINGS.token, hidden=lambda _: False)
    assert "`-----…` **6 bits** · it expected `␣cons…`" in shown(both)


@pytest.mark.parametrize(
    ("perplexity", "said"),
    [
        (1.2, "The model was almost certain of every token."),
        (12.34, "Guessing each token was like choosing among **12 equal options**."),
        (50_257, "Guessing each token was like choosing among **50,257 equal options**."),
        (60_000, "A blind pick among all 50,257 tokens would have guessed better than the model."),
        (math.inf, "A blind pick among all 50,257 tokens would have guessed better than the model."),
    ],
)
def test_how_hard_the_text_was_to_guess_is_one_sentence(perplexity: float, said: str) -> None:
    logprob = -900.0 if perplexity == math.inf else -math.log(perplexity) + 1e-9

    assert shown(read(*[(9, logprob)] * 4)).splitlines()[1] == said


def test_the_signs_that_occur_are_explained() -> None:
    assert shown(READ).endswith(" · ␣ is a space")
    assert shown(read_evenly("a b\n\tc")).endswith(" · ␣ is a space, ⏎ a line break, ⇥ a tab")
    assert shown(read((1, -1.0), ids=ENCODINGS.encode("a."))).endswith(" · the first token isn't scored")
    # Of a character's tokens only the character is shown, not their bytes.
    assert "byte" not in shown(read((9, -2.0), (500, -12.0), ids=ENCODINGS.encode("a😀")))


def test_a_picture_that_lacks_a_character_points_to_the_file() -> None:
    said = "U+… in the picture is a character its fonts don't have; see surprise.txt."

    assert said in shown(read_evenly("a 𒀀"))
    assert "fonts" not in shown(READ)


def test_a_model_s_name_cannot_format_the_line() -> None:
    content = cards.describe_surprise(READ, model="*x*", vocabulary=50_257, audience=Audience(1, True))

    assert "-# \\*x\\* · 5 tokens" in text_of(cards.surprise(content))


def test_only_the_first_surprises_are_marked() -> None:
    ids = ENCODINGS.encode("one two three four five six seven")
    steps = [Step(Candidate(id_, 1.0, -float(at), 400), LIKELIER, 1.0) for at, id_ in enumerate(ids[1:], 1)]
    steps[0] = replace(
        steps[0], chosen=Candidate(ids[1], 1.0, -50.0, 1)
    )  # the model's top guess all the same
    rows, _ = described(reading(ids, steps, ENCODINGS.token)).picture
    assert isinstance(rows, Rows)

    assert [shaped.tile.text for row in rows.rows for shaped in row if shaped.tile.is_marked] == [
        "␣five",
        "␣six",
        "␣seven",
    ]


@pytest.mark.parametrize(("private", "label"), [(True, "Share"), (False, "Delete")])
def test_it_can_be_shared_or_deleted(private: bool, label: str) -> None:
    assert list(buttons_of(cards.surprise(described(READ, private=private)))) == [label]
