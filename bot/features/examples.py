"""One example of each main command: what ``/help`` and the playground offer to people who are new. Pure.

The texts are in the manner of old story books, which the demo model is good at, and GPT-2 Large is too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# The text of a tour: at its end the demo model hesitates between a hand, eyes, a head, a voice and a face.
SENTENCE = "The wizard raised his"


@dataclass(frozen=True, slots=True)
class Example:
    """A command with its ``options``; ``label`` is what a button that runs it says."""

    command: str
    label: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def typed(self) -> str:
        """The command as people type it."""
        return " ".join([f"/{self.command}", *(f"{name}:{value}" for name, value in self.options.items())])


EXAMPLES = (
    Example("tour", "Take the tour"),
    Example("complete", "Write a story", {"prompt": "Alice opened the door and found"}),
    Example("next", "Walk a sentence", {"prompt": SENTENCE}),
    Example("surprise", "Find the surprise", {"text": "The old man shook his head and ate his umbrella."}),
    Example("tokens", "Split a text", {"text": "Hello hello HELLO! Supercalifragilistic 🦄"}),
    Example("compare", "Compare settings", {"prompt": "Dorothy and the Scarecrow walked"}),
    Example("vocabulary", "Look up a token", {"query": "king"}),
    Example("guess", "Play a round"),
)


def example_of(command: str) -> Example:
    """Return the example of a command; LookupError if it has none."""
    for example in EXAMPLES:
        if example.command == command:
            return example
    raise LookupError(command)
