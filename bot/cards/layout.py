"""Shared by all cards: colours, the frame, buttons, and numbers in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import discord
from discord import ui

from bot.cards.pictures.fonts import has_all
from bot.custom_ids import SHARE, custom_id, delete_id
from bot.model.model_info import ModelInfo
from bot.model.protocol import SamplingParams
from bot.text.escaping import clip_end, code, inert_head

WAITING_COLOUR = 0xF0B232
WRITING_COLOUR = 0x5865F2
DONE_COLOUR = 0x2DBE8C
PRIVATE_COLOUR = 0x8B909C  # done, and only one person sees it
ERROR_COLOUR = 0xED4245

# Keeps a number and its unit on one line.
NO_BREAK = "\N{NO-BREAK SPACE}"
# Characters in a probability bar; a line on a phone has room for about 17.
BAR_WIDTH = 14
TOKEN_WIDTH = 60
_SPACED = "The prompt ends with a space. Most tokens bring their own, so it usually works better without."
_LABEL = 80  # by Discord's limit
_ALT_BUDGET = 1_000  # of Discord's 1,024
_ERROR_BUDGET = 3_900  # of Discord's 4,000 characters

Text = ui.TextDisplay[ui.LayoutView]
Row = ui.ActionRow[ui.LayoutView]
Button = ui.Button[ui.LayoutView]


def card(*items: ui.Item[Any], colour: int) -> ui.LayoutView:
    """Frame ``items``; button presses find the bot by ``custom_id`` alone, so the view never times out."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container[ui.LayoutView](*items, accent_colour=colour))
    return view


def arranged(
    text: str,
    *controls: Row,
    picture: ui.Item[Any] | None = None,
    result: Sequence[str] = (),
    attached: str | None = None,
    facts: str,
    colour: int,
) -> ui.LayoutView:
    """Frame a card in the order of all cards.

    Title or text, picture (or a line in its place), at most three lines of result, a file, buttons, and
    ``facts``, the line of small print: model, seed, settings.
    """
    items: list[ui.Item[Any]] = [Text(text)]
    if picture is not None:
        items.append(picture)
    elif result:
        items.append(rule())
    if result:
        items.append(Text("\n".join(result)))
    if attached is not None:
        items.append(ui.File[ui.LayoutView](f"attachment://{attached}"))
    return card(*items, *controls, Text(small(facts)), colour=colour)


def picture(name: str, alt: str) -> ui.Item[Any]:
    """Show the attachment ``name``; ``alt`` says the same in words."""
    return ui.MediaGallery[ui.LayoutView](
        discord.MediaGalleryItem(f"attachment://{name}", description=clip_end(alt, _ALT_BUDGET))
    )


def private_note(*lines: str, facts: str) -> ui.LayoutView:
    """Frame a short text for the one person who asked for it."""
    return arranged("\n".join(lines), facts=facts, colour=PRIVATE_COLOUR)


def numbers_button(kind: str, run_id: str, *numbers: int) -> Button:
    """Make the button that shows what an expert wants, to the person who presses it."""
    return button("Numbers", custom_id("numbers", kind, run_id, *numbers))


def notice(sentence: str) -> ui.LayoutView:
    """Tell one person what their press has done."""
    return card(Text(sentence), colour=PRIVATE_COLOUR)


def error(sentence: str) -> ui.LayoutView:
    return card(Text(inert_head(sentence, _ERROR_BUDGET)), colour=ERROR_COLOUR)


def button(
    label: str,
    custom_id: str,
    *,
    emoji: str | None = None,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    disabled: bool = False,
) -> Button:
    return Button(
        label=clip_end(label, _LABEL), emoji=emoji, custom_id=custom_id, style=style, disabled=disabled
    )


@dataclass(frozen=True, slots=True)
class Audience:
    """Who sees a card: only its ``owner``, who can share it, or everyone; then its owner can delete it."""

    owner: int
    private: bool

    @property
    def colour(self) -> int:
        """The colour of a finished card."""
        return PRIVATE_COLOUR if self.private else DONE_COLOUR

    @property
    def button(self) -> Button:
        if self.private:
            return button("Share", SHARE)
        return delete_button(self.owner)


def delete_button(owner: int) -> Button:
    return button("Delete", delete_id(owner))


def model_name(info: ModelInfo) -> str:
    return info.title


def rule() -> ui.Separator[ui.LayoutView]:
    return ui.Separator()


def small(text: str) -> str:
    return f"-# {text}"


def undrawn(text: str, *, twin: str) -> str:
    """Say that ``twin`` shows what a picture of ``text`` can't; empty if the picture shows everything."""
    if has_all(text):
        return ""
    return f"U+… in the picture is a character its fonts don't have; see {twin}."


def spaced(prompt: str) -> list[str]:
    """Return a hint if ``prompt`` ends with a space, which is easy to miss; otherwise nothing."""
    return [_SPACED] if prompt.endswith(" ") else []


def bar(share: float, *, width: int = BAR_WIDTH) -> str:
    """Draw ``share`` (0 … 1) as a bar of ``width`` characters, exact to an eighth of one."""
    eighths = min(8 * width, max(1 if share > 0 else 0, round(8 * width * share)))
    whole, rest = divmod(eighths, 8)
    drawn = "█" * whole + ("" if rest == 0 else "▏▎▍▌▋▊▉"[rest - 1])
    return drawn + "░" * (width - len(drawn))


def token_name(visible: str, width: int = TOKEN_WIDTH) -> str:
    """Return a token's visible form as code, at most ``width`` characters long."""
    return code(clip_end(visible, width))


def percent(share: float) -> str:
    """Format a probability (0 … 1) as a percentage: one decimal, or two digits if it is small."""
    value = share * 100
    if value >= 0.1:
        return f"{value:.1f}{NO_BREAK}%"
    return f"{value:.2g}{NO_BREAK}%" if value >= 0.0001 else f"<{NO_BREAK}0.0001{NO_BREAK}%"


def number(value: float) -> str:
    """Format a logit, with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


def settings(params: SamplingParams) -> list[str]:
    """How tokens are picked, as small print says it: what is switched off is left out."""
    if params.temperature == 0:
        return ["greedy"]
    top_k = [f"top-k {params.top_k}"] if params.top_k else []
    top_p = [f"top-p {params.top_p:g}"] if params.top_p < 1 else []
    return [f"temperature {params.temperature:g}", *top_k, *top_p]


def date(seconds: float) -> str:
    """Format seconds since 1970 as a day and time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    return f"{seconds:.1f}{NO_BREAK}s" if seconds < 60 else f"{seconds / 60:.1f}{NO_BREAK}min"
