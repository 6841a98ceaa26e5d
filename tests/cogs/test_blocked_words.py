"""BLOCKED_WORDS_FILE: the bot neither accepts nor shows these words, from any source."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import discord
import pytest
import pytest_asyncio

from bot.errors import GenerationFailed, Withheld, WordBlocked
from bot.model.protocol import Candidate, GenerationRequest, Step
from bot.moderation.blocklist import BlockedWords
from bot.moderation.rules import Rules
from bot.moderation.screening import ScreenedGenerations, Sieve
from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World
from bot.services import Services
from bot.store.database import opened
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.conftest import assert_no_pings
from tests.fakes.model import FakeModel
from tests.fakes.scripted_worker import REJECTED
from tests.support.queues import queue_before
from tests.support.reading import buttons, card_of, refusal_of, text_of
from tests.support.worlds import live

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENCODINGS = Encodings()
WORD = "darn"
ASKED = {"prompt": "Oh", "seed": 42, "max_tokens": 6}
REFUSED = WordBlocked().sentence

Open = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def open_blocking(database_url: str) -> Open:
    """Opens a live world with ``model`` that blocks ``words``; all share one store of runs."""

    @asynccontextmanager
    async def open_(model: FakeModel, *words: str) -> AsyncIterator[World]:
        rules = Rules(BlockedWords.read(words))
        sieve = Sieve(rules.blocked, ENCODINGS)
        limits: dict[str, Any] = {"max_waiting": 8, "max_running": 6, "per_person": 2, "deadline": 600.0}
        async with opened(database_url) as database, queue_before(model, **limits) as queue:
            runs = Runs(database, days=30, check=sieve.check_run)
            generations = ScreenedGenerations(queue, sieve)
            async with live(Services(generations, ENCODINGS, runs, rules=rules)) as world:
                yield world
        assert_no_pings(world)

    return open_


@pytest_asyncio.fixture(loop_scope="session")
async def blocking(open_blocking: Open) -> AsyncIterator[World]:
    """A world that blocks WORD, with a model that writes it as its third token."""
    async with open_blocking(FakeModel(says=saying(" my", " own", " darn", " thing")), WORD) as world:
        yield world
    assert_never_sent(world, WORD)


def saying(*tokens: str, others: Sequence[str] = ()) -> Callable[[GenerationRequest, int], Step]:
    """A model that repeats these tokens, with ``others`` as further candidates of each."""

    def step(request: GenerationRequest, index: int) -> Step:
        position = (request.generated + index) % len(tokens)
        shown = [tokens[position], *others, " a", " b", " c", " d"]
        ids = [token_id for text in shown for token_id in ENCODINGS.encode(text)[:1]][:5]
        candidates = [Candidate(id_, -rank, -rank, rank) for rank, id_ in enumerate(ids, 1)]
        return Step(candidates[0], tuple(candidates), 1.5)

    return step


def reading(*tokens: str) -> Callable[[GenerationRequest, int], Step]:
    """Like :func:`saying`, but in a scored text the actual token ranks second."""

    def step(request: GenerationRequest, index: int) -> Step:
        said = saying(*tokens)(request, index)
        if not request.scored:
            return said
        return Step(Candidate(request.prompt_ids[index + 1], -2.0, -2.0, 2), said.candidates, 1.5)

    return step


def assert_never_sent(world: World, word: str) -> None:
    said = [json.dumps(request.json, ensure_ascii=False) for request in world.env.http_requests]
    assert not [body for body in said if word in body.lower()]


async def finished(world: World, command: str, **options: Any) -> Any:
    answer = await world.members[0].slash(world.channel, command, **options)
    await world.env.settle()
    return answer


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("complete", {"prompt": "Oh DARN it"}),
        ("next", {"prompt": "Oh d\u200barn it"}),
        ("compare", {"prompt": "darn"}),
        ("tour", {"prompt": "darn"}),
        ("guess", {"text": "darn"}),
        ("surprise", {"text": "darn it all"}),
        ("tokens", {"text": "darn", "encoding": "gpt-4o"}),
        ("vocabulary", {"query": "darn"}),
        ("tokens", {"text": "fine", "encoding": "darn"}),
        ("decode", {"ids": "67 1501"}),
    ],
)
async def test_a_text_with_a_blocked_word_is_refused_in_one_private_sentence(
    blocking: World, command: str, options: dict[str, Any]
) -> None:
    assert ENCODINGS.decode([67, 1501]) == "darn"

    assert refusal_of(await finished(blocking, command, **options)) == REFUSED


async def test_a_blocked_word_inside_a_longer_one_is_accepted(blocking: World) -> None:
    answer = await finished(blocking, "tokens", text="darning")

    assert card_of(answer)


async def test_the_menu_of_tokens_offers_no_blocked_word(blocking: World) -> None:
    ada, channel = blocking.members[0], blocking.channel

    assert await ada.autocomplete(channel, "vocabulary", "query", "Darn") == []


async def test_a_completion_and_its_seed_are_withheld_once_a_blocked_word_appears(
    open_blocking: Open,
) -> None:
    model = FakeModel(stepwise=True, says=saying(" my", " own", " darn", " thing"))
    async with open_blocking(model, WORD) as world:
        answer = await world.members[0].slash(world.channel, "complete", **ASKED)
        (name,) = model.started
        await model.step(name, 2)
        await world.env.settle()
        assert "Oh my own" in text_of(answer)
        await model.step(name, 2)  # the word, and a token that completes it
        await world.env.settle()

        assert model.running == []
        assert world.bot.services.generations.load.running == 0
        shown = text_of(answer)
        assert shown.startswith("Oh\n")
        assert "withheld: it contains a word that this community has blocked" in shown
        assert "seed 42 · temperature 0.9 · top-k 50 · 0 tokens shown, 6 requested" in shown
        assert_never_sent(world, WORD)


async def test_a_blocked_word_is_not_shown_while_the_last_word_may_still_grow(
    open_blocking: Open,
) -> None:
    model = FakeModel(stepwise=True, says=saying(" my", " darn", "ing"))
    async with open_blocking(model, WORD) as world:
        answer = await world.members[0].slash(world.channel, "complete", **{**ASKED, "max_tokens": 3})
        (name,) = model.started
        for shown in ("Oh my\n", "Oh my\n", "Oh my darning\n"):
            await model.step(name)
            await world.env.settle()
            assert text_of(answer).startswith(shown)
        await model.step(name)
        await world.env.settle()

        assert "withheld" not in text_of(answer)
        assert "3 tokens" in text_of(answer)


async def test_a_blocked_word_at_the_very_end_is_withheld(open_blocking: Open) -> None:
    async with open_blocking(FakeModel(says=saying(" my", " darn")), WORD) as world:
        answer = await finished(world, "complete", prompt="Oh", seed=42, max_tokens=2)

        assert "withheld" in text_of(answer)
        assert_never_sent(world, WORD)


async def test_a_blocked_word_that_starts_in_the_prompt_is_found(open_blocking: Open) -> None:
    async with open_blocking(FakeModel(says=saying("rn", " it")), WORD) as world:
        answer = await finished(world, "complete", prompt="Oh da", seed=1, max_tokens=2)

        assert "withheld" in text_of(answer)
        assert "darn" not in text_of(answer)


async def test_no_button_of_a_withheld_card_shows_the_text(blocking: World) -> None:
    ada = blocking.members[0]
    card = card_of(await finished(blocking, "complete", **ASKED))
    pressable = [button["label"] for button in buttons(card.components) if not button.get("disabled")]

    assert pressable == ["Re-roll", "Numbers", "Code", "Delete"]
    code = await ada.click(card, label="Code")
    assert "# 'Oh'" in text_of(code)
    assert "0 after it" in text_of(await ada.click(card, label="Numbers"))
    rolled = await ada.click(card, label="Re-roll")
    await blocking.env.settle()
    assert "withheld" in text_of(rolled)


async def test_the_text_before_a_withheld_continuation_stays(open_blocking: Open) -> None:
    async with open_blocking(FakeModel(says=saying(" my", " own", " darn", " thing")), WORD) as world:
        card = card_of(await finished(world, "complete", prompt="Oh", seed=42, max_tokens=2))
        answer = await world.members[0].click(card, label="Continue")
        await world.env.settle()

        assert text_of(answer).startswith("Oh my own\n")
        assert "What came next is withheld" in text_of(answer)
        assert_never_sent(world, WORD)


async def test_a_comparison_continues_without_a_withheld_text(open_blocking: Open) -> None:
    def says(request: GenerationRequest, index: int) -> Step:
        greedy = request.params.temperature == 0
        return saying(" my", " darn" if greedy else " own")(request, index)

    async with open_blocking(FakeModel(says=says), WORD) as world:
        answer = await finished(world, "compare", prompt="Oh", seed=42, max_tokens=2)
        shown = text_of(answer)

        assert shown.count("my own") == 2
        assert shown.count("(withheld)") == 1
        assert "What is withheld contains a word that this community has blocked." in shown
        assert "seed 42" in shown
        assert_never_sent(world, WORD)


async def test_a_comparison_does_not_name_a_word_part_that_is_itself_blocked(
    open_blocking: Open,
) -> None:
    def says(request: GenerationRequest, index: int) -> Step:
        greedy = request.params.temperature == 0
        return saying(" king" if greedy else " free", "dom")(request, index)

    async with open_blocking(FakeModel(says=says), "king") as world:
        answer = await finished(world, "compare", prompt="Oh", seed=42, max_tokens=2)
        numbers = text_of(await world.members[0].click(card_of(answer), label="Numbers"))

        for shown in (text_of(answer), numbers):
            assert shown.count("freedom") == 2
            assert shown.count("kingdom") == 1
            assert shown.count("differs from greedy at token 1") == 2
        assert ", not" not in numbers


async def test_a_withheld_comparison_hides_its_seed(open_blocking: Open) -> None:
    async with open_blocking(FakeModel(), "greedy") as world:  # a word of the bot's own
        answer = await finished(world, "compare", prompt="Oh", seed=42, max_tokens=2)

        assert refusal_of(answer) == Withheld(seed=42).sentence


@pytest.mark.parametrize("command", ["next", "tour"])
async def test_a_table_with_a_blocked_candidate_is_withheld_with_its_seed(
    open_blocking: Open, command: str
) -> None:
    async with open_blocking(FakeModel(says=saying(" my", others=[" darn"])), WORD) as world:
        answer = await finished(world, command, prompt="Oh", seed=7)
        if command == "tour":  # whose first stations have no table
            card = card_of(answer)
            for _ in range(3):
                answer = await world.members[0].click(card, label="Next")
                await world.env.settle()

        assert refusal_of(answer) == Withheld(seed=7).sentence
        assert_never_sent(world, WORD)


async def test_a_game_with_a_blocked_choice_is_withheld(open_blocking: Open) -> None:
    choices = ["king", "queen", "lord", "castle"]  # of which a game needs at least three
    model = FakeModel(says=saying(" my", others=[f" {word}" for word in choices]))
    async with open_blocking(model, *choices) as world:
        assert refusal_of(await finished(world, "guess", text="Oh")) == Withheld().sentence
        assert_never_sent(world, "castle")


async def test_the_model_s_guesses_in_a_text_are_shown_without_blocked_words(open_blocking: Open) -> None:
    def says(request: GenerationRequest, index: int) -> Step:
        step = saying(" my", others=[" darn"])(request, index)
        return Step(Candidate(request.prompt_ids[index + 1], -9.0, -9.0, 4), step.candidates[:3], 1.5)

    async with open_blocking(FakeModel(says=says), WORD) as world:
        answer = await finished(world, "surprise", text="one two three")

        assert "it expected ␣my" in text_of(answer)
        (listing,) = [file for file in card_of(answer).attachments if file.filename.endswith(".txt")]
        assert_never_sent(world, WORD)
        assert "darn" not in await text_in_file(answer, listing.filename)


async def text_in_file(answer: Any, name: str) -> str:
    files = {file.filename: file for file in card_of(answer).message.attachments}
    return (await files[name].read()).decode()


async def test_an_older_text_with_a_newly_blocked_word_is_withheld_everywhere(
    open_blocking: Open,
) -> None:
    model = FakeModel(says=saying(" my", " own", " darn", " thing"))
    async with open_blocking(model) as world:
        ada, channel = world.members[0], world.channel
        text = card_of(await finished(world, "complete", **ASKED))
        walk = card_of(await finished(world, "next", prompt="Oh darn", seed=7))
        assert "darn" in text_of(text)
        await world.env.restart_bot(type(world.bot)(blocking_from_now_on(world.bot.services)))
        before = len(world.env.http_requests)

        for label in ("Continue", "Re-roll", "Why this word?", "Code", "Replay"):
            answer = await ada.click(text, label=label)
            await world.env.settle()
            assert refusal_of(answer) == Withheld(seed=42).sentence, label
        appended = await ada.click(walk, label="① ␣my")
        await world.env.settle()
        assert refusal_of(appended) == Withheld(seed=7).sentence
        for command in ("Replay", "Tokenize", "Surprise"):
            answer = await ada.context_menu(channel, command, text.message)
            await world.env.settle()
            assert refusal_of(answer) == Withheld(seed=42).sentence, command
        again = await finished(world, "complete", **ASKED)
        assert "withheld" in text_of(again)
        later = [json.dumps(request.json) for request in world.env.http_requests[before:]]
        assert not [body for body in later if "darn" in body]


def blocking_from_now_on(services: Services) -> Services:
    """The same world, with WORD blocked."""
    rules = Rules(BlockedWords.read([WORD]))
    sieve = Sieve(rules.blocked, ENCODINGS)
    generations = services.generations
    assert isinstance(generations, SimulatedGenerations)
    screened = SimulatedGenerations(ScreenedGenerations(generations._inner, sieve), wait=generations._wait)
    runs = Runs(services.runs._database, days=30, check=sieve.check_run)
    return Services(screened, ENCODINGS, runs, rules=rules)


async def test_a_message_with_a_blocked_word_is_refused(blocking: World) -> None:
    ada, channel = blocking.members[0], blocking.channel
    message = await ada.send(channel, "oh darn")
    forwarded = await ada.forward(message, channel)
    file = await ada.send(channel, "", attachments=[("a.txt", b"oh darn")])
    embed = await blocking.guild.create_webhook(channel).send(embed=discord.Embed(title="oh **darn**"))
    for command in ("Tokenize", "Surprise"):
        for each in (message, forwarded, file, embed):
            assert refusal_of(await ada.context_menu(channel, command, each)) == REFUSED


async def test_a_form_with_a_blocked_word_is_refused(open_blocking: Open) -> None:
    async with open_blocking(FakeModel(says=saying(" my")), WORD) as world:
        ada = world.members[0]
        form = await ada.click(card_of(await finished(world, "tour")), label="Try it yourself")

        assert refusal_of(await ada.submit_modal(form, {"text": "oh darn"})) == REFUSED


async def test_a_hand_picked_blocked_word_is_refused(open_blocking: Open) -> None:
    async with open_blocking(FakeModel(says=saying(" it", others=["rn"])), WORD) as world:
        walk = card_of(await finished(world, "next", prompt="Oh da", seed=7))
        appended = await world.members[0].click(walk, label="② rn")
        await world.env.settle()

        assert refusal_of(appended) == REFUSED


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("tokens", {"text": "brassard", "encoding": "gpt2"}),
        ("decode", {"ids": " ".join(map(str, ENCODINGS.encode("brassard")))}),
        ("surprise", {"text": "brassard"}),
        ("tour", {"prompt": "brassard"}),
        ("complete", {"prompt": "brassard", "max_tokens": 2}),
    ],
)
async def test_a_token_that_is_part_of_a_blocked_word_is_not_blocked(
    open_blocking: Open, command: str, options: dict[str, Any]
) -> None:
    assert "ass" in [ENCODINGS.token(token_id).visible for token_id in ENCODINGS.encode("brassard")]
    async with open_blocking(FakeModel(says=reading(" my")), "ass") as world:
        ada = world.members[0]
        card = card_of(await finished(world, command, **options, private=True))
        for station in range(2, 8 if command == "tour" else 2):
            answer = await ada.click(card, label="Next")
            await world.env.settle()
            assert f"{station} of 7" in text_of(answer)
            card = card_of(answer)

        assert not card_of(await ada.click(card, label="Share")).ephemeral
        assert refusal_of(await finished(world, "tokens", text="an ass")) == REFUSED


async def test_a_token_that_would_become_part_of_a_longer_word_may_be_offered(open_blocking: Open) -> None:
    others = ["ass", " br", " s", " t"]
    async with open_blocking(FakeModel(says=saying(" my", others=others[:3])), "ass") as world:
        ada, prompt = world.members[0], "a br"
        table = await finished(world, "next", prompt=prompt, seed=7)
        assert " ass]" in text_of(table)
        assert card_of(await ada.click(card_of(table), label="① ␣my"))

        text = card_of(await finished(world, "complete", prompt=prompt, seed=7, max_tokens=1))
        why = await ada.click(text, label="Why this word?")
        fork = await ada.click(card_of(why), label="② ass")
        await world.env.settle()
        assert f"Forked by <@{ada.id}> at token 1." in text_of(fork)
        again = await ada.click(card_of(fork), label="Why this word?")
        assert "[‹ Back]" in text_of(again)
        assert refusal_of(await finished(world, "next", prompt="a,", seed=7)) == Withheld(seed=7).sentence


async def test_a_game_may_offer_part_of_a_blocked_word(open_blocking: Open) -> None:
    model = FakeModel(says=saying(" my", others=["ass", "x", "y", "my"]))
    async with open_blocking(model, "ass") as world:
        card = card_of(await finished(world, "guess", text="a br"))
        voted = await world.members[0].click(card, label="ass")

        assert "You voted for ass" in text_of(voted)


@pytest.mark.slow
async def test_an_older_card_with_a_newly_blocked_word_is_not_shared(open_blocking: Open) -> None:
    async with open_blocking(FakeModel()) as world:
        card = card_of(await finished(world, "tokens", text="oh darn it", private=True))
        await world.env.advance_time(1.0)
        await world.env.restart_bot(type(world.bot)(blocking_from_now_on(world.bot.services)))

        assert refusal_of(await world.members[0].click(card, label="Share")) == Withheld().sentence


async def test_a_withheld_card_does_not_name_the_hand_picked_token(open_blocking: Open) -> None:
    async with open_blocking(FakeModel(says=saying(" my", " ass", others=["ass"])), "ass") as world:
        ada = world.members[0]
        text = card_of(await finished(world, "complete", prompt="a br", seed=8, max_tokens=1))
        why = await ada.click(text, label="Why this word?")
        fork = await ada.click(card_of(why), label="② ass")
        await world.env.settle()
        shown = text_of(fork)

        assert shown.startswith("a brass\n")
        assert "withheld" in shown
        assert f"Forked by <@{ada.id}> at token 1.\n" in shown


@pytest.mark.parametrize("private", [True, False])
async def test_an_error_is_shown_even_if_it_contains_a_blocked_word(
    open_blocking: Open, private: bool
) -> None:
    failed = GenerationFailed("").sentence
    async with open_blocking(FakeModel(), "model") as world:
        answer = await finished(world, "next", prompt=failing_prompt(), seed=1, private=private)

    assert refusal_of(answer) == failed


async def test_a_card_blocked_by_the_bot_s_own_numbers_says_so(open_blocking: Open) -> None:
    async with open_blocking(FakeModel(says=saying(" my")), "88") as world:
        answer = await finished(world, "complete", prompt="Oh", seed=88)

    assert "withheld" in text_of(answer)
    assert "[Stop]" not in text_of(answer)


def failing_prompt() -> str:
    return ENCODINGS.decode([REJECTED])
