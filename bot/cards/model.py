"""The card of ``/model``: the loaded model beside its famous successors, and what it is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from discord import ui

from bot import __version__
from bot.cards.layout import DONE_COLOUR, Audience, Row, Text, card, model_name, rule, small
from bot.model.model_info import ModelInfo, Precision
from bot.queue.updates import Load
from bot.quoting import plural
from bot.text.escaping import clip_end, code, fenced, inert

_PHONE = 34  # characters in a line of a code block
_COUNT_WIDTH = 7
_BITS: dict[Precision, int] = {"float32": 32, "bfloat16": 16, "int8": 8}
_UNITS = ((10**12, "T", "trillion"), (10**9, "B", "billion"), (10**6, "M", "million"))
_GPT_3_PARAMETERS = 175 * 10**9
_GPT_4_PARAMETERS = 17 * 10**11  # a rumour
_ROWS = ("parameters", "layers", "heads", "width", "context", "vocabulary")
# Brown et al. 2020, https://arxiv.org/abs/2005.14165, table 2.1; the vocabulary is GPT-2's.
_GPT_3 = ("GPT-3", "175 B", "96", "96", "12,288", "2,048", "50,257")
# OpenAI has published neither size nor shape. The context is that of GPT-4 Turbo in its
# documentation, the vocabulary that of its encoding, cl100k_base.
_GPT_4 = ("GPT-4", "1.7 T?", "120?", "?", "?", "128,000", "100,277")

_SOURCES = (
    "M million, B billion (a thousand million), T trillion (a million million). GPT-3: Brown et al. 2020. "
    "A question mark is a rumour, or unknown: OpenAI hasn't published how GPT-4 is built. "
    "Its context is GPT-4 Turbo's."
)
_WORDS = (
    "**Parameters** are the numbers set by training. A text passes through the **layers** one by one, as "
    "**width** numbers per token; each layer's **heads** look back at earlier tokens. The **context** is how "
    "many tokens the model can see at once, the **vocabulary** how many different ones it knows."
)
_WHAT_IT_IS_NOT = (
    "**What it is not**\n"
    "- **It does not learn.** Its numbers were fixed when training ended, and nothing you write changes "
    "them.\n"
    "- **It has no memory.** Every request is computed from its text alone, as if it were the first.\n"
    "- **It has no self.** Between requests nothing happens in it, and it wants nothing. The same text and "
    "seed always get the same reply."
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    info: ModelInfo
    load: Load
    audience: Audience


def model(content: ModelCard) -> ui.LayoutView:
    info = content.info
    return card(
        Text(f"### {inert(clip_end(model_name(info), 100))}\n{_size(info.parameters)}"),
        Text(fenced(_table(info))),
        Text(f"{small(_SOURCES)}\n{small(_WORDS)}"),
        rule(),
        Text("\n".join(_here(info, content.load))),
        rule(),
        Text(_WHAT_IT_IS_NOT),
        Row(content.audience.button),
        colour=DONE_COLOUR,
    )


def _size(parameters: int) -> str:
    return (
        f"A language model with {_amount(parameters, in_words=True)} parameters. GPT-3 has about "
        f"{_times(_GPT_3_PARAMETERS, parameters)} times as many, GPT-4 perhaps "
        f"{_times(_GPT_4_PARAMETERS, parameters)} times."
    )


def _times(greater: int, parameters: int) -> str:
    times = greater / max(1, parameters)
    return f"{float(f'{times:.2g}'):,.0f}" if times >= 10 else f"{times:.1g}"


def _table(info: ModelInfo) -> str:
    """Compare the models, one property per line, narrow enough for a phone."""
    shape = (info.layers, info.heads, info.width, info.context, info.vocabulary)
    columns = (
        ("", *_ROWS),
        ("this", _amount(info.parameters), *map(_count, shape)),
        _GPT_3,
        _GPT_4,
    )
    widths = [max(map(len, column)) for column in columns]
    gap = "  " if sum(widths) + 2 * len(widths) - 3 <= _PHONE else " "
    return "\n".join(_line(row, widths, gap) for row in zip(*columns, strict=True))


def _line(cells: Iterable[str], widths: list[int], gap: str) -> str:
    name, *numbers = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{name.strip():<{widths[0]}} {gap.join(numbers)}"


def _count(count: int) -> str:
    """Format a count exactly if that fits the table, otherwise rounded."""
    return shown if len(shown := f"{count:,}") <= _COUNT_WIDTH else _amount(count)


def _here(info: ModelInfo, load: Load) -> list[str]:
    """Describe how the model runs on this machine right now."""
    speed = f"{1 / load.pace:.1f} tokens/s per text, recently" if load.pace else "not measured yet"
    source = (
        f"**Revision** {code(clip_end(info.revision, 60))}" if info.revision else "**Source** local folder"
    )
    processor = "CPU" if info.device == "cpu" else inert(clip_end(info.device, 60))
    threads = plural(info.threads, "thread")
    return [
        f"**Precision** {info.precision}, {_BITS[info.precision]} bits per number",
        f"**Device** {processor}, {threads}",
        source,
        f"**Memory** {info.memory / 2**30:.2f} GiB after loading",
        f"**Speed** {speed}",
        f"**Queue** {plural(load.running, 'request')} running, {load.waiting:,} waiting",
        small(f"fingerprint {info.fingerprint} · while it stays the same, every seed gives the same text"),
        small(f"Tokenwise {__version__}"),
    ]


def _amount(parameters: int, *, in_words: bool = False) -> str:
    """Round a number of parameters to about three digits: ``774 M`` or ``774 million``."""
    for size, letter, word in _UNITS:
        if parameters >= size:
            value = parameters / size
            return f"{value:,.{0 if value >= 100 else 1}f} {word if in_words else letter}"
    return f"{parameters:,}"
