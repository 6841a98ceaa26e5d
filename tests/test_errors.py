"""Every error is one clear sentence that names what it is about."""

import pytest

from bot import errors

EVERY_ERROR = [
    errors.BlankText("prompt"),
    errors.NoText(),
    errors.NoTokenIds(),
    errors.ContextExceeded(prompt_tokens=1000, max_tokens=64, context=1024),
    errors.UnknownEncoding("cl100k", nearest="cl100k_base"),
    errors.InvalidTokenId("x", encoding="gpt2", vocabulary=50257),
    errors.InvalidSeed("many", highest=2**32 - 1),
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
]


def leaves(cls: type) -> set[type]:
    below: list[type] = cls.__subclasses__()
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

    assert sentence == "There is no token 999999: ids go from 0 to 50,256."


def test_a_text_that_is_no_token_is_told_what_shows_it() -> None:
    sentence = errors.NoSuchToken("#-1", vocabulary=50257).sentence

    assert sentence == "No single token begins with '#-1'; /tokens shows the several that write it."


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.2, "1 second"), (12.3, "13 seconds"), (89.5, "2 minutes"), (121, "3 minutes")]
)
def test_whoever_comes_back_as_told_after_a_cooldown_is_not_too_early(seconds: float, told: str) -> None:
    sentence = errors.TooSoon(cooldown=600.0, retry_after=seconds, of_server=False).sentence

    assert sentence == f"You can ask once in 10 minutes. Please try again in {told}."


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


def test_a_long_name_is_quoted_in_part() -> None:
    assert len(errors.UnknownEncoding("x" * 6000, nearest="gpt2").sentence) < 150
    assert len(errors.NoSuchToken("9" * 6000, vocabulary=50257).sentence) < 150
