"""The card of *Why this word?*: the model's top guesses at one position of a text, as a table of bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.candidates import candidate_bars, candidate_lines, entropy, top_five
from bot.cards.layout import (
    PRIVATE_COLOUR,
    TOKEN_WIDTH,
    Audience,
    Button,
    Row,
    arranged,
    button,
    numbers_button,
    percent,
    picture,
    private_note,
    settings,
    token_name,
)
from bot.cards.pictures.bars import Bar, alt_text
from bot.custom_ids import custom_id
from bot.features.complete import CompletionRun
from bot.features.surprise import bits
from bot.model.model_info import END_OF_TEXT
from bot.model.protocol import Candidate, SamplingParams, Step
from bot.quoting import ordinal
from bot.text.escaping import bold, clip_end, inert_head, inert_tail
from bot.text.tokenization import Encodings
from bot.text.wrapping import first_rows, last_rows, row_count

PICTURE = "why.png"
PAGE = 25  # options in a menu, by Discord's limit
TURNS = ("page-back", "back", "next", "page-next")  # distinct, since a card's buttons need different ids

# The text around the token, in characters and in rows.
_BEFORE, _BEFORE_ROWS = 700, 14
_PROMPT_SHARE, _PROMPT_ROWS = 200, 4
_AFTER, _AFTER_ROWS = 300, 6
_PLACES = "①②③④⑤"


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
    """Build the card; it shows an attachment named PICTURE, drawn from :func:`why_bars`."""
    return arranged(
        _text(content),
        Row(*(_choice(content, *one) for one in zip(_PLACES, content.step.candidates, strict=False))),
        Row(_menu(content)),
        Row(*_turns(content), numbers_button("why", content.run_id, content.position)),
        Row(content.audience.button),
        picture=picture(PICTURE, f"The model's top guesses here: {alt_text(why_bars(content))}"),
        result=_result(content),
        facts=_facts(content),
        colour=PRIVATE_COLOUR,
    )


def why_bars(content: WhyCard) -> tuple[Bar, ...]:
    """Make the picture's rows: the top guesses, the chosen token, and everything else."""
    return candidate_bars(content.step.candidates, content.names, chosen=content.step.chosen)


def why_numbers(content: WhyCard) -> ui.LayoutView:
    """Show the position's figures, for the person who pressed *Numbers*."""
    step = content.step
    shown = [*step.candidates]
    if step.chosen not in shown:
        shown.append(step.chosen)
    surprise = bits(max(0.0, -step.chosen.logprob))
    return private_note(
        *candidate_lines(shown, content.names),
        f"{top_five(step.candidates)} {entropy(step.entropy)}",
        f"Surprise of {token_name(content.names[step.chosen.token_id])}: **{surprise:,.2f} bits** "
        "(one coin flip = 1 bit).",
        facts=_facts(content),
    )


def _text(content: WhyCard) -> str:
    """Show the text around the token, with the prompt in bold and the token as code."""
    before = inert_tail(last_rows(content.before, _BEFORE_ROWS - _PROMPT_ROWS), _BEFORE - _PROMPT_SHARE)
    end = last_rows(content.prompt, _BEFORE_ROWS + 1 - row_count(before))
    prompt = bold(inert_tail(end, _BEFORE - len(before)))
    after = inert_head(first_rows(content.after, _AFTER_ROWS), _AFTER)
    return f"{prompt}{before}{token_name(content.tokens[content.position])}{after}".strip()


def _result(content: WhyCard) -> list[str]:
    chosen = content.step.chosen
    name = token_name(content.names[chosen.token_id])
    if content.by_hand:
        how = f"A person picked {name}"
    elif content.params.temperature == 0:
        how = f"Greedy took {name}"
    else:
        how = f"It drew {name}"
    place = "top" if chosen.rank == 1 else ordinal(chosen.rank)
    most = ", the biggest surprise in this text" if content.most_surprising else ""
    return [
        f"**{how}, its {place} choice** ({percent(math.exp(chosen.logprob))}){most}.",
        "Pick another token to rewrite from here.",
    ]


def _facts(content: WhyCard) -> str:
    """Seed, settings, and the place in the text. The model may have been another than today's."""
    place = f"token {content.position + 1:,} of {len(content.tokens):,}"
    return " · ".join([f"seed {content.params.seed}", *settings(content.params), place])


def _choice(content: WhyCard, place: str, candidate: Candidate) -> Button:
    """Make the button that rewrites the text from here with ``candidate``."""
    is_chosen = candidate.token_id == content.step.chosen.token_id
    is_end = candidate.token_id in content.ends  # anything after it would be another text
    name = clip_end(content.names[candidate.token_id], TOKEN_WIDTH)
    return button(
        f"{place} {name}",
        custom_id("why", "fork", content.run_id, content.position, candidate.token_id, content.private),
        disabled=is_chosen or is_end,
    )


def _menu(content: WhyCard) -> ui.Select[ui.LayoutView]:
    first = content.position // PAGE * PAGE
    last = min(first + PAGE, len(content.tokens))
    return ui.Select(
        # Every position has its own: Discord would otherwise keep the choice of the one before.
        custom_id=custom_id("position", "show", content.run_id, content.position, content.private),
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
