"""Keeps blocked words out of the two sources of text: the model and the stored runs.

Both are screened here, before any command sees the text, and always as whole texts: a word
may straddle the border between a person's text and the model's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Self

from bot.errors import Withheld, WordBlocked
from bot.features.complete import CompletionRun
from bot.model.model_info import GPT2_ENCODING
from bot.model.protocol import GenerationRequest
from bot.moderation.blocklist import BlockedWords
from bot.queue.generations import Generations, GenerationsWrapper
from bot.queue.limits import Asker
from bot.queue.updates import Finished, Progress, Update, token_ids
from bot.store.rows import Run
from bot.text.tokenization import Encodings

_LETTER = "x"
_BYTES = "".join(map(chr, range(0xDC80, 0xDD00)))  # bytes of an incomplete character


@dataclass(frozen=True, slots=True)
class Sieve:
    """Finds blocked words in token ids of ``encoding``."""

    blocked: BlockedWords
    encodings: Encodings
    encoding: str = GPT2_ENCODING

    def under(self, encoding: str) -> Self:
        return replace(self, encoding=encoding)

    def finds(self, ids: tuple[int, ...]) -> bool:
        return bool(self.blocked) and self.blocked.in_text(self.encodings.decode(ids, self.encoding))

    def finds_for_good(self, ids: tuple[int, ...]) -> bool:
        """Whether a blocked word stays in it no matter what follows: the last word may still grow."""
        return self.blocked.in_text(self.encodings.decode(ids, self.encoding).rstrip(_BYTES) + _LETTER)

    def parts(
        self, tokens: Iterable[int] = (), *, offered: Iterable[tuple[tuple[int, ...], int]] = ()
    ) -> frozenset[str]:
        """The blocked words on a card that are only parts of longer words shown token by token.

        ``tokens`` come from texts without a blocked word. Each of the ``offered`` is a text
        and a token that could continue it.
        """
        if not self.blocked:
            return frozenset()
        parts = {word for token_id in set(tokens) for word in self._alone(token_id)}
        whole: set[str] = set()
        for before, token_id in offered:
            if words := self._alone(token_id):
                (whole if self.finds((*before, token_id)) else parts).update(words)
        return frozenset(parts - whole)

    def _alone(self, token_id: int) -> set[str]:
        """The blocked words that a token amounts to when it stands alone."""
        return set(self.blocked.found(self.encodings.token(token_id, self.encoding).visible))

    def check(self, ids: tuple[int, ...], *, seed: int) -> None:
        """Raise Withheld, with the seed, if the text contains a blocked word."""
        if self.finds(ids):
            raise Withheld(seed=seed)

    def check_run(self, run: Run) -> None:
        """Raise Withheld if the run's text contains a blocked word."""
        its = self.under(run.fingerprint.encoding)
        if isinstance(run, CompletionRun):
            its.check(run.prompt_ids + run.token_ids, seed=run.params.seed)
        else:
            its.check(run.walk.prompt_ids + run.walk.appended_ids, seed=run.walk.seed)


class ScreenedGenerations(GenerationsWrapper):
    """``inner``, with streams that raise Withheld instead of an update with a blocked word.

    The reader then leaves the stream, which ends the request. An update is skipped if its
    last word is a blocked one that may still grow. So what is withheld depends only on the
    text, not on when it was looked at.
    """

    def __init__(self, inner: Generations, sieve: Sieve) -> None:
        super().__init__(inner)
        self._sieve = sieve

    @asynccontextmanager
    async def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AsyncIterator[AsyncIterator[Update]]:
        """The stream of ``inner``; WordBlocked if the prompt contains a blocked word."""
        sieve = self._sieve.under(self.model.encoding)
        if sieve.finds(request.prompt_ids):
            raise WordBlocked
        async with self._inner.stream(request, asker=asker, group=group) as updates:
            if request.scored:
                yield updates
                return
            async with aclosing(_each(request, updates, sieve)) as screened:
                yield screened


async def _each(
    request: GenerationRequest, updates: AsyncIterator[Update], sieve: Sieve
) -> AsyncGenerator[Update, None]:
    async for update in updates:
        ids = request.prompt_ids + _written(update)
        if not sieve.finds(ids):
            yield update
        elif isinstance(update, Finished) or sieve.finds_for_good(ids):
            raise Withheld(seed=request.params.seed)


def _written(update: Update) -> tuple[int, ...]:
    match update:
        case Progress():
            return token_ids(update.steps)
        case Finished():
            return update.completion.token_ids
        case _:
            return ()
