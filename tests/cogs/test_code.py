"""*Code* as people use it: a program that prints the text."""

from __future__ import annotations

import pytest
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import custom_id
from bot.playground.world import World
from bot.store.runs import Runs
from tests.support.inspecting import (
    complete,
    elsewhere,
    keep,
    posted,
    run_id_of,
)
from tests.support.programs import outputs_of, text_of_run
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.samples import completion_run

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.slow
async def test_the_program_is_shown_privately_and_prints_the_text(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    card = await complete(ada, channel, prompt='He said: "`No`"\n', top_p=0.9)
    answer = card_of(await grace.click(card, label="Code"))
    (file,) = answer.attachments
    program = world.env.backend.cdn.get(file.url)
    assert program is not None
    run = await elsewhere(runs.completion(run_id_of(card)))

    assert answer.ephemeral
    assert file.filename == "same_text.py"
    assert program.decode().strip() in text_of(answer)
    assert str(run.fingerprint) in text_of(answer)
    assert await outputs_of([program.decode()]) == [text_of_run(run, world.bot.services.encodings) + "\n"]


async def test_a_hand_picked_token_with_nothing_after_it_has_a_program_but_no_replay(
    world: World, ada: MemberActor, runs: Runs
) -> None:
    await keep(runs, completion_run("c" * 16, 530, 286, by_hand=(1,), finish_reason="cancelled"))
    ids = [custom_id("run", action, "c" * 16) for action in ("replay", "code")]
    message = await posted(world, *ids)

    assert "nothing to write again" in refusal_of(await ada.click(message, custom_id=ids[0]))
    assert "same_text.py" in text_of(await ada.click(message, custom_id=ids[1]))
