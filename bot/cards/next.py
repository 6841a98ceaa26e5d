"""The card of ``/next``: the five most likely tokens as a table of bars, and what a roll of the dice drew."""

from __future__ import annotations

import math
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.candidates import candidate_bars, candidate_lines, entropy, top_five
from bot.cards.layout import (
    TOKEN_WIDTH,
    Audience,
    Button,
    Row,
    arranged,
    button,
    model_name,
    number,
    numbers_button,
    percent,
    picture,
    private_note,
    spaced,
    token_name,
)
from bot.cards.pictures.bars import Bar, alt_text
from bot.custom_ids import custom_id
from bot.features.next import WalkRun
from bot.model.model_info import ModelInfo
from bot.model.protocol import Candidate, Step
from bot.quoting import ordinal
from bot.text.escaping import clip_end, inert, inert_tail, isolated
from bot.text.tokenization import Encodings
from bot.text.wrapping import last_rows, row_count

PICTURE = "next.png"

_TEXT_BUDGET = 1_500  # characters
_TEXT_ROWS = 22
_PLACES = "①②③④⑤"


@dataclass(frozen=True, slots=True)
class NextCard:
    """``names`` maps each token id in ``step`` to its visible form; ``rolled`` is the appended token that the
    dice chose, ``recalled`` says when the same was requested before."""

    run_id: str
    audience: Audience
    model: str
    prompt: str
    appended: str
    steps_taken: int
    temperature: float
    top_k: int
    seed: int
    step: Step
    names: dict[int, str]
    rolled: Rolled | None = None
    recalled: str | None = None


@dataclass(frozen=True, slots=True)
class Rolled:
    """The token that a roll of the dice has just added, in its visible form."""

    name: str
    rank: int
    logprob: float


def describe_next(
    run: WalkRun,
    model: ModelInfo,
    encodings: Encodings,
    *,
    rolled: Candidate | None = None,
    recalled: str | None = None,
) -> NextCard:
    walk, encoding = run.walk, run.fingerprint.encoding

    def name(token_id: int) -> str:
        return encodings.token(token_id, encoding).visible

    return NextCard(
        run_id=walk.run_id,
        audience=Audience(walk.owner, walk.private),
        model=model_name(model),
        prompt=encodings.decode(walk.prompt_ids, encoding),
        appended=encodings.decode(walk.appended_ids, encoding),
        steps_taken=len(walk.appended_ids),
        temperature=walk.temperature,
        top_k=walk.top_k,
        seed=walk.seed,
        step=run.step,
        names={one.token_id: name(one.token_id) for one in (run.step.chosen, *run.step.candidates)},
        rolled=None if rolled is None else Rolled(name(rolled.token_id), rolled.rank, rolled.logprob),
        recalled=recalled,
    )


def next_tokens(content: NextCard) -> ui.LayoutView:
    """Build the card; it shows an attachment named PICTURE, drawn from :func:`next_bars`."""
    return arranged(
        _text(content),
        Row(*(_choice(content, *one) for one in zip(_PLACES, content.step.candidates, strict=False))),
        _actions(content),
        picture=picture(PICTURE, f"The model's top guesses: {alt_text(next_bars(content))}"),
        result=_result(content),
        facts=_facts(content),
        colour=content.audience.colour,
    )


def next_bars(content: NextCard) -> tuple[Bar, ...]:
    """Make the picture's rows: the five most likely tokens, and everything else."""
    return candidate_bars(content.step.candidates, content.names)


def next_numbers(content: NextCard) -> ui.LayoutView:
    """Show the step's figures, for the person who pressed *Numbers*."""
    step = content.step
    how = "Greedy picks" if content.temperature == 0 else f"Seed {content.seed} draws"
    return private_note(
        *candidate_lines(step.candidates, content.names),
        f"{top_five(step.candidates)} {entropy(step.entropy)}",
        f"{how} here: {_spoiler(step.chosen, content.names)}",
        facts=_facts(content),
    )


def _spoiler(drawn: Candidate, names: dict[int, str]) -> str:
    """Hide what the dice will show until it is pressed.

    Discord ends a spoiler at any two bars, even in code: so the token's name is escaped instead.
    """
    name = isolated(inert(clip_end(names[drawn.token_id], TOKEN_WIDTH)))
    share = percent(math.exp(drawn.logprob))
    return f"||{name}, {share}, rank {drawn.rank:,}, id {drawn.token_id}, logit {number(drawn.logit)}.||"


def _text(content: NextCard) -> str:
    appended = inert_tail(last_rows(content.appended, _TEXT_ROWS // 2), _TEXT_BUDGET // 2)
    end = last_rows(content.prompt, _TEXT_ROWS - row_count(appended))
    prompt = inert_tail(end, _TEXT_BUDGET - len(appended)).strip()
    return (f"**{prompt}**" if prompt else "") + appended + " ▁▁▁"


def _result(content: NextCard) -> list[str]:
    lines = ["Its top guesses for the next token. Press one to add it, or roll the dice."]
    if content.rolled is not None:
        share = percent(math.exp(content.rolled.logprob))
        place = "top" if content.rolled.rank == 1 else ordinal(content.rolled.rank)
        lines.insert(0, f"🎲 It drew {token_name(content.rolled.name)}, its {place} choice ({share}).")
    return [*lines, *spaced("" if content.appended else content.prompt)]


def _choice(content: NextCard, place: str, candidate: Candidate) -> Button:
    name = clip_end(content.names[candidate.token_id], TOKEN_WIDTH)
    return button(f"{place} {name}", custom_id("next", "append", content.run_id, candidate.token_id))


def _actions(content: NextCard) -> Row:
    return Row(
        button(
            "Roll the dice",
            custom_id("next", "roll", content.run_id),
            emoji="🎲",
            style=discord.ButtonStyle.primary,
        ),
        button("Undo", custom_id("next", "undo", content.run_id), disabled=content.steps_taken == 0),
        numbers_button("next", content.run_id),
        content.audience.button,
    )


def _facts(content: NextCard) -> str:
    how = "greedy" if content.temperature == 0 else f"temperature {content.temperature:g}"
    limit = f" · top-k {content.top_k}" if content.top_k and content.temperature > 0 else ""
    facts = f"{inert(content.model)} · seed {content.seed} · {how}{limit} · step {content.steps_taken + 1}"
    return facts if content.recalled is None else f"{facts} · saved reply from {content.recalled}"
