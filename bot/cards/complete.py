"""The card of ``/complete``: waiting, growing, done."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import (
    DONE_COLOUR,
    NO_BREAK,
    WAITING_COLOUR,
    WRITING_COLOUR,
    Closing,
    Row,
    Text,
    button,
    card,
    duration,
    rule,
    small,
    spaced,
    token_name,
)
from bot.custom_ids import custom_id
from bot.model.protocol import SamplingParams
from bot.queue.updates import Finished, Progress, Queued, Update
from bot.quoting import plural
from bot.text.escaping import bold, inert, inert_head, inert_tail

WHOLE_TEXT = "text.txt"

_TEXT_BUDGET = 3_100  # of Discord's 4,000; the rest is for the lines around the text
_PROMPT_SHARE = 1_200
_BAR_WIDTH = 16
_TOKEN_WIDTH = 40
_MODEL_BUDGET = 100


@dataclass(frozen=True, slots=True)
class CompletionCard:
    """All that the card shows.

    ``written`` is everything after the prompt, also by former runs; ``tokens`` of
    ``asked`` were written by this one, ``earlier`` ones before. ``by_hand`` are the
    positions (from 0) at which somebody chose the token, ``chosen`` the last of
    those, if it may be named. ``asked_by`` is who asked for it where Discord does not say that itself.
    ``context`` is how many tokens the model can see, if the text fills that.
    ``cut_short`` says that it failed, ``withheld`` that what it wrote must not be shown,
    ``recalled`` when the same was written before.
    """

    run_id: str
    closing: Closing
    model: str
    prompt: str
    written: str
    params: SamplingParams
    update: Update
    tokens: int
    asked: int
    earlier: int = 0
    by_hand: tuple[int, ...] = ()
    chosen: str = ""
    asked_by: int | None = None
    context: int | None = None
    can_continue: bool = False
    cut_short: bool = False
    withheld: bool = False
    recalled: str | None = None


def completion(content: CompletionCard) -> ui.LayoutView:
    match content.update:
        case Queued():
            return _waiting(content, content.update)
        case Progress():
            return _writing(content)
        case Finished():
            return _done(content, content.update)


def _waiting(content: CompletionCard, update: Queued) -> ui.LayoutView:
    ahead = update.position - 1
    line = "⏳ Your turn is next" if ahead <= 0 else f"⏳ {plural(ahead, 'request')} before yours"
    if update.eta is not None and ahead > 0:
        line += f", about {duration(update.eta)}"
    return card(Text(_text(content)), rule(), Text(line), _stop_row(content), colour=WAITING_COLOUR)


def _writing(content: CompletionCard) -> ui.LayoutView:
    filled = round(_BAR_WIDTH * min(1.0, content.tokens / content.asked))
    progress = f"✍️ {'▰' * filled}{'▱' * (_BAR_WIDTH - filled)} {content.tokens} of {content.asked} tokens"
    return card(Text(_text(content)), rule(), Text(progress), _stop_row(content), colour=WRITING_COLOUR)


def _done(content: CompletionCard, update: Finished) -> ui.LayoutView:
    rest = ", the rest was written by the model" if content.written or not content.withheld else ""
    lines = [f"**Bold** is the prompt{rest}; {_ending(content, update)}."]
    if content.by_hand:
        lines.append(_fork(content))
    if content.asked_by is not None:
        lines.append(f"Asked for by <@{content.asked_by}>.")
    if is_clipped(content):
        lines.append(f"It is too long for this card: {WHOLE_TEXT} has all of it.")
    if content.recalled:
        lines.append(
            f"The same was asked before ({content.recalled}), and the same seed gives the same text: "
            "this is that answer. **Replay** computes it again."
        )
    lines += [*spaced(content.prompt), facts(content, update)]
    return card(
        Text(_text(content)),
        rule(),
        Text("\n".join(map(small, lines))),
        *([ui.File[ui.LayoutView](f"attachment://{WHOLE_TEXT}")] if is_clipped(content) else []),
        *_actions(content),
        colour=DONE_COLOUR,
    )


def _ending(content: CompletionCard, update: Finished) -> str:
    """Why the text ends where it does."""
    if content.cut_short:
        return "it was cut short"
    if content.withheld:
        return "what came next is withheld: it contains a word that this community has blocked"
    match update.completion.finish_reason:
        case "stop":
            return "the model ended it here"
        case "cancelled":
            return f"it was stopped after {content.tokens} of {content.asked} tokens"
        case _ if content.context is not None:
            return f"the model can see {content.context:,} tokens and no more, so it cannot go on"
        case _:
            return "it has the length that was asked for"


def _fork(content: CompletionCard) -> str:
    name = f": {token_name(content.chosen, _TOKEN_WIDTH)}" if content.chosen else ""
    last = f"{content.by_hand[-1] + 1:,}{name}"
    if len(content.by_hand) == 1:
        return f"A fork: somebody chose token {last}."
    return f"A fork: somebody chose {len(content.by_hand):,} of its tokens, the last one as token {last}."


def _actions(content: CompletionCard) -> tuple[Row, Row]:
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
            button("Code", custom_id("run", "code", run_id)),
            button("Replay", custom_id("run", "replay", run_id), disabled=empty),
            content.closing.button,
        ),
    )


def facts(content: CompletionCard, update: Finished) -> str:
    """Model, seed, settings, tokens, seconds, tokens/s in one line."""
    params = content.params
    settings = ["greedy"] if params.temperature == 0 else [f"temperature {params.temperature:g}"]
    if params.temperature > 0:
        settings.append(f"top-k {params.top_k}" if params.top_k else "top-k off")
        settings.append(f"top-p {params.top_p:g}")
    written = plural(content.earlier + content.tokens, "token")
    if content.withheld:
        written += f" shown, {content.asked:,} asked for"
    elif content.earlier:
        written += f", {content.tokens:,} of them now"
    line = [inert_head(content.model, _MODEL_BUDGET), f"seed {params.seed}", *settings, written]
    if update.seconds >= 0.001:
        pace = content.tokens / update.seconds
        line += [duration(update.seconds), f"{pace:.1f}{NO_BREAK}tokens/s"]
    return " · ".join(line)


def _stop_row(content: CompletionCard) -> Row:
    return Row(
        button("Stop", custom_id("complete", "stop", content.run_id), style=discord.ButtonStyle.danger)
    )


def is_clipped(content: CompletionCard) -> bool:
    """Whether a part of the text is only in the attached file WHOLE_TEXT."""
    return len(inert(content.prompt)) + len(inert(content.written)) > _TEXT_BUDGET


def _text(content: CompletionCard) -> str:
    """Prompt in bold, continuation plain; each keeps its end when too long."""
    continuation = inert_tail(content.written, _TEXT_BUDGET - min(_PROMPT_SHARE, len(inert(content.prompt))))
    prompt = inert_tail(content.prompt, _TEXT_BUDGET - len(continuation))
    return bold(prompt) + continuation
