"""The card of ``/compare``: one prompt, continued by several methods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import (
    DONE_COLOUR,
    WRITING_COLOUR,
    Audience,
    Row,
    Text,
    button,
    card,
    model_name,
    rule,
    small,
    spaced,
    token_name,
)
from bot.custom_ids import OPEN, custom_id
from bot.errors import UnavailableError, Withheld
from bot.features.compare import Continuation, divergence
from bot.features.complete import CompletionJob
from bot.model.model_info import ModelInfo
from bot.queue.updates import Completion, Finished, News, Queued
from bot.quoting import plural
from bot.text.escaping import NEWLINE_SIGN, bold, inert_head, inert_tail
from bot.text.tokenization import Encodings

_PROMPT_BUDGET = 300
_WHOLE_BUDGET = 3_800  # for all text; what the lines around the texts leave of it is theirs
_TOKEN_BUDGET = 20
_MODEL_BUDGET = 100
_EXPLANATION = (
    "Before each token the model ranks all tokens it knows; rank 1 is its top guess. The same text has the "
    "same ranks, whatever the settings: they only decide which token is picked. A low temperature sharpens "
    "the probabilities, one above 1 flattens them, and top-p 0.9 draws from the most likely tokens that "
    "hold 90 %."
)


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first position (from 0) at which a text differs from the first one, and the two tokens there."""

    position: int
    own: str
    first: str


@dataclass(frozen=True, slots=True)
class ComparedText:
    """A method's continuation with its text; ``divergence`` is None as long as that is the first one's."""

    continuation: Continuation
    text: str
    divergence: Divergence | None


@dataclass(frozen=True, slots=True)
class ComparisonCard:
    """All that the card shows; the other ``texts`` are compared with the first."""

    model: str
    prompt: str
    texts: tuple[ComparedText, ...]
    seed: int
    max_tokens: int
    audience: Audience

    @property
    def over(self) -> bool:
        return all(one.continuation.over for one in self.texts)


def describe_comparison(
    job: CompletionJob, written: Sequence[Continuation], model: ModelInfo, encodings: Encodings
) -> ComparisonCard:
    """``job`` is the first one's; all have its prompt, seed and number of tokens."""

    def divergent(other: Continuation) -> Divergence | None:
        position = divergence(written[0].token_ids, other.token_ids)
        if position is None:
            return None
        own, first = (
            encodings.token(one.token_ids[position], model.encoding).visible for one in (other, written[0])
        )
        return Divergence(position, own, first)

    return ComparisonCard(
        model=model_name(model),
        prompt=encodings.decode(job.prompt_ids, model.encoding),
        texts=tuple(
            ComparedText(one, encodings.decode(one.token_ids, model.encoding), divergent(one))
            for one in written
        ),
        seed=job.params.seed,
        max_tokens=job.params.max_new_tokens,
        audience=Audience(job.owner, job.private),
    )


def comparison(content: ComparisonCard) -> ui.LayoutView:
    title = f"### One prompt, {len(content.texts)} ways to pick the next token"
    prompt = bold(inert_tail(content.prompt, _PROMPT_BUDGET))
    facts = "\n".join(map(small, _facts(content)))
    around = [_around(one, content.texts[0]) for one in content.texts]
    left = _WHOLE_BUDGET - sum(map(len, (title, prompt, facts, *(line for pair in around for line in pair))))
    blocks: list[ui.Item[ui.LayoutView]] = []
    for one, (head, numbers) in zip(content.texts, around, strict=True):
        lines = filter(None, (head, _text(one, left // len(around)), numbers))
        blocks += [ui.Separator(visible=False), Text("\n".join(lines))]
    return card(
        Text(title),
        Text(prompt),
        rule(),
        *blocks[1:],
        rule(),
        Text(facts),
        *(_actions(content) if content.over else [_stop_row(content)]),
        colour=DONE_COLOUR if content.over else WRITING_COLOUR,
    )


def _around(one: ComparedText, first: ComparedText) -> tuple[str, str]:
    """The line above a text and the one below it, which may be empty."""
    method = one.continuation.method
    numbers = _numbers(one, first)
    return f"**{method.name}**: {method.effect}", small(numbers) if numbers else ""


def _text(one: ComparedText, budget: int) -> str:
    """What is written, in at most ``budget`` characters with the signs around it."""
    if isinstance(one.continuation.news, Queued):
        return "⏳"
    if isinstance(one.continuation.news, Withheld):
        return "(withheld)"
    sign = "" if one.continuation.over else " ✍️"
    in_a_line = re.sub(r"\s*\n\s*", f" {NEWLINE_SIGN} ", one.text.strip())
    return (inert_head(in_a_line, budget - 5) or ("" if sign else "(nothing visible)")) + sign


def _numbers(one: ComparedText, first: ComparedText) -> str:
    continuation = one.continuation
    facts = [_divergence(one, first)]
    if count := len(continuation.steps):
        facts.append(f"took the top guess {continuation.top_picks:,} of {plural(count, 'time')}")
        if continuation.highest_rank > 1:
            facts.append(f"riskiest pick: rank {continuation.highest_rank:,}")
    facts.append(_ending(continuation.news))
    return " · ".join(filter(None, facts))


def _ending(news: News) -> str:
    match news:
        case Finished(Completion(_, "cancelled")):
            return "stopped"
        case UnavailableError():
            return "cut short"
        case Withheld():
            return "withheld: it contains a word that this community has blocked"
        case _:
            return ""


def _divergence(one: ComparedText, first: ComparedText) -> str:
    if one is first:
        return ""
    if one.divergence:
        own, other = (
            token_name(token, _TOKEN_BUDGET) for token in (one.divergence.own, one.divergence.first)
        )
        name = first.continuation.method.name
        return f"differs from {name} at token {one.divergence.position + 1} ({own}, not {other})"
    same = one.continuation.token_ids == first.continuation.token_ids != ()
    over = one.continuation.over and first.continuation.over
    return f"the same text as {first.continuation.method.name}" if same and over else ""


def _facts(content: ComparisonCard) -> list[str]:
    recalled = sum(one.continuation.recalled for one in content.texts)
    lines = [_EXPLANATION, *spaced(content.prompt)]
    if recalled:
        lines.append(
            f"{recalled} of these {len(content.texts)} texts are saved replies: the same seed gives the same "
            "text."
        )
    model = inert_head(content.model, _MODEL_BUDGET)
    lines.append(
        f"{model} · seed {content.seed} · up to {plural(content.max_tokens, 'token')} each · top-k off"
    )
    return lines


def _actions(content: ComparisonCard) -> list[Row]:
    """What has no token is no run that could be opened."""
    written = [one.continuation for one in content.texts if one.continuation.steps]
    rows = [Row(content.audience.button)]
    if written:
        menu = ui.Select[ui.LayoutView](
            custom_id=OPEN,
            placeholder="Explore a version…",
            options=[
                discord.SelectOption(label=one.method.name, description=one.method.effect, value=one.run_id)
                for one in written
            ],
        )
        rows.insert(0, Row(menu))
    return rows


def _stop_row(content: ComparisonCard) -> Row:
    stop = custom_id("compare", "stop", content.texts[0].continuation.run_id)
    return Row(button("Stop", stop, style=discord.ButtonStyle.danger))
