"""The card of ``/surprise``: every token coloured by the rank the model gave it."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import (
    DONE_COLOUR,
    NO_BREAK,
    Audience,
    Row,
    Text,
    card,
    percent,
    rule,
    small,
    token_name,
    undrawn,
)
from bot.cards.pictures.tiles import Tile
from bot.cards.signs import Sign, meaning, signs_in
from bot.features.surprise import Bucket, Part, Reading, Scored, bits
from bot.quoting import plural
from bot.text.escaping import clip_end, clip_start, code, inert_head, isolated
from bot.text.pieces import Piece, Token

PICTURE = "surprise.png"
LISTING = "surprise.txt"

_ALT_BUDGET = 1_000
_MOST = 5
_TOKEN_BUDGET = 32
_BEFORE_BUDGET = 24
_BEFORE_TOKENS = 8  # enough to fill _BEFORE_BUDGET, unless they are very short
_MODEL_BUDGET = 100
_HIGHEST_PERPLEXITY = 1_000_000
_SIGNS = {Bucket.TOP_10: "🟩", Bucket.TOP_100: "🟨", Bucket.TOP_1000: "🟥", Bucket.BEYOND: "🟪"}
# The signs' colours, light enough for dark letters; the ranks say the same without colour.
_COLOURS = {
    Bucket.TOP_10: "#a5e6ba",
    Bucket.TOP_100: "#ffd166",
    Bucket.TOP_1000: "#ff9b85",
    Bucket.BEYOND: "#cdb4f6",
}
_UNSCORED = "#8b909c"
_NO_RANK = "–"
_NAMES = {
    Bucket.TOP_10: "1–10",
    Bucket.TOP_100: "11–100",
    Bucket.TOP_1000: "101–1,000",
    Bucket.BEYOND: "over 1,000",
}
_BITS = (
    "A token's surprise is −log₂ of the probability the model gave it, in bits: 0 bits is certainty, and "
    "each bit halves the probability (one coin flip = 1 bit). "
    "The first token isn't scored: nothing comes before it."
)


@dataclass(frozen=True, slots=True)
class SurpriseCard:
    """Everything the card shows, already in words.

    Describing 1,000 tokens takes long, so it happens off the event loop. ``loss`` is in nats
    per token.
    """

    model: str
    vocabulary: int
    token_count: int
    buckets: str
    most_surprising: tuple[str, ...]
    loss: float
    perplexity: str
    signs: str
    undrawn: str
    picture_text: str
    listing: str
    audience: Audience


def describe_surprise(reading: Reading, *, model: str, vocabulary: int, audience: Audience) -> SurpriseCard:
    """Describe a scored text; ``vocabulary`` is how many tokens the model ranked each time."""
    return SurpriseCard(
        model=model,
        vocabulary=vocabulary,
        token_count=len(reading.tokens),
        buckets=_buckets(reading),
        most_surprising=tuple(_entry(reading, *most) for most in reading.most_surprising(_MOST)),
        loss=reading.loss,
        perplexity=_perplexity_explained(reading, vocabulary),
        signs=_signs(reading),
        undrawn=undrawn("".join(part.piece.visible for part in reading.parts()), twin=LISTING),
        picture_text=_picture_text(reading),
        listing=listing(reading, model),
        audience=audience,
    )


def surprise(content: SurpriseCard) -> ui.LayoutView:
    """Build the card; it shows attachments named PICTURE and LISTING."""
    return card(
        Text(f"### How surprising is this text?\n{plural(content.token_count, 'token')}"),
        Text(small(_legend(content))),
        ui.MediaGallery[ui.LayoutView](
            discord.MediaGalleryItem(f"attachment://{PICTURE}", description=content.picture_text)
        ),
        Text(content.buckets),
        rule(),
        Text(_most_surprising(content)),
        rule(),
        Text(_figures(content)),
        ui.File[ui.LayoutView](f"attachment://{LISTING}"),
        Row(content.audience.button),
        colour=DONE_COLOUR,
    )


def surprise_tiles(reading: Reading) -> list[Tile]:
    """Make the picture's tiles: each character's tokens with their ranks, coloured by the highest."""
    return [
        Tile(part.piece.visible, _ranks(part), _COLOURS[part.bucket] if part.bucket else _UNSCORED)
        for part in reading.parts()
    ]


def listing(reading: Reading, model: str) -> str:
    """List the text's tokens and their numbers, one token per line."""
    names = [_name(token, part.piece) for part in reading.parts() for token in part.piece.tokens]
    loss = f"{reading.loss:.6f} nats per token ({bits(reading.loss):.4f} bits)"
    head = [
        f"{plural(len(reading.tokens), 'token')}, read by {model}",
        f"Mean negative log-likelihood (loss): {loss}",
        f"Perplexity: {_perplexity(reading)}",
        f"Ranks: {_counts(reading)}",
        _BITS,
        "",
        "   no.    rank  probability  surprise in bits  token  ← it expected",
        f"{1:>6}  {_NO_RANK:>6}  {_NO_RANK:>11}  {_NO_RANK:>16}  {names[0]}",
    ]
    lines = [
        _line(number, scored, name)
        for number, (scored, name) in enumerate(zip(reading.scored, names[1:], strict=True), 2)
    ]
    return "\n".join([*head, *lines, ""]).replace(NO_BREAK, " ")


