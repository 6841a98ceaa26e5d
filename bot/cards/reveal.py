"""The cards of a round of ``/guess`` that is over: the model's guesses, and who voted for which."""

from __future__ import annotations

from dataclasses import dataclass, replace

import discord
from discord import ui

from bot.cards.candidates import candidate_bars, candidate_lines, entropy, top_five
from bot.cards.guess import GuessCard, prompt_of, round_actions, shown
from bot.cards.layout import DONE_COLOUR, arranged, button, picture, private_note, small
from bot.cards.pictures.bars import Bar, alt_text
from bot.cards.pictures.canvas import FAINT
from bot.cards.scores import leaders
from bot.custom_ids import custom_id
from bot.features.guess import Round, Score
from bot.features.next import WalkRun
from bot.model.protocol import Candidate, Step
from bot.quoting import plural
from bot.text.escaping import inert
from bot.text.tokenization import Encodings

PICTURE = "guesses.png"

_MOST_VOTERS = 10
_TOP = 5


@dataclass(frozen=True, slots=True)
class RevealCard:
    """A round that is over, whose ``names`` have every candidate of ``step``.

    ``appended`` is the top guess's text, ``scores`` are the server's, the best first.
    """

    game: GuessCard
    step: Step
    appended: str
    scores: tuple[Score, ...]

    @property
    def shown(self) -> tuple[Candidate, ...]:
        """The model's top five and the four choices, by rank."""
        choices = self.game.round.choices
        others = (one for one in self.step.candidates[_TOP:] if one.token_id in choices)
        return (*self.step.candidates[:_TOP], *others)


def describe_reveal(
    run: WalkRun, game: GuessCard, encodings: Encodings, scores: tuple[Score, ...] = ()
) -> RevealCard:
    appended = encodings.decode([game.round.top_guess], run.fingerprint.encoding)
    return RevealCard(game, run.step, appended, scores)


def reveal(content: RevealCard) -> ui.LayoutView:
    """Build the card; it shows an attachment named PICTURE, drawn from :func:`reveal_bars`."""
    game = content.game
    following = button(
        "Next round",
        custom_id("guess", "next", game.round.run_id),
        style=discord.ButtonStyle.primary,
    )
    standing = leaders(content.scores) if game.round.guild is not None else ""
    is_grey = any(one.token_id not in game.round.choices for one in content.shown)
    lines = (_outcome(game.round), _voters(game), standing)
    return arranged(
        f"### 🎯 The model's top guess: {shown(game.names[game.round.top_guess])}\n"
        f"{prompt_of(game)}{inert(content.appended)}",
        round_actions(game, following, is_over=True),
        picture=picture(PICTURE, f"The model's guesses and the votes: {alt_text(reveal_bars(content))}"),
        result=[line for line in lines if line],
        facts=f"{_facts(game)} · grey: not among the four" if is_grey else _facts(game),
        colour=DONE_COLOUR,
    )


def reveal_bars(content: RevealCard) -> tuple[Bar, ...]:
    """Make the picture's rows: the top five and the choices with their votes, and everything else.

    Those that were no choice are grey.
    """
    round_ = content.game.round

    def votes(one: Candidate) -> str:
        number = len(round_.voters(one.token_id))
        return plural(number, "vote") if number else ""

    (top_guess,) = (one for one in content.shown if one.token_id == round_.top_guess)
    *rows, rest = candidate_bars(
        content.shown, content.game.names, chosen=top_guess, mark="top guess", note=votes
    )
    choices = [one.token_id in round_.choices for one in content.shown]
    bars = (
        bar if is_choice else replace(bar, colour=FAINT) for bar, is_choice in zip(rows, choices, strict=True)
    )
    return (*bars, rest)


def reveal_numbers(content: RevealCard) -> ui.LayoutView:
    """Show the figures behind the round, for the person who pressed *Numbers*."""
    top = content.step.candidates[:_TOP]
    return private_note(
        *candidate_lines(content.shown, content.game.names),
        f"{top_five(top)} {entropy(content.step.entropy)}",
        facts=_facts(content.game),
    )


def _outcome(round_: Round) -> str:
    right, votes = len(round_.voters(round_.top_guess)), len(round_.votes)
    return f"**{right:,} of {plural(votes, 'vote')} got it right.**" if votes else "No votes."


def _voters(game: GuessCard) -> str:
    """Say who voted for which choice, those for the top guess first."""
    order = sorted(game.round.choices, key=lambda token_id: token_id != game.round.top_guess)
    voters = ((token_id, game.round.voters(token_id)) for token_id in order)
    said = (f"{shown(game.names[token_id])} {_mentions(people)}" for token_id, people in voters if people)
    line = " · ".join(said)
    return small(line) if line else ""


def _mentions(people: tuple[int, ...]) -> str:
    named = " ".join(f"<@{person}>" for person in people[:_MOST_VOTERS])
    more = f" and {len(people) - _MOST_VOTERS:,} more" if len(people) > _MOST_VOTERS else ""
    return named + more


def _facts(game: GuessCard) -> str:
    own = "the model's own probabilities (temperature 1)"
    return f"{inert(game.model)} · {own}" if game.model else own
