"""Where a round of /guess begins: where the model is confident of a content word."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from simcord import ChannelHandle, MemberActor

from bot.errors import GenerationFailed
from bot.features.beginnings import BEGINNINGS, PLAIN, TRIES
from bot.features.complete import new_run_id
from bot.features.content_words import is_content_word
from bot.features.guess import CHOICES, choices, is_good, walk_for
from bot.flows import guess
from bot.model.protocol import Candidate, GenerationRequest, Step
from bot.queue.limits import Asker
from bot.queue.updates import Finished
from bot.services import Services
from bot.text.tokenization import Encodings
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.guessing import TEXT, beginning, labels
from tests.support.reading import refusal_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENCODINGS = Encodings()
WORDS = (" tea", " wine", " bread", " milk", " water")


class Reader:
    """What a model says that is confident only after certain texts; it fails after so many.

    ``asked`` are the texts that it was given. Of each it is a little more confident than of the last.
    """

    def __init__(self, *confident: str, fails_after: int = TRIES) -> None:
        self.asked: list[str] = []
        self._confident = confident
        self._fails_after = fails_after

    def __call__(self, request: GenerationRequest, _index: int) -> Step:
        if len(self.asked) == self._fails_after:
            raise GenerationFailed("on cue")
        self.asked.append(ENCODINGS.decode(request.prompt_ids))
        top = 0.8 if self.asked[-1] in self._confident else 0.1 + 0.01 * len(self.asked)
        candidates = tuple(
            Candidate(ENCODINGS.encode(word)[0], 0.0, math.log(share), rank)
            for rank, (word, share) in enumerate(
                zip(WORDS, (top, 0.04, 0.03, 0.02, 0.01), strict=True), start=1
            )
        )
        return Step(candidates[0], candidates, 2.0)


async def begun(open_world: OpenWorld, says: Reader, **options: str) -> str:
    """The beginning of the round that /guess begins."""
    async with open_world(FakeModel(says=says)) as world:
        answer = await world.members[0].slash(world.channel, "guess", **options)
        await world.env.settle()
        return beginning(answer)


@pytest.mark.parametrize("plain", [PLAIN[:1], PLAIN[5:7]])
async def test_it_tries_beginnings_until_the_model_is_confident(
    open_world: OpenWorld, plain: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guess, "some_beginnings", lambda *_: iter(["Unknown", *plain, "Too late"]))
    says = Reader(plain[-1])

    assert await begun(open_world, says) == plain[-1]
    assert says.asked == ["Unknown", *plain]


async def test_after_some_tries_it_takes_the_best(open_world: OpenWorld) -> None:
    says = Reader()

    assert await begun(open_world, says) == says.asked[-1]
    assert len(says.asked) == len(set(says.asked)) == TRIES


async def test_a_try_that_fails_leaves_what_was_found_before(open_world: OpenWorld) -> None:
    says = Reader(fails_after=2)

    assert await begun(open_world, says) == says.asked[1]


async def test_if_the_first_try_fails_so_does_the_round(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(says=Reader(fails_after=0))) as world:
        answer = await world.members[0].slash(world.channel, "guess")
        await world.env.settle()

        assert "The model failed" in refusal_of(answer)


async def test_a_cooldown_counts_all_tries_as_one_request(open_world: OpenWorld) -> None:
    says = Reader()
    async with open_world(FakeModel(says=says), person_cooldown=60.0) as world:
        answer = await world.members[0].slash(world.channel, "guess")
        await world.env.settle()

        assert beginning(answer) == says.asked[-1]
    assert len(says.asked) == TRIES


async def test_a_player_s_own_text_is_taken_as_it_is(open_world: OpenWorld) -> None:
    says = Reader()

    assert await begun(open_world, says, text=TEXT) == TEXT
    assert says.asked == [TEXT]


def text_in(services: Services) -> Callable[[int], str]:
    return lambda token_id: services.encodings.decode([token_id])


async def read(services: Services, text: str) -> Step:
    """The loaded model's table after a text."""
    walk = walk_for(new_run_id(), 1, services.encodings.encode(text))
    async with services.generations.stream(walk.request, asker=Asker(1, None)) as updates:
        (finished,) = [update async for update in updates if isinstance(update, Finished)]
    (step,) = finished.completion.steps
    return step


@pytest.mark.slow
async def test_every_beginning_of_ours_can_be_guessed(services: Services) -> None:
    for text in BEGINNINGS:
        assert len(choices(await read(services, text), text_in(services))) >= CHOICES, text


@pytest.mark.slow
async def test_the_demo_model_is_confident_of_a_content_word_after_every_plain_beginning(
    services: Services,
) -> None:
    for text in PLAIN:
        assert is_good(await read(services, text), text_in(services)), text


@pytest.mark.slow
async def test_the_choices_of_a_round_of_ours_are_content_words(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    words = 0
    for _ in range(6):
        offered = labels(await ada.slash(channel, "guess"))[:CHOICES]
        words += sum(is_content_word(name.replace("␣", " ")) for name in offered)

    assert words >= 6 * CHOICES - 2  # after "fast" there are hardly four
