"""/surprise and *Surprise* as people use them."""

from __future__ import annotations

import asyncio
import io
import math
import re
import time
from collections.abc import Sequence

import pytest
import torch
from PIL import Image
from simcord import ChannelHandle, InteractionResult, MemberActor
from transformers import GPT2LMHeadModel

from bot.cards.pictures.canvas import SCALE, WIDTH
from bot.cards.pictures.stack import Block, stacked
from bot.flows import surprise as flow
from bot.flows.message_text import full_text
from bot.playground.real_time import outside
from bot.playground.world import World
from bot.services import Services
from bot.store.runs import Runs
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.inspecting import complete, elsewhere, run_id_of
from tests.support.reading import card_of, refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = "It was a dark and stormy night, and the banana was afraid."
# As many tokens as the model can see.
LONGEST = "a" + " dark" * 1_023


async def files_of(answer: InteractionResult) -> tuple[Image.Image, str]:
    picture, listing = card_of(answer).message.attachments
    return Image.open(io.BytesIO(await picture.read())), (await listing.read()).decode()


@pytest.mark.slow
@pytest.mark.parametrize("text", [TEXT, "   \n\n  ", "naïve café 🙃 文", "one two three " * 100])
async def test_the_loss_is_what_transformers_returns(
    services: Services, ada: MemberActor, channel: ChannelHandle, text: str
) -> None:
    model = GPT2LMHeadModel.from_pretrained(services.generations.model.name, dtype=torch.float32)
    ids = torch.tensor([services.encodings.encode(text)])
    with torch.inference_mode():
        loss = float(model(ids, labels=ids).loss)
    answer = await ada.slash(channel, "surprise", text=text)
    _, listing = await files_of(answer)
    (shown,) = re.findall(r"\(loss\): (\d+\.\d+) nats per token", listing)

    assert float(shown) == pytest.approx(loss, abs=1e-4)
    (perplexity,) = re.findall(r"^Perplexity: (?:over )?([\d,.]+)$", listing, re.MULTILINE)
    assert float(perplexity.replace(",", "")) == pytest.approx(math.exp(float(shown)), rel=0.01)


async def test_ranks_are_those_of_transformers(
    services: Services, ada: MemberActor, channel: ChannelHandle
) -> None:
    model = GPT2LMHeadModel.from_pretrained(services.generations.model.name, dtype=torch.float32)
    ids = services.encodings.encode(TEXT)
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0, :-1]
    chosen = logits.gather(-1, torch.tensor(ids[1:])[:, None])
    ranks = ((logits > chosen).sum(-1) + 1).tolist()
    _, listing = await files_of(await ada.slash(channel, "surprise", text=TEXT))

    shown = re.findall(r"^ +\d+ +([\d,]+) ", listing, re.MULTILINE)
    assert [int(rank.replace(",", "")) for rank in shown] == ranks


async def test_the_biggest_surprise_is_named_with_the_model_s_guesses(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    text = text_of(await ada.slash(channel, "surprise", text=TEXT))

    assert re.search(r"^␣banana \d+ bits · it expected \S+$", text, re.MULTILINE)
    assert re.match(r"How surprising is this text\?\n(Guessing each|A blind pick)", text)
    assert " · 15 tokens · " in text


@pytest.mark.slow
async def test_the_picture_and_the_file_have_room_for_the_longest_text(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await ada.slash(channel, "surprise", text=LONGEST)
    picture, listing = await files_of(answer)

    assert "1,024 tokens" in text_of(answer)
    assert picture.width == WIDTH * SCALE
    assert picture.height < 1.4 * picture.width
    assert len(re.findall(r"^ +\d+ ", listing, re.MULTILINE)) == 1024


@pytest.mark.slow
async def test_the_event_loop_keeps_running_while_the_longest_text_is_drawn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(blocks: Sequence[Block]) -> bytes:
        time.sleep(1.0)
        return stacked(blocks)

    monkeypatch.setattr(flow, "stacked", slowly)
    pauses: list[float] = []

    async def tick() -> None:
        latest = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            pauses.append(now - latest)
            latest = now

    ticking = outside(asyncio.create_task, tick())
    await world.members[0].slash(world.channel, "surprise", text=LONGEST)
    ticking.cancel()

    assert max(pauses) < 0.8


async def test_one_token_more_than_the_context_is_refused(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await ada.slash(channel, "surprise", text=LONGEST + " dark")

    assert (
        refusal_of(answer) == "That's 1,025 tokens; the model can only see 1,024. Please shorten your text."
    )


@pytest.mark.parametrize("text", [" ", "a", "the"])
async def test_a_single_token_is_refused(ada: MemberActor, channel: ChannelHandle, text: str) -> None:
    assert "only one token" in refusal_of(await ada.slash(channel, "surprise", text=text))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["  ", "\n\n\n", "שלום עולם", "😀" * 300, "a\x00b\ud83d", "`" * 500, "@everyone <@1>", "<|endoftext|>"],
)
async def test_any_other_text_can_be_scored(ada: MemberActor, channel: ChannelHandle, text: str) -> None:
    assert card_of(await ada.slash(channel, "surprise", text=text))


async def test_a_private_card_is_for_one_person(ada: MemberActor, channel: ChannelHandle) -> None:
    private = await ada.slash(channel, "surprise", text=TEXT, private=True)
    public = await ada.slash(channel, "surprise", text=TEXT)

    assert card_of(private).ephemeral
    assert "[Share]" in text_of(private)
    assert not card_of(public).ephemeral
    assert "[Delete]" in text_of(public)


async def test_a_shared_card_keeps_its_picture_and_its_file(ada: MemberActor, channel: ChannelHandle) -> None:
    private = await ada.slash(channel, "surprise", text=TEXT, private=True)
    public = await ada.click(card_of(private), label="Share")

    assert not card_of(public).ephemeral
    assert (await files_of(public))[1] == (await files_of(private))[1]


async def test_a_message_is_scored_for_one_person(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    message = await grace.send(channel, TEXT)
    answer = await ada.context_menu(channel, "Surprise", message)

    assert card_of(answer).ephemeral
    assert "␣banana" in text_of(answer)


async def test_the_bot_s_own_card_is_scored_by_its_text(ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await ada.slash(channel, "decode", ids="40313"))
    _, listing = await files_of(await ada.context_menu(channel, "Surprise", card.message))

    assert "␣token\n" in listing or "␣token  ←" in listing


@pytest.mark.slow
async def test_a_completion_s_card_is_scored_by_its_text_alone(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle, runs: Runs, services: Services
) -> None:
    card = await complete(ada, channel)
    run = await elsewhere(runs.completion(run_id_of(card)))
    _, listing = await files_of(await grace.context_menu(channel, "Surprise", card.message))

    written = services.encodings.encode(full_text(run, services.encodings))
    assert listing.startswith(f"{len(written)} tokens, read by")


async def test_a_message_without_text_is_refused(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    message = await grace.send(channel, "", attachments=[("a.png", b"x")])

    assert "no text" in refusal_of(await ada.context_menu(channel, "Surprise", message))


async def test_a_full_queue_refuses_a_text(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_waiting=1) as world:
        ada, grace, alan = world.members
        for person in (ada, grace):
            await person.slash(world.channel, "complete", prompt="London was")

        assert "queue is full" in refusal_of(await alan.slash(world.channel, "surprise", text=TEXT))
