"""The /model card shows the loaded model beside its successors, and says what it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tiktoken
from discord import ButtonStyle
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot import __version__, cards
from bot.cards import Audience, ModelCard
from bot.model.model_info import ModelInfo
from bot.model.protocol import Capacity
from bot.queue.updates import Load, Speed
from bot.quoting import plural
from bot.text.tokenization import Encodings
from tests.support import strategies
from tests.support.limits import alt_of, assert_within_limits, buttons_of, text_of
from tests.support.samples import ADA, FINGERPRINT

REVISION = "32b71b12589c2f8d625668d2335a01cac3249519"
LARGE = ModelInfo(
    name="openai-community/gpt2-large",
    revision=REVISION,
    parameters=774_030_080,
    layers=36,
    heads=20,
    width=1280,
    context=1024,
    vocabulary=50257,
    precision="float32",
    device="cpu",
    threads=2,
    memory=3_650_722_202,
    fingerprint=FINGERPRINT,
)
LOAD = Load(running=1, waiting=2, pace=0.08, speed=Speed(tokens=1_200, seconds=96.0))
CONTENT = ModelCard(LARGE, LOAD, Audience(ADA, private=False))

counts = st.integers(1, 10**6)
infos = st.builds(
    structs.replace,
    st.just(LARGE),
    name=strategies.texts,
    revision=st.none() | strategies.texts,
    parameters=st.integers(0, 10**13),
    layers=counts,
    heads=counts,
    width=counts,
    context=counts,
    vocabulary=counts,
    device=strategies.texts,
    threads=counts,
    memory=st.integers(0, 2**42),
    precision=st.sampled_from(["float32", "bfloat16", "int8"]),
)
loads = st.builds(
    Load,
    running=st.integers(0, 10**6),
    waiting=st.integers(0, 10**6),
    pace=st.none() | st.floats(0, 10**6),
    speed=st.none() | st.builds(Speed, tokens=st.integers(1, 10**7), seconds=st.floats(1e-6, 10**7)),
)


def row(name: str, content: ModelCard = CONTENT) -> list[str]:
    """What a property's three bars show."""
    (group,) = (group for group in cards.model_bars(content) if group.name == name)
    return [bar.shown for bar in group.bars]


@given(st.builds(ModelCard, info=infos, load=loads, audience=strategies.audiences))
def test_any_model_fits_in_a_message(content: ModelCard) -> None:
    assert_within_limits(cards.model(content))
    assert_within_limits(cards.model_numbers(content))


def test_the_loaded_model_is_beside_its_successors() -> None:
    assert [bar.label for bar in cards.model_bars(CONTENT)[4].bars] == ["this", "GPT-3", "GPT-4"]
    assert row("parameters") == ["774 million", "175 billion"]
    assert row("layers") == ["36", "96"]
    assert row("heads") == ["20", "96"]
    assert row("width") == ["1,280", "12,288"]
    assert row("context") == ["1,024", "2,048", "128,000"]
    assert row("vocabulary") == ["50,257", "50,257", "100,277"]


@pytest.mark.parametrize(
    ("capacity", "said"),
    [
        (Capacity(3, 2, 24, "f"), "3 replicas on 2 machines"),
        (Capacity(1, 1, 8, "f"), "1 replica on 1 machine"),
        (Capacity(0, 0, 0, ""), "out of reach"),
    ],
)
def test_a_model_service_is_counted(capacity: Capacity, said: str) -> None:
    content = replace(CONTENT, load=replace(LOAD, capacity=capacity))

    numbers = text_of(cards.model_numbers(content))

    assert said in text_of(cards.model(content))
    assert f"**Service** {said}, {plural(capacity.slots, 'text')} at once" in numbers
    assert "Service" not in text_of(cards.model_numbers(CONTENT))
    assert_within_limits(cards.model_numbers(content))


def test_what_is_not_public_has_no_bar_and_is_said_once() -> None:
    shown = [group.name for group in cards.model_bars(CONTENT) if group.bars[-1].label == "GPT-4"]

    assert shown == ["context", "vocabulary"]
    assert alt_of(cards.model(CONTENT)).count("aren't public") == 1
    assert "GPT-4's size isn't public." in text_of(cards.model(CONTENT))


def test_the_alt_text_says_what_the_picture_shows() -> None:
    alt = alt_of(cards.model(CONTENT))

    assert alt.startswith(
        "Each gap in a bar: ten times more. parameters: this 774 million, GPT-3 175 billion;"
    )
    assert "Its layers, heads and width aren't public." in alt
    assert "GPT-4's context is GPT-4 Turbo's." in alt


def test_the_vocabularies_are_those_of_the_encodings() -> None:
    Encodings().load()

    assert row("vocabulary")[1] == f"{tiktoken.encoding_for_model('davinci').n_vocab:,}"
    assert row("vocabulary")[2] == f"{tiktoken.encoding_for_model('gpt-4').n_vocab:,}"


