"""Made-up rounds of /guess, as their cards show them."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import strategies as st
from msgspec import structs

from bot.cards import GuessCard, RevealCard
from bot.features.guess import Round, Score
from bot.model.protocol import Candidate, Step
from tests.support import strategies

NAMES = {262: "␣the", 257: "␣a", 530: "␣one", 198: "⏎", 407: "␣not", 635: "␣also"}
CANDIDATES = tuple(
    Candidate(token_id, 10.0 - rank, math.log(0.4 / rank), rank)
    for rank, token_id in enumerate(NAMES, start=1)
)
ADA, GRACE, ALAN = 11, 22, 33
ROUND = Round(strategies.RUN_ID, 7, (407, 262, 198, 257), top_guess=262)
OPEN = GuessCard(ROUND, ADA, "London was", NAMES, "demo-model")
VOTES = {ADA: 407, GRACE: 262, ALAN: 262}
OVER = RevealCard(
    replace(OPEN, round=replace(ROUND, revealed=True, votes=VOTES)),
    Step(CANDIDATES[0], CANDIDATES, entropy=7.0),
    " the",
    (Score(GRACE, 2, 3), Score(ALAN, 1, 1), Score(ADA, 0, 3)),
)

people = st.integers(2**60, 2**63 - 1)
scores = st.lists(st.builds(Score, people, st.integers(0, 10**6), st.integers(1, 10**6)), max_size=30)


@st.composite
def games(draw: st.DrawFn) -> RevealCard:
    """Any round, with any votes."""
    ids = draw(st.lists(strategies.token_ids, min_size=20, max_size=20, unique=True))
    candidates = tuple(
        structs.replace(draw(strategies.candidates), token_id=token_id, rank=rank)
        for rank, token_id in enumerate(ids, start=1)
    )
    rivals = draw(st.lists(st.sampled_from(ids[1:]), min_size=3, max_size=3, unique=True))
    choices = draw(st.permutations([ids[0], *rivals]))
    votes = draw(st.dictionaries(people, st.sampled_from(choices), max_size=60))
    guild = draw(st.none() | people)
    round_ = Round(strategies.RUN_ID, guild, tuple(choices), ids[0], revealed=True, votes=votes)
    game = GuessCard(
        round=round_,
        owner=draw(people),
        prompt=draw(strategies.long_texts.filter(str.strip)),
        names={token_id: draw(st.text(min_size=1, max_size=130)) for token_id in ids},
        model=draw(st.none() | st.text(max_size=40)),
    )
    step = Step(candidates[0], candidates, draw(st.floats(0, 15.62)))
    return RevealCard(game, step, draw(strategies.texts), tuple(draw(scores)))
