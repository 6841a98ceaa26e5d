"""Every error is one clear sentence that names what it is about."""

import inspect
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards, errors
from bot.errors.wording import LONGEST_SENTENCE
from bot.text.encoding_names import ENCODINGS
from bot.text.escaping import inert

EVERY_ERROR = [
    errors.BlankText("prompt"),
    errors.NoText(),
    errors.FilesTooLong(limit=16384),
    errors.NoTokenIds(),
    errors.ContextExceeded(prompt_tokens=1000, max_tokens=64, context=1024),
    errors.UnknownEncoding("cl100k", nearest="cl100k_base"),
    errors.UnknownEncoding("claude", nearest="curie", known=ENCODINGS),
    errors.InvalidTokenId("x", encoding="gpt2", vocabulary=50257),
    errors.InvalidSeed("many", highest=2**32 - 1),
    errors.OtherTokenizer(),
    errors.RunExpired(days=30),
    errors.TextTooShort(),
    errors.TextTooLong(tokens=1100, context=1024),
    errors.NoSuchToken("qqq", vocabulary=50257),
    errors.NoRun(),
    errors.NothingWritten(),
    errors.NothingToGuess(),
    errors.NotRunning(),
    errors.ModelLoading("reading weights, 43 %"),
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
    errors.Withheld(),
    errors.Withheld(seed=42),
    errors.AgeRestricted(),
    errors.AgeUnknown(),
    errors.NotYours("stop"),
    errors.NotYours("delete", moderators=True),
    errors.ContextExceeded(prompt_tokens=2700, max_tokens=64, context=1024),
    errors.RevealTooEarly(seconds=400.0),
    errors.InvalidSetting("BATCH_SIZE", problem="is 'many'", allowed="a whole number from 1 to 64"),
    errors.SettingsFileUnusable("my.env", problem="there is no such file"),
    errors.ShippedFileAltered("fonts/NotoEmoji.ttf", problem="is missing"),
    errors.PortTaken(8080),
    errors.ModelUnusable("nowhere/nothing", problem="there is no such model."),
    errors.DiscordUnreachable("ClientConnectorError"),
    errors.LoginRefused("HTTP 403, and not by Discord itself", pause=600.0),
    errors.GatewayRefused(4011),
    errors.GatewayRefused(4014),
    errors.ServingEnded("the connection to Discord was given up"),
    errors.OutputLost("No space left on device"),
]


def leaves(cls: type) -> set[type]:
    """The errors below ``cls``, but for those that tests make."""
    children: list[type] = cls.__subclasses__()
    below = [child for child in children if child.__module__.startswith("bot.")]
    return {leaf for child in below for leaf in leaves(child)} if below else {cls}


def test_the_list_above_is_complete() -> None:
    assert {type(error) for error in EVERY_ERROR} == leaves(errors.TokenwiseError)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_the_sentence_is_short_and_complete(error: errors.TokenwiseError) -> None:
    sentence = error.sentence

    assert sentence == str(error)
    assert sentence[0].isupper() or sentence[0] in "'\""
    assert sentence.endswith((".", "?"))
    assert len(sentence) < 250


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_every_error_is_drawn_in_the_tree(error: errors.TokenwiseError) -> None:
    assert errors.__doc__
    assert type(error).__name__ in errors.__doc__


def test_the_context_error_names_the_three_numbers() -> None:
    sentence = errors.ContextExceeded(prompt_tokens=1000, max_tokens=64, context=1024).sentence

    assert all(number in sentence for number in ("1,000", "64", "1,024"))


@pytest.mark.parametrize("query", ["999999", "#999999", " 999999 "])
def test_a_number_that_is_no_token_is_told_how_far_ids_go(query: str) -> None:
    sentence = errors.NoSuchToken(query, vocabulary=50257).sentence

    assert sentence == "There's no token 999999. Ids go from 0 to 50,256."


