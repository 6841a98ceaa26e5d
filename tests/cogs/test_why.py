"""*Why this word?* as people use it: look at a choice, and fork the text there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import custom_id
from bot.features.complete import CompletionRun, new_run_id
from bot.features.next import Walk
from bot.flows.streams import ask
from bot.playground.world import World
from bot.queue.limits import Asker
from bot.services import Services
from bot.store.runs import Runs
from tests.support.inspecting import (
    complete,
    elsewhere,
    forks,
    keep,
    menu_of,
    position_of,
    posted,
    run_id_of,
)
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.samples import completion_run
from tests.support.worlds import forget

pytestmark = pytest.mark.asyncio(loop_scope="session")

Restart = Callable[[], Awaitable[None]]
ACTIONS = ("Why this word?", "Code", "Replay")


@pytest.mark.slow
async def test_it_opens_privately_at_the_biggest_surprise(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    card = await complete(ada, channel)
    before = text_of(card)
    answer = await grace.click(card, label="Why this word?")
    run = await elsewhere(runs.completion(run_id_of(card)))

    assert card_of(answer).ephemeral
    assert position_of(answer) == run.most_surprising() + 1
    assert "the biggest surprise" in text_of(answer)
    assert text_of(card) == before


@pytest.mark.slow
async def test_any_position_can_be_chosen_and_paged_to_in_place(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    opened = card_of(await ada.click(await complete(ada, channel), label="Why this word?"))
    (page,) = (label for label in ("−25", "+25") if f"[{label}] (disabled)" not in text_of(opened))
    turned = await ada.click(opened, label=page)
    assert position_of(turned) in (1, 26)
    assert card_of(turned).id == opened.id

    menu = menu_of(card_of(turned))
    chosen = await ada.select(card_of(turned), [menu["options"][3]["value"]], custom_id=menu["custom_id"])
    first = position_of(chosen)
    assert first == int(menu["options"][3]["value"]) + 1
    assert position_of(await ada.click(card_of(chosen), label="‹ Back")) == first - 1
    assert position_of(await ada.click(card_of(chosen), label="Next ›")) == first
    assert card_of(chosen).id == opened.id


@pytest.mark.slow
async def test_a_public_card_is_turned_on_a_private_one(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    run_id = run_id_of(await complete(ada, channel))
    shared = await posted(world, custom_id("why", "next", run_id, 4, False))
    answer = await ada.click(shared, custom_id=custom_id("why", "next", run_id, 4, False))

    assert position_of(answer) == 5
    assert card_of(answer).ephemeral
    assert card_of(answer).id != shared.id


@pytest.mark.slow
async def test_a_fork_is_a_new_card_with_the_other_token_in_its_place(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    card = await complete(ada, channel)
    opened = await grace.click(card, label="Why this word?")
    place = position_of(opened) - 1
    answer = await grace.click(card_of(opened), label=forks(opened)[0])
    parent = await elsewhere(runs.completion(run_id_of(card)))
    child = await elsewhere(runs.completion(run_id_of(card_of(answer))))

    assert not card_of(answer).ephemeral
    assert f"Forked by <@{grace.id}> at token " in text_of(answer)
    assert child.token_ids[:place] == parent.token_ids[:place]
    assert child.token_ids[place] == parent.steps[place].candidates[0].token_id != parent.token_ids[place]
    assert len(child.steps) == place + 1 + 30
    assert (child.parent, child.owner, child.by_hand) == (parent.run_id, grace.id, (place,))


@pytest.mark.slow
async def test_a_fork_of_a_fork_says_that_two_tokens_were_chosen_by_hand(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    card = await complete(ada, channel, max_tokens=4)
    for _ in range(2):
        opened = card_of(await ada.click(card, label="Why this word?"))
        while "[Next ›] (disabled)" not in text_of(opened):
            opened = card_of(await ada.click(opened, label="Next ›"))
        card = card_of(await ada.click(opened, label=forks(opened)[0]))
    opened = card_of(await ada.click(card, label="Why this word?"))

    assert "Forked 2 times" in text_of(card)
    while position_of(opened) != 4:
        opened = card_of(await ada.click(opened, label="‹ Back" if position_of(opened) > 4 else "Next ›"))
    assert "A person picked " in text_of(opened)


@pytest.mark.slow
async def test_a_fork_of_a_private_text_is_private(ada: MemberActor, channel: ChannelHandle) -> None:
    card = await complete(ada, channel, private=True)
    opened = await ada.click(card, label="Why this word?")

    assert card_of(await ada.click(card_of(opened), label=forks(opened)[0])).ephemeral


@pytest.mark.slow
async def test_a_fork_continues_bit_for_bit_like_a_walk_over_the_same_tokens(
    services: Services, ada: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    await complete(ada, channel, top_k=0, seed=7)
    card = await complete(ada, channel, top_k=0, seed=7)
    assert "here is the saved reply" in text_of(card)
    opened = await ada.click(card, label="Why this word?")
    answer = await ada.click(card_of(opened), label=forks(opened)[1])
    run: CompletionRun = await elsewhere(runs.completion(run_id_of(card_of(answer))))
    (place,) = run.by_hand
    for number in range(place + 1, place + 4):
        walk = Walk(new_run_id(), ada.id, run.prompt_ids, run.token_ids[:number], 0.9, seed=7)
        async with ask(services.generations, walk.request, asker=Asker(ada.id, None)) as step_:
            assert (await step_()).steps == (run.steps[number],)


async def test_a_fork_without_room_after_it_is_refused(world: World, ada: MemberActor, runs: Runs) -> None:
    context = world.bot.services.generations.model.context
    run = completion_run("c" * 16, *[530] * (context - 2))
    await keep(runs, run)
    fork = custom_id("why", "fork", run.run_id, context - 3, 532, False)
    opened = custom_id("why", "next", run.run_id, context - 3, False)
    message = await posted(world, fork, opened)

    assert position_of(await ada.click(message, custom_id=opened)) == context - 2
    assert "shorten your prompt" in refusal_of(await ada.click(message, custom_id=fork))


@pytest.mark.slow
async def test_everything_works_after_a_restart(
    ada: MemberActor, channel: ChannelHandle, restart: Restart
) -> None:
    card = await complete(ada, channel)
    await restart()
    opened = await ada.click(card, label="Why this word?")
    await restart()
    menu = menu_of(card_of(opened))
    chosen = await ada.select(card_of(opened), [menu["options"][1]["value"]], custom_id=menu["custom_id"])
    turned = await ada.click(card_of(chosen), label="Next ›")
    forked = await ada.click(card_of(turned), label=forks(turned)[0])
    await restart()

    assert position_of(turned) == int(menu["options"][1]["value"]) + 2
    assert f"Forked by <@{ada.id}> at token " in text_of(forked)
    assert "same_text.py" in text_of(await ada.click(card_of(forked), label="Code"))
    assert "to the last bit" in text_of(await ada.click(card_of(forked), label="Replay"))
    assert "to the last bit" in text_of(await ada.context_menu(channel, "Replay", card.message))


@pytest.mark.slow
async def test_a_deleted_run_says_so(world: World, ada: MemberActor, channel: ChannelHandle) -> None:
    card = await complete(ada, channel)
    opened = card_of(await ada.click(card, label="Why this word?"))
    fork, menu = forks(opened)[0], menu_of(opened)
    await forget(world)
    answers = [
        *[await ada.click(card, label=action) for action in ACTIONS],
        await ada.click(opened, label=fork),
        await ada.select(opened, [menu["options"][0]["value"]], custom_id=menu["custom_id"]),
        await ada.context_menu(channel, "Replay", card.message),
    ]

    assert ["no longer works" in refusal_of(answer) for answer in answers] == [True] * 6
