"""What a command may use. Built once at the start, handed to the bot, never global."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.executor import Executor
from bot.moderation.rules import Rules
from bot.moderation.screening import Sieve
from bot.queue.generations import Generations
from bot.store.process_claims import Claims
from bot.store.process_locks import ProcessLocks
from bot.store.runs import Runs
from bot.text.tokenization import Encodings


@dataclass(frozen=True, slots=True)
class Services:
    generations: Generations
    encodings: Encodings
    runs: Runs
    executor: Executor = field(default_factory=Executor)
    rules: Rules = field(default_factory=Rules)
    locks: ProcessLocks = field(default_factory=ProcessLocks)
    claims: Claims = field(default_factory=Claims)

    def sieve(self, encoding: str) -> Sieve:
        """What finds blocked words in token ids of ``encoding``."""
        return Sieve(self.rules.blocked, self.encodings, encoding)

    def encode(self, text: str) -> tuple[int, ...]:
        """The token ids of ``text`` for the loaded model; ModelLoading while there is none yet."""
        return self.encodings.encode(text, self.generations.model.encoding)
