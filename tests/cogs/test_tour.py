"""/tour as people walk it: on and back, after a restart, beside others."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from simcord import ChannelHandle, MemberActor

from bot.interactions.card_messages import run_id_of
from bot.playground.world import World
from bot.services import Services
from tests.support.forgetting import forget_me
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.touring import TITLES, at, labels, title

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def logits(actor: MemberActor, channel: ChannelHandle, prompt: str) -> str:
    """The highest logit after ``prompt`` and its token, as /next has them."""
    table = text_of(await actor.slash(channel, "next", prompt=prompt))
    found = re.search(r"1\. (\S+) .*?logit ([^;]+)", table)
    assert found
    return f"highest: {found[2]} for {found[1]}"


@pytest.mark.slow
async def test_the_seven_stations_are_walked_in_one_message(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await ada.slash(channel, "tour")
    assert "The wizard raised his" in text_of(answer)
    first, seen = card_of(answer).id, [title(answer)]
    for _ in range(6):
        answer = await ada.click(card_of(answer), label="Next")
        assert card_of(answer).id == first
        seen.append(title(answer))

    assert tuple(seen) == TITLES
    assert "That was the tour" in text_of(answer)
    assert labels(card_of(answer)) == ["Walk a sentence", "Play a round", "Back", "Try it yourself", "Delete"]


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

    assert "2 rows × 50,257 = " in table
    assert f"after London, {await logits(ada, channel, 'London')};" in table
    assert f"after ␣was, {await logits(ada, channel, 'London was')}." in table


@pytest.mark.slow
async def test_probabilities_and_draw_match_next(ada: MemberActor, channel: ChannelHandle) -> None:
    walk = await ada.slash(channel, "next", prompt="London was", seed=42, temperature=1.0)
    shares = re.findall(r"\d\. \S+ [\d.]+\s%, id \d+ · logit [^;]+;", text_of(walk))
    drawn = re.search(
        r"It drew (\S+), its (\S+) choice", text_of(await ada.click(card_of(walk), label="Roll the dice"))
    )
    four, five = text_of(await at(4, ada, channel)), text_of(await at(5, ada, channel))

    assert drawn
    assert len(shares) == 5
    assert all(share in four for share in shares)
    assert f"The dice drew {drawn[1]}, its {drawn[2]} choice." in five


@pytest.mark.slow
async def test_the_temperatures_are_those_of_next(ada: MemberActor, channel: ChannelHandle) -> None:
    columns = [
        re.findall(
            r"\d\. (\S+) ([\d.]+\s%)",
            text_of(await ada.slash(channel, "next", prompt="London was", temperature=value)),
        )[:5]
        for value in (0.5, 1.0, 1.5)
    ]
    five = text_of(await at(5, ada, channel))

    assert [len(column) for column in columns] == [5, 5, 5]
    for careful, own, daring in zip(*columns, strict=True):
        assert careful[0] == own[0] == daring[0]
        assert f" {own[0]} {careful[1]}, {own[1]}, {daring[1]};" in five


@pytest.mark.slow
async def test_the_rounds_write_the_seed_s_completion(ada: MemberActor, channel: ChannelHandle) -> None:
    six, seven = text_of(await at(6, ada, channel)), text_of(await at(7, ada, channel))
    whole = await ada.slash(channel, "complete", prompt="London was", seed=42, max_tokens=16, temperature=1.0)
    text = text_of(whole).partition("\n───")[0].replace("\n", "⏎")

    assert f"After 16 rounds: {text})" in six
    assert f"Again with seed 42: the same 16 tokens: {text.removeprefix('London was')})" in seven


async def test_a_tour_s_text_is_reused_and_its_card_is_recognized(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await at(3, ada, channel))
    message = channel.last_message
    again = await ada.slash(channel, "complete", prompt="London was", seed=42, max_tokens=16, temperature=1.0)

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
    assert f"{context - 1:,} rows × 50,257 = " in text_of(answer)
    for _ in range(4):
        answer = await ada.click(card_of(answer), label="Next")

    assert "the same 1 token" in text_of(answer)


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

    assert "the same 16 tokens" in text_of(answer)


@pytest.mark.slow
async def test_its_owner_can_delete_it(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await at(2, ada, channel)
    await forget_me(ada, channel)

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


@pytest.mark.parametrize("private", [False, True])
async def test_the_end_of_the_tour_walks_its_sentence(
    ada: MemberActor, channel: ChannelHandle, *, private: bool
) -> None:
    tour = card_of(await at(7, ada, channel, private=private))
    walk = await ada.click(tour, label="Walk a sentence")
    start = text_of(walk)
    rolled = await ada.click(card_of(walk), label="Roll the dice")
    five = text_of(await at(5, ada, channel, private=True))

    assert card_of(walk).id != tour.id
    assert card_of(walk).ephemeral == private
    assert "London was ▁▁▁" in start
    assert "seed 42 · temperature 1 · top-k 50 · step 1" in start
    drew = re.search(r"It drew (\S+), its", text_of(rolled))
    assert drew
    assert f"The dice drew {drew[1]}, its" in five


async def test_someone_else_s_walk_from_a_tour_is_their_own(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    tour = card_of(await at(7, ada, channel))
    before = text_of(tour)
    theirs = await grace.click(tour, label="Walk a sentence")

    assert card_of(theirs).ephemeral
    assert "London was ▁▁▁" in text_of(theirs)
    assert text_of(tour) == before


async def test_the_end_of_the_tour_starts_a_round_for_all_without_the_tour_s_text(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    tour = card_of(await at(7, ada, channel, prompt="My secret", private=True))
    game = await ada.click(tour, label="Play a round")

    assert not card_of(game).ephemeral
    assert "Guess the next token" in text_of(game)
    assert "secret" not in text_of(game)


async def test_who_forgets_a_tour_forgets_the_walks_from_it(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    tour = card_of(await at(7, ada, channel))
    walk = card_of(await grace.click(tour, label="Walk a sentence"))
    await forget_me(ada, channel)

    assert "no longer works" in refusal_of(await grace.click(walk, label="Roll the dice"))
