"""/tokens and *Tokenize* as people use them."""

from __future__ import annotations

import discord
import pytest
from simcord import ChannelHandle, MemberActor
from simcord.backend.cdn import CdnStore

from bot.errors import FilesTooLarge, FileUnreadable
from bot.flows.message_text import full_text
from bot.playground.world import World
from bot.services import Services
from bot.store.runs import Runs
from tests.support.inspecting import elsewhere, run_id_of
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.worlds import forget

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_text_s_tokens_are_shown_in_a_picture_and_in_words(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await ada.slash(channel, "tokens", text="Paris will")
    (picture,) = card_of(answer).attachments

    assert picture.filename == "tokens.png"
    assert "2 tokens for GPT-2 and GPT-3" in text_of(answer)
    assert "Ids: 40313, 481\n" in text_of(answer)
    assert "(picture: The text split into 2 tokens: Paris 40313 | ␣will 481. Tokens by" in text_of(answer)


@pytest.mark.parametrize(
    ("encoding", "head"),
    [("gpt-4o", "for GPT-4o and GPT-5"), ("GPT-4", "for GPT-3.5 and GPT-4"), ("r50k_base", "for r50k_base")],
)
async def test_an_encoding_is_chosen_by_its_own_name_or_a_model_s(
    ada: MemberActor, channel: ChannelHandle, encoding: str, head: str
) -> None:
    assert head in text_of(await ada.slash(channel, "tokens", text="Paris", encoding=encoding))


async def test_the_name_of_the_end_of_text_token_is_split_like_any_text(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    assert "7 tokens" in text_of(await ada.slash(channel, "tokens", text="<|endoftext|>"))


@pytest.mark.parametrize("text", ["😀" * 3000, " ", "a\x00b\ud83d", "`" * 500, "@everyone <@1>"])
async def test_any_text_can_be_tokenized(ada: MemberActor, channel: ChannelHandle, text: str) -> None:
    assert card_of(await ada.slash(channel, "tokens", text=text))


async def test_the_ids_of_a_long_text_come_as_a_file(ada: MemberActor, channel: ChannelHandle) -> None:
    answer = await ada.slash(channel, "tokens", text="one two three " * 100)
    _, listing = card_of(answer).message.attachments
    lines = (await listing.read()).decode().splitlines()

    assert listing.filename == "tokens.txt"
    assert lines[0] == "301 tokens in gpt2"
    assert lines[2].startswith("Ids: [505, 734, 1115, 530, 734, ")
    assert len(lines) == 4 + 301
    assert "The ids are in tokens.txt." in text_of(answer)


async def test_encodings_and_models_are_suggested_while_typing(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    offered = await ada.autocomplete(channel, "tokens", "encoding", "4o", text="x")

    assert {"gpt-4o", "o200k_base"} & {choice["value"] for choice in offered}
    assert len(await ada.autocomplete(channel, "decode", "encoding", "", ids="1")) == 25


async def test_an_unknown_encoding_is_refused_with_the_nearest_name(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await ada.slash(channel, "tokens", text="x", encoding="cl100k")

    assert refusal_of(answer) == "There is no encoding or model called 'cl100k'. Did you mean cl100k_base?"


async def test_a_message_is_tokenized_for_one_person(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    message = await grace.send(channel, "Paris will")
    answer = await ada.context_menu(channel, "Tokenize", message)

    assert card_of(answer).ephemeral
    assert "Paris 40313" in text_of(answer)


async def test_the_bot_s_own_card_is_tokenized_by_its_text(ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await ada.slash(channel, "decode", ids="40313"))
    answer = await ada.context_menu(channel, "Tokenize", card.message)

    assert "␣token" in text_of(answer)
    # The title, "Paris", and nothing below.
    assert text_of(answer).startswith("14 tokens for GPT-2 and GPT-3\n")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["complete", "next"])
async def test_the_whole_text_of_a_run_is_tokenized_however_little_its_card_shows(
    ada: MemberActor, channel: ChannelHandle, runs: Runs, services: Services, command: str
) -> None:
    prompt = "*" * 2_000  # escaped, this is more than a card has room for
    card = card_of(await ada.slash(channel, command, prompt=prompt, temperature=0.0))
    run = await elsewhere(runs.get(run_id_of(card)))
    answer = await ada.context_menu(channel, "Tokenize", card.message)

    written = full_text(run, services.encodings)
    assert written.startswith(prompt)
    assert f"\n{len(written):,} characters" in text_of(answer)
    assert "logit" not in text_of(answer)  # /next's numbers
    assert "seed" not in text_of(answer)  # /complete's small print


async def test_once_a_run_is_deleted_the_text_on_its_card_is_tokenized(
    world: World, ada: MemberActor, channel: ChannelHandle
) -> None:
    card = card_of(await ada.slash(channel, "complete", prompt="Paris will", max_tokens=1, temperature=0))
    await forget(world)
    answer = await ada.context_menu(channel, "Tokenize", card.message)

    assert "3 tokens for GPT-2 and GPT-3" in text_of(answer)
    assert "Paris 40313 | ␣will 481" in text_of(answer)


async def test_a_message_without_text_has_no_tokens(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    message = await grace.send(channel, "", attachments=[("a.png", b"x")])

    assert "I found no text" in refusal_of(await ada.context_menu(channel, "Tokenize", message))


async def test_a_forwarded_message_is_tokenized(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    message = await grace.forward(await grace.send(channel, "Paris will"), channel)

    assert "Paris 40313" in text_of(await ada.context_menu(channel, "Tokenize", message))


async def test_an_embed_is_tokenized(world: World, ada: MemberActor, channel: ChannelHandle) -> None:
    webhook = world.guild.create_webhook(channel)
    message = await webhook.send(embed=discord.Embed(title="Paris", description="**will**"))

    assert "Paris 40313 | ⏎ 198 | will 10594" in text_of(await ada.context_menu(channel, "Tokenize", message))


async def test_a_file_is_tokenized_if_the_message_says_nothing_else(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    files = [("cat.png", b"\x89PNG"), ("message.txt", b"Paris will")]
    alone = await grace.send(channel, "", attachments=files)
    forwarded = await grace.forward(alone, channel)
    beside = await grace.send(channel, "Hello", attachments=files)

    for message in (alone, forwarded):
        assert "Paris 40313 | ␣will 481" in text_of(await ada.context_menu(channel, "Tokenize", message))
    assert "Hello 15496" in text_of(await ada.context_menu(channel, "Tokenize", beside))


async def test_a_file_that_is_too_long_is_not_read(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    message = await grace.send(channel, "", attachments=[("log.txt", b"x" * 20_000)])
    answer = await ada.context_menu(channel, "Tokenize", message)

    assert refusal_of(answer) == FilesTooLarge(limit=16_384).sentence


async def test_a_file_that_discord_does_not_deliver_is_reported(
    world: World, ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    message = await grace.send(channel, "", attachments=[("a.txt", b"x")])
    world.env.backend.cdn = CdnStore()
    answer = await ada.context_menu(channel, "Tokenize", message)

    assert refusal_of(answer) == FileUnreadable().sentence
