"""The Markdown documents of the project, parsed: their links, headings, tables and code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Document:
    """One file; ``tokens`` are those of its Markdown, parsed on first use."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(MarkdownIt("commonmark").enable("table").parse(self.text))

    @property
    def name(self) -> str:
        """Its path within the project."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def links(self) -> tuple[str, ...]:
        """Where its links and pictures lead."""
        named = {"link_open": "href", "image": "src"}
        return tuple(str(part.attrs[named[part.type]]) for part in self._inline if part.type in named)

    @property
    def anchors(self) -> frozenset[str]:
        """The names GitHub gives its headings."""
        seen: Counter[str] = Counter()
        anchors = []
        for opening, heading in zip(self.tokens, self.tokens[1:], strict=False):
            if opening.type == "heading_open":
                slug = re.sub(r"[^\w\- ]", "", _plain(heading)).strip().lower().replace(" ", "-")
                anchors.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
                seen[slug] += 1
        return frozenset(anchors)

    @property
    def code(self) -> tuple[str, ...]:
        """Every inline code."""
        return tuple(part.content for part in self._inline if part.type == "code_inline")

    @property
    def commands(self) -> tuple[str, ...]:
        """Every inline code, and every line of a block of code in no language, fenced or indented."""
        blocks = (token for token in self.tokens if token.type in ("fence", "code_block") and not token.info)
        return (*self.code, *chain.from_iterable(block.content.splitlines() for block in blocks))

    def block(self, language: str) -> str:
        """Its one block of code in ``language``."""
        (found,) = (token.content for token in self.tokens if token.info == language)
        return found

    def tables(self) -> Iterator[tuple[tuple[str, ...], ...]]:
        """Its tables, row by row, the header first; cells as Markdown."""
        rows: list[tuple[str, ...]] = []
        cells: list[str] = []
        for token in self.tokens:
            match token.type:
                case "table_open":
                    rows = []
                case "tr_open":
                    cells = []
                case "inline":
                    cells.append(token.content)
                case "tr_close":
                    rows.append(tuple(cells))
                case "table_close":
                    yield tuple(rows)

    def table(self, *header: str) -> tuple[tuple[str, ...], ...]:
        """The rows of its one table with this header."""
        (found,) = (rows for head, *rows in self.tables() if head == header)
        return tuple(found)

    @property
    def _inline(self) -> Iterator[Token]:
        return chain.from_iterable(token.children or () for token in self.tokens)


def document(name: str) -> Document:
    """The one at this path within the project."""
    return Document(ROOT / name)


def documents() -> list[Document]:
    """The README and its neighbours, all of ``docs/``, and the descriptions of shipped files."""
    patterns = ("*.md", "docs/**/*.md", "bot/data/**/*.md")
    return [Document(path) for pattern in patterns for path in sorted(ROOT.glob(pattern))]


def _plain(inline: Token) -> str:
    return "".join(part.content for part in inline.children or ())
