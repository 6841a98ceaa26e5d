"""Typed commands are parsed into what Discord would have sent."""

from collections.abc import Mapping
from random import Random

import pytest
from discord import AppCommandOptionType
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.playground.slash import Command, Mistyped, Option, Value, described, parse

NEXT = Command(
    "next",
    (
        Option("prompt", AppCommandOptionType.string, required=True, lowest=1, highest=20),
        Option("seed", AppCommandOptionType.integer, lowest=0, highest=4294967295),
        Option("temperature", AppCommandOptionType.number, lowest=0.0, highest=2.0),
        Option("private", AppCommandOptionType.boolean),
        Option("mode", AppCommandOptionType.string, choices={"Loud": "loud", "Very quiet": "quiet"}),
    ),
)
OPTIONS_OF_NEXT = "its options are prompt (required), seed, temperature, private, mode."
COMMANDS = [NEXT, Command("about", ())]

TEXTS = st.text(min_size=1, max_size=20).map(str.strip).filter(bool)
OPTIONS = st.fixed_dictionaries(
    {"prompt": TEXTS},
    optional={
        "seed": st.integers(0, 4294967295),
        "temperature": st.floats(0.0, 2.0),
        "private": st.booleans(),
    },
)


def refusal(line: str) -> str:
    with pytest.raises(Mistyped) as caught:
        parse(line, COMMANDS)
    return str(caught.value)


def typed(name: str, values: Mapping[str, Value]) -> str:
    """The line to type for a command with these values; the reverse of ``parse``."""
    spelled = (
        f"{option}:{str(value).lower() if isinstance(value, bool) else value}"
        for option, value in values.items()
    )
    return " ".join([f"/{name}", *spelled])


@given(OPTIONS, st.randoms(use_true_random=False))
def test_a_typed_command_is_read_back_unchanged(values: Mapping[str, Value], order: Random) -> None:
    text = str(values["prompt"])
    assume(not {":", "="} & set(text) and not text.startswith('"'))
    names = list(values)
    order.shuffle(names)

    assert parse(typed("next", {name: values[name] for name in names}), COMMANDS) == ("next", dict(values))


# Only these can end a text in quotation marks: a mark, and then an option of the command or the end.
ENCLOSED = st.text(min_size=1, max_size=20).map(str.strip).filter(lambda text: text and '"' not in text)


@given(ENCLOSED | st.sampled_from(["Set temp:1 and go", "seed:7", "a private:true", "https://a.b/?x=1"]))
def test_a_text_in_quotation_marks_is_read_as_it_is(text: str) -> None:
    assume(len(text) <= 20)

    assert parse(f'/next seed:1 prompt:"{text}"', COMMANDS)[1] == {"seed": 1, "prompt": text}
    assert parse(f'/next prompt:"{text}" seed:1', COMMANDS)[1] == {"seed": 1, "prompt": text}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ('"Go," she said', '"Go," she said'),
        ('She said "go"', 'She said "go"'),
        ('""Go""', '"Go"'),
        ('""Go"', '"Go'),
        ('"""', '"'),
    ],
)
def test_other_quotation_marks_are_part_of_the_text(typed: str, read: str) -> None:
    assert parse(f"/next prompt:{typed} seed:1", COMMANDS)[1] == {"prompt": read, "seed": 1}


@given(st.text().filter(lambda line: not line.strip().startswith(("/about", "about"))))
def test_anything_but_a_command_is_refused_in_one_sentence(line: str) -> None:
    sentence = refusal(line)

    assert sentence.endswith(".")
    assert "\n" not in sentence


@given(st.text())
def test_any_text_after_a_command_gives_options_or_is_refused(rest: str) -> None:
    try:
        _, values = parse(f"/next {rest}", COMMANDS)
    except Mistyped:
        return
    assert values.keys() <= {option.name for option in NEXT.options}


@pytest.mark.parametrize(
    ("typed", "prompt"),
    [
        ('""I am"', '"I am'),
        ('""a" b" c"', '"a" b" c'),
        ('"Hi" he said', '"Hi" he said'),
        ('6" nails', '6" nails'),
        ('"a seed=7"', "a seed=7"),
        ("if seed = 7", "if seed = 7"),
        ("a size=7", "a size=7"),
    ],
)
def test_marks_and_equals_signs_of_the_text_are_text(typed: str, prompt: str) -> None:
    assert parse(f"/next prompt:{typed} seed:1", COMMANDS)[1] == {"prompt": prompt, "seed": 1}


def test_only_an_option_s_name_ends_a_value() -> None:
    assert parse("/next prompt:see: this is fine seed:7", COMMANDS) == (
        "next",
        {"prompt": "see: this is fine", "seed": 7},
    )


WITH_TEXT = '. If it is text, write prompt:"…" with quotation marks.'


@pytest.mark.parametrize(
    "unknown",
    [
        "temp:1",
        "top_k:5",
        "x:0.5",
        "loud:true",
        "sead:7",
        "Temperature:1",
        "text:Hi",
        "max-tokens:8",
        "priv:yes",
    ],
)
def test_an_unknown_option_is_not_taken_for_text(unknown: str) -> None:
    other = Command("about", (Option("text", AppCommandOptionType.string),))
    with pytest.raises(Mistyped) as caught:
        parse(f"/next prompt:hi {unknown}", [NEXT, other])

    name = unknown.partition(":")[0]
    assert str(caught.value) == f"/next has no option {name}; {OPTIONS_OF_NEXT[:-1]}{WITH_TEXT}"


def test_an_unknown_option_after_a_number_is_named_too() -> None:
    assert refusal("/next prompt:hi seed:1 temp:2") == f"/next has no option temp; {OPTIONS_OF_NEXT}"


