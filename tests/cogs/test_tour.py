"""/tour as people walk it: on and back, after a restart, beside others."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from simcord import ChannelHandle, MemberActor

from bot.interactions.card_messages import run_id_of
from bot.playground.world import World
from bot.services import Services
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.touring import TITLES, at, labels, title

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def logits(actor: MemberActor, channel: ChannelHandle, prompt: str) -> str:
    """The highest logit after ``prompt`` and its token, as /next has them."""
    table = text_of(await actor.slash(channel, "next", prompt=prompt))
    found = re.search(r"^1\. (\S+) .*?logit (\S+)", table, re.MULTILINE | re.DOTALL)
    assert found
    return f"{found[2]:>7}  {found[1]}"


@pytest.mark.slow
async def test_the_seven_stations_are_walked_in_one_message(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await ada.slash(channel, "tour")
    first, seen = card_of(answer).id, [title(answer)]
    for _ in range(6):
        answer = await ada.click(card_of(answer), label="Next")
        assert card_of(answer).id == first
        seen.append(title(answer))

    assert tuple(seen) == TITLES
    assert "/next walks token by token" in text_of(answer)
    assert labels(card_of(answer)) == ["Back", "Next", "Try it yourself", "Delete"]


@pytest.mark.slow
async def test_back_shows_what_was_there(ada: MemberActor, channel: ChannelHandle) -> None:
    before = text_of(await at(4, ada, channel))
    five = await at(5, ada, channel)
    back = await ada.click(card_of(five), label="Back")

    assert text_of(back) == before


@pytest.mark.slow
async def test_the_text_and_the_seed_can_be_given(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await at(2, ada, channel, prompt="Paris will", seed=7)

    assert "[40313, 481]" in text_of(answer)
    assert "seed 7" in text_of(answer)


@pytest.mark.slow
async def test_the_scores_are_those_of_the_model(ada: MemberActor, channel: ChannelHandle) -> None:
    table = text_of(await at(3, ada, channel))

    assert "[1, 2, 50257]" in table
    assert f"  London  {await logits(ada, channel, 'London')}" in table
    assert f"▶ ␣was    {await logits(ada, channel, 'London was')}" in table


@pytest.mark.slow
async def test_probabilities_and_draw_match_next(ada: MemberActor, channel: ChannelHandle) -> None:
    table = text_of(await ada.slash(channel, "next", prompt="London was", seed=42))
    shares = re.findall(r"^\d\. \S+ [\d.]+ %", table, re.MULTILINE)
    drawn = re.search(r"Seed 42 drew (\S+) \(([^,]+), rank ([\d,]+)\)", table)
    four, five = text_of(await at(4, ada, channel)), text_of(await at(5, ada, channel))

    assert drawn
    assert len(shares) == 5
    assert re.findall(r"^\d\. \S+ [\d.]+ %", four, re.MULTILINE) == shares
    assert f"Seed 42 draws {drawn[1]} {drawn[2]}\n" in five
    assert f"rank {drawn[3]} of" in five


@pytest.mark.slow
async def test_the_rounds_write_the_seed_s_completion(ada: MemberActor, channel: ChannelHandle) -> None:
    six, seven = text_of(await at(6, ada, channel)), text_of(await at(7, ada, channel))
    whole = await ada.slash(
        channel, "complete", prompt="London was", seed=42, max_tokens=16, temperature=1.0, top_k=0
    )
    text = text_of(whole).partition("\n───")[0]

    assert f"After 16 rounds:\n{text}\n" in six
    assert f"✅ the same 16 tokens as before.\n{text}\n" in seven


async def test_a_tour_s_text_is_reused_and_its_card_is_recognized(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await at(3, ada, channel))
    message = channel.last_message
    again = await ada.slash(
        channel, "complete", prompt="London was", seed=42, max_tokens=16, temperature=1.0, top_k=0
    )

    assert message
    assert message.id == card.id
    run = await world.bot.services.runs.completion(run_id_of(message) or "")
    assert len(run.steps) == 16
    assert "Same request as at 20" in text_of(again)


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["A", "🙃", "\N{ZERO WIDTH SPACE}", "```\n@everyone **x**", "שלום عليكم"])
async def test_any_text_can_be_toured(ada: MemberActor, channel: ChannelHandle, prompt: str) -> None:
    answer = await at(1, ada, channel, prompt=prompt)
    for expected in TITLES[1:]:
        answer = await ada.click(card_of(answer), label="Next")
        assert title(answer) == expected


@pytest.mark.slow
async def test_a_text_that_leaves_little_room_is_toured_as_far_as_there_is_room(
    ada: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    context = services.generations.model.context
    answer = await at(3, ada, channel, prompt="a\n" * (context // 2 - 1) + "a")
    ids = re.search(r"\[1, (\d+), 50257\]", text_of(answer))
    assert ids
    assert int(ids[1]) == context - 1
    for _ in range(4):
        answer = await ada.click(card_of(answer), label="Next")

    assert "✅ the same 1 token as before" in text_of(answer)


async def test_a_text_that_fills_the_context_is_refused(
    ada: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    context = services.generations.model.context
    answer = await ada.slash(channel, "tour", prompt="🙃" * min(2000, context))

    assert f"the model can only see {context:,}" in refusal_of(answer)


async def test_a_blank_text_is_refused(ada: MemberActor, channel: ChannelHandle) -> None:
    assert "The prompt is blank" in refusal_of(await ada.slash(channel, "tour", prompt=" "))


@pytest.mark.slow
async def test_a_tour_goes_on_after_the_bot_restarted(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    answer = await at(2, ada, channel)
    await restart()
    for expected in TITLES[2:]:
        answer = await ada.click(card_of(answer), label="Next")
        assert title(answer) == expected

    assert "✅ the same 16 tokens as before" in text_of(answer)


@pytest.mark.slow
async def test_its_owner_can_delete_it(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await at(2, ada, channel)
    await ada.slash(channel, "forget")

    assert "no longer works" in refusal_of(await ada.click(card_of(answer), label="Next"))


async def test_someone_else_s_press_starts_their_own_tour(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    adas = await at(3, ada, channel)
    before = text_of(adas)
    theirs = await grace.click(card_of(adas), label="Next")
    own = card_of(theirs)

    assert own.ephemeral
    assert title(theirs) == TITLES[3]
    assert labels(own)[-1] == "Share"
    on = await grace.click(own, label="Next")
    assert card_of(on).id == own.id
    assert title(on) == TITLES[4]
    assert text_of(adas) == before


async def test_a_private_tour_is_private_all_the_way_and_can_be_shared(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    private = await at(2, ada, channel, private=True)
    assert card_of(private).ephemeral
    assert labels(card_of(private))[-1] == "Share"

    public = await ada.click(card_of(private), label="Share")
    on = await ada.click(card_of(public), label="Next")
    assert not card_of(on).ephemeral
    assert title(on) == TITLES[2]
    assert labels(card_of(on))[-1] == "Delete"
