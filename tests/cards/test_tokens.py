"""The /tokens card shows every token in colour, and how many other encodings need."""

import pytest
from discord import ButtonStyle, ui
from hypothesis import given

from bot import cards
from bot.cards import Audience, TokensCard
from bot.cards.pictures.bars import Table
from bot.cards.pictures.stack import stacked
from bot.cards.pictures.tiles import CAPTIONED, COMPACT, Rows
from bot.cards.tokens import LISTING, PICTURE, encoding_bars, listing, token_tiles
from bot.text.tokenization import Encodings
from tests.support import strategies
from tests.support.limits import (
    alt_of,
    assert_within_limits,
    buttons_of,
    parts_of_a_card_with_a_file,
    text_of,
)

CLOSING = Audience(owner=1, private=True)
SENTENCE = "The old king of the sea went to London to buy a hat."
LINE = 38  # characters of a line on a phone
HIGHEST = 560  # units: 405 pixels on a phone


@pytest.fixture(scope="module")
def encodings() -> Encodings:
    return Encodings()


def content_of(encodings: Encodings, text: str, *, decoded: str | None = None) -> TokensCard:
    return cards.describe_tokens(
        encodings.cut(text, "gpt2"), encodings.counts(text), len(text), audience=CLOSING, decoded=decoded
    )


def decoded_card(encodings: Encodings, *ids: int) -> TokensCard:
    text = encodings.decode(ids)
    return cards.describe_tokens(
        encodings.pieces(ids, "gpt2"), encodings.counts(text), len(text), audience=CLOSING, decoded=text
    )


def rows_in(content: TokensCard) -> Rows:
    rows = content.picture[0]
    assert isinstance(rows, Rows)
    return rows


@pytest.mark.slow
@given(strategies.long_texts.filter(bool))
def test_any_text_fits_in_a_message(encodings: Encodings, text: str) -> None:
    content = content_of(encodings, text, decoded=text)

    assert_within_limits(cards.tokens(content))
    assert sum(block.height + 14 for block in content.picture) <= HIGHEST


def test_the_card_has_the_order_of_all_cards(encodings: Encodings) -> None:
    head, picture, result, file, facts = parts_of_a_card_with_a_file(
        cards.tokens(content_of(encodings, SENTENCE))
    )

    assert head.content == "### 14 tokens for GPT-2 and GPT-3"
    assert picture.items[0].media.url == f"attachment://{PICTURE}"
    assert result.content == "Each box is a token. The model reads only the id below it."
    assert file.media.url == f"attachment://{LISTING}"
    assert facts.content == "-# 52 characters · 52 bytes in UTF-8 · ␣ is a space"


def test_a_few_ids_can_be_copied_from_the_card_and_need_no_file(encodings: Encodings) -> None:
    content = content_of(encodings, "Paris will")

    assert text_of(cards.tokens(content)).splitlines() == [
        "### 2 tokens for GPT-2 and GPT-3",
        "Each box is a token. The model reads only the id below it.",
        "Ids: `40313, 481`",
        "-# 10 characters · 10 bytes in UTF-8 · ␣ is a space",
    ]
    assert content.listing is None
    assert not any(isinstance(item, ui.File) for item in cards.tokens(content).walk_children())


def test_one_id_is_read_off_the_picture(encodings: Encodings) -> None:
    assert "64" not in text_of(cards.tokens(content_of(encodings, "a")))
    assert "a 64" in alt_of(cards.tokens(content_of(encodings, "a")))


def test_ids_longer_than_a_line_are_in_the_file(encodings: Encodings) -> None:
    text = "London was a city of kings"  # six tokens
    content = content_of(encodings, text)

    assert "Ids:" not in text_of(cards.tokens(content))
    assert content.listing is not None
    assert f"Ids: {[*encodings.encode(text)]}" in content.listing


