"""The card of ``/surprise``: every token coloured by its rank under the model."""

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
from bot.features.surprise import Bucket, Judged, Part, Reading, bits
from bot.quoting import plural
from bot.text.escaping import clip_end, code, inert_head, isolated
from bot.text.pieces import Piece, Token

PICTURE = "surprise.png"
LISTING = "surprise.txt"

_ALT_BUDGET = 1_000
_MOST = 5
_TOKEN_BUDGET = 32
_BEFORE_BUDGET = 24
_BEFORE_TOKENS = 8  # enough to fill it, but for the smallest tokens
_MODEL_BUDGET = 100
_HIGHEST_PERPLEXITY = 1_000_000
_SIGNS = {Bucket.TOP_10: "🟩", Bucket.TOP_100: "🟨", Bucket.TOP_1000: "🟥", Bucket.BEYOND: "🟪"}
# The signs' colours, light enough for dark letters; the ranks say the same without them.
_COLOURS = {
    Bucket.TOP_10: "#a5e6ba",
    Bucket.TOP_100: "#ffd166",
    Bucket.TOP_1000: "#ff9b85",
    Bucket.BEYOND: "#cdb4f6",
}
_NOT_JUDGED = "#8b909c"
_NO_RANK = "–"
_NAMES = {
    Bucket.TOP_10: "1–10",
    Bucket.TOP_100: "11–100",
    Bucket.TOP_1000: "101–1,000",
    Bucket.BEYOND: "beyond",
}
_BITS = (
    "A token's surprise is −log₂ of the probability that the model gave it, in bits: 0 is certainty. "
    "Each bit halves the probability; a coin that shows heads surprises by one. "
    "The first token has nothing before it and is not judged."
)


@dataclass(frozen=True, slots=True)
class SurpriseCard:
    """All that the card shows, already in words: 1,000 tokens take long to describe,
    so that is done apart from showing it. ``loss`` is in nats.
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
    """A reading in words; ``vocabulary`` is how many tokens were ranked before each."""
    return SurpriseCard(
        model=model,
        vocabulary=vocabulary,
        token_count=len(reading.tokens),
        buckets=_buckets(reading),
        most_surprising=tuple(_entry(reading, *most) for most in reading.most_surprising(_MOST)),
        loss=reading.loss,
        perplexity=_choice(reading, vocabulary),
        signs=_signs(reading),
        undrawn=undrawn("".join(part.piece.visible for part in reading.parts()), twin=LISTING),
        picture_text=_picture_text(reading),
        listing=listing(reading, model),
        audience=audience,
    )


def surprise(content: SurpriseCard) -> ui.LayoutView:
    """The card; it shows attachments named PICTURE and LISTING."""
    return card(
        Text(f"### How surprised is the model by these {plural(content.token_count, 'token')}?"),
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
    """What the picture shows: each character's tokens with their ranks, coloured by the highest."""
    return [
        Tile(part.piece.visible, _ranks(part), _COLOURS[part.bucket] if part.bucket else _NOT_JUDGED)
        for part in reading.parts()
    ]


def listing(reading: Reading, model: str) -> str:
    """The same in plain text, a line a token."""
    names = [_name(token, part.piece) for part in reading.parts() for token in part.piece.tokens]
    loss = f"{reading.loss:.6f} nats a token ({bits(reading.loss):.4f} bits)"
    head = [
        f"{plural(len(reading.tokens), 'token')}, read by {model}",
        f"Mean negative log-likelihood (loss): {loss}",
        f"Perplexity: {_perplexity(reading)}",
        f"Ranks: {_counts(reading)}",
        _BITS,
        "",
        "   no.    rank  probability  surprise in bits  token  ← likelier",
        f"{1:>6}  {_NO_RANK:>6}  {_NO_RANK:>11}  {_NO_RANK:>16}  {names[0]}",
    ]
    lines = [
        _line(number, judged, name)
        for number, (judged, name) in enumerate(zip(reading.judged, names[1:], strict=True), 2)
    ]
    return "\n".join([*head, *lines, ""]).replace(NO_BREAK, " ")


def _name(token: Token, piece: Piece) -> str:
    """A token in the file; bytes of a character come with the character."""
    name = isolated(token.visible)
    if len(piece.tokens) == 1:
        return name
    return f"{name} (part of {isolated(clip_end(piece.visible, _TOKEN_BUDGET))})"


