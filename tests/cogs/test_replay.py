"""*Replay* as people use it: a finished text, computed again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import custom_id
from bot.playground.world import World
from bot.store.runs import Runs
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.inspecting import (
    complete,
    elsewhere,
    forks,
    keep,
    posted,
    run_id_of,
)
from tests.support.reading import buttons, card_of, refusal_of, text_of
from tests.support.samples import step, walk_run

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"temperature": 0.0}, {"max_tokens": 1}, {"private": True}])
async def test_a_replay_is_identical_to_the_bit(
    ada: MemberActor, channel: ChannelHandle, options: dict[str, Any]
) -> None:
    answer = await ada.click(await complete(ada, channel, **options), label="Replay")

    assert card_of(answer).ephemeral
    assert "✅ Identical." in text_of(answer)
    assert "to the last bit" in text_of(answer)
    assert "Changed since" not in text_of(answer)


async def test_a_replay_runs_the_model_and_never_uses_the_store(open_world: OpenWorld) -> None:
    model = FakeModel()
    async with open_world(model) as world:
        ada = world.members[0]
        card = await complete(ada, world.channel)
        await world.env.settle()
        answer = await ada.click(card, label="Replay")
        await world.env.settle()

        assert len(model.started) == 2
        assert "✅ Identical." in text_of(answer)


@pytest.mark.slow
async def test_continued_and_forked_texts_are_replayed_for_anyone(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    continued = card_of(await ada.click(await complete(ada, channel), label="Continue"))
    opened = await grace.click(continued, label="Why this word?")
    forked = card_of(await grace.click(card_of(opened), label=forks(opened)[0]))
    for card, asked_for in ((continued, 60), (forked, 30)):
        answer = await grace.context_menu(channel, "Replay", card.message)

        assert f"The model wrote the same {asked_for} tokens again" in text_of(answer)
        assert "to the last bit" in text_of(answer)
        assert card_of(answer).ephemeral
    assert "up to the last hand-picked one, were given to the model" in text_of(answer)


async def test_a_table_of_next_is_replayed_too(ada: MemberActor, channel: ChannelHandle) -> None:
    table = card_of(await ada.slash(channel, "next", prompt="London was", seed=7))
    label = str(next(buttons(table.components))["label"])
    table = card_of(await ada.click(table, label=label))
    answer = await ada.context_menu(channel, "Replay", table.message)

    assert "The model wrote the same 1 token again; at each step" in text_of(answer)


@pytest.mark.slow
async def test_the_first_token_that_differs_is_named(
    world: World, ada: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    run = await elsewhere(runs.completion(run_id_of(await complete(ada, channel))))
    other = replace(run, run_id="c" * 16, steps=(*run.steps[:5], step(257), *run.steps[6:]))
    await keep(runs, other)
    message = await posted(world, custom_id("run", "replay", "c" * 16))
    answer = await ada.click(message, custom_id=custom_id("run", "replay", "c" * 16))
    text = world.bot.services.encodings.decode(run.prompt_ids + run.token_ids[:5])
    is_now = world.bot.services.encodings.token(run.token_ids[5]).visible

    assert "❌ Different from token 6 on: then ␣a (rank 1, 60.7 %), now" in text_of(answer)
    assert f"%), now {is_now} (rank {run.steps[5].chosen.rank}, " in text_of(answer)
    assert text_of(answer).startswith(f"{text} ▁▁▁")
    assert "please tell the people who run this bot" in text_of(answer)


@pytest.mark.slow
async def test_changes_since_the_run_are_named(
    world: World, ada: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    run = await elsewhere(runs.completion(run_id_of(await complete(ada, channel))))
    chosen = structs.replace(run.steps[2].chosen, logit=run.steps[2].chosen.logit + 0.5)
    made = structs.replace(
        run.fingerprint, precision="int8", torch="1.0", engine=3, weights="commit:" + "0" * 40
    )
    drifted = (*run.steps[:2], structs.replace(run.steps[2], chosen=chosen, candidates=()), *run.steps[3:])
    await keep(runs, replace(run, run_id="c" * 16, steps=drifted, fingerprint=made))
    replay, code = custom_id("run", "replay", "c" * 16), custom_id("run", "code", "c" * 16)
    message = await posted(world, replay, code)
    answer = text_of(await ada.click(message, custom_id=replay))

    assert "✅ Identical. The model wrote the same 30 tokens again. The scores (logits) differ by" in answer
    assert "up to 0.500000" in answer
    assert "the precision int8 → float32" in answer
    assert "the engine's version 3 → 4" in answer
    assert "torch" not in answer  # texts no longer depend on it
    assert "the model's weights commit:0000000000000000… → sha256:" in answer
    assert "Another model wrote this text" in text_of(await ada.click(message, custom_id=code))


async def test_a_table_that_differs_says_so(
    world: World, ada: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    await keep(runs, walk_run("d" * 16, 530))
    message = await posted(world, custom_id("next", "draw", "d" * 16, 530))
    answer = await ada.context_menu(channel, "Replay", message)

    assert "❌ Different from token 2 on" in text_of(answer)
    assert "Changed since" in text_of(answer)


async def test_a_message_without_a_finished_run_cannot_be_replayed(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    said = await ada.send(channel, "Hello")
    cut = card_of(await ada.slash(channel, "tokens", text="Paris"))
    waiting = await posted(world, custom_id("complete", "stop", "e" * 16))
    for message in (said, cut.message, waiting):
        refusal = refusal_of(await ada.context_menu(channel, "Replay", message))

        assert refusal.startswith("There's nothing to replay in this message")


async def test_a_replay_waits_its_turn_or_is_refused_by_a_full_queue(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_waiting=1) as world:
        ada, grace, alan = world.members
        card = await complete(ada, world.channel, max_tokens=2)
        await model.step(model.started[0], 3)
        await world.env.settle()
        await complete(ada, world.channel, prompt="Paris will", max_tokens=2)
        waiting = await grace.click(card, label="Replay")
        assert waiting.acknowledged

        assert "queue is full" in refusal_of(await alan.click(card, label="Replay"))
        await model.step(model.started[1], 3)
        await model.step(model.started[2], 3)
        await world.env.settle()
        assert "✅ Identical." in text_of(waiting)