@pytest.mark.parametrize(
    ("text", "legend"),
    [
        ("a文", "Each number is the id of a token. The model reads nothing else."),
        ("👨‍👩‍👧", "Each box is a token, or a character of several. The ids are in tokens.txt."),
        ("안녕하세요 " * 20, "Each box is a token, or a character of several. The ids are in tokens.txt."),
    ],
)
def test_a_character_of_several_tokens_is_no_token(encodings: Encodings, text: str, legend: str) -> None:
    assert content_of(encodings, text).result[0] == legend


@pytest.mark.parametrize(
    ("ids", "legend"),
    [
        ((40313, 481), "Each box is a token above its id."),
        ((163, 122, 234), "Each number is the id of a token."),
        ((64,) * 200, "Each box is a token."),
        ((163, 122, 234) * 50, "Each box is a token or a character."),
    ],
)
def test_pasted_ids_are_explained_in_a_line(encodings: Encodings, ids: tuple[int, ...], legend: str) -> None:
    assert decoded_card(encodings, *ids).result[0] == legend


@given(strategies.long_texts.filter(bool))
def test_there_are_three_lines_of_result_at_most_on_a_phone(encodings: Encodings, text: str) -> None:
    lines = content_of(encodings, text).result

    assert sum(-(-len(line.replace("`", "")) // LINE) for line in lines) <= 3


def test_nothing_is_left_to_press_but_share_or_delete(encodings: Encodings) -> None:
    (share,) = buttons_of(cards.tokens(content_of(encodings, "a"))).values()

    assert share.style is ButtonStyle.secondary


def test_pasted_ids_are_not_repeated_below_their_text(encodings: Encodings) -> None:
    text = text_of(cards.tokens(decoded_card(encodings, 40313, 481)))

    assert text.startswith("### 2 tokens for GPT-2 and GPT-3\nParis will\n")
    assert "Ids" not in text


def test_a_long_decoded_text_is_shown_by_its_beginning(encodings: Encodings) -> None:
    words = decoded_card(encodings, *[23421, 373] * 200).decoded or ""

    assert decoded_card(encodings, *[64, 198] * 200).decoded == "a\n" * 9 + "a…"
    assert words.startswith("London was")
    assert words.endswith("…")
    assert len(words) <= 400


def test_a_tile_has_the_ids_of_its_tokens(encodings: Encodings) -> None:
    tiles = token_tiles(encodings.cut("a 文", "gpt2").pieces)

    assert [(tile.text, tile.captions) for tile in tiles] == [
        ("a", ("64",)),
        ("␣文", ("10545", "244", "229")),
    ]


def test_every_encoding_has_a_bar_made_of_its_tokens(encodings: Encodings) -> None:
    text = "안녕하세요"
    bars = encoding_bars(encodings.cut(text, "gpt2"), encodings.counts(text))

    assert [(bar.label, bar.note, bar.value, bar.parts, bar.mark) for bar in bars] == [
        ("GPT-2 and GPT-3", "gpt2", "14", 14, "shown above"),
        ("GPT-3.5 and GPT-4", "cl100k_base", "5", 5, ""),
        ("GPT-4o and GPT-5", "o200k_base", "2", 2, ""),
    ]
    assert [bar.length for bar in bars] == pytest.approx([1, 5 / 14, 2 / 14])


@pytest.mark.parametrize("encoding", ["r50k_base", "p50k_edit", "o200k_harmony"])
def test_an_encoding_that_splits_as_another_does_is_that_one_s_bar(
    encodings: Encodings, encoding: str
) -> None:
    bars = encoding_bars(encodings.cut(SENTENCE, encoding), encodings.counts(SENTENCE, encoding))

    assert [bar.mark for bar in bars].count("shown above") == 1


def test_a_long_text_is_shown_as_far_as_there_is_room(encodings: Encodings) -> None:
    content = content_of(encodings, SENTENCE * 40)
    rows = rows_in(content)

    assert rows.style is COMPACT
    assert rows.left_out > 400
    assert "Each box is a token. The ids are in tokens.txt." in text_of(cards.tokens(content))
    assert content.listing is not None
    assert len(content.listing.splitlines()) == 4 + len(encodings.encode(SENTENCE * 40))


@pytest.mark.parametrize(
    "text", ["안녕하세요 " * 300, "สวัสดี " * 300, "שלום עולם " * 150, "😀" * 300, "\n" * 900]
)
def test_a_text_in_any_script_can_be_drawn(encodings: Encodings, text: str) -> None:
    assert stacked(content_of(encodings, text).picture).startswith(b"\x89PNG")


def test_how_a_character_is_split_is_said_in_bytes(encodings: Encodings) -> None:
    one, two = (text_of(cards.tokens(content_of(encodings, text))) for text in ("a文", "文文"))

    assert "`文` is 2 tokens: bytes `E6 96 | 87`.\n" in one
    assert two.count("`文` is 2 tokens: bytes `E6 96 | 87`.\n") == 1
    assert "bytes:" not in text_of(cards.tokens(content_of(encodings, SENTENCE)))


def test_the_file_has_the_ids_the_counts_and_the_pieces(encodings: Encodings) -> None:
    text = "b文 של"

    assert listing(encodings.cut(text, "gpt2"), encodings.counts(text)).splitlines() == [
        "6 tokens in gpt2",
        "Tokens by encoding: gpt2 6, cl100k_base 4, o200k_base 3",
        "Ids: [65, 23877, 229, 14360, 102, 40010]",
        "",
        "   65  b",
        "23877   229  文  ← E6 96 | 87",
        "14360   102  \u2068␣ש\u2069  ← 20 D7 | A9",
        "40010  \u2068ל\u2069",
    ]


def test_ids_that_are_no_complete_text_are_not_compared(encodings: Encodings) -> None:
    tokenized = encodings.pieces([47249], "gpt2")
    content = cards.describe_tokens(tokenized, {}, 3, audience=CLOSING, decoded=encodings.decode([47249]))

    assert len(content.picture) == 1
    assert "This isn't complete text: some bytes are only part of a character." in text_of(
        cards.tokens(content)
    )


def test_ids_that_the_encoding_would_not_give_are_pointed_out(encodings: Encodings) -> None:
    content = decoded_card(encodings, 47, 283, 271)
    table = content.picture[1]
    assert isinstance(table, Table)

    assert "Tokenized again, this text is split differently." in text_of(cards.tokens(content))
    assert not any(bar.mark for bar in table.bars)


def test_the_picture_is_described(encodings: Encodings) -> None:
    assert alt_of(cards.tokens(content_of(encodings, "Paris will"))) == (
        "The text split into 2 tokens: Paris 40313 | ␣will 481. Tokens by encoding: "
        "GPT-2 and GPT-3 (gpt2): 2; GPT-3.5 and GPT-4 (cl100k_base): 2; GPT-4o and GPT-5 (o200k_base): 2"
    )
    long = alt_of(cards.tokens(content_of(encodings, SENTENCE * 40)))
    assert long.startswith("The text split into 560 tokens: The | ␣old | ␣king")
    assert long.endswith("GPT-4o and GPT-5 (o200k_base): 521")


@pytest.mark.parametrize("text", ["Paris", "שלום مرحبا नमस्ते สวัสดี வணக்கம் 한국어 你好 🦊", "a\u200cb\x00"])
def test_a_picture_that_shows_everything_needs_no_hint(encodings: Encodings, text: str) -> None:
    assert "fonts" not in text_of(cards.tokens(content_of(encodings, text)))


def test_a_picture_that_lacks_a_character_points_to_the_file(encodings: Encodings) -> None:
    content = content_of(encodings, "a 𒀀")

    assert "U+… in the picture is a character its fonts don't have; see tokens.txt." in text_of(
        cards.tokens(content)
    )
    assert content.listing is not None
    assert "𒀀  ← " in content.listing


def test_a_short_text_of_a_few_rows_has_its_ids_in_the_picture(encodings: Encodings) -> None:
    assert rows_in(content_of(encodings, SENTENCE * 2)).style is CAPTIONED
