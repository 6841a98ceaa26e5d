"""/vocabulary as people use it: find a token, see the closest ones, walk on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import numbers_id
from bot.errors import GenerationFailed
from bot.model.protocol import Alike
from bot.playground.world import World
from bot.queue.limits import Asker
from bot.services import Services
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.inspecting import posted
from tests.support.reading import buttons, card_of, refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Failing(FakeModel):
    """A model whose worker dies at every lookup from number ``dies_at`` on."""

    dies_at = 1

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        self.dies_at -= 1
        if self.dies_at <= 0:
            raise GenerationFailed("the worker died")
        return await super().similar(token_id, count)


def title(answer: Any) -> str:
    return text_of(answer).split("\n")[0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Paris", "␣Paris is token 6342"),
        ("king", "␣king is token 5822"),
        ("␣will", "␣will is token 481"),
        ("481", "␣will is token 481"),
        ("#50256", "<|endoftext|> is token 50256"),
        ("SolidGoldMagikarp", "␣SolidGoldMagikarp is token 43453"),
    ],
)
async def test_a_token_is_found_by_its_text_or_its_id(
    ada: MemberActor, channel: ChannelHandle, query: str, found: str
) -> None:
    assert title(await ada.slash(channel, "vocabulary", query=query)) == found


async def test_the_start_of_a_token_finds_the_most_common_one(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    text = text_of(await ada.slash(channel, "vocabulary", query="Lond"))

    assert text.startswith("␣London is token 3576\nNo token is exactly Lond;")


async def test_the_closest_tokens_come_from_the_loaded_model(
    ada: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    card = card_of(await ada.slash(channel, "vocabulary", query="#481"))
    numbers = await ada.click(card, label="Numbers")
    alike = await services.generations.similar(481, 10, asker=Asker(1, None))

    assert len(alike) == 10
    assert [file.filename for file in card.attachments] == ["vocabulary.png"]
    assert card_of(numbers).ephemeral
    for one in alike:
        form, cosine = services.encodings.token(one.token_id).visible, f"{one.cosine:.3f}".replace("-", "−")
        assert f"{form} {cosine}" in text_of(card)
        assert f"{form:14}  {cosine:>6}  {one.token_id:>5}" in text_of(numbers)


@pytest.mark.parametrize(("query", "is_learnt"), [("#177", False), ("king", True)])
async def test_a_byte_that_the_model_never_learnt_is_said_to_be_so_first(
    ada: MemberActor, channel: ChannelHandle, query: str, is_learnt: bool
) -> None:
    line = text_of(await ada.slash(channel, "vocabulary", query=query)).splitlines()[1]

    assert line.startswith("The model never learnt this token") == (not is_learnt)


@pytest.mark.slow
async def test_the_start_of_a_token_is_found_in_another_case_and_says_so(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    text = text_of(await ada.slash(channel, "vocabulary", query="lond"))
    offered = await ada.autocomplete(channel, "vocabulary", "query", "lond")

    assert text.startswith("␣London is token 3576\nNo token starts with lond, but")
    assert [choice["value"] for choice in offered] == ["#3576", "#23421"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("שלום", "No single token starts with 'שלום'. /tokens shows how that text is split."),
        ("999999", "There's no token 999999. Ids go from 0 to 50,256."),
    ],
)
async def test_a_query_without_a_token_is_refused(
    ada: MemberActor, channel: ChannelHandle, query: str, said: str
) -> None:
    assert refusal_of(await ada.slash(channel, "vocabulary", query=query)) == said


@pytest.mark.slow
async def test_tokens_are_suggested_while_typing_and_every_suggestion_is_found(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    for typed in ("", "wil", "481", "\\xE2", "<", "\n", "ÃÂ", "-----"):
        offered = await ada.autocomplete(channel, "vocabulary", "query", typed)
        assert 0 < len(offered) <= 25
        for choice in (offered[0], offered[-1]):
            form, _, token_id = choice["name"].rpartition("  ·  ")
            assert len(choice["name"]) <= 100
            answer = await ada.slash(channel, "vocabulary", query=choice["value"])
            assert title(answer).endswith(f"is token {token_id}")
            assert title(answer).startswith(form.removesuffix("…")[:20])


async def test_nothing_is_suggested_if_no_token_starts_like_that(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    assert await ada.autocomplete(channel, "vocabulary", "query", "🦜🦜") == []


async def test_another_token_is_opened_in_the_same_message(ada: MemberActor, channel: ChannelHandle) -> None:
    first = await ada.slash(channel, "vocabulary", query="#481")
    second = await ada.select(card_of(first), ["10594"])

    assert card_of(second).id == card_of(first).id
    assert title(second) == "will is token 10594"
    assert title(await ada.select(card_of(second), ["481"])) == "␣will is token 481"


async def test_another_person_opens_it_on_their_own_card(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    first = await ada.slash(channel, "vocabulary", query="#481")
    before = text_of(first)
    theirs = await grace.select(card_of(first), ["10594"])

    assert card_of(theirs).ephemeral
    assert title(theirs) == "will is token 10594"
    assert text_of(first) == before
    again = await grace.select(card_of(theirs), ["481"])
    assert card_of(again).id == card_of(theirs).id


async def test_a_token_is_opened_after_the_bot_restarted(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    first = await ada.slash(channel, "vocabulary", query="#481")
    await restart()

    assert title(await ada.select(card_of(first), ["10594"])) == "will is token 10594"


@pytest.mark.parametrize(("private", "label"), [(True, "Share"), (False, "Delete")])
async def test_a_card_stays_private_or_public_while_tokens_are_opened(
    ada: MemberActor, channel: ChannelHandle, private: bool, label: str
) -> None:
    first = await ada.slash(channel, "vocabulary", query="#481", private=private)
    second = await ada.select(card_of(first), ["10594"])

    for answer in (first, second):
        assert card_of(answer).ephemeral == private
        assert [button["label"] for button in buttons(card_of(answer).components)] == ["Numbers", label]


async def test_on_a_shared_card_its_owner_opens_tokens_in_place(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    private = await ada.slash(channel, "vocabulary", query="#481", private=True)
    public = await ada.click(card_of(private), label="Share")
    theirs = await grace.select(card_of(public), ["10594"])
    hers = await ada.select(card_of(public), ["10594"])

    assert card_of(theirs).ephemeral
    assert not card_of(hers).ephemeral
    assert card_of(hers).id == card_of(public).id


async def test_a_word_s_other_token_is_one_choice_away(ada: MemberActor, channel: ChannelHandle) -> None:
    spaced = await ada.slash(channel, "vocabulary", query="king")
    text = text_of(spaced)
    bare = await ada.select(card_of(spaced), ["3364"])

    assert "At the start of a text it's king, token 3364: pick it from the menu." in text
    assert title(bare) == "king is token 3364"
    assert "Within a sentence it's ␣king, token 5822" in text_of(bare)


async def test_the_numbers_of_a_token_that_the_model_lacks_are_refused(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    button = numbers_id("vocabulary", 99_999)
    answer = await ada.click(await posted(world, button), custom_id=button)

    assert refusal_of(answer) == "There's no token 99999. Ids go from 0 to 50,256."


@pytest.mark.slow
async def test_a_lookup_that_fails_is_reported(
    open_world: OpenWorld, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_world(Failing()) as world:
        answer = await world.members[0].slash(world.channel, "vocabulary", query="Paris")

        assert refusal_of(answer) == "The model failed on this request. Please try again."
    caplog.clear()


@pytest.mark.slow
async def test_a_lookup_that_fails_leaves_the_card_as_it_was(
    open_world: OpenWorld, caplog: pytest.LogCaptureFixture
) -> None:
    model = Failing()
    model.dies_at = 2
    async with open_world(model) as world:
        ada = world.members[0]
        first = await ada.slash(world.channel, "vocabulary", query="#481")
        before = card_of(first).components
        answer = await ada.select(card_of(first), ["10594"])

        assert "The model failed on this request" in refusal_of(answer)
        assert card_of(first).components == before  # its picture's attachment, too
        assert [file.filename for file in card_of(first).attachments] == ["vocabulary.png"]
    caplog.clear()
