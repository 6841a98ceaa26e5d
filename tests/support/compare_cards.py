"""Made-up comparisons, as the cards of /compare show them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from bot.cards import Audience, ComparedText, ComparisonCard, Divergence
from bot.errors import GenerationFailed
from bot.features.compare import METHODS, Continuation
from bot.queue.updates import Completion, Finished, News, Queued
from tests.support import strategies
from tests.support.samples import step

RUN_IDS = [f"{number:016x}" for number in range(6)]
DONE = Finished(Completion((step(1), step(2, rank=40), step(3)), "length"), 2.0)


def compared(
    number: int,
    news: News,
    text: str = " one of the",
    divergence: Divergence | None = None,
    shared: int = 0,
) -> ComparedText:
    before = Continuation(METHODS[number], RUN_IDS[number], Queued(1, None))
    return ComparedText(before.after(news), text, divergence, shared)


CONTENT = ComparisonCard(
    model="gpt2-large",
    prompt="London was",
    texts=tuple(compared(number, DONE, shared=11 if number else 0) for number in range(6)),
    seed=42,
    max_tokens=3,
    audience=Audience(815, private=False),
)
THREE = replace(CONTENT, texts=tuple(CONTENT.texts[number] for number in (0, 2, 3)))
news = st.one_of(strategies.updates, st.just(GenerationFailed("x")))
divergences = st.builds(Divergence, position=st.integers(0, 63), own=strategies.texts, first=strategies.texts)
any_compared = [
    st.builds(compared, st.just(number), news, strategies.long_texts, divergences if number else st.none())
    for number in range(6)
]
card_contents = st.builds(
    ComparisonCard,
    model=st.text(max_size=400),
    prompt=strategies.long_texts.filter(str.strip),
    texts=st.tuples(*any_compared),
    seed=st.integers(0, 2**32 - 1),
    max_tokens=st.integers(1, 64),
    audience=strategies.audiences,
)


def with_one(number: int, one: ComparedText) -> ComparisonCard:
    every = list(CONTENT.texts)
    every[number] = one
    return replace(CONTENT, texts=tuple(every))
