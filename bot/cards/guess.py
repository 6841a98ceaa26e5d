"""The cards of ``/guess``: the vote, and what the model found likely."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.candidates import entropy, top_five
from bot.cards.layout import (
    DONE_COLOUR,
    WAITING_COLOUR,
    WRITING_COLOUR,
    Audience,
    Row,
    Text,
    bar,
    button,
    card,
    percent,
    rule,
    small,
    spaced,
    token_name,
)
from bot.cards.scores import leaders
from bot.cards.signs import meaning, signs_in
from bot.custom_ids import custom_id
from bot.features.guess import PATIENCE, Round, Score
from bot.features.next import WalkRun
from bot.model.protocol import Candidate, Step
from bot.quoting import plural
from bot.text.escaping import bold, clip_end, inert, inert_tail
from bot.text.tokenization import Encodings

_TEXT_BUDGET = 1_000
_TOKEN_WIDTH = 40
_MOST_VOTERS = 10
_TOP = 5
_EXPLANATION = (
    "A token is a word or a part of one. Which of these four is the model's top guess for what comes next?"
)


@dataclass(frozen=True, slots=True)
class GuessCard:
    """``names`` maps a token id to its visible form, for every choice."""

    round: Round
    owner: int
    prompt: str
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class RevealCard:
    """A round that is over, whose ``names`` have every candidate of ``step``.

    ``appended`` is the top guess's text, ``scores`` are the server's, the best first.
    """

    game: GuessCard
    step: Step
    appended: str
    scores: tuple[Score, ...]


def describe_guess(run: WalkRun, round_: Round, encodings: Encodings) -> GuessCard:
    encoding = run.fingerprint.encoding
    return GuessCard(
        round=round_,
        owner=run.owner,
        prompt=encodings.decode(run.walk.prompt_ids, encoding),
        names={
            candidate.token_id: encodings.token(candidate.token_id, encoding).visible
            for candidate in run.step.candidates
        },
    )


def describe_reveal(
    run: WalkRun, game: GuessCard, encodings: Encodings, scores: tuple[Score, ...]
) -> RevealCard:
    appended = encodings.decode([game.round.top_guess], run.fingerprint.encoding)
    return RevealCard(game, run.step, appended, scores)


def guess(content: GuessCard) -> ui.LayoutView:
    names = content.names
    return card(
        Text("### 🎯 Guess the next token"),
        Text(f"{_prompt(content)} ▁▁▁"),
        Text(small(_EXPLANATION)),
        Row(
            *(
                button(
                    clip_end(names[token_id], _TOKEN_WIDTH),
                    custom_id("guess", "vote", content.round.run_id, token_id),
                    style=discord.ButtonStyle.primary,
                )
                for token_id in content.round.choices
            )
        ),
        Text(_turnout(len(content.round.votes))),
        _actions(content, "Reveal", "reveal"),
        Text("\n".join(map(small, [*spaced(content.prompt), _rules(content)]))),
        colour=WRITING_COLOUR,
    )


def reveal(content: RevealCard) -> ui.LayoutView:
    game = content.game
    candidates = {candidate.token_id: candidate for candidate in content.step.candidates}
    shown = sorted((candidates[token_id] for token_id in game.round.choices), key=lambda one: one.rank)
    standing = leaders(content.scores) if game.round.guild is not None else ""
    return card(
        Text(f"### 🎯 The model's top guess: {_name(game, game.round.top_guess)}"),
        Text(f"{_prompt(game)}{inert(content.appended)}"),
        rule(),
        *_apart(Text(_choice(game, candidate)) for candidate in shown),
        rule(),
        Text(f"{_result(game.round)}\n{_distribution(content)}"),
        *((Text(standing),) if standing else ()),
        _actions(game, "Next round", "next"),
        colour=DONE_COLOUR,
    )


def voted(now: str, before: str | None) -> ui.LayoutView:
    """The reply to a vote, for the voter alone: what it is ``now``, and what it was ``before``, if cast."""
    if before is None:
        said = f"You voted for {_shown(now)}. Press another to change it."
    elif now == before:
        said = f"{_shown(now)} is already your vote."
    else:
        said = f"You changed your vote from {_shown(before)} to {_shown(now)}."
    return card(Text(said), colour=WAITING_COLOUR)


def _prompt(content: GuessCard) -> str:
    return bold(inert_tail(content.prompt, _TEXT_BUDGET))


def _turnout(votes: int) -> str:
    return f"**{plural(votes, 'vote')}** so far." if votes else "No votes yet."


def _rules(content: GuessCard) -> str:
    signs = signs_in(content.names[token_id] for token_id in content.round.choices)
    legend = ", ".join(f"{written} is {meaning(sign, written)}" for sign, written in signs.items())
    return (
        (f"{legend}. " if legend else "")
        + "One vote each; press another token to change it. Votes stay hidden until the reveal. "
        + f"<@{content.owner}>"
        + (" or a moderator" if content.round.guild is not None else "")
        + f" can reveal; after {PATIENCE / 60:.0f} minutes, anyone can."
    )


def _actions(content: GuessCard, label: str, action: str) -> Row:
    round_ = content.round
    scores = button("Leaderboard", custom_id("guess", "scores", round_.run_id))
    return Row(
        button(label, custom_id("guess", action, round_.run_id), style=discord.ButtonStyle.success),
        *([scores] if round_.guild is not None else []),
        Audience(content.owner, private=False).button,
    )


def _apart(texts: Iterable[Text]) -> list[ui.Item[ui.LayoutView]]:
    """The texts with some room between them, so they stay distinct."""
    spaced: list[ui.Item[ui.LayoutView]] = []
    for text in texts:
        spaced += [ui.Separator(visible=False), text] if spaced else [text]
    return spaced


def _choice(content: GuessCard, candidate: Candidate) -> str:
    probability = math.exp(candidate.logprob)
    top = " ⭐ top guess" if candidate.token_id == content.round.top_guess else ""
    return (
        f"{_name(content, candidate.token_id)} **{percent(probability)}**{top}\n"
        f"{bar(probability)}{_voters(content.round.voters(candidate.token_id))}"
    )


def _voters(people: tuple[int, ...]) -> str:
    if not people:
        return ""
    named = " ".join(f"<@{person}>" for person in people[:_MOST_VOTERS])
    more = f" and {len(people) - _MOST_VOTERS:,} more" if len(people) > _MOST_VOTERS else ""
    return "\n" + small(f"{plural(len(people), 'vote')}: {named}{more}")


def _result(round_: Round) -> str:
    right, votes = len(round_.voters(round_.top_guess)), len(round_.votes)
    return f"**{right:,} of {plural(votes, 'vote')}** got it right." if votes else "No votes."


def _distribution(content: RevealCard) -> str:
    top = content.step.candidates[:_TOP]
    five = " · ".join(
        f"{_name(content.game, candidate.token_id)} {percent(math.exp(candidate.logprob))}"
        for candidate in top
    )
    return f"**Top five of all tokens:** {five}\n{top_five(top)} {entropy(content.step.entropy)}"


def _name(content: GuessCard, token_id: int) -> str:
    return _shown(content.names[token_id])


def _shown(name: str) -> str:
    return token_name(name, _TOKEN_WIDTH)