def test_a_text_that_is_no_token_is_told_what_shows_it() -> None:
    sentence = errors.NoSuchToken("#-1", vocabulary=50257).sentence

    assert sentence == "No single token starts with '#-1'. Use /tokens to see how it is split."


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.2, "1 second"), (12.3, "13 seconds"), (89.5, "2 minutes"), (121, "3 minutes")]
)
def test_whoever_comes_back_as_told_after_a_cooldown_is_not_too_early(seconds: float, told: str) -> None:
    sentence = errors.TooSoon(cooldown=600.0, retry_after=seconds, of_server=False).sentence

    assert sentence == f"You can ask once every 10 minutes. Please try again in {told}."


def test_when_to_come_back_is_told_where_it_is_known() -> None:
    assert "in about 12 seconds" in errors.TooManyRequests(limit=2, retry_after=12.0).sentence
    assert "about" not in errors.TooManyRequests(limit=2, retry_after=None).sentence
    assert "Stop" in errors.TooManyRequests(limit=2, retry_after=None).sentence
    assert "Stop" not in errors.TooManyRequests(limit=2, retry_after=None, stoppable=False).sentence
    assert "in about 12 seconds" in errors.ServerBusy(limit=2, retry_after=12.0).sentence
    assert "about" not in errors.ServerBusy(limit=2, retry_after=None).sentence


def test_what_failed_inside_is_not_told_to_people() -> None:
    assert "secret" not in errors.GenerationFailed("secret").sentence
    assert "secret" not in errors.StoreUnavailable("secret").sentence


# What people and other programs write, at its worst.
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
    """Errors of ``cls`` made from anything that its parameters may be."""
    if cls.__init__ is Exception.__init__:
        return st.builds(cls)
    hints = get_type_hints(cls.__init__)
    given = {name: values_of(hints[name]) for name in inspect.signature(cls).parameters}
    return st.builds(lambda options: build(cls, options), st.fixed_dictionaries(given))


def build(cls: type[errors.TokenwiseError], options: dict[str, Any]) -> errors.TokenwiseError:
    """``cls`` called with ``options``, those first that it takes by their place alone."""
    bound = inspect.signature(cls).bind_partial()
    bound.arguments.update(options)
    return cls(*bound.args, **bound.kwargs)


EVERY_KIND = sorted(leaves(errors.TokenwiseError), key=lambda cls: cls.__name__)


@pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_whatever_an_error_is_made_from_it_is_said_in_one_short_line(
    kind: type[errors.TokenwiseError], data: st.DataObject
) -> None:
    said = errors.spoken(data.draw(any_of(kind)))

    assert 0 < len(said) <= LONGEST_SENTENCE
    assert all(sign.isprintable() for sign in said)
    shown = cards.error(said)
    assert shown.content_length() <= 2 * LONGEST_SENTENCE
    said.encode()


@pytest.mark.parametrize("kind", sorted(leaves(errors.InputError), key=str), ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_what_somebody_typed_takes_no_more_of_a_sentence_than_a_quotation(
    kind: type[errors.TokenwiseError], data: st.DataObject
) -> None:
    """So that what comes behind it, such as what is allowed, is always read."""
    error = data.draw(any_of(kind))

    assert errors.spoken(error).split() == error.sentence.split()


def test_what_is_said_mentions_and_formats_nothing() -> None:
    sentence = errors.UnknownEncoding("@everyone **x** <@815>", nearest="gpt2").sentence

    assert inert(errors.spoken(errors.UnknownEncoding("@everyone **x** <@815>", nearest="gpt2"))) == inert(
        sentence
    )
    assert "\\@everyone \\*\\*x" in inert(sentence)


@pytest.mark.parametrize("given", ["9" * 5_000, "0" * 10 + "9" * 4_000, "0" * 6_000 + "x"])
def test_a_giant_number_is_no_id_and_is_quoted_in_part(given: str) -> None:
    sentence = errors.InvalidTokenId(given, encoding="gpt2", vocabulary=50257).sentence

    assert sentence.startswith(f"'{given[:39]}…' isn't a token id in gpt2")


def test_a_long_name_is_quoted_in_part() -> None:
    assert len(errors.UnknownEncoding("x" * 6000, nearest="gpt2").sentence) < 150
    assert len(errors.NoSuchToken("9" * 6000, vocabulary=50257).sentence) < 150
