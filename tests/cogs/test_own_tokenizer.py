"""A model with its own tokenizer: every command splits texts as it does, and names the tokenizer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from simcord import ChannelHandle, MemberActor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from bot.custom_ids import custom_id
from bot.launch import started
from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World, simulated
from bot.services import Services
from bot.settings import Settings
from bot.store.runs import Runs
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.checkpoints import SPANISH, chatting, trained, write_model, write_tokenizer
from tests.support.inspecting import elsewhere, keep, posted, run_id_of
from tests.support.programs import outputs_of
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.samples import completion_run, walk_run

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZE = 480
PROMPT = "Había una vez un niño"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "gpt2-es"
    return write_tokenizer(write_model(folder, SIZE), chatting(trained(SPANISH)))


@pytest.fixture(scope="module")
def theirs(folder: Path) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return tokenizer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def services(folder: Path) -> AsyncIterator[Services]:
    """The real worker with that model."""
    async with started(Settings.from_env({"MODEL": str(folder)})) as parts:
        await parts.model.wait_ready()
        yield parts.services


@pytest_asyncio.fixture(loop_scope="session")
async def runs(services: Services) -> Runs:
    return services.runs


@pytest_asyncio.fixture(loop_scope="session")
async def world(services: Services) -> AsyncIterator[World]:
    own = replace(services, generations=SimulatedGenerations(services.generations))
    async with simulated(own, settle_timeout=120) as world:
        yield world


@pytest.mark.slow
async def test_a_text_is_continued_in_the_model_s_tokens(
    world: World, ada: MemberActor, channel: ChannelHandle, theirs: PreTrainedTokenizerBase, folder: Path
) -> None:
    card = card_of(await ada.slash(channel, "complete", prompt=PROMPT, seed=1, max_tokens=20))
    run = await elsewhere(world.bot.services.runs.completion(run_id_of(card)))
    (file,) = card_of(await ada.click(card, label="Code")).attachments
    program = world.env.backend.cdn.get(file.url)
    assert program is not None

    assert list(run.prompt_ids) == theirs(PROMPT)["input_ids"]
    assert PROMPT in text_of(card)
    printed = await elsewhere(outputs_of([program.decode()], folder.parent))
    assert printed == [f"{theirs.decode(run.prompt_ids + run.token_ids)}\n"]


async def test_tokens_names_the_model_and_its_size(
    ada: MemberActor, channel: ChannelHandle, theirs: PreTrainedTokenizerBase
) -> None:
    count = len(theirs(PROMPT)["input_ids"])
    for options in ({}, {"encoding": "gpt2-es"}, {"encoding": " GPT2-ES"}):
        said = text_of(await ada.slash(channel, "tokens", text=PROMPT, **options))
        assert f"{count} tokens for gpt2-es" in said
        assert "the model has 480 token ids" in said
        assert f"gpt2-es (this bot's model): {count}; GPT-2 and GPT-3 (gpt2): " in said
    assert "tokens for GPT-2 and GPT-3\n" in text_of(
        await ada.slash(channel, "tokens", text=PROMPT, encoding="gpt2")
    )


async def test_the_model_is_offered_first_while_typing(ada: MemberActor, channel: ChannelHandle) -> None:
    offered = await ada.autocomplete(channel, "tokens", "encoding", "", text="x")
    assert [choice["value"] for choice in offered][:2] == ["gpt2-es", "gpt2"]


async def test_decode_reads_the_model_s_ids(
    ada: MemberActor, channel: ChannelHandle, theirs: PreTrainedTokenizerBase
) -> None:
    ids = theirs("la casa<|user|>")["input_ids"]
    said = text_of(await ada.slash(channel, "decode", ids=str([*ids, SIZE - 1])))

    assert "for gpt2-es\n" in said
    assert "la casa<|user|>" in said.replace("\\", "")
    assert "no token" in said
    assert "isn't a token id in gpt2-es" in refusal_of(await ada.slash(channel, "decode", ids="480"))


async def test_vocabulary_opens_the_model_s_tokens(ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await ada.slash(channel, "vocabulary", query="<|user|>"))
    said, numbers = text_of(card), text_of(await ada.click(card, label="Numbers"))
    missing = text_of(await ada.slash(channel, "vocabulary", query=str(SIZE - 1)))

    assert "added to the vocabulary whole" in said
    assert "follow the order in which the vocabulary was made" in numbers
    assert f"Id {SIZE - 1} has no token" in missing
    assert "Closest tokens" in missing
    assert "from 0 to 479" in refusal_of(await ada.slash(channel, "vocabulary", query="480"))


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("next", {"prompt": PROMPT}),
        ("surprise", {"text": f"{PROMPT} {PROMPT}"}),
        ("compare", {"prompt": PROMPT, "max_tokens": 8}),
        ("tour", {"prompt": PROMPT, "seed": 1}),
        ("guess", {"text": PROMPT}),
    ],
)
async def test_every_command_reads_the_text_as_the_model_does(
    ada: MemberActor, channel: ChannelHandle, command: str, options: dict[str, str]
) -> None:
    said = text_of(card_of(await ada.slash(channel, command, **options)))
    assert "Había" in said


async def test_why_replay_and_continue_use_the_model_s_tokens(
    ada: MemberActor, channel: ChannelHandle, theirs: PreTrainedTokenizerBase, runs: Runs
) -> None:
    card = card_of(await ada.slash(channel, "complete", prompt=PROMPT, seed=2, max_tokens=8))
    why = text_of(await ada.click(card, label="Why this word?"))
    again = text_of(await ada.click(card, label="Replay"))
    longer = card_of(await ada.click(card, label="Continue"))

    assert "niño" in why
    assert "Identical" in again
    run = await elsewhere(runs.completion(run_id_of(longer)))
    assert theirs.decode(run.prompt_ids) == PROMPT


async def test_a_text_of_another_tokenizer_is_refused_in_one_sentence(
    world: World, ada: MemberActor, runs: Runs
) -> None:
    await keep(runs, completion_run("c" * 16))  # GPT-2's
    await keep(runs, walk_run("d" * 16))
    pressed = [
        custom_id("why", "open", "c" * 16),
        custom_id("complete", "continue", "c" * 16),
        custom_id("complete", "reroll", "c" * 16),
        custom_id("run", "code", "c" * 16),
        custom_id("next", "append", "d" * 16, 530),
    ]
    message = await posted(world, *pressed)

    for button in pressed:
        refusal = refusal_of(await ada.click(message, custom_id=button))
        assert refusal.startswith("A model with a different tokenizer wrote this")


async def test_before_the_model_is_ready_only_the_shipped_encodings_are_known(open_world: OpenWorld) -> None:
    async with open_world(FakeModel(info=None)) as world:
        ada, channel = world.members[0], world.channel

        assert "2 tokens for GPT-2 and GPT-3" in text_of(
            await ada.slash(channel, "tokens", text="Paris will")
        )
        for command, options in (("vocabulary", {"query": "#1"}), ("next", {"prompt": PROMPT})):
            assert "Warming up" in text_of(await ada.slash(channel, command, **options))
