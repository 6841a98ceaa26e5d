"""The /model card shows the loaded model beside its successors, and says what it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot import __version__, cards
from bot.cards import Audience, ModelCard
from bot.model.model_info import ModelInfo
from bot.queue.updates import Load
from bot.text.tokenization import Encodings
from tests.support import strategies
from tests.support.limits import assert_within_limits, buttons_of, text_of
from tests.support.samples import ADA, FINGERPRINT

PHONE = 34  # characters of a code block
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
CONTENT = ModelCard(LARGE, Load(running=1, waiting=2, pace=0.08), Audience(ADA, private=False))

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
    Load, running=st.integers(0, 10**6), waiting=st.integers(0, 10**6), pace=st.none() | st.floats(0, 10**6)
)


def table(content: ModelCard) -> list[str]:
    return text_of(cards.model(content)).split("```")[1].strip("\n").split("\n")


def cells(content: ModelCard, column: int) -> list[str]:
    return [line.split()[column] for line in table(content)[2:]]


@given(st.builds(ModelCard, info=infos, load=loads, audience=strategies.audiences))
def test_any_model_fits_in_a_message_and_its_table_on_a_phone(content: ModelCard) -> None:
    assert_within_limits(cards.model(content))
    assert max(map(len, table(content))) <= PHONE


def test_the_loaded_model_is_beside_its_successors() -> None:
    assert table(CONTENT)[0].split() == ["this", "GPT-3", "GPT-4"]
    assert table(CONTENT)[1].split() == ["parameters", "774", "M", "175", "B", "1.7", "T?"]
    assert cells(CONTENT, 1) == ["36", "20", "1,280", "1,024", "50,257"]
    assert cells(CONTENT, 2) == ["96", "96", "12,288", "2,048", "50,257"]
    assert cells(CONTENT, 3) == ["120?", "?", "?", "128,000", "100,277"]


def test_rumours_are_marked() -> None:
    assert "A question mark is a rumour" in text_of(cards.model(CONTENT))


def test_the_vocabularies_are_those_of_the_encodings() -> None:
    Encodings().load()

    assert cells(CONTENT, 2)[-1] == f"{tiktoken.encoding_for_model('davinci').n_vocab:,}"
    assert cells(CONTENT, 3)[-1] == f"{tiktoken.encoding_for_model('gpt-4').n_vocab:,}"


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


def test_how_it_runs_comes_with_units() -> None:
    text = text_of(cards.model(CONTENT))

    assert "**Precision** float32, 32 bits per number" in text
    assert "**Device** CPU, 2 threads" in text
    assert f"**Revision** `{REVISION}`" in text
    assert "**Memory** 3.40 GiB after loading\n" in text
    assert "**Speed** 12.5 tokens/s" in text
    assert "**Queue** 1 request running, 2 waiting" in text
    assert f"fingerprint {FINGERPRINT}" in text


def test_the_bot_s_version_is_in_small_print() -> None:
    assert f"\n-# Tokenwise {__version__}" in text_of(cards.model(CONTENT))


def test_before_the_first_text_the_speed_is_unknown() -> None:
    assert "**Speed** not measured yet" in text_of(cards.model(replace(CONTENT, load=Load(0, 0, None))))


def test_a_folder_has_no_revision() -> None:
    info = structs.replace(LARGE, revision=None, name="/somewhere/demo-model")
    text = text_of(cards.model(replace(CONTENT, info=info)))

    assert text.startswith("### demo-model\n")
    assert "**Source** local folder" in text
    assert "**Revision**" not in text


def test_the_card_says_what_a_model_is_not() -> None:
    text = text_of(cards.model(CONTENT))

    assert all(f"It {what}." in text for what in ("does not learn", "has no memory", "has no self"))


def test_it_ends_with_share_or_delete() -> None:
    assert list(buttons_of(cards.model(CONTENT))) == ["Delete"]
    assert list(buttons_of(cards.model(replace(CONTENT, audience=Audience(ADA, private=True))))) == ["Share"]


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
