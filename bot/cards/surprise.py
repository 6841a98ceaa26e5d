"""The card of ``/surprise``: every token coloured by its rank under the model."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import DONE_COLOUR, Closing, Row, Text, card, percent, plural, rule, small
from bot.features.surprise import Bucket, Judged, Part, Reading
from bot.pictures import Tile
from bot.text import clip_end, code, inert_head
from bot.tokenization import Piece

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
    Bucket.TOP_10: "top 10",
    Bucket.TOP_100: "top 100",
    Bucket.TOP_1000: "top 1,000",
    Bucket.BEYOND: "beyond",
}
_NATS = (
    "A token's surprise is −ln of the probability that the model gave it, in nats: 0 is certainty, and each "
    "0.69 nats halve the probability. The first token has nothing before it and is not judged."
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
    picture_text: str
    listing: str
    closing: Closing


def describe_surprise(reading: Reading, *, model: str, vocabulary: int, closing: Closing) -> SurpriseCard:
    """A reading in words; ``vocabulary`` is how many tokens were ranked before each."""
    return SurpriseCard(
        model=model,
        vocabulary=vocabulary,
        token_count=len(reading.tokens),
        buckets=_buckets(reading),
        most_surprising=tuple(_entry(reading, *most) for most in reading.most_surprising(_MOST)),
        loss=reading.loss,
        perplexity=_perplexity(reading),
        picture_text=_picture_text(reading),
        listing=listing(reading, model),
        closing=closing,
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
        Row(content.closing.button),
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
    head = [
        f"{plural(len(reading.tokens), 'token')}, read by {model}",
        f"Mean negative log-likelihood (loss): {reading.loss:.6f} nats a token",
        f"Perplexity: {_perplexity(reading)}",
        f"Ranks: {_counts(reading)}",
        _NATS,
        "",
        "   no.    rank  probability  surprise in nats  token  ← likelier",
        f"{1:>6}  {_NO_RANK:>6}  {_NO_RANK:>11}  {_NO_RANK:>16}  {reading.first.visible}",
    ]
    lines = [_line(number, judged) for number, judged in enumerate(reading.judged, 2)]
    return "\n".join([*head, *lines, ""])


def _line(number: int, judged: Judged) -> str:
    line = (
        f"{number:>6}  {judged.rank:>6,}  {percent(judged.probability):>11}  {judged.surprise:>16.4f}  "
        f"{judged.token.visible}"
    )
    likelier = ", ".join(f"{one.token.visible} {percent(one.probability)}" for one in judged.expected)
    return f"{line}  ← {likelier}" if likelier else line


def _legend(content: SurpriseCard) -> str:
    return (
        f"Before each token the model ranked all {content.vocabulary:,} tokens it knows, the likeliest "
        "first. The number below a token is its rank there: 1 is what the model expected most."
    )


def _buckets(reading: Reading) -> str:
    total = len(reading.judged)
    counts = [
        f"{_SIGNS[bucket]} {_NAMES[bucket]} **{count:,}** ({count / total * 100:.0f} %)"
        for bucket, count in reading.buckets.items()
    ]
    return " · ".join(count.replace(" ", "\N{NO-BREAK SPACE}") for count in counts)


def _counts(reading: Reading) -> str:
    return ", ".join(f"{_NAMES[bucket]}: {count:,}" for bucket, count in reading.buckets.items())


def _most_surprising(content: SurpriseCard) -> str:
    if not content.most_surprising:
        return "**Nothing in it is a surprise:** each token is the one the model expected most."
    return "\n".join(("**The most surprising tokens**", *content.most_surprising))


def _entry(reading: Reading, part: Part, judged: Judged) -> str:
    before = Piece(reading.tokens[max(0, part.start - _BEFORE_TOKENS) : part.start]).visible
    if part.start > _BEFORE_TOKENS or len(before) > _BEFORE_BUDGET:
        before = "…" + before[1 - _BEFORE_BUDGET :]
    head = f"{_SIGNS[judged.bucket]} {code(before)} **{_token(part.piece.visible)}**"
    if len(part.piece.tokens) > 1:
        head += f" (its token {_token(judged.token.visible)})"
    figures = f"{judged.surprise:.2f} nats ({percent(judged.probability)})"
    expected = ", ".join(f"{_token(one.token.visible)} {percent(one.probability)}" for one in judged.expected)
    return f"{head} rank {judged.rank:,}\n" + small(f"{figures} · expected instead: {expected}")


def _token(visible: str) -> str:
    return code(clip_end(visible, _TOKEN_BUDGET))


def _figures(content: SurpriseCard) -> str:
    figures = (
        f"Mean negative log-likelihood (loss) **{content.loss:.3f} nats** a token · perplexity "
        f"**{content.perplexity}**: on average as unsure as between so many equally likely tokens."
    )
    return "\n".join((figures, small(_NATS), small(inert_head(content.model, _MODEL_BUDGET))))


def _perplexity(reading: Reading) -> str:
    value = reading.perplexity
    return f"{value:,.1f}" if value <= _HIGHEST_PERPLEXITY else f"over {_HIGHEST_PERPLEXITY:,}"


def _picture_text(reading: Reading) -> str:
    parts = " | ".join(f"{part.piece.visible} {_ranks(part)}" for part in reading.parts())
    return clip_end(f"Each token with its rank: {parts}", _ALT_BUDGET)


def _ranks(part: Part) -> str:
    ranks = [f"{judged.rank:,}" for judged in part.judged]
    return " ".join(ranks if part.start else [_NO_RANK, *ranks])
