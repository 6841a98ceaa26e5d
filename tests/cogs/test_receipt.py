"""*Receipt* as people use it: a file by which a text can be checked elsewhere."""

from __future__ import annotations

import pytest
from simcord import ChannelHandle, MemberActor

from bot.custom_ids import custom_id
from bot.features.receipt import from_file
from bot.playground.world import World
from bot.store.runs import Runs
from tests.support.inspecting import complete, elsewhere, keep, posted, run_id_of
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.samples import completion_run

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_anyone_gets_the_receipt_of_a_text_privately(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    card = await complete(ada, channel, max_tokens=5)
    answer = card_of(await grace.click(card, label="Receipt"))
    (file,) = answer.attachments
    content = world.env.backend.cdn.get(file.url)
    assert content is not None
    receipt = from_file(content, file.filename)
    run = await elsewhere(runs.completion(run_id_of(card)))

    assert answer.ephemeral
    assert file.filename == "receipt.json"
    assert receipt.token_ids == run.token_ids
    assert receipt.fingerprint == run.fingerprint
    assert receipt.receipt[:16] in text_of(answer)


async def test_a_text_of_an_older_engine_has_no_receipt(world: World, ada: MemberActor, runs: Runs) -> None:
    await keep(runs, completion_run("c" * 16, 530, 286))
    message = await posted(world, button := custom_id("run", "receipt", "c" * 16))

    assert "An older version of me wrote this" in refusal_of(await ada.click(message, custom_id=button))
