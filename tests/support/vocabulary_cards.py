"""Made-up tokens, as the cards of /vocabulary show them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from bot.cards import Audience, Similar, VocabularyCard
from bot.text.pieces import Token
from tests.support import strategies
from tests.support.samples import ADA

WILL = Token(481, b" will")
CONTENT = VocabularyCard(
    model="gpt2-large",
    size=50257,
    token=WILL,
    ends_text=False,
    twin=Token(10594, b"will"),
    stem="will",
    longer=(Token(4684, b" willing"), Token(49928, b" wills")),
    count=7,
    neighbours=(Token(480, b"ame"), WILL, Token(482, b"ok")),
    similar=(Similar(Token(2236, b" shall"), 0.712), Similar(Token(743, b" may"), -0.0404)),
    audience=Audience(ADA, private=False),
)

datas = st.one_of(
    st.binary(min_size=1, max_size=130),
    st.text(min_size=1, max_size=60).map(lambda text: text.encode(errors="replace")),
    st.sampled_from(
        [b"`" * 128, b"\n" * 40, "שלום".encode(), "👩‍👩‍👧".encode(), b"|", b"@everyone", b"\xc2\xa0" * 32]
    ),
)
tokens = st.builds(Token, id=st.integers(0, 50256), data=datas)
similar = st.builds(Similar, token=tokens, cosine=st.floats(-1, 1))


def several(item: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(item, max_size=most).map(tuple)


contents = st.builds(
    VocabularyCard,
    model=strategies.texts,
    size=st.integers(1, 10**6),
    token=tokens,
    ends_text=st.booleans(),
    twin=st.none() | tokens,
    stem=strategies.texts.filter(bool),
    longer=several(tokens, 8),
    count=st.integers(8, 50257),
    neighbours=several(tokens, 7),
    similar=several(similar, 10),
    audience=strategies.audiences,
    typed=st.none() | strategies.texts.filter(bool),
    other_case=st.booleans(),
    spelt=st.none() | tokens,
)
