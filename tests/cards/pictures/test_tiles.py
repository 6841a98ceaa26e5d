"""A text's tiles have their places, whatever the text is, and never need more room than they are given."""

import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

from bot.cards.pictures import fonts
from bot.cards.pictures.canvas import INNER, LEAST, MARGIN, SCALE, WHITE, WIDTH
from bot.cards.pictures.stack import stacked
from bot.cards.pictures.tiles import CAPTIONED, COMPACT, Rows, Style, Tile, fitted, passages, rows_of
from bot.cards.tokens import token_tiles
from bot.text.tokenization import Encodings

UPPER_EDGE = (MARGIN + 2) * SCALE  # a row of pixels inside the first row of tiles, above their texts
PURE = ("#ff0000", "#00ff00", "#0000ff", "#ffff00")
GREEN = "#a5e6ba"
SEVEN = 7 * (CAPTIONED.height + CAPTIONED.gap) + 24
ENCODINGS = Encodings()

styles = pytest.mark.parametrize("style", [CAPTIONED, COMPACT], ids=["captioned", "compact"])


def tiles_of(text: str) -> list[Tile]:
    return token_tiles(ENCODINGS.cut(text, "gpt2").pieces)


def words(*texts: str, colour: str = GREEN) -> list[Tile]:
    return [Tile(text, ("1",), colour) for text in texts]


def picture_of(rows: Rows) -> Image.Image:
    return Image.open(io.BytesIO(stacked([rows]))).convert("RGB")


def texts_in(rows: Rows) -> list[list[str]]:
    return [[shaped.tile.text for shaped in row] for row in rows.rows]


def boxes_in(picture: Image.Image) -> int:
    """Count the boxes of the first row: stretches of colour along its upper edge."""
    row = [picture.convert("L").getpixel((x, UPPER_EDGE)) for x in range(picture.width)]
    bright = [isinstance(value, int) and value > 128 for value in row]
    return sum(1 for before, now in zip([False, *bright], bright, strict=False) if now and not before)


def pixels_of(picture: Image.Image, colour: str) -> int:
    wanted = ImageColor.getrgb(colour)
    return sum(count for count, found in picture.getcolors(1 << 24) or () if found == wanted)


def test_each_token_has_a_tile() -> None:
    assert boxes_in(picture_of(rows_of(tiles_of("Paris will be"), CAPTIONED, 7))) == 3


@styles
def test_a_character_of_several_tokens_is_one_tile_with_a_cut_between_them(style: Style) -> None:
    whole, cut = (
        picture_of(rows_of([Tile("文", captions, GREEN)], style, 1)) for captions in (("1",), ("1", "2"))
    )
    lower = round((MARGIN + style.height - 2) * SCALE)

    assert boxes_in(whole) == boxes_in(cut) == 1
    for picture, stretches in ((whole, 1), (cut, 2)):
        bottom = picture.crop((0, lower, picture.width, lower + 1))
        found = [
            bottom.getpixel((x, 0)) == picture.getpixel((MARGIN * SCALE + 9, UPPER_EDGE)) for x in range(400)
        ]
        assert (
            sum(now and not before for before, now in zip([False, *found], found, strict=False)) == stretches
        )


def test_the_smallest_letters_are_no_smaller_than_a_phone_can_show() -> None:
    assert COMPACT.size >= LEAST
    assert CAPTIONED.size >= LEAST


def test_the_same_text_gives_the_same_picture() -> None:
    tiles = tiles_of("London was one of 文 🙂")

    assert stacked([rows_of(tiles, CAPTIONED, 7)]) == stacked([rows_of(tiles, CAPTIONED, 7)])


@settings(max_examples=25)
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
        st.text("aб12 \n(.\u0301\u0651\u200c\u200d\u202eשלוםمرحبا۱कि्षกำமொ각👩\ufe0f", max_size=300),
    ),
    st.sampled_from([CAPTIONED, COMPACT]),
)
def test_any_text_can_be_drawn(text: str, style: Style) -> None:
    tiles = tiles_of(text)
    rows = rows_of(tiles, style, 7)
    picture = picture_of(rows)

    assert picture.width == WIDTH * SCALE
    assert rows.height <= SEVEN
    assert sum(map(len, rows.rows)) + rows.left_out == len(tiles)
    assert all(sum(one.width + style.gap for one in row) - style.gap <= INNER + 0.01 for row in rows.rows)


@pytest.mark.parametrize(
    "text", ["😀" * 3000, "W" * 6000, " " * 6000, "i " * 3000, "שלום " * 1200, "\u0301" * 6000, "안녕" * 3000]
)
def test_a_long_text_costs_no_more_than_what_is_shown(text: str) -> None:
    tiles = tiles_of(text)
    started = time.process_time()
    png = stacked([fitted(tiles, captioned=7, compact=10)])

    assert len(png) < 150_000
    assert time.process_time() - started < 1  # 0.1 on an idle machine


def test_what_does_not_fit_is_counted() -> None:
    rows = rows_of(words(*["word"] * 150), CAPTIONED, 2)

    assert len(rows.rows) == 2
    assert rows.left_out == 150 - sum(map(len, rows.rows)) > 0
    assert rows_of(words(*["word"] * 5_000), CAPTIONED, 2).left_out == rows.left_out + 4_850
    assert rows.height > rows_of(words(*["word"] * 5), CAPTIONED, 2).height


