"""Random requests, and requests that share their beginnings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from msgspec import structs

from bot.model.protocol import MAX_SEED, GenerationRequest, SamplingParams, Step

TEMPERATURES = (0.0, 0.7, 1.0, 1.3)
TOP_KS = (0, 0, 1, 40)
TOP_PS = (1.0, 1.0, 0.9, 0.3)
CANDIDATES = (0, 1, 5, 10)
# The share of needles whose last prompt tokens count as generated.
GENERATED_SHARE = 0.2
MOST_GENERATED = 40


@dataclass(frozen=True, slots=True)
class Limits:
    """The most tokens in prompts and texts, and the number of token ids."""

    vocabulary: int
    longest_prompt: int
    most_new_tokens: int


@dataclass(frozen=True, slots=True)
class Said:
    """A step, and the digest of its row of logits."""

    digest: bytes
    step: Step


@dataclass(frozen=True, slots=True)
class Needle:
    """A request, and its steps when it ran alone."""

    request: GenerationRequest
    alone: tuple[Said, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens of its text."""
        return tuple(said.step.chosen.token_id for said in self.alone)

    def part(self, name: str, start: int, at_most: int) -> GenerationRequest:
        """The request for ``at_most`` steps from ``start``; earlier ones count as generated."""
        request = self.request
        count = min(at_most, request.params.max_new_tokens - start)
        return GenerationRequest(
            name,
            request.prompt_ids + self.ids[:start],
            structs.replace(request.params, max_new_tokens=count),
            request.generated + start,
        )


def random_needle(random: Random, name: str, limits: Limits) -> GenerationRequest:
    """A request with random settings; the logarithm of its prompt's length is uniform."""
    prompt = random_ids(random, round(limits.longest_prompt ** random.random()), limits)
    generated = 0
    if random.random() < GENERATED_SHARE:
        generated = random.randint(0, min(MOST_GENERATED, len(prompt) - 1))
    return GenerationRequest(name, prompt, random_params(random, limits), generated)


def random_params(random: Random, limits: Limits) -> SamplingParams:
    return SamplingParams(
        max_new_tokens=random.randint(1, limits.most_new_tokens),
        temperature=random.choice(TEMPERATURES),
        top_k=random.choice(TOP_KS),
        top_p=random.choice(TOP_PS),
        seed=random.choice((0, MAX_SEED, random.randint(0, MAX_SEED))),
        candidates=random.choice(CANDIDATES),
    )


def random_ids(random: Random, count: int, limits: Limits) -> tuple[int, ...]:
    return tuple(random.choices(range(limits.vocabulary), k=count))


def random_neighbour(random: Random, name: str, limits: Limits, needle: Needle) -> GenerationRequest:
    """A request unrelated to ``needle``, or one that shares its beginning."""
    request = random.choice(_NEIGHBOURS)(random, needle, limits)
    return structs.replace(request, request_id=name)


def _unrelated(random: Random, needle: Needle, limits: Limits) -> GenerationRequest:
    return random_needle(random, "", limits)


def _other_seed(random: Random, needle: Needle, limits: Limits) -> GenerationRequest:
    """The same prompt with other settings."""
    return structs.replace(needle.request, params=random_params(random, limits))


def _continued(random: Random, needle: Needle, limits: Limits) -> GenerationRequest:
    """A continuation of the needle's text from a random step."""
    taken = random.randint(1, len(needle.alone))
    request = needle.request
    return GenerationRequest(
        "",
        request.prompt_ids + needle.ids[:taken],
        random_params(random, limits),
        request.generated + taken,
    )


def _walked(random: Random, needle: Needle, limits: Limits) -> GenerationRequest:
    """A continuation of the needle's text, with the last token replaced."""
    request = _continued(random, needle, limits)
    return structs.replace(request, prompt_ids=request.prompt_ids[:-1] + random_ids(random, 1, limits))


def _read_again(random: Random, needle: Needle, limits: Limits) -> GenerationRequest:
    """The needle's text as a prompt, with fewer tokens that count as generated."""
    request = _continued(random, needle, limits)
    return structs.replace(request, generated=random.choice((0, random.randint(0, request.generated))))


def _alike(random: Random, needle: Needle, limits: Limits) -> GenerationRequest:
    """A prompt that departs from the needle's at a random point."""
    shared = needle.request.prompt_ids[: random.randint(1, len(needle.request.prompt_ids))]
    own = random_ids(random, random.randint(0, limits.longest_prompt - len(shared)), limits)
    ids: Sequence[int] = shared + own[: random.choice((1, 20, len(own)))]
    generated = random.choice((0, random.randint(0, min(MOST_GENERATED, len(ids) - 1))))
    return GenerationRequest("", tuple(ids), random_params(random, limits), generated)


_NEIGHBOURS: tuple[Callable[[Random, Needle, Limits], GenerationRequest], ...] = (
    _unrelated,
    _other_seed,
    _continued,
    _walked,
    _read_again,
    _alike,
)
