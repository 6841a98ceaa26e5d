"""The file of ``/surprise``: every token of a text with all its numbers."""

from __future__ import annotations

from bot.cards.layout import NO_BREAK, percent
from bot.features.surprise import Bucket, Reading, Scored, bits
from bot.quoting import plural
from bot.text.escaping import clip_end, isolated
from bot.text.pieces import Piece

_TOKEN_BUDGET = 32
_HIGHEST_PERPLEXITY = 1_000_000
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


def listing(reading: Reading, model: str) -> str:
    """List the text's tokens and their numbers, one token per line."""
    names = [name for part in reading.parts() for name in _names(part.piece)]
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


def _names(piece: Piece) -> list[str]:
    """Name a piece's tokens; bytes of a character come with the character."""
    names = [isolated(token.visible) for token in piece.tokens]
    if len(names) == 1:
        return names
    whole = isolated(clip_end(piece.visible, _TOKEN_BUDGET))
    return [f"{name} (part of {whole})" for name in names]


def _line(number: int, scored: Scored, name: str) -> str:
    line = f"{number:>6}  {scored.rank:>6,}  {percent(scored.probability):>11}  {scored.bits:>16.4f}  {name}"
    expected = ", ".join(
        f"{isolated(one.token.visible)} {percent(one.probability)}" for one in scored.expected
    )
    return f"{line}  ← {expected}" if expected else line


def _counts(reading: Reading) -> str:
    return ", ".join(f"{_NAMES[bucket]}: {count:,}" for bucket, count in reading.buckets.items())


def _perplexity(reading: Reading) -> str:
    value = reading.perplexity
    if value > _HIGHEST_PERPLEXITY:
        return f"over {_HIGHEST_PERPLEXITY:,}"
    return f"{value:.1f}" if round(value, 1) < 100 else f"{value:,.0f}"
