"""The card of ``/model``: the loaded model beside its famous successors, and what it is not."""

from __future__ import annotations

from dataclasses import dataclass

from discord import ui

from bot import __version__
from bot.cards.layout import Audience, Row, arranged, button, model_name, picture, private_note
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.cards.pictures.log_bars import LogBar, LogGroup, log_alt_text
from bot.custom_ids import numbers_id
from bot.model.model_info import ModelInfo, Precision
from bot.queue.speed import WINDOW
from bot.queue.updates import Load
from bot.quoting import plural
from bot.text.escaping import clip_end, code, inert

PICTURE = "model.png"
HEADING = "Each gap in a bar: ten times more"
NOTES = ("GPT-4's context is GPT-4 Turbo's.", "Its layers, heads and width aren't public.")

_BITS: dict[Precision, int] = {"float32": 32, "bfloat16": 16, "int8": 8}
_UNITS = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))
_GPT_3_PARAMETERS = 175 * 10**9
# What is counted, what that means, and GPT-3's and GPT-4's counts. GPT-3's are from Brown et al. 2020,
# https://arxiv.org/abs/2005.14165, table 2.1; its vocabulary is GPT-2's. OpenAI has published neither
# GPT-4's size nor its shape: its context is that of GPT-4 Turbo in OpenAI's documentation, its vocabulary
# that of its encoding, cl100k_base.
_ROWS = (
    ("parameters", "numbers set by training", _GPT_3_PARAMETERS, None),
    ("layers", "steps that a text passes through", 96, None),
    ("heads", "per layer, looking back at earlier tokens", 96, None),
    ("width", "numbers per token, in each layer", 12_288, None),
    ("context", "tokens it can see at once", 2_048, 128_000),
    ("vocabulary", "different tokens it knows", 50_257, 100_277),
)
_SOURCES = "Brown et al. 2020 for GPT-3; OpenAI's documentation and cl100k_base for GPT-4"
_WHAT_IT_IS_NOT = (
    "It **doesn't learn** from you, **has no memory** and **no self**: the same text and seed give the same "
    "reply."
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    info: ModelInfo
    load: Load
    audience: Audience


def model(content: ModelCard) -> ui.LayoutView:
    """Build the card; PICTURE is drawn from HEADING, :func:`model_bars` and NOTES."""
    info = content.info
    alt = f"{HEADING}. {log_alt_text(model_bars(content))}. {' '.join(NOTES)}"
    return arranged(
        f"### {_title(info)}\n{_size(info.parameters)}",
        Row(button("Numbers", numbers_id("model")), content.audience.button),
        picture=picture(PICTURE, alt),
        result=[_WHAT_IT_IS_NOT],
        facts=" · ".join(
            filter(
                None,
                (_title(info), _replicas(content.load), _pace(content.load), f"Tokenwise {__version__}"),
            )
        ),
        colour=content.audience.colour,
    )


def model_bars(content: ModelCard) -> tuple[LogGroup, ...]:
    """Make the picture's groups: each of the model's properties beside what is public of GPT-3 and GPT-4."""
    info = content.info
    counts = (info.parameters, info.layers, info.heads, info.width, info.context, info.vocabulary)
    return tuple(
        LogGroup(
            name,
            meaning,
            tuple(
                LogBar(label, count, _count(count), colour)
                for label, count, colour in zip(
                    ("this", "GPT-3", "GPT-4"), (own, gpt_3, gpt_4), LIGHT_COLOURS, strict=False
                )
                if count is not None
            ),
        )
        for own, (name, meaning, gpt_3, gpt_4) in zip(counts, _ROWS, strict=True)
    )


def model_numbers(content: ModelCard) -> ui.LayoutView:
    """Show how the model runs, and where, for the person who pressed *Numbers*."""
    info, load = content.info, content.load
    source = (
        f"**Revision** {code(clip_end(info.revision, 60))}" if info.revision else "**Source** local folder"
    )
    slots = "" if load.capacity is None else plural(load.capacity.slots, "text")
    service = [f"**Service** {_replicas(load)}, {slots} at once"] if slots else []
    latest = f"; {load.pace:.3f} s per token lately" if load.pace is not None else ""
    return private_note(
        f"**Parameters** {info.parameters:,}",
        f"**Precision** {info.precision}, {_BITS[info.precision]} bits per number",
        f"**Device** {_device(info)}",
        source,
        f"**Memory** {info.memory / 2**30:.2f} GiB after loading",
        *service,
        f"**Speed** {_speed(load)}{latest}",
        f"**Queue** {plural(load.running, 'request')} running, {load.waiting:,} waiting",
        f"**Fingerprint** {info.fingerprint}; while it stays the same, every seed gives the same text",
        f"**Sources** {_SOURCES}",
        facts=f"{_title(info)} · Tokenwise {__version__}",
    )


def _title(info: ModelInfo) -> str:
    return inert(clip_end(model_name(info), 100))


def _size(parameters: int) -> str:
    times = _GPT_3_PARAMETERS / max(1, parameters)
    shown = f"{float(f'{times:.2g}'):,.0f}" if times >= 10 else f"{times:.1g}"
    return (
        f"A language model with {_count(parameters)} parameters. GPT-3 has about {shown} times as many, and "
        "GPT-4's size isn't public."
    )


def _device(info: ModelInfo) -> str:
    processor = "CPU" if info.device == "cpu" else inert(clip_end(info.device, 60))
    return f"{processor}, {plural(info.threads, 'thread')}"


def _replicas(load: Load) -> str:
    """Where the model runs, if not on the bot's own machine."""
    if load.capacity is None:
        return ""
    if not load.capacity.replicas:
        return "out of reach"
    replicas = plural(load.capacity.replicas, "replica")
    return f"{replicas} on {plural(load.capacity.machines, 'machine')}"


def _pace(load: Load) -> str:
    return "" if load.speed is None else f"{load.speed.per_second:,.1f} tokens a second"


def _speed(load: Load) -> str:
    minutes = f"the last {WINDOW / 60:.0f} minutes"
    if load.speed is None:
        return f"no texts in {minutes}"
    tokens = plural(load.speed.tokens, "token")
    return f"{load.speed.per_second:,.1f} tokens a second per text, measured on {tokens} in {minutes}"


def _count(count: int) -> str:
    """Format a count, rounded to about three digits if it is large: ``774 million``."""
    for size, word in _UNITS:
        if count >= size:
            value = count / size
            return f"{value:,.{0 if value >= 100 else 1}f} {word}"
    return f"{count:,}"
