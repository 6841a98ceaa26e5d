"""Candidates for the next token: as a table of bars, and with all their figures as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from bot.cards.layout import number, percent, token_name
from bot.cards.pictures.bars import Bar
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.model.protocol import Candidate

_COLOUR, _CHOSEN = LIGHT_COLOURS[:2]


def _id_and_logit(candidate: Candidate) -> str:
    return f"id {candidate.token_id} · logit {number(candidate.logit)}"


def candidate_bars(
    candidates: Sequence[Candidate],
    names: Mapping[int, str],
    *,
    chosen: Candidate | None = None,
    mark: str = "chosen",
    note: Callable[[Candidate], str] = _id_and_logit,
) -> tuple[Bar, ...]:
    """Make a row for each candidate, with a ``note`` on it, and one for everything else.

    ``chosen`` stands out by its ``mark``, and has a row of its own if it is none of the candidates.
    """
    longest = max(math.exp(one.logprob) for one in candidates)
    shown = [*candidates]
    if chosen is not None and chosen.token_id not in {one.token_id for one in candidates}:
        shown.append(chosen)

    def bar(one: Candidate) -> Bar:
        share = math.exp(one.logprob)
        is_chosen = chosen is not None and one.token_id == chosen.token_id
        return Bar(
            label=names[one.token_id],
            length=share / longest if longest > 0 else 0.0,
            value=percent(share),
            rank=f"{one.rank:,}",
            note=note(one),
            mark=mark if is_chosen else "",
            colour=_CHOSEN if is_chosen else _COLOUR,
        )

    rest = Bar("everything else", None, percent(_left(shown)), is_plain=True)
    return (*map(bar, shown), rest)


def candidate_lines(candidates: Sequence[Candidate], names: Mapping[int, str]) -> list[str]:
    """Describe each candidate by rank, probability, id and logit."""
    return [
        f"**{one.rank:,}.** {token_name(names[one.token_id])} **{percent(math.exp(one.logprob))}** · "
        f"id {one.token_id} · logit {number(one.logit)}"
        for one in candidates
    ]


def top_five(candidates: Sequence[Candidate]) -> str:
    """Say how much of the probability the five ``candidates`` hold, and how much is left."""
    left = _left(candidates)
    return f"These five: **{percent(1 - left)}**. Everything else: {percent(left)}."


def entropy(bits: float) -> str:
    """Explain the entropy of a next-token distribution."""
    options = round(2**bits)
    meaning = f"like choosing among {options:,} equal options" if options > 1 else "all but certain"
    return f"Entropy of the whole distribution: **{bits:.2f} bits**, {meaning}."


def _left(candidates: Sequence[Candidate]) -> float:
    return max(0.0, 1 - sum(math.exp(one.logprob) for one in candidates))
