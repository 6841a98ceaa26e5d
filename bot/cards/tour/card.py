"""The frame around every station, and the modal for your own text."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import Audience, Row, arranged, button, model_name, picture
from bot.cards.tour.lesson import Lesson
from bot.cards.tour.shown import Shown, end_of_line
from bot.cards.tour.stations import OFFERING, STATIONS
from bot.custom_ids import custom_id
from bot.text.escaping import bold, clip_end, inert, inert_tail

PICTURE = "tour.png"
# The fields of the modal.
TEXT, SEED = "text", "seed"
_LONGEST = 2_000
_PRIMARY = discord.ButtonStyle.primary
_LAST = len(STATIONS)
_ON = "That was the tour. Now try it:"
_SPACED = "the text ends with a space, but most tokens bring their own"
_BLANK = 40  # characters of the text before the blank to fill


@dataclass(frozen=True, slots=True)
class TourCard:
    """``station`` counts from 1."""

    run_id: str
    station: int
    lesson: Lesson
    audience: Audience

    @property
    def shown(self) -> Shown:
        """The station's picture, and the same in words."""
        return STATIONS[self.station - 1].example(self.lesson)


def tour(content: TourCard) -> ui.LayoutView:
    """Build the card; it shows an attachment named PICTURE, drawn by ``content.shown``."""
    return arranged(
        _text(content),
        *_buttons(content),
        picture=picture(PICTURE, content.shown.alt),
        result=[_ON] if content.station == _LAST else [],
        facts=_facts(content),
        colour=content.audience.colour,
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


def _text(content: TourCard) -> str:
    """Return the title, the explanation, and where a token is to follow, the end of the text before it."""
    station, lesson = STATIONS[content.station - 1], content.lesson
    lines = [f"### {content.station} of {_LAST} · {station.title}", station.explain(lesson.model)]
    if content.station in OFFERING:
        lines.append(f"{bold(inert_tail(end_of_line(lesson.text, _BLANK), _BLANK))} ▁▁▁")
    return "\n".join(lines)


def _buttons(content: TourCard) -> list[Row]:
    """Make the buttons: on and back, and at the end what to do with what one has learned."""
    run_id, station = content.run_id, content.station
    back = button("Back", custom_id("tour", "show", run_id, station - 1), disabled=station == 1)
    own = button("Try it yourself", custom_id("tour", "try", run_id, station))
    if station < _LAST:
        on = button("Next", custom_id("tour", "show", run_id, station + 1), style=_PRIMARY)
        return [Row(on, back, own, content.audience.button)]
    return [
        Row(
            button("Walk a sentence", custom_id("tour", "walk", run_id), style=_PRIMARY),
            button("Play a round", custom_id("tour", "play", run_id)),
        ),
        Row(back, own, content.audience.button),
    ]


def _facts(content: TourCard) -> str:
    """Name the model and the seed, and the settings from the station on at which they do something."""
    lesson = content.lesson
    facts = [inert(clip_end(model_name(lesson.model), 80)), f"seed {lesson.seed}"]
    if STATIONS[content.station - 1].seeded:
        facts.append(f"temperature {lesson.params.temperature:g}")
        if lesson.params.top_k:
            facts.append(f"top-k {lesson.params.top_k}: the dice choose among its top {lesson.params.top_k}")
    if lesson.text.endswith(" "):
        facts.append(_SPACED)
    return " · ".join(facts)


def _fits(text: str) -> bool:
    """Return whether the field has room for ``text``; Discord counts UTF-16 units, like JavaScript."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2 <= _LONGEST
