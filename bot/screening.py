"""No blocked word comes from where texts come from: the model, and the record of runs.

Both are screened here, before any command sees the text, and by whole texts: a word
may lie across the border between what a person wrote and what the model did.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from bot.admission import Asker
from bot.blocking import BlockedWords
from bot.errors import Withheld, WordBlocked
from bot.features.completions import CompletionRun
from bot.model.protocol import GenerationRequest
from bot.services import Around, Generations
from bot.store.rows import Run
from bot.tokenization import Encodings
from bot.updates import Finished, Progress, Update, token_ids

_LETTER = "x"
_BYTES = "".join(map(chr, range(0xDC80, 0xDD00)))  # of a character that is not whole yet


@dataclass(frozen=True, slots=True)
class Sieve:
    """Finds what has a blocked word in it."""

    blocked: BlockedWords
    encodings: Encodings

    def finds(self, ids: tuple[int, ...]) -> bool:
        return bool(self.blocked) and self.blocked.in_text(self.encodings.decode(ids))

    def finds_for_good(self, ids: tuple[int, ...]) -> bool:
        """Whether there is such a word in it whatever follows: the last one may yet become a longer one."""
        return self.blocked.in_text(self.encodings.decode(ids).rstrip(_BYTES) + _LETTER)

    def check(self, ids: tuple[int, ...], *, seed: int) -> None:
        """Withheld, with the seed, if there is such a word in it."""
        if self.finds(ids):
            raise Withheld(seed=seed)

    def check_run(self, run: Run) -> None:
        """Withheld if there is such a word in the run's text."""
        if isinstance(run, CompletionRun):
            self.check(run.prompt_ids + run.token_ids, seed=run.params.seed)
        else:
            self.check(run.walk.prompt_ids + run.walk.appended_ids, seed=run.walk.seed)


class ScreenedGenerations(Around):
    """``inner``, whose streams raise Withheld instead of an update with a blocked word.

    Whoever reads a stream leaves it then, and thereby ends the request. An update
    whose last word is a blocked one so far is left out: the next one tells. So what
    is withheld depends on the text alone, not on when it was looked at.
    """

    def __init__(self, inner: Generations, sieve: Sieve) -> None:
        super().__init__(inner)
        self._sieve = sieve

    @asynccontextmanager
    async def stream(
        self, request: GenerationRequest, *, asker: Asker, group: str | None = None
    ) -> AsyncIterator[AsyncIterator[Update]]:
        """As of ``inner``; WordBlocked if such a word is in what the model is given."""
        if self._sieve.finds(request.prompt_ids):
            raise WordBlocked
        async with self._inner.stream(request, asker=asker, group=group) as updates:
            if request.scored:
                yield updates
                return
            async with aclosing(self._each(request, updates)) as screened:
                yield screened

    async def _each(
        self, request: GenerationRequest, updates: AsyncIterator[Update]
    ) -> AsyncGenerator[Update, None]:
        async for update in updates:
            ids = request.prompt_ids + _written(update)
            if not self._sieve.finds(ids):
                yield update
            elif isinstance(update, Finished) or self._sieve.finds_for_good(ids):
                raise Withheld(seed=request.params.seed)


def _written(update: Update) -> tuple[int, ...]:
    match update:
        case Progress():
            return token_ids(update.steps)
        case Finished():
            return update.completion.token_ids
        case _:
            return ()
