"""What each station of a tour shows of its lesson."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bot.cards.layout import bar, number, percent, small
from bot.cards.signs import Sign, meaning, signs_in
from bot.cards.tour.lesson import TOKEN_WIDTH, Lesson
from bot.model.protocol import Candidate
from bot.quoting import plural
from bot.text.escaping import (
    SPACE_SIGN,
    bold,
    clip_end,
    clip_start,
    code,
    column,
    fenced,
    inert_tail,
    isolated,
    visible,
)

MOST_TOKENS = 40
MOST_ROWS = 10
_NARROW = 16  # characters, so that a row doesn't wrap on a phone
_PROMPT_BUDGET = 300
_WRITTEN_BUDGET = 700
_SEEN = 28  # characters of the text before each round


def tokens(lesson: Lesson) -> str:
    names = [clip_end(token.visible, TOKEN_WIDTH) for token in lesson.tokens[-MOST_TOKENS:]]
    counts = f"{plural(len(lesson.text), 'character')} → {plural(len(lesson.tokens), 'token')}"
    return "\n".join(
        [
            bold(inert_tail(lesson.text, _PROMPT_BUDGET)),
            *_left_out(lesson, "tokens", len(names)),
            " ".join(map(code, names)),
            small(" · ".join([counts, *_legend(names)])),
        ]
    )


def ids(lesson: Lesson) -> str:
    shown = lesson.tokens[-MOST_ROWS:]
    table = [f"{token.id:>5}  {isolated(clip_end(token.visible, TOKEN_WIDTH))}" for token in shown]
    more = "…, " if len(shown) < len(lesson.tokens) else ""
    lines = [
        *_left_out(lesson, "tokens", len(shown)),
        fenced("\n".join(table)),
        "All that the model gets: " + code(f"[{more}{_list(token.id for token in shown)}]"),
    ]
    if lesson.cased:
        words = (f"{code(cased.word)} is {code(f'[{_list(cased.ids)}]')}" for cased in lesson.cased)
        lines.append(small("One letter makes a difference: " + ", ".join(words)))
    return "\n".join(lines)


def scores(lesson: Lesson) -> str:
    count, size = len(lesson.tokens), lesson.model.vocabulary
    rows = list(zip(lesson.tokens, (*lesson.rows, lesson.next), strict=True))[-MOST_ROWS:]
    cells = [("after", "highest", "goes to")]
    for token, row in rows:
        best = row.candidates[0]
        cells.append((token.visible, number(best.logit), lesson.name(best)))
    shape = (
        f"The table's shape is {code(f'[1, {count}, {size}]')}: 1 text × {plural(count, 'token')} × "
        f"{size:,} scores, {count * size:,} numbers in all. Each row's highest score:"
    )
    return "\n".join([shape, *_left_out(lesson, "rows", len(rows)), fenced(_table(cells))])


def probabilities(lesson: Lesson) -> str:
    top = lesson.next.candidates
    others = lesson.model.vocabulary - len(top)
    return "\n".join(
        [
            bold(inert_tail(lesson.text, _PROMPT_BUDGET)) + " ▁▁▁",
            *(_candidate(lesson, candidate) for candidate in top),
            f"These {len(top)}: **{percent(_total(top))}**. The other {others:,} tokens share the rest.",
        ]
    )


def draw(lesson: Lesson) -> str:
    drawn, top_guess = lesson.next.chosen, lesson.next.candidates[0]
    lines = [
        f"🎲 Seed {lesson.seed} draws {_share(lesson, drawn)}",
        small(f"rank {drawn.rank:,} of {lesson.model.vocabulary:,}: {_luck(lesson)}"),
    ]
    if drawn.rank > 1:
        lines.append(f"Greedy would take {_share(lesson, top_guess)}")
    return "\n".join(lines)


def repeat(lesson: Lesson) -> str:
    rounds = [
        f"{isolated(_end(before))} + {isolated(lesson.name(step.chosen))}"
        for before, step in zip(lesson.rounds, lesson.steps, strict=False)
    ]
    lines = [fenced("\n".join(rounds)), f"After {plural(len(lesson.steps), 'round')}:", _whole(lesson)]
    if lesson.ended:
        lines.append(small("The last token drawn ends the text, so it stopped there."))
    return "\n".join(lines)


def what_it_is_not(lesson: Lesson) -> str:
    again = lesson.again
    if again is None:
        raise ValueError("this station needs the text of the second request")
    count = plural(len(lesson.steps), "token")
    asked = f"Asked again just now with seed {lesson.seed}:"
    if again.is_identical:
        return f"{asked} ✅ the same {count} as before.\n{_whole(lesson)}"
    return (
        f"{asked} ❌ of {count}, only the first {again.same:,} are the same as before. This should never "
        "happen; please tell the people who run this bot.\n"
        f"Before: {_whole(lesson)}\nNow: {inert_tail(again.written, _WRITTEN_BUDGET)}"
    )


def _candidate(lesson: Lesson, candidate: Candidate) -> str:
    return f"**{candidate.rank}.** " + _share(lesson, candidate, f" · score {number(candidate.logit)}")


def _share(lesson: Lesson, candidate: Candidate, more: str = "") -> str:
    share = math.exp(candidate.logprob)
    return f"{lesson.shown(candidate)} **{percent(share)}**{more}\n{bar(share)}"


def _luck(lesson: Lesson) -> str:
    rank, top = lesson.next.chosen.rank, lesson.next.candidates
    if rank == 1:
        return "the top guess"
    if rank <= len(top):
        return "among the top five"
    others = 1 - _total(top)
    return f"not among the top five, but together the others have {percent(others)} of the wheel"


def _total(candidates: Iterable[Candidate]) -> float:
    """Return their probability together."""
    return math.fsum(math.exp(candidate.logprob) for candidate in candidates)


def _table(cells: list[tuple[str, str, str]]) -> str:
    """Lay out the rows, with a mark before the last one, which decides."""
    width = max(len(clip_end(first, _NARROW)) for first, _, _ in cells)
    lines = [
        f"  {column(first, width)}  {second:>7}  {isolated(clip_end(third, _NARROW))}"
        for first, second, third in cells
    ]
    return "\n".join([*lines[:-1], "▶" + lines[-1][1:]])


def _whole(lesson: Lesson) -> str:
    return bold(inert_tail(lesson.text, _PROMPT_BUDGET)) + inert_tail(lesson.written, _WRITTEN_BUDGET)


def _end(text: str) -> str:
    """Return the end of ``text`` in one line, with its spaces."""
    return clip_start(visible(text).replace(SPACE_SIGN, " "), _SEEN)


def _left_out(lesson: Lesson, what: str, shown: int) -> list[str]:
    more = len(lesson.tokens) - shown
    return [small(f"the last {shown:,} {what}; {more:,} earlier ones are left out")] if more else []


def _list(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))


def _legend(names: list[str]) -> list[str]:
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
