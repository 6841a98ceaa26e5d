"""The card of *Why this word?*: the model's top guesses at one position of a text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import (
    NO_BREAK,
    TOKEN_WIDTH,
    WRITING_COLOUR,
    Audience,
    Button,
    Row,
    Text,
    button,
    candidate_row,
    card,
    entropy,
    percent,
    rule,
    small,
    token_name,
)
from bot.custom_ids import custom_id
from bot.features.complete import CompletionRun
from bot.features.surprise import bits
from bot.model.model_info import END_OF_TEXT
from bot.model.protocol import Candidate, SamplingParams, Step
from bot.text.escaping import bold, clip_end, inert_head, inert_tail
from bot.text.tokenization import Encodings

PAGE = 25  # options in a menu, by Discord's limit
TURNS = ("page-back", "back", "next", "page-next")  # distinct, since a card's buttons need different ids

_BEFORE = 700
_PROMPT_SHARE = 200
_AFTER = 300


@dataclass(frozen=True, slots=True)
class WhyCard:
    """Position ``position`` (from 0) of a run's ``tokens``, which are in visible form.

    ``prompt``, ``before`` and ``after`` are the text around it; ``step`` is what the model
    computed there, and ``names`` maps its token ids to their visible forms. ``chosen`` has the
    chosen token of every position. The tokens in ``ends`` end a text. A fork of a ``private``
    text is private too.
    """

    run_id: str
    prompt: str
    before: str
    after: str
    position: int
    tokens: tuple[str, ...]
    chosen: tuple[Candidate, ...]
    step: Step
    names: dict[int, str]
    params: SamplingParams
    by_hand: bool
    most_surprising: bool
    private: bool
    audience: Audience
    ends: tuple[int, ...] = (END_OF_TEXT,)


def describe_why(
    run: CompletionRun, position: int, encodings: Encodings, *, private: bool, audience: Audience
) -> WhyCard:
    """Describe step ``position`` of the run; LookupError if there is none."""
    ids, step, encoding = run.token_ids, run.steps[position], run.fingerprint.encoding

    def text(some: Sequence[int]) -> str:
        return encodings.decode(some, encoding)

    def name(token_id: int) -> str:
        return encodings.token(token_id, encoding).visible

    return WhyCard(
        run_id=run.run_id,
        prompt=text(run.prompt_ids),
        before=text(ids[:position]),
        after=text(ids[position + 1 :]),
        position=position,
        tokens=tuple(map(name, ids)),
        chosen=tuple(step.chosen for step in run.steps),
        step=step,
        names={one.token_id: name(one.token_id) for one in (step.chosen, *step.candidates)},
        params=run.params,
        ends=run.fingerprint.ends,
        by_hand=position in run.by_hand,
        most_surprising=position == run.most_surprising(),
        private=private,
        audience=audience,
    )


def why(content: WhyCard) -> ui.LayoutView:
    chosen = content.step.chosen
    is_among_them = any(candidate.token_id == chosen.token_id for candidate in content.step.candidates)
    return card(
        Text(_text(content)),
        Text(small(_explanation(content))),
        rule(),
        *(_section(content, candidate) for candidate in content.step.candidates),
        *([] if is_among_them else [Text(_row(content, chosen))]),
        rule(),
        Text(_summary(content)),
        Row(_menu(content)),
        Row(*_turns(content), content.audience.button),
        colour=WRITING_COLOUR,
    )


def _text(content: WhyCard) -> str:
    """Show the text around the token, with the prompt in bold and the token as code."""
    before = inert_tail(content.before, _BEFORE - _PROMPT_SHARE)
    prompt = bold(inert_tail(content.prompt, _BEFORE - len(before)))
    after = inert_head(content.after, _AFTER)
    return f"{prompt}{before}{token_name(content.tokens[content.position])}{after}".strip()


def _explanation(content: WhyCard) -> str:
    place = f"Token {content.position + 1:,} of {len(content.tokens):,}"
    if content.most_surprising:
        place += ", the biggest surprise"
    return (
        f"{place}. The model's top guesses here, with their scores (logits) and "
        f"probabilities{_circumstances(content.params)}. Pick another token to rewrite from here."
    )


def _circumstances(params: SamplingParams) -> str:
    """Say which temperature the probabilities are for, and which tokens could be drawn."""
    if params.temperature == 0:
        return " at temperature 1"
    said = f" at temperature {params.temperature:g}"
    limits = [f"the top {params.top_k} (top-k)"] if params.top_k else []
    if params.top_p < 1:
        limits.append(f"those that make up {100 * params.top_p:g}{NO_BREAK}% (top-p)")
    return f"{said}; it drew from {', and of these from '.join(limits)}" if limits else said


def _section(content: WhyCard, candidate: Candidate) -> ui.Section[ui.LayoutView]:
    name = content.names[candidate.token_id]
    is_chosen = candidate.token_id == content.step.chosen.token_id
    is_end = candidate.token_id in content.ends
    if is_chosen:
        label = "chosen"
    elif is_end:  # anything after it would be another text
        label = "ends the text"
    else:
        label = f"Fork here: {clip_end(name, TOKEN_WIDTH)}"
    return ui.Section(
        _row(content, candidate),
        accessory=button(
            label,
            custom_id("why", "fork", content.run_id, content.position, candidate.token_id, content.private),
            disabled=is_chosen or is_end,
        ),
    )


def _row(content: WhyCard, candidate: Candidate) -> str:
    mark = " ← chosen" if candidate.token_id == content.step.chosen.token_id else ""
    return candidate_row(content.names[candidate.token_id], candidate, mark=mark)


def _summary(content: WhyCard) -> str:
    step = content.step
    chosen = step.chosen
    name = token_name(content.names[chosen.token_id])
    if content.by_hand:
        how = f"Someone picked {name}"
    elif content.params.temperature == 0:
        how = f"Greedy (temperature 0) took the top guess, {name}"
    else:
        how = f"It drew {name}"
    return (
        f"**{how}: rank {chosen.rank:,}, {percent(math.exp(chosen.logprob))}.** "
        f"Surprise: **{bits(max(0.0, -chosen.logprob)):,.1f} bits** (one coin flip = 1 bit). "
        f"{entropy(step.entropy)}"
    )


def _menu(content: WhyCard) -> ui.Select[ui.LayoutView]:
    first = content.position // PAGE * PAGE
    last = min(first + PAGE, len(content.tokens))
    return ui.Select(
        custom_id=custom_id("position", "show", content.run_id, first, content.private),
        placeholder=f"Tokens {first + 1:,} to {last:,}",
        options=[
            discord.SelectOption(
                label=clip_end(f"{position + 1}. {content.tokens[position]}", 100),
                value=str(position),
                description=f"rank {chosen.rank:,}, {percent(math.exp(chosen.logprob))}",
                default=position == content.position,
            )
            for position, chosen in enumerate(content.chosen[first:last], first)
        ],
    )


def _turns(content: WhyCard) -> list[Button]:
    """Make the buttons that turn to a token or a page before or after this one."""
    last = len(content.tokens) - 1
    page = content.position // PAGE * PAGE
    places = (page - PAGE, content.position - 1, content.position + 1, page + PAGE)
    labels = (f"−{PAGE}", "‹ Back", "Next ›", f"+{PAGE}")
    return [
        button(
            label,
            custom_id("why", action, content.run_id, max(0, min(place, last)), content.private),
            disabled=not 0 <= place <= last,
        )
        for label, action, place in zip(labels, TURNS, places, strict=True)
    ]
