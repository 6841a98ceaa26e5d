"""*Numbers* of a token: its bytes, and all tokens around it with their ids."""

from __future__ import annotations

from collections.abc import Iterator

from discord import ui

from bot.cards.layout import private_note
from bot.cards.vocabulary import cosine, facts, name_of, same_start, title
from bot.cards.vocabulary_content import VocabularyCard
from bot.quoting import plural
from bot.text.escaping import clip_end, code, column, fenced, isolated

# In the tables of *Numbers*; on a phone a line has room for 32 characters.
_SIMILAR_WIDTH = 14
_NEIGHBOUR_WIDTH = 21
_BYTES = 256
_MOST_BYTES = 24
_COSINE = (
    "**Closest tokens** by the cosine of their learned numbers (embeddings): 1 is the same direction, "
    "0 unrelated."
)
_CREATED = (
    "Ids 0 to {last:,} follow the order tokens were created in: bytes first, then frequent pairs joined."
)
_BYTES_FIRST = (
    "The first 256 of the {size:,} ids are single bytes, which can spell any text. Longer tokens follow."
)
_ADDED_LAST = "Ids 0 to {last:,} follow the order tokens were created in; this one was added last."
_MADE = "Ids 0 to {last:,} follow the order in which the vocabulary was made."


def vocabulary_numbers(content: VocabularyCard) -> ui.LayoutView:
    """Show the token's bytes and all tokens around it with their ids, to the person who pressed *Numbers*."""
    token = content.token
    data = token.data[:_MOST_BYTES].hex(" ").upper() + (" …" if len(token.data) > _MOST_BYTES else "")
    blocks = [f"### {title(content)}"]
    if data:
        blocks.append(f"One of {content.size:,} tokens · {plural(len(token.data), 'byte')} {code(data)}")
    if content.similar:
        blocks += [_COSINE, fenced("\n".join(_similar(content)))]
    order = _order(content).format(size=content.size, last=content.size - 1)
    blocks += [f"**Neighbours by id.** {order}", fenced("\n".join(_neighbours(content)))]
    if content.longer:
        shown = " · ".join(f"{name_of(token)} {token.id}" for token in content.longer)
        more = " · …" if content.count > len(content.longer) else ""
        blocks.append(f"{same_start(content)}, with or without a space: {shown}{more}")
    return private_note(*blocks, facts=facts(content))


def _order(content: VocabularyCard) -> str:
    """Explain the order of the ids around this one."""
    if not content.in_order:
        return _MADE
    if content.ends_text:
        return _ADDED_LAST
    return _BYTES_FIRST if content.token.id < _BYTES else _CREATED


def _similar(content: VocabularyCard) -> Iterator[str]:
    yield f"{'token':{_SIMILAR_WIDTH}}  cosine     id"
    for other in content.similar:
        form = column(other.token.visible, _SIMILAR_WIDTH)
        yield f"{form}  {cosine(other.cosine):>6}  {other.token.id:>5}"


def _neighbours(content: VocabularyCard) -> Iterator[str]:
    for token in content.neighbours:
        form = isolated(clip_end(token.visible, _NEIGHBOUR_WIDTH))
        yield f"{'→' if token.id == content.token.id else ' '} {token.id:>5}  {form}"
