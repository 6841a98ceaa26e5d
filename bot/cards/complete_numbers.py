"""*Numbers* of a finished text: its settings, speed, ranks, surprise and ids."""

from __future__ import annotations

import math
from dataclasses import dataclass

from discord import ui

from bot.cards.layout import NO_BREAK, duration, private_note, token_name
from bot.features.complete import CompletionRun
from bot.features.surprise import bits
from bot.model.protocol import Step
from bot.quoting import plural
from bot.text.escaping import clip_end, code
from bot.text.tokenization import Encodings

_IDS_BUDGET = 500


@dataclass(frozen=True, slots=True)
class CompletionNumbers:
    """A run, and how many of its tokens took how many ``seconds``; 0 where that isn't known.

    ``riskiest`` is the name of the token with the highest rank that the model picked itself, empty
    if there is none.
    """

    run: CompletionRun
    tokens: int
    seconds: float
    riskiest: str


def describe_numbers(
    run: CompletionRun, encodings: Encodings, *, tokens: int, seconds: float
) -> CompletionNumbers:
    picked = [one.chosen for one in _picked(run)]
    riskiest = ""
    if picked:
        highest = max(picked, key=lambda chosen: chosen.rank)
        riskiest = encodings.token(highest.token_id, run.fingerprint.encoding).visible
    return CompletionNumbers(run, tokens, seconds, riskiest)


def completion_numbers(content: CompletionNumbers) -> ui.LayoutView:
    run, params = content.run, content.run.params
    top_k = f"top-k {params.top_k}" if params.top_k else "top-k off"
    how = "greedy" if params.temperature == 0 else f"temperature {params.temperature:g}"
    settings = f"{how} · {top_k} · top-p {params.top_p:g} · seed {params.seed}"
    lines = [
        f"**Settings:** {settings} · up to {plural(params.max_new_tokens, 'token')} at a time",
        f"**Tokens:** {len(run.prompt_ids):,} in the prompt, {len(run.steps):,} after it",
    ]
    if content.seconds >= 0.001:
        pace = f"{content.tokens / content.seconds:.1f}{NO_BREAK}tokens/s"
        lines.append(f"**Speed:** {plural(content.tokens, 'token')} in {duration(content.seconds)}, {pace}")
    if picked := _picked(run):
        lines += _on_picks(picked, content.riskiest)
    lines.append(f"**Ids:** {_ids(run)}")
    fingerprint = f"{run.fingerprint.precision} · fingerprint {run.fingerprint}"
    return private_note(*lines, facts=f"{fingerprint} (mixed)" if run.mixed else fingerprint)


def _on_picks(picked: list[Step], riskiest: str) -> list[str]:
    count = len(picked)
    top = sum(step.chosen.rank == 1 for step in picked)
    highest = max(step.chosen.rank for step in picked)
    surprise = bits(math.fsum(max(0.0, -step.chosen.logprob) for step in picked) / count)
    entropy = math.fsum(step.entropy for step in picked) / count
    riskiest_pick = f"riskiest pick: rank {highest:,}, {token_name(riskiest)}"
    return [
        f"**Picks:** top guess {top:,} of {plural(count, 'time')}; {riskiest_pick}",
        f"**On average:** surprise {surprise:.2f} bits a token, entropy before it {entropy:.2f} bits",
    ]


def _picked(run: CompletionRun) -> list[Step]:
    """The steps whose token the model picked itself."""
    return [step for number, step in enumerate(run.steps) if number not in run.by_hand]


def _ids(run: CompletionRun) -> str:
    ids = " ".join(map(str, (*run.prompt_ids, *run.token_ids)))
    return code(clip_end(ids, _IDS_BUDGET))
