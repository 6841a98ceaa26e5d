"""The card of ``/next``: the five most likely tokens, and the one that is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import (
    TOKEN_WIDTH,
    WRITING_COLOUR,
    Audience,
    Row,
    Text,
    button,
    candidate_row,
    card,
    entropy,
    model_name,
    percent,
    rule,
    small,
    spaced,
    token_name,
    top_five,
)
from bot.custom_ids import custom_id
from bot.features.next import WalkRun
from bot.model.model_info import ModelInfo
from bot.model.protocol import Candidate, Step
from bot.text.escaping import clip_end, inert, inert_tail
from bot.text.tokenization import Encodings

_TEXT_BUDGET = 1_500


@dataclass(frozen=True, slots=True)
class NextCard:
    """``names`` maps each token id in ``step`` to its visible form; ``recalled`` says when the same was
    requested before."""

    run_id: str
    audience: Audience
    model: str
    prompt: str
    appended: str
    steps_taken: int
    temperature: float
    seed: int
    vocabulary: int
    step: Step
    names: dict[int, str]
    recalled: str | None = None


def describe_next(
    run: WalkRun, model: ModelInfo, encodings: Encodings, *, recalled: str | None = None
) -> NextCard:
    walk, encoding = run.walk, run.fingerprint.encoding
    return NextCard(
        run_id=walk.run_id,
        audience=Audience(walk.owner, walk.private),
        model=model_name(model),
        prompt=encodings.decode(walk.prompt_ids, encoding),
        appended=encodings.decode(walk.appended_ids, encoding),
        steps_taken=len(walk.appended_ids),
        temperature=walk.temperature,
        seed=walk.seed,
        vocabulary=model.vocabulary,
        step=run.step,
        names={
            candidate.token_id: encodings.token(candidate.token_id, encoding).visible
            for candidate in (run.step.chosen, *run.step.candidates)
        },
        recalled=recalled,
    )


def next_tokens(content: NextCard) -> ui.LayoutView:
    return card(
        Text(_text(content)),
        Text(_explanation(content)),
        rule(),
        *(_row(content, candidate) for candidate in content.step.candidates),
        rule(),
        Text(_summary(content)),
        _actions(content),
        Text(small(_facts(content))),
        colour=WRITING_COLOUR,
    )


def _text(content: NextCard) -> str:
    appended = inert_tail(content.appended, _TEXT_BUDGET // 2)
    prompt = inert_tail(content.prompt, _TEXT_BUDGET - len(appended)).strip()
    return (f"**{prompt}**" if prompt else "") + appended + " ▁▁▁"


def _explanation(content: NextCard) -> str:
    legend = (
        f"The model scored each of its {content.vocabulary:,} tokens (the score is the logit). "
        "These are its top five; press one to add it."
    )
    return "\n".join([small(line) for line in [legend, *spaced("" if content.appended else content.prompt)]])


def _row(content: NextCard, candidate: Candidate) -> ui.Section[ui.LayoutView]:
    name = content.names[candidate.token_id]
    drawn = " 🎲" if candidate.token_id == content.step.chosen.token_id else ""
    return ui.Section(
        candidate_row(name, candidate, mark=drawn),
        accessory=button(
            f"+ {clip_end(name, TOKEN_WIDTH)}",
            custom_id("next", "append", content.run_id, candidate.token_id),
        ),
    )


def _summary(content: NextCard) -> str:
    step = content.step
    top, drawn = step.candidates[0], step.chosen
    how = "Greedy (temperature 0) picks" if content.temperature == 0 else f"Seed {content.seed} drew"
    return (
        f"**Top guess:** {token_name(content.names[top.token_id])} ({percent(math.exp(top.logprob))}). "
        f"🎲 **{how}** {token_name(content.names[drawn.token_id])} "
        f"({percent(math.exp(drawn.logprob))}, rank {drawn.rank:,}).\n"
        f"{top_five(step.candidates)} {entropy(step.entropy)}"
    )


def _actions(content: NextCard) -> Row:
    drawn = content.step.chosen
    return Row(
        button(
            f"🎲 Draw {clip_end(content.names[drawn.token_id], TOKEN_WIDTH)}",
            custom_id("next", "draw", content.run_id, drawn.token_id),
            style=discord.ButtonStyle.primary,
        ),
        button("Undo", custom_id("next", "undo", content.run_id), disabled=content.steps_taken == 0),
        content.audience.button,
    )


def _facts(content: NextCard) -> str:
    how = (
        "probabilities at temperature 1"
        if content.temperature == 0
        else f"temperature {content.temperature:g}"
    )
    facts = f"{inert(content.model)} · seed {content.seed} · {how} · step {content.steps_taken + 1}"
    return facts if content.recalled is None else f"{facts} · saved reply from {content.recalled}"
