"""What each station of a tour shows of its lesson: a picture, and the same in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.cards.candidates import candidate_bars
from bot.cards.layout import NO_BREAK, number, percent
from bot.cards.pictures.bars import alt_text, draw_bars
from bot.cards.pictures.claims import Claims, draw_claims
from bot.cards.pictures.cutting import Cutting, draw_cutting
from bot.cards.pictures.growth import Growth, draw_growth
from bot.cards.pictures.matrix import Matrix, MatrixRow, draw_matrix
from bot.cards.pictures.temperatures import Share, Temperatures, TokenRow, draw_temperatures
from bot.cards.signs import Sign, meaning, signs_in
from bot.cards.tour.lesson import TOKEN_WIDTH, Lesson
from bot.model.protocol import Candidate, Step
from bot.quoting import ordinal, plural
from bot.text.escaping import SPACE_SIGN, clip_end, clip_start, visible
from bot.text.pieces import Token

MOST_TOKENS = 30
MOST_CAPTIONED = 15
MOST_ROWS = 5
_SEEN = 40  # characters of the text before each round
_HEADING = 40
_WRITTEN = 300
_LEAST_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class Shown:
    """``draw`` makes the picture; ``alt`` says what is on it."""

    alt: str
    draw: Callable[[], bytes]


def tokens(lesson: Lesson) -> Shown:
    names = _names(lesson.tokens[-MOST_TOKENS:])
    counts = f"{plural(len(lesson.text), 'character')} → {plural(len(lesson.tokens), 'token')}"
    cutting = Cutting(
        end_of_line(lesson.text, _HEADING), names, len(lesson.tokens), notes=(counts, *_legend(names))
    )
    said = f"{cutting.heading}, cut into {' | '.join(names)}. " + ". ".join(cutting.notes)
    return Shown(said, partial(draw_cutting, cutting))


def ids(lesson: Lesson) -> Shown:
    shown = lesson.tokens[-MOST_CAPTIONED:]
    names, below = _names(shown), tuple(str(token.id) for token in shown)
    cutting = Cutting(
        "All that the model gets: its ids",
        names,
        len(lesson.tokens),
        below,
        comparison="One letter makes a difference:" if lesson.cased else "",
        compared=tuple((one.word, ", ".join(map(str, one.ids))) for one in lesson.cased),
    )
    more = "…, " if len(shown) < len(lesson.tokens) else ""
    said = (
        f"{cutting.heading}. {_pairs(zip(names, below, strict=True))}; as a list, [{more}{', '.join(below)}]."
    )
    if lesson.cased:
        said += f" {cutting.comparison} {_pairs(cutting.compared)}."
    return Shown(said, partial(draw_cutting, cutting))


def scores(lesson: Lesson) -> Shown:
    rows = list(zip(lesson.tokens, (*lesson.rows, lesson.next), strict=True))[-MOST_ROWS:]
    matrix = Matrix(
        tuple(
            MatrixRow(
                clip_end(token.visible, TOKEN_WIDTH),
                f"highest: {number(row.candidates[0].logit)} for {lesson.name(row.candidates[0])}",
                tuple(one.token_id for one in row.candidates),
            )
            for token, row in rows
        ),
        height=len(lesson.tokens),
        width=lesson.model.vocabulary,
    )
    said = "; ".join(f"after {row.label}, {row.highest}" for row in matrix.rows)
    return Shown(f"{matrix.size}. {said}. The last row chooses.", partial(draw_matrix, matrix))


def probabilities(lesson: Lesson) -> Shown:
    bars = candidate_bars(lesson.next.candidates, lesson.names)
    return Shown(f"The model's top guesses: {alt_text(bars)}", partial(draw_bars, bars))


def draw(lesson: Lesson) -> Shown:
    content = _temperatures(lesson)
    rows = (f"{row.token} {', '.join(one.said for one in row.shares)}" for row in content.rows)
    columns = ", ".join(f"{value} ({does})" for value, does in content.headings)
    said = (
        f"Probabilities at temperature {columns}: {'; '.join(rows)}; all others {', '.join(content.rest)}. "
        f"The dice drew {content.drawn}, {content.luck}."
    )
    return Shown(said, partial(draw_temperatures, content))


def repeat(lesson: Lesson) -> Shown:
    rounds = tuple(
        (end_of_line(before, _SEEN), lesson.name(step.chosen))
        for before, step in zip(lesson.rounds, lesson.steps, strict=False)
    )
    ended = ", and the text ended itself" if lesson.ended else ""
    growth = Growth(
        rounds,
        _names(lesson.tokens[-MOST_TOKENS:]),
        tuple(lesson.name(step.chosen) for step in lesson.steps),
        f"After {plural(len(lesson.steps), 'round')}{ended}:",
    )
    added = "; ".join(f"{before} + {token}" for before, token in rounds)
    text = end_of_line(lesson.text, _WRITTEN) + end_of_line(lesson.written, _WRITTEN)
    said = f"{added}. {growth.outcome} {text}"
    return Shown(said, partial(draw_growth, growth))


def what_it_is_not(lesson: Lesson) -> Shown:
    again = lesson.again
    if again is None:
        raise ValueError("this station needs the text of the second request")
    count = plural(len(lesson.steps), "token")
    outcome = (
        f"Again with seed {lesson.seed}: the same {count}"
        if again.is_identical
        else f"Again with seed {lesson.seed}: {again.same:,} of {len(lesson.steps):,} the same"
    )
    crossed = (
        ("A store of facts", f"{lesson.model.parameters:,} numbers, fixed by training"),
        ("A memory", f"it saw these {plural(len(lesson.tokens), 'token')} and nothing else"),
        ("A sense of truth", "it knows what is likely, true or not"),
    )
    claims = Claims(crossed, tuple(clip_end(name, TOKEN_WIDTH) for name in again.names), again.same, outcome)
    said = " ".join(f"Not: {claim}; {truth}." for claim, truth in crossed)
    again_written = end_of_line(again.written, _WRITTEN)
    return Shown(f"{said} {outcome}: {again_written}", partial(draw_claims, claims))


def _temperatures(lesson: Lesson) -> Temperatures:
    """Compare the probabilities at the tour's own temperature with those of ``lesson.reshaped``."""
    drawn, own = lesson.next.chosen, lesson.params.temperature
    by_temperature = sorted([(own, lesson.next), *lesson.reshaped], key=lambda pair: pair[0])
    shown = [*lesson.next.candidates]
    if drawn.token_id not in {one.token_id for one in shown}:
        shown.append(drawn)
    columns = [[_share(one, temperature, step) for one in shown] for temperature, step in by_temperature]
    return Temperatures(
        headings=tuple((f"{temperature:g}", _effect(temperature)) for temperature, _ in by_temperature),
        rows=tuple(
            TokenRow(
                lesson.name(one),
                tuple(Share(share, _in_a_column(share)) for share in shares),
                is_drawn=one.token_id == drawn.token_id,
            )
            for one, *shares in zip(shown, *columns, strict=True)
        ),
        rest=tuple(_in_a_column(max(0.0, 1 - math.fsum(column))) for column in columns),
        drawn=lesson.name(drawn),
        luck=f"its {'top' if drawn.rank == 1 else ordinal(drawn.rank)} choice",
    )