def test_tiles_that_do_not_fit_with_captions_are_compact() -> None:
    assert fitted(words(*["word"] * 30), captioned=7, compact=12).style is CAPTIONED
    assert fitted(words(*["word"] * 80), captioned=7, compact=12).style is COMPACT
    assert fitted(words(*["word"] * 80), captioned=7, compact=12).left_out == 0


def test_many_captions_become_their_number() -> None:
    ids = tuple(str(number) for number in range(10_000, 10_020))
    (((many,),), ((one,),)) = (
        rows_of([Tile("🏴", captions, GREEN)], CAPTIONED, 1).rows for captions in (ids, ("20 tokens",))
    )

    assert many.captions == one.captions


def places(*texts: str) -> list[float]:
    """Return where the boxes of these tiles have their middles, as shares of the picture's width."""
    tiles = [Tile(text, ("1",), colour) for text, colour in zip(texts, PURE, strict=False)]
    picture = picture_of(rows_of(tiles, CAPTIONED, 1))
    edge = [picture.getpixel((x, UPPER_EDGE)) for x in range(picture.width)]
    shares = []
    for tile in tiles:
        wanted = pytest.approx(ImageColor.getrgb(tile.colour), abs=30)
        columns = [x for x, found in enumerate(edge) if found == wanted]
        shares.append(sum(columns) / len(columns) / picture.width)
    return shares


def test_a_left_to_right_text_starts_at_the_left() -> None:
    first, second = places("one", "␣two")

    assert 0 < first < second < 0.4


def test_a_right_to_left_text_starts_at_the_right() -> None:
    first, second, third = places("שלום", "␣עולם", "!")

    assert 0.5 < third < second < first < 1


def test_right_to_left_words_are_reversed_within_a_sentence() -> None:
    say, first, second, now = places("say", "␣مرحبا", "␣بكم", "␣now")

    assert say < second < first < now


def test_ink_beyond_a_tile_is_cut_off() -> None:
    tower = "Z" + "\u0335\u0321\u0301" * 8
    picture = picture_of(rows_of(words(*[tower] * 60), CAPTIONED, 3))
    below = round((MARGIN + CAPTIONED.height) * SCALE)
    between = picture.crop((0, below + 1, picture.width, below + round(CAPTIONED.gap * SCALE) - 1))

    assert between.getcolors() == [(between.width * between.height, picture.getpixel((0, 0)))]


def test_a_tile_has_its_own_colour() -> None:
    picture = picture_of(rows_of(words("a", colour="#cdb4f6"), CAPTIONED, 1))

    assert picture.getpixel(((MARGIN + 10) * SCALE, UPPER_EDGE)) == pytest.approx((0xCD, 0xB4, 0xF6), abs=4)


def test_a_marked_tile_stands_out() -> None:
    plain, marked = (
        picture_of(rows_of([Tile("a", ("1",), GREEN, is_marked)], CAPTIONED, 1))
        for is_marked in (False, True)
    )

    assert pixels_of(plain, WHITE) == 0
    assert pixels_of(marked, WHITE) > 100


def test_a_passage_is_one_row_around_its_tile() -> None:
    tiles = words(*(f"w{number}" for number in range(100)))
    (rows,) = passages(tiles, [50])
    (shown,) = texts_in(rows)
    first, last = int(shown[0][1:]), int(shown[-1][1:])

    assert shown == [f"w{number}" for number in range(first, last + 1)]
    assert first < 50 < last
    assert 50 - first >= last - 50  # more of what came before, which the model had read
    assert sum(one.width + CAPTIONED.gap for one in rows.rows[0]) - CAPTIONED.gap <= INNER


@pytest.mark.parametrize("place", [0, 99])
def test_a_passage_at_an_end_of_the_text_is_filled_from_the_other_side(place: int) -> None:
    (rows,) = passages(words(*(f"w{number}" for number in range(100))), [place])
    (shown,) = texts_in(rows)

    assert f"w{place}" in shown
    assert len(shown) >= 7


def test_places_in_the_same_row_share_a_passage() -> None:
    tiles = words(*(f"w{number}" for number in range(100)))

    assert [texts_in(rows)[0] for rows in passages(tiles, [50, 49, 90])] == [
        texts_in(passages(tiles, [place])[0])[0] for place in (50, 90)
    ]


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=200), st.data())
def test_a_passage_of_any_text_shows_its_tile(text: str, data: st.DataObject) -> None:
    tiles = tiles_of(text.encode(errors="ignore").decode() or "a")
    place = data.draw(st.integers(0, len(tiles) - 1))
    marked = [Tile(one.text, one.captions, one.colour, at == place) for at, one in enumerate(tiles)]
    (rows,) = passages(marked, [place])

    assert any(shaped.tile.is_marked for shaped in rows.rows[0])


def test_loaded_fonts_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts.load()
    monkeypatch.setattr(fonts, "FONTS", None)

    assert picture_of(rows_of(tiles_of("one and the same 猫"), CAPTIONED, 7))
