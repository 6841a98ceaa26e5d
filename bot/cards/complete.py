"""The card of ``/complete``: waiting, growing, done."""

from __future__ import annotations

import discord
from discord import ui

from bot.cards.complete_content import CompletionCard
from bot.cards.layout import (
    WAITING_COLOUR,
    WRITING_COLOUR,
    Row,
    arranged,
    button,
    duration,
    numbers_button,
    settings,
    spaced,
    token_name,
)
from bot.custom_ids import custom_id
from bot.queue.updates import Finished, Progress, Queued
from bot.quoting import ordinal, plural
from bot.text.escaping import bold, inert, inert_head, inert_tail
from bot.text.wrapping import last_rows, row_count

FULL_TEXT = "text.txt"

_TEXT_BUDGET = 3_100  # of Discord's 4,000; the rest is for the lines around the text
_PROMPT_SHARE = 1_200
_TEXT_ROWS = 36  # on a phone
_PROMPT_ROWS = 12
_BAR_WIDTH = 16
_TOKEN_WIDTH = 40
_MODEL_BUDGET = 100


def completion(content: CompletionCard) -> ui.LayoutView:
    match content.update:
        case Queued():
            return _waiting(content, content.update)
        case Progress():
            return _writing(content)
        case Finished():
            return _done(content, content.update)


def _waiting(content: CompletionCard, update: Queued) -> ui.LayoutView:
    place = "first" if update.position == 1 else ordinal(update.position)
    line = f"⏳ You're {place} in line"
    if update.eta is not None and update.position > 1:
        line += f", about {duration(update.eta)} to go"
    return _unfinished(content, f"{line}.", WAITING_COLOUR)


def _writing(content: CompletionCard) -> ui.LayoutView:
    filled = round(_BAR_WIDTH * min(1.0, content.tokens / content.requested))
    progress = f"✍️ {'▰' * filled}{'▱' * (_BAR_WIDTH - filled)} {content.tokens} of {content.requested} tokens"
    return _unfinished(content, progress, WRITING_COLOUR)


def _unfinished(content: CompletionCard, progress: str, colour: int) -> ui.LayoutView:
    stop = button("Stop", custom_id("complete", "stop", content.run_id), style=discord.ButtonStyle.danger)
    return arranged(_text(content), Row(stop), result=[progress], facts=_facts(content), colour=colour)


def _done(content: CompletionCard, update: Finished) -> ui.LayoutView:
    return arranged(
        _text(content),
        *_actions(content, update),
        result=_result(content, update),
        attached=FULL_TEXT if is_clipped(content) else None,
        facts=f"{_facts(content)} · {_counted(content)}",
        colour=content.audience.colour,
    )


def _result(content: CompletionCard, update: Finished) -> list[str]:
    """How the text ended, by whom it was requested, and what else there is to know: three lines."""
    lines = [f"**Bold** is your prompt. {_ending(content, update)}"]
    if content.by_hand:
        lines.append(_fork(content))
    if content.requested_by is not None and not content.is_fork:
        lines[1:] = [" ".join([*lines[1:], f"Requested by <@{content.requested_by}>."])]
    notes = spaced(content.prompt)
    if is_clipped(content):
        notes.insert(0, f"Too long for a card: the full text is in {FULL_TEXT}.")
    if content.recalled:
        notes.insert(0, f"Same request as at {content.recalled}; here is the saved reply.")
    return [*lines, " ".join(notes)] if notes else lines


def _ending(content: CompletionCard, update: Finished) -> str:
    """Why the text ends where it does."""
    if content.cut_short:
        return "Cut short."
    if content.withheld:
        return "What came next is withheld: it contains a word that this community has blocked."
    match update.completion.finish_reason:
        case "stop":
            return "The model ended its text here."
        case "cancelled":
            return f"Stopped after {content.tokens} of {content.requested} tokens."
        case _ if content.context is not None:
            return f"The text fills all {content.context:,} tokens the model can see."
        case _:
            return f"Stopped at the {content.requested}-token limit."


def _fork(content: CompletionCard) -> str:
    """Where people chose a token themselves, and who did so last if that is known."""
    name = f": {token_name(content.chosen, _TOKEN_WIDTH)}" if content.chosen else ""
    by = f" by <@{content.requested_by}>" if content.is_fork and content.requested_by is not None else ""
    last = f"{by} at token {content.by_hand[-1] + 1:,}{name}."
    count = len(content.by_hand)
    return f"Forked{last}" if count == 1 else f"Forked {count:,} times, last{last}"


def _actions(content: CompletionCard, update: Finished) -> tuple[Row, Row]:
    run_id, empty = content.run_id, not content.written
    return (
        Row(
            button(
                "Continue",
                custom_id("complete", "continue", run_id),
                style=discord.ButtonStyle.primary,
                # Going on would write the same again.
                disabled=content.withheld or not content.can_continue,
            ),
            button("Re-roll", custom_id("complete", "reroll", run_id)),
            button("Why this word?", custom_id("why", "open", run_id), disabled=empty),
        ),
        Row(
            # How long it took is stored nowhere else.
            numbers_button("complete", run_id, content.tokens, round(update.seconds * 1000)),
            button("Code", custom_id("run", "code", run_id)),
            button("Replay", custom_id("run", "replay", run_id), disabled=empty),
            button("Receipt", custom_id("run", "receipt", run_id), disabled=empty),
            content.audience.button,
        ),
    )


def _facts(content: CompletionCard) -> str:
    """What the same text takes: model, seed and settings."""
    model = inert_head(content.model, _MODEL_BUDGET)
    return " · ".join([model, f"seed {content.params.seed}", *settings(content.params)])


def _counted(content: CompletionCard) -> str:
    written = plural(content.earlier + content.tokens, "token")
    if content.withheld:
        return f"{written} shown, {content.requested:,} requested"
    return f"{written} ({content.tokens:,} new)" if content.earlier else written


def is_clipped(content: CompletionCard) -> bool:
    """Whether part of the text is in the attached file FULL_TEXT only."""
    prompt, written = content.prompt, content.written
    return (
        row_count(prompt) + row_count(written) > _TEXT_ROWS
        or len(inert(prompt)) + len(inert(written)) > _TEXT_BUDGET
    )


def _text(content: CompletionCard) -> str:
    """Show the prompt in bold and the continuation plain; each keeps its end when too long."""
    rows = _TEXT_ROWS - min(_PROMPT_ROWS, row_count(content.prompt))
    budget = _TEXT_BUDGET - min(_PROMPT_SHARE, len(inert(content.prompt)))
    written = inert_tail(last_rows(content.written, rows), budget)
    end = last_rows(content.prompt, _TEXT_ROWS - row_count(last_rows(content.written, rows)))
    return bold(inert_tail(end, _TEXT_BUDGET - len(written))) + written
