"""Hypothesis strategies for anything a card may have to show."""

from hypothesis import strategies as st

from bot.cards import Audience
from bot.model.protocol import Candidate, SamplingParams, Step
from bot.queue.updates import Completion, Finished, Progress, Queued

RUN_ID = "0123456789abcdef"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
long_texts = st.one_of(
    texts,
    st.builds(lambda text, times: text * times, texts.filter(bool), st.integers(1, 60)),
    st.sampled_from(["*" * 6000, "@everyone " * 600, "😀" * 3000, "שלום " * 1200, "\n" * 2000, "`" * 5000]),
)
audiences = st.builds(Audience, owner=st.integers(0, 2**63 - 1), private=st.booleans())
params = st.builds(
    SamplingParams,
    max_new_tokens=st.integers(1, 256),
    temperature=st.floats(0, 2),
    top_k=st.integers(0, 1000),
    top_p=st.floats(0.05, 1),
    seed=st.integers(0, 2**32 - 1),
)
token_ids = st.integers(0, 50256)
candidates = st.builds(
    Candidate,
    token_id=token_ids,
    logit=st.floats(-200, 200),
    logprob=st.floats(-300, 0),
    rank=st.integers(1, 50257),
)
steps = st.builds(
    Step,
    chosen=candidates,
    candidates=st.lists(candidates, min_size=5, max_size=5).map(tuple),
    entropy=st.floats(0, 15.62),
)
completions = st.builds(
    Completion,
    steps=st.lists(steps, max_size=3).map(tuple),
    finish_reason=st.sampled_from(["stop", "length", "cancelled"]),
)
updates = st.one_of(
    st.builds(Queued, position=st.integers(1, 10_000), eta=st.none() | st.floats(0, 100_000)),
    st.builds(Progress, steps=st.lists(steps, max_size=3).map(tuple)),
    st.builds(Finished, completion=completions, seconds=st.floats(0, 1000)),
)
