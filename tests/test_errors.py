"""Every error is one clear sentence that names what it is about."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards, errors
from bot.text.encoding_names import ENCODINGS
from bot.text.escaping import inert

EVERY_ERROR = [
    errors.BlankText("prompt"),
    errors.NoText(),
    errors.FilesTooLarge(limit=16384),
    errors.NoTokenIds(),
    errors.ContextExceeded(prompt_tokens=1000, max_tokens=64, context=1024),
    errors.UnknownEncoding("cl100k", nearest="cl100k_base"),
    errors.UnknownEncoding("claude", nearest="curie", known=ENCODINGS),
    errors.InvalidTokenId("x", encoding="gpt2", vocabulary=50257),
    errors.InvalidSeed("many", highest=2**32 - 1),
    errors.TokenizerMismatch(),
    errors.RunExpired(days=30),
    errors.TextTooShort(),
    errors.TextTooLong(tokens=1100, context=1024),
    errors.NoSuchToken("qqq", vocabulary=50257),
    errors.NoRun(),
    errors.NothingWritten(),
    errors.MixedText(),
    errors.TextTooOld(),
    errors.NothingToGuess(),
    errors.NotRunning(),
    errors.ModelLoading("reading weights, 43 %"),
    errors.ModelUnreachable(retry_after=15.0),
    errors.QueueFull(waiting=32, retry_after=40.0),
    errors.TooManyRequests(limit=2, retry_after=None),
    errors.TooManyRequests(limit=1, retry_after=12.0),
    errors.TooManyRequests(limit=2, retry_after=1.0, stoppable=False),
    errors.ServerBusy(limit=20, retry_after=None),
    errors.ServerBusy(limit=20, retry_after=100.0),
    errors.TooSoon(cooldown=30.0, retry_after=12.3, of_server=False),
    errors.TooSoon(cooldown=600.0, retry_after=121.0, of_server=True),
    errors.DiscordFailed(),
    errors.FileUnreadable(),
    errors.DeadlineExceeded(seconds=600),
    errors.ShuttingDown(),
    errors.StoreUnavailable("OperationalError: disk full"),
    errors.GenerationFailed("worker died twice"),
    errors.WordBlocked(),
    errors.Stopped(),
    errors.Withheld(),
    errors.Withheld(seed=42),
    errors.AgeRestricted(),
    errors.AgeUnknown(),
    errors.NotYours("stop"),
    errors.NotYours("delete", moderators=True),
    errors.ContextExceeded(prompt_tokens=2700, max_tokens=64, context=1024),
    errors.RevealTooEarly(seconds=400.0),
    errors.RoundGoesOn(),
    errors.InvalidSetting("BATCH_SIZE", problem="is 'many'", allowed="a whole number from 1 to 64"),
    errors.SettingsFileUnusable("my.env", problem="there is no such file"),
    errors.ShippedFileAltered("fonts/NotoEmoji.ttf", problem="is missing"),
    errors.ReceiptUnusable("receipt.json", problem="it was changed after it was made"),
    errors.DatabaseNewer("0009", known="0006"),
    errors.DatabaseUnreachable("OperationalError: no such host"),
    errors.PortTaken(8080),
    errors.ModelUnusable("nowhere/nothing", problem="there is no such model.", reason="not_found"),
    errors.ServiceAway(address="http://10.0.0.1:8000", seconds=30.0, problem=None),
    errors.ServiceAway(address="http://10.0.0.1:8000", seconds=600.0, problem="it answered with status 404"),
    errors.DiscordUnreachable("ClientConnectorError"),
    errors.LoginRefused("HTTP 403, not from Discord itself", pause=600.0),
    errors.GatewayRefused(4011),
    errors.GatewayRefused(4014),
    errors.UnexpectedStop("the connection to Discord was given up"),
    errors.OutputLost("No space left on device"),
]


def children(cls: type) -> list[type]:
    """Direct subclasses in the order they are defined, without those that tests define."""
    below: list[type] = cls.__subclasses__()
    return [child for child in below if child.__module__.startswith("bot.")]


def leaves(cls: type) -> set[type]:
    below = children(cls)
    return {leaf for child in below for leaf in leaves(child)} if below else {cls}


def drawn(cls: type, indent: str = "") -> Iterator[str]:
    """The tree below ``cls``, a line for each error."""
    below = children(cls)
    for child in below:
        branch, beneath = ("└── ", "    ") if child is below[-1] else ("├── ", "│   ")
        yield f"{indent}{branch}{child.__name__}"
        yield from drawn(child, indent + beneath)


def test_the_list_above_is_complete() -> None:
    assert {type(error) for error in EVERY_ERROR} == leaves(errors.TokenwiseError)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_the_sentence_is_short_and_complete(error: errors.TokenwiseError) -> None:
    sentence = error.sentence

    assert sentence == str(error)
    assert sentence[0].isupper() or sentence[0] in "'\""
    assert sentence.endswith((".", "?"))
    assert len(sentence) < 250


def test_the_tree_at_the_top_is_the_real_one() -> None:
    drawing = re.findall(r"^    ([│ ]*[├└]── \w+)", errors.__doc__ or "", re.MULTILINE)

    assert drawing == list(drawn(errors.TokenwiseError))


@contextmanager
def passing() -> Iterator[None]:
    yield


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_an_error_can_be_raised_noted_and_hashed(error: errors.TokenwiseError) -> None:
    """As any exception can; a frozen dataclass could not be."""
    with pytest.raises(type(error)) as caught, passing():
        raise error
    caught.value.add_note("on the way")

    assert caught.value is error
    assert {error} == {caught.value}


def test_the_context_error_names_the_three_numbers() -> None:
    sentence = errors.ContextExceeded(prompt_tokens=1000, max_tokens=64, context=1024).sentence

    assert all(number in sentence for number in ("1,000", "64", "1,024"))


@pytest.mark.parametrize("query", ["999999", "#999999", " 999999 "])
def test_a_number_beyond_the_vocabulary_gets_the_range_of_ids(query: str) -> None:
    sentence = errors.NoSuchToken(query, vocabulary=50257).sentence

    assert sentence == "There's no token 999999. Ids go from 0 to 50,256."


def test_a_text_without_a_token_is_sent_to_the_command_that_splits_it() -> None:
    sentence = errors.NoSuchToken("#-1", vocabulary=50257).sentence

    assert sentence == "No single token starts with '#-1'. /tokens shows how that text is split."


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 second"), (12.3, "13 seconds"), (89.5, "2 minutes"), (121, "3 minutes")]
)
def test_a_cooldown_is_rounded_up_so_coming_back_then_is_not_too_early(seconds: float, said: str) -> None:
    sentence = errors.TooSoon(cooldown=600.0, retry_after=seconds, of_server=False).sentence

    assert sentence == f"You can ask once every 10 minutes. Please try again in {said}."


def test_a_refusal_says_when_to_come_back_if_that_is_known() -> None:
    assert "in about 12 seconds" in errors.TooManyRequests(limit=2, retry_after=12.0).sentence
    assert "about" not in errors.TooManyRequests(limit=2, retry_after=None).sentence
    assert "Stop" in errors.TooManyRequests(limit=2, retry_after=None).sentence
    assert "Stop" not in errors.TooManyRequests(limit=2, retry_after=None, stoppable=False).sentence
    assert "in about 12 seconds" in errors.ServerBusy(limit=2, retry_after=12.0).sentence
    assert "about" not in errors.ServerBusy(limit=2, retry_after=None).sentence


def test_internal_details_are_not_shown() -> None:
    assert "secret" not in errors.GenerationFailed("secret").sentence
    assert "secret" not in errors.StoreUnavailable("secret").sentence


# The worst texts of people and other programs.
HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "0" * 10 + "9" * 4_000,
            "9" * 6_000,
            "\U000e0041" * 6_000,
            "\ud800" * 6_000,
            "\n" * 6_000,
            "@everyone <@815> " * 400,
            "`*_~|<>" * 900,
            "\x1b[2J\u202e\u2028\x00",
            "#" + "٣" * 5_000,
        ]
    ),
)
ANYTHING: dict[Any, st.SearchStrategy[Any]] = {
    str: HOSTILE,
    int: st.integers(0, 10**12),
    float: st.floats(0, 10**9),
    bool: st.booleans(),
    NoneType: st.none(),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=7).map(tuple)
    return st.one_of(*(ANYTHING[kind] for kind in get_args(hint) or (hint,)))


def any_of(cls: type[errors.TokenwiseError]) -> st.SearchStrategy[errors.TokenwiseError]:
    """Errors of ``cls`` with anything its fields may hold."""
    if not is_dataclass(cls):
        return st.builds(cls)
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: values_of(hints[field.name]) for field in fields(cls)})


EVERY_KIND = sorted(leaves(errors.TokenwiseError), key=lambda cls: cls.__name__)


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_any_data_makes_one_short_line(kind: type[errors.TokenwiseError], data: st.DataObject) -> None:
    line = errors.spoken(data.draw(any_of(kind)))

    assert 0 < len(line) <= errors.LONGEST_SENTENCE
    assert all(character.isprintable() for character in line)
    card = cards.error(line)
    assert card.content_length() <= 2 * errors.LONGEST_SENTENCE
    line.encode()


@pytest.mark.parametrize("kind", sorted(leaves(errors.InputError), key=str), ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_typed_text_is_clipped_so_the_rest_of_the_sentence_is_shown(
    kind: type[errors.TokenwiseError], data: st.DataObject
) -> None:
    error = data.draw(any_of(kind))

    assert errors.spoken(error).split() == error.sentence.split()


def test_a_sentence_mentions_and_formats_nothing() -> None:
    sentence = errors.UnknownEncoding("@everyone **x** <@815>", nearest="gpt2").sentence

    assert inert(errors.spoken(errors.UnknownEncoding("@everyone **x** <@815>", nearest="gpt2"))) == inert(
        sentence
    )
    assert "\\@everyone \\*\\*x" in inert(sentence)


@pytest.mark.parametrize("given", ["9" * 5_000, "0" * 10 + "9" * 4_000, "0" * 6_000 + "x"])
def test_a_giant_number_is_not_an_id_and_is_clipped(given: str) -> None:
    sentence = errors.InvalidTokenId(given, encoding="gpt2", vocabulary=50257).sentence

    assert sentence.startswith(f"'{given[:39]}…' isn't a token id in gpt2")


def test_a_long_name_is_clipped() -> None:
    assert len(errors.UnknownEncoding("x" * 6000, nearest="gpt2").sentence) < 150
    assert len(errors.NoSuchToken("9" * 6000, vocabulary=50257).sentence) < 150