def _line(number: int, judged: Judged, name: str) -> str:
    line = f"{number:>6}  {judged.rank:>6,}  {percent(judged.probability):>11}  {judged.bits:>16.4f}  {name}"
    likelier = ", ".join(
        f"{isolated(one.token.visible)} {percent(one.probability)}" for one in judged.expected
    )
    return f"{line}  ← {likelier}" if likelier else line


def _legend(content: SurpriseCard) -> str:
    legend = (
        f"Before each token the model ranked all {content.vocabulary:,} tokens it knows, the likeliest "
        "first. The number below a token is its rank there: 1 is what the model expected most."
    )
    return " ".join(filter(None, (legend, content.signs, content.undrawn)))


def _signs(reading: Reading) -> str:
    """What the signs on the card and its picture stand for, those that are there."""
    most = reading.most_surprising(_MOST)
    shown = [part.piece.visible for part in reading.parts()]
    shown += [judged.token.visible for _, judged in most]
    shown += [one.token.visible for _, judged in most for one in judged.expected]
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
        f"({first / len(reading.judged) * 100:.0f} %)"
    )
    return " · ".join(count.replace(" ", "\N{NO-BREAK SPACE}") for count in counts)


def _counts(reading: Reading) -> str:
    return ", ".join(f"{_NAMES[bucket]}: {count:,}" for bucket, count in reading.buckets.items())


def _most_surprising(content: SurpriseCard) -> str:
    if not content.most_surprising:
        return "**Nothing in it is a surprise:** each token is the one the model expected most."
    return "\n".join(("**The most surprising tokens**", *content.most_surprising))


def _entry(reading: Reading, part: Part, judged: Judged) -> str:
    before = f"{code(_before(reading, part))} " if part.start else ""
    head = f"{_SIGNS[judged.bucket]} {before}**{_token(part.piece.visible)}**"
    if len(part.piece.tokens) > 1:
        head += f" (its token {_token(judged.token.visible)})"
    if not before:
        head += " at the very beginning ·"
    figures = f"{judged.bits:.1f} bits ({percent(judged.probability)})"
    expected = ", ".join(f"{_token(one.token.visible)} {percent(one.probability)}" for one in judged.expected)
    instead = f" · expected instead: {expected}" if expected else ""
    return f"{head} rank {judged.rank:,}\n" + small(figures + instead)


def _before(reading: Reading, part: Part) -> str:
    before = Piece(reading.tokens[max(0, part.start - _BEFORE_TOKENS) : part.start]).visible
    if part.start > _BEFORE_TOKENS or len(before) > _BEFORE_BUDGET:
        return "…" + before[1 - _BEFORE_BUDGET :]
    return before


def _token(visible: str) -> str:
    return token_name(visible, _TOKEN_BUDGET)


def _figures(content: SurpriseCard) -> str:
    figures = (
        f"Mean negative log-likelihood (loss) **{content.loss:.3f} nats** a token "
        f"({bits(content.loss):.2f} bits) · {content.perplexity}."
    )
    return "\n".join((figures, small(_BITS), small(inert_head(content.model, _MODEL_BUDGET))))


def _perplexity(reading: Reading) -> str:
    value = reading.perplexity
    if value > _HIGHEST_PERPLEXITY:
        return f"over {_HIGHEST_PERPLEXITY:,}"
    return f"{value:.1f}" if round(value, 1) < 100 else f"{value:,.0f}"


def _choice(reading: Reading, vocabulary: int) -> str:
    """The perplexity and what it means."""
    shown = f"**{_perplexity(reading)}**"
    if reading.perplexity <= vocabulary:
        return f"perplexity {shown}: on average like a choice between {shown} equally likely tokens"
    return (
        f"perplexity {shown}, worse than a blind guess among all {vocabulary:,} tokens: "
        "the model knows no such texts"
    )


def _picture_text(reading: Reading) -> str:
    parts = " | ".join(f"{part.piece.visible} {_ranks(part)}" for part in reading.parts())
    return clip_end(f"Each token with its rank: {parts}", _ALT_BUDGET)


def _ranks(part: Part) -> str:
    ranks = [f"{judged.rank:,}" for judged in part.judged]
    return " ".join(ranks if part.start else [_NO_RANK, *ranks])