@pytest.mark.parametrize(
    "text",
    [
        "He said: hello",
        "at 12:30",
        "see https://a.b",
        "John 3:16",
        "it: 5",
        "a b:c",
        "Note:this",
        "x::y",
        "I like: temp: 1",
        ":-) :smile:",
        "no temp",
        "temp:",
    ],
)
def test_colons_in_ordinary_text_are_text(text: str) -> None:
    assert parse(f"/next prompt:{text} seed:1", COMMANDS)[1] == {"prompt": text, "seed": 1}


def test_a_name_within_a_word_ends_nothing() -> None:
    assert parse("/next prompt:reseed:7", COMMANDS)[1] == {"prompt": "reseed:7"}


def test_white_space_around_a_value_does_not_count() -> None:
    assert parse("  next  prompt:  London was \n seed: 7 ", COMMANDS)[1] == {
        "prompt": "London was",
        "seed": 7,
    }


def test_a_choice_is_given_by_name() -> None:
    assert parse("/next prompt:x mode:Very quiet", COMMANDS)[1] == {"prompt": "x", "mode": "quiet"}


UNCLOSED = (
    "The quotation mark at the start of prompt is never closed; if it belongs to the text, put marks around "
    'all of it: prompt:""…".'
)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "There is no command /; there are /about, /next."),
        ("/nxt prompt:x", "There is no command /nxt; there are /about, /next."),
        (
            "/next",
            f"/next needs prompt:…; {OPTIONS_OF_NEXT}",
        ),
        (
            "/next promt:London",
            f"/next has no option promt; {OPTIONS_OF_NEXT}",
        ),
        (
            "/next London was",
            f"Write /next prompt:London was; {OPTIONS_OF_NEXT}",
        ),
        ("/about x:1", "/about has no option x; it takes no options."),
        ("/about us", "Write name:value, not 'us'; it takes no options."),
        ("/next :x", f"Write /next prompt::x; {OPTIONS_OF_NEXT}"),
        ("/next prompt=London was", f"Write prompt:… with a colon, not prompt=…; {OPTIONS_OF_NEXT}"),
        ("/next prompt:a seed=7", "Write seed:… with a colon, not seed=…" + WITH_TEXT),
        ("/next seed:7 prompt=a", "Write prompt:… with a colon, not prompt=…."),
        ("/next prompt:a seed:1 seed:2", "seed is given twice."),
        ("/next prompt:a seed:", "seed has no value; it must be a whole number from 0 to 4,294,967,295."),
        ('/next prompt:"London was', UNCLOSED),
        ('/next prompt:"London was seed:7', UNCLOSED),
        ('/next prompt:"a "b" c', UNCLOSED),
        ('/next prompt:"', UNCLOSED),
        ("/next prompt:a seed:x", "seed must be a whole number from 0 to 4,294,967,295, not 'x'."),
        ("/next prompt:a seed:-1", "seed must be a whole number from 0 to 4,294,967,295, not '-1'."),
        ("/next prompt:a temperature:hot", "temperature must be a number from 0.0 to 2.0, not 'hot'."),
        ("/next prompt:a temperature:1e999", "temperature must be a number from 0.0 to 2.0, not '1e999'."),
        ("/next prompt:a private:yes", "private must be true or false, not 'yes'."),
        ("/next prompt:a mode:loud", "mode must be one of Loud, Very quiet, not 'loud'."),
        ("/next prompt:", "prompt must have from 1 to 20 characters, and it has 0."),
        (f"/next prompt:{'a' * 21}", "prompt must have from 1 to 20 characters, and it has 21."),
    ],
)
def test_a_refusal_names_what_is_allowed(line: str, sentence: str) -> None:
    assert refusal(line) == sentence


GIANT = ["9" * 5_000, "0" * 10 + "9" * 4_000, "1" * 400, "x\n" * 3_000, "\ud800" * 2_000, "@everyone " * 500]


@pytest.mark.parametrize("given", GIANT, ids=lambda given: repr(given[:12]))
@pytest.mark.parametrize(
    "line",
    [
        "/next prompt:a seed:{}",
        "/next prompt:a temperature:{}",
        "/next prompt:a private:{}",
        "/next {}",
        "/{}",
    ],
)
def test_a_refusal_is_always_short(line: str, given: str) -> None:
    sentence = refusal(line.format(given))

    assert len(sentence) < 200
    assert sentence.isprintable()


@pytest.mark.parametrize(
    ("typed", "read"),
    [("seed:" + "0" * 5_000 + "7", {"seed": 7}), ("temperature:" + "0" * 5_000 + ".5", {"temperature": 0.5})],
    ids=["whole", "decimal"],
)
def test_leading_zeros_are_ignored(typed: str, read: Mapping[str, Value]) -> None:
    assert parse(f"/next prompt:a {typed}", COMMANDS)[1] == {"prompt": "a", **read}


def test_commands_are_described_as_to_discord() -> None:
    sent = [
        {
            "name": "next",
            "type": 1,
            "options": [
                {"name": "prompt", "type": 3, "required": True, "min_length": 1, "max_length": 20},
                {"name": "seed", "type": 4, "min_value": 0, "max_value": 4294967295},
                {"name": "temperature", "type": 10, "min_value": 0.0, "max_value": 2.0},
                {"name": "private", "type": 5},
                {
                    "name": "mode",
                    "type": 3,
                    "choices": [{"name": "Loud", "value": "loud"}, {"name": "Very quiet", "value": "quiet"}],
                },
            ],
        },
        {"name": "Tokenize", "type": 3},
    ]

    assert described(sent) == [NEXT]
