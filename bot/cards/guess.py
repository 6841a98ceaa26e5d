"""The cards of a round of ``/guess`` that is open: the question to all, and each voter's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import (
    PRIVATE_COLOUR,
    WRITING_COLOUR,
    Audience,
    Row,
    arranged,
    button,
    numbers_button,
    private_note,
    spaced,
    token_name,
)
from bot.cards.signs import meaning, signs_in
from bot.custom_ids import custom_id
from bot.features.guess import NO_ONE, PATIENCE, Round
from bot.features.next import WalkRun
from bot.quoting import plural
from bot.text.escaping import bold, clip_end, inert, inert_tail
from bot.text.tokenization import Encodings

_TEXT_BUDGET = 1_000
_TOKEN_WIDTH = 40
# Also for those who play alone.
_NO_VOTES = "No votes yet. Pick one, or press Reveal to give up."
_TEXT_IS_GONE = "(The text was deleted: its author asked for it.)"


@dataclass(frozen=True, slots=True)
class GuessCard:
    """``names`` maps a token id to its visible form, for every choice.

    ``owner`` is NO_ONE, and ``prompt`` may be empty, once the person who began the round was forgotten.
    ``model`` is None while it is not known which one wrote the table.
    """

    round: Round
    owner: int
    prompt: str
    names: Mapping[int, str]
    model: str | None = None


def describe_guess(
    run: WalkRun, round_: Round, encodings: Encodings, *, model: str | None = None
) -> GuessCard:
    encoding = run.fingerprint.encoding
    return GuessCard(
        round=round_,
        owner=run.owner,
        prompt=encodings.decode(run.walk.prompt_ids, encoding),
        names={
            candidate.token_id: encodings.token(candidate.token_id, encoding).visible
            for candidate in run.step.candidates
        },
        model=model,
    )


def guess(content: GuessCard) -> ui.LayoutView:
    """Ask everyone for the model's top guess."""
    votes = len(content.round.votes)
    turnout = f"**{plural(votes, 'vote')}** so far." if votes else _NO_VOTES
    return arranged(
        f"### 🎯 Guess the next token\n{prompt_of(content)} ▁▁▁",
        _ballot(content),
        round_actions(content, button("Reveal", custom_id("guess", "reveal", content.round.run_id))),
        result=[f"Which of these four is the model's top guess? {turnout}", *spaced(content.prompt)],
        facts=_rules(content),
        colour=WRITING_COLOUR,
    )


def voted(content: GuessCard, now: int, before: int | None) -> ui.LayoutView:
    """Confirm a vote to the voter alone, and let them change it; ``before`` is the one it replaced."""
    names = content.names
    if before is None or before not in names:
        said = f"You voted for {shown(names[now])}."
    elif now == before:
        said = f"That's already your vote: {shown(names[now])}."
    else:
        said = f"You changed your vote from {shown(names[before])} to {shown(names[now])}."
    return arranged(
        said,
        _ballot(content, cast=now),
        facts="Press another to change it. Votes stay hidden until the reveal.",
        colour=PRIVATE_COLOUR,
    )


def too_late() -> ui.LayoutView:
    """Take the place of a voter's own card once the round is over."""
    return private_note("This round is over.", facts="Its card shows the answer and who voted for what.")


def prompt_of(content: GuessCard) -> str:
    return bold(inert_tail(content.prompt, _TEXT_BUDGET)) if content.prompt else _TEXT_IS_GONE


def shown(name: str) -> str:
    return token_name(name, _TOKEN_WIDTH)


def round_actions(content: GuessCard, first: ui.Button[ui.LayoutView], *, is_over: bool = False) -> Row:
    """Make the row of what can be done with a round; ``first`` begins it."""
    round_ = content.round
    scores = button("Leaderboard", custom_id("guess", "scores", round_.run_id))
    return Row(
        first,
        *([scores] if round_.guild is not None else []),
        *([numbers_button("guess", round_.run_id)] if is_over else []),
        Audience(content.owner, private=False).button,
    )


def _ballot(content: GuessCard, *, cast: int | None = None) -> Row:
    """Make a button for each choice; the vote that is ``cast`` stands out, and can't be pressed."""
    open_style = discord.ButtonStyle.primary if cast is None else discord.ButtonStyle.secondary
    return Row(
        *(
            button(
                clip_end(content.names[token_id], _TOKEN_WIDTH),
                custom_id("guess", "vote", content.round.run_id, token_id),
                style=discord.ButtonStyle.success if token_id == cast else open_style,
                disabled=token_id == cast,
            )
            for token_id in content.round.choices
        )
    )


def _rules(content: GuessCard) -> str:
    signs = signs_in(content.names[token_id] for token_id in content.round.choices)
    legend = ", ".join(f"{written} is {meaning(sign, written)}" for sign, written in signs.items())
    people = [f"<@{content.owner}>"] if content.owner != NO_ONE else []
    people += ["a moderator"] if content.round.guild is not None else []
    minutes = f"{PATIENCE / 60:.0f} minutes"
    who = f"{' or '.join(people)} can reveal; after {minutes}, anyone can" if people else ""
    facts = (
        inert(content.model) if content.model else "",
        legend,
        "votes stay hidden until the reveal",
        who or f"after {minutes}, anyone can reveal",
    )
    return " · ".join(filter(None, facts))
