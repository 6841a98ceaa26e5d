"""Steps survive being packed, bit by bit."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.protocol import Candidate, Step
from bot.store.steps import packed, unpacked

floats = st.floats(width=32, allow_nan=False)
candidates = st.builds(
    Candidate,
    token_id=st.integers(0, 2**32 - 1),
    logit=floats,
    logprob=floats,
    rank=st.integers(1, 2**32 - 1),
)
steps = st.builds(
    Step, chosen=candidates, candidates=st.lists(candidates, max_size=6).map(tuple), entropy=floats
)


@pytest.mark.slow
@given(st.lists(steps, max_size=20).map(tuple))
def test_unpacking_undoes_packing(given_steps: tuple[Step, ...]) -> None:
    assert unpacked(packed(given_steps)) == given_steps


@given(st.lists(steps, min_size=1, max_size=3).map(tuple), st.data())
def test_truncated_bytes_are_an_error_not_a_shorter_text(
    given_steps: tuple[Step, ...], data: st.DataObject
) -> None:
    whole = packed(given_steps)
    borders = {len(packed(given_steps[:count])) for count in range(len(given_steps) + 1)}
    cut = data.draw(st.integers(0, len(whole)).filter(lambda length: length not in borders))

    with pytest.raises(struct.error):
        unpacked(whole[:cut])


def test_a_step_of_five_candidates_takes_about_a_hundred_bytes() -> None:
    candidate = Candidate(530, 2.25, -0.5, 1)

    assert len(packed([Step(candidate, (candidate,) * 5, 1.5)])) == 104