def _in_a_column(share: float) -> str:
    """Format a probability, the smallest ones shorter than elsewhere."""
    return percent(share) if share >= _LEAST_SHARE else f"≈{NO_BREAK}0{NO_BREAK}%"


def _share(candidate: Candidate, temperature: float, step: Step) -> float:
    """Return the probability of ``candidate`` at the ``temperature`` of ``step``."""
    for one in (step.chosen, *step.candidates):
        if one.token_id == candidate.token_id:
            return math.exp(one.logprob)
    top = step.candidates[0]
    return min(1.0, math.exp(min(0.0, top.logprob + (candidate.logit - top.logit) / temperature)))


def _effect(temperature: float) -> str:
    if temperature == 1:
        return "as it is"
    return "careful" if temperature < 1 else "daring"


def _names(shown: Sequence[Token]) -> tuple[str, ...]:
    return tuple(clip_end(token.visible, TOKEN_WIDTH) for token in shown)


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in pairs)


def end_of_line(text: str, longest: int) -> str:
    """Return the end of ``text`` in one line, with its spaces."""
    return clip_start(visible(text).replace(SPACE_SIGN, " "), longest)


def _legend(names: Sequence[str]) -> list[str]:
    """Explain the signs that occur in the names."""
    return [_explained(sign, written) for sign, written in signs_in(names).items()]


def _explained(sign: Sign, written: str) -> str:
    match sign:
        case Sign.NEWLINE:
            return f"{written} is a new line"
        case Sign.BYTE:
            return "\\x starts a byte that is only part of a character"
        case _:
            return f"{written} is {meaning(sign, written)}"