@pytest.mark.parametrize(
    ("parameters", "shown", "gpt_3"),
    [
        (774_030_080, "774 million", "230"),
        (8_000_000, "8.0 million", "22,000"),
        (1_557_611_200, "1.6 billion", "110"),
        (175_000_000_000, "175 billion", "1"),
        (999_999_999, "1,000 million", "180"),
        (12, "12", "15,000,000,000"),
    ],
)
def test_the_size_is_in_words(parameters: int, shown: str, gpt_3: str) -> None:
    text = text_of(cards.model(replace(CONTENT, info=structs.replace(LARGE, parameters=parameters))))

    assert f"A language model with {shown} parameters. GPT-3 has about {gpt_3} times as many" in text


def test_how_it_runs_is_behind_numbers() -> None:
    text = text_of(cards.model_numbers(CONTENT))

    assert "**Parameters** 774,030,080\n" in text
    assert "**Precision** float32, 32 bits per number" in text
    assert "**Device** CPU, 2 threads" in text
    assert f"**Revision** `{REVISION}`" in text
    assert "**Memory** 3.40 GiB after loading\n" in text
    assert "measured on 1,200 tokens in the last 5 minutes; 0.080 s per token lately\n" in text
    assert "**Queue** 1 request running, 2 waiting" in text
    assert f"**Fingerprint** {FINGERPRINT};" in text
    assert "**Sources** Brown et al. 2020 for GPT-3;" in text


def test_the_small_print_names_the_model_and_its_speed_in_the_last_minutes() -> None:
    last = text_of(cards.model(CONTENT)).splitlines()[-1]

    assert last == f"-# gpt2-large · 12.5 tokens a second · Tokenwise {__version__}"
    assert "measured on 1,200 tokens in the last 5 minutes" in text_of(cards.model_numbers(CONTENT))


def test_without_texts_in_the_last_minutes_there_is_no_speed() -> None:
    earlier = replace(CONTENT, load=Load(0, 0, pace=0.08))

    assert text_of(cards.model(earlier)).endswith(f"-# gpt2-large · Tokenwise {__version__}")
    assert "**Speed** no texts in the last 5 minutes; 0.080 s per token lately" in text_of(
        cards.model_numbers(earlier)
    )
    assert "lately" not in text_of(cards.model_numbers(replace(CONTENT, load=Load(0, 0, None))))


def test_a_folder_has_no_revision() -> None:
    content = replace(CONTENT, info=structs.replace(LARGE, revision=None, name="/somewhere/demo-model"))

    assert text_of(cards.model(content)).startswith("### demo-model\n")
    assert "**Source** local folder" in text_of(cards.model_numbers(content))
    assert "**Revision**" not in text_of(cards.model_numbers(content))


def test_the_card_says_what_a_model_is_not() -> None:
    text = text_of(cards.model(CONTENT))

    assert all(f"**{what}**" in text for what in ("doesn't learn", "has no memory", "no self"))


def test_it_ends_with_share_or_delete() -> None:
    private = replace(CONTENT, audience=Audience(ADA, private=True))

    assert list(buttons_of(cards.model(CONTENT))) == ["Numbers", "Delete"]
    assert all(button.style is ButtonStyle.secondary for button in buttons_of(cards.model(CONTENT)).values())
    assert list(buttons_of(cards.model(private))) == ["Numbers", "Share"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("openai-community/gpt2-large", "gpt2-large"),
        ("gpt2", "gpt2"),
        ("/home/ada/models/mine", "mine"),
        ("/home/ada/models/mine//", "mine"),
        ("models/mine/.", "mine"),
        ("/home/ada/models/mine/../other", "other"),
        ("/home/ada/models/mine/..", "models"),
        ("./mine", "mine"),
        ("~/mine", "mine"),
        ("C:\\Users\\ada\\models\\mine", "mine"),
        ("C:\\Users\\ada\\models\\mine\\", "mine"),
        ("C:/Users/ada/models\\mine/", "mine"),
        ("C:mine", "mine"),
        ("\\\\server\\share\\mine", "mine"),
        ("\\\\?\\C:\\Users\\ada\\mine", "mine"),
        (".", "local model"),
        ("..", "local model"),
        ("../..", "local model"),
        ("/", "local model"),
        ("C:\\", "local model"),
        ("~", "local model"),
        ("~ada", "local model"),
    ],
)
def test_only_a_folder_s_own_name_is_shown(name: str, shown: str) -> None:
    card = cards.model(replace(CONTENT, info=structs.replace(LARGE, name=name, revision=None)))

    assert text_of(card).splitlines()[0] == f"### {shown}"
    assert cards.model_name(structs.replace(LARGE, name=name)) == shown
