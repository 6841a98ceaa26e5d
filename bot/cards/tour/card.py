"""The frame around every station, and the modal for your own text."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import (
    DONE_COLOUR,
    WRITING_COLOUR,
    Audience,
    Row,
    Text,
    button,
    card,
    model_name,
    rule,
    small,
    spaced,
)
from bot.cards.tour.lesson import Lesson
from bot.cards.tour.stations import STATIONS
from bot.custom_ids import custom_id
from bot.text.escaping import clip_end, inert

# The fields of the modal.
TEXT, SEED = "text", "seed"
_LONGEST = 2_000
_LAST = len(STATIONS)
_ON = "That was the tour. What next? `/next` walks token by token, `/complete` writes whole texts."


@dataclass(frozen=True, slots=True)
class TourCard:
    """``station`` counts from 1."""

    run_id: str
    station: int
    lesson: Lesson
    audience: Audience


def tour(content: TourCard) -> ui.LayoutView:
    number, lesson = content.station, content.lesson
    station = STATIONS[number - 1]
    last = [Text(_ON)] if number == _LAST else []
    return card(
        Text(f"### {number} of {_LAST} · {station.title}"),
        Text(station.explain(lesson.model)),
        rule(),
        Text(station.example(lesson)),
        rule(),
        *last,
        Text("\n".join(map(small, [*spaced(lesson.text), f"Try it yourself: {station.hint}."]))),
        _buttons(content),
        Text(small(_facts(lesson))),
        colour=DONE_COLOUR if last else WRITING_COLOUR,
    )


def own_text(run_id: str, station: int, *, text: str, seed: int) -> ui.Modal:
    """Ask for another text, and for a seed if the station depends on one.

    In that case ``text`` is filled in, for people who only want to change the seed.
    """
    shown = STATIONS[station - 1]
    modal = ui.Modal(
        title=f"{station} of {_LAST} · {shown.title}", custom_id=custom_id("tour", "own", run_id, station)
    )
    field = ui.TextInput[ui.Modal](
        custom_id=TEXT,
        style=discord.TextStyle.paragraph,
        max_length=_LONGEST,
        placeholder=f"For example {shown.hint}",
        default=text if shown.seeded and _fits(text) else None,
    )
    modal.add_item(ui.Label(text="Your text", component=field))
    if shown.seeded:
        number = ui.TextInput[ui.Modal](custom_id=SEED, required=False, max_length=20, default=str(seed))
        modal.add_item(
            ui.Label(
                text="Seed",
                description="A whole number. Same seed, same draws.",
                component=number,
            )
        )
    return modal


def _buttons(content: TourCard) -> Row:
    station = content.station
    return Row(
        button("Back", custom_id("tour", "show", content.run_id, station - 1), disabled=station == 1),
        button(
            "Next",
            custom_id("tour", "show", content.run_id, station + 1),
            style=discord.ButtonStyle.primary,
            disabled=station == _LAST,
        ),
        button("Try it yourself", custom_id("tour", "try", content.run_id, station)),
        content.audience.button,
    )


def _facts(lesson: Lesson) -> str:
    return (
        f"{inert(clip_end(model_name(lesson.model), 80))} · seed {lesson.seed} · computed {lesson.asked_at}"
    )


def _fits(text: str) -> bool:
    """Return whether the field has room for ``text``; Discord counts UTF-16 units, like JavaScript."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2 <= _LONGEST