def _name(token: Token, piece: Piece) -> str:
    """Name a token in the file; bytes of a character come with the character."""
    name = isolated(token.visible)
    if len(piece.tokens) == 1:
        return name
    return f"{name} (part of {isolated(clip_end(piece.visible, _TOKEN_BUDGET))})"


def _line(number: int, scored: Scored, name: str) -> str:
    line = f"{number:>6}  {scored.rank:>6,}  {percent(scored.probability):>11}  {scored.bits:>16.4f}  {name}"
    expected = ", ".join(
        f"{isolated(one.token.visible)} {percent(one.probability)}" for one in scored.expected
    )
    return f"{line}  ← {expected}" if expected else line


def _legend(content: SurpriseCard) -> str:
    legend = (
        f"At each position the model ranked all {content.vocabulary:,} tokens it knows. The number below a "
        "token is its rank: 1 is the model's top guess."
    )
    return " ".join(filter(None, (legend, content.signs, content.undrawn)))


def _signs(reading: Reading) -> str:
    """Explain the signs that occur on the card and in its picture."""
    most = reading.most_surprising(_MOST)
    shown = [part.piece.visible for part in reading.parts()]
    shown += [scored.token.visible for _, scored in most]
    shown += [one.token.visible for _, scored in most for one in scored.expected]
    found = [_explained(sign, written) for sign, written in signs_in(shown).items()]
    listed = (f"{sign} {what}" if place else f"{sign} is {what}" for place, (sign, what) in enumerate(found))
    return ", ".join(listed) + "." if found else ""


def _explained(sign: Sign, written: str) -> tuple[str, str]:
    match sign:
        case Sign.BYTE:
            return "`\\xE2`", meaning(sign, written)
        case Sign.CONTROL:
            return code(written), meaning(sign, written)
        case _:
            return written, meaning(sign, written)


def _buckets(reading: Reading) -> str:
    counts = [
        f"{_SIGNS[bucket]} {_NAMES[bucket]}: **{count:,}**" for bucket, count in reading.buckets.items()
    ]
    first = reading.buckets[Bucket.TOP_10]
    noun = "token" if first == 1 else "tokens"
    counts[0] = (
        f"{_SIGNS[Bucket.TOP_10]} rank {_NAMES[Bucket.TOP_10]}: **{first:,}** {noun} "
        f"({first / len(reading.scored) * 100:.0f} %)"
    )
    return " · ".join(count.replace(" ", "\N{NO-BREAK SPACE}") for count in counts)


def _counts(reading: Reading) -> str:
    return ", ".join(f"{_NAMES[bucket]}: {count:,}" for bucket, count in reading.buckets.items())


def _most_surprising(content: SurpriseCard) -> str:
    if not content.most_surprising:
        return "**No surprises:** every token was the model's top guess."
    return "\n".join(("**The biggest surprises**", *content.most_surprising))


def _entry(reading: Reading, part: Part, scored: Scored) -> str:
    before = f"{code(_before(reading, part))} " if part.start else ""
    head = f"{_SIGNS[scored.bucket]} {before}**{_token(part.piece.visible)}**"
    if len(part.piece.tokens) > 1:
        head += f" (its token {_token(scored.token.visible)})"
    if not before:
        head += " at the very start ·"
    figures = f"{scored.bits:.1f} bits ({percent(scored.probability)})"
    expected = ", ".join(f"{_token(one.token.visible)} {percent(one.probability)}" for one in scored.expected)
    instead = f" · it expected: {expected}" if expected else ""
    return f"{head} rank {scored.rank:,}\n" + small(figures + instead)


def _before(reading: Reading, part: Part) -> str:
    before = Piece(reading.tokens[max(0, part.start - _BEFORE_TOKENS) : part.start]).visible
    more = "…" if part.start > _BEFORE_TOKENS else ""
    return clip_start(more + before, _BEFORE_BUDGET)


def _token(visible: str) -> str:
    return token_name(visible, _TOKEN_BUDGET)


def _figures(content: SurpriseCard) -> str:
    figures = (
        f"Mean negative log-likelihood (loss) **{content.loss:.3f} nats** per token "
        f"({bits(content.loss):.2f} bits) · {content.perplexity}."
    )
    return "\n".join((figures, small(_BITS), small(inert_head(content.model, _MODEL_BUDGET))))


def _perplexity(reading: Reading) -> str:
    value = reading.perplexity
    if value > _HIGHEST_PERPLEXITY:
        return f"over {_HIGHEST_PERPLEXITY:,}"
    return f"{value:.1f}" if round(value, 1) < 100 else f"{value:,.0f}"


def _perplexity_explained(reading: Reading, vocabulary: int) -> str:
    shown = f"**{_perplexity(reading)}**"
    if reading.perplexity <= vocabulary:
        return f"perplexity {shown}, like choosing among {shown} equal options each time"
    return (
        f"perplexity {shown}, worse than a blind guess among all {vocabulary:,} tokens: "
        "the model has hardly seen such texts"
    )


def _picture_text(reading: Reading) -> str:
    parts = " | ".join(f"{part.piece.visible} {_ranks(part)}" for part in reading.parts())
    return clip_end(f"Each token with its rank: {parts}", _ALT_BUDGET)


def _ranks(part: Part) -> str:
    ranks = [f"{scored.rank:,}" for scored in part.scored]
    return " ".join(ranks if part.start else [_NO_RANK, *ranks])
