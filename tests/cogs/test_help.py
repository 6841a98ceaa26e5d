"""/help: private, its pages turn in place, and its buttons run an example of each command."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from discord import app_commands
from simcord import ChannelHandle, InteractionResult, MemberActor

from bot.features.examples import EXAMPLES, Example
from bot.playground.world import World
from bot.store.runs import Runs
from tests.support.reading import card_of, refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Words that only the command's own card has.
OWN_WORDS = {
    "tour": "1 of 7",
    "complete": "[Re-roll]",
    "next": "[🎲 Roll the dice]",
    "surprise": "umbrella",
    "tokens": "HELL",
    "compare": "greedy",
    "vocabulary": "king",
    "guess": "[Reveal]",
}


async def test_it_names_every_command(world: World, ada: MemberActor, channel: ChannelHandle) -> None:
    text = text_of(await ada.slash(channel, "help"))
    commands = {one.name for one in world.bot.tree.get_commands() if isinstance(one, app_commands.Command)}

    assert set(re.findall(r"/([a-z]+)", text)) >= commands - {"help"}


async def pressed(person: MemberActor, channel: ChannelHandle, label: str) -> InteractionResult:
    """What a button of the help answers."""
    return await person.click(card_of(await person.slash(channel, "help")), label=label)


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command)
async def test_a_button_answers_with_the_command_s_card(
    ada: MemberActor, channel: ChannelHandle, example: Example
) -> None:
    help_ = card_of(await ada.slash(channel, "help"))
    before = text_of(help_)
    answer = card_of(await ada.click(help_, label=f"/{example.command}"))

    assert answer.id != help_.id
    assert OWN_WORDS[example.command] in text_of(answer)
    assert answer.ephemeral == (example.command != "guess")
    assert text_of(help_) == before


@pytest.mark.slow
async def test_an_example_is_what_the_command_itself_answers(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    def without_seed(answer: InteractionResult) -> str:
        return re.sub(r"seed \d+", "seed", text_of(answer))

    typed = await ada.slash(channel, "next", prompt="The wizard raised his", private=True)

    assert without_seed(await pressed(ada, channel, "/next")) == without_seed(typed)


async def test_every_example_is_a_command_that_takes_its_options(world: World) -> None:
    for example in EXAMPLES:
        command = world.bot.tree.get_command(example.command)
        assert isinstance(command, app_commands.Command)
        parameters = {option.name: option for option in command.parameters}
        assert example.options.keys() <= parameters.keys()
        assert all(name in example.options for name, option in parameters.items() if option.required)
        assert all(
            len(value) <= int(parameters[name].max_value or 0) for name, value in example.options.items()
        )


async def test_only_the_person_sees_it(ada: MemberActor, channel: ChannelHandle) -> None:
    assert card_of(await ada.slash(channel, "help")).ephemeral


async def test_its_pages_turn_in_place(ada: MemberActor, channel: ChannelHandle) -> None:
    card = card_of(await ada.slash(channel, "help"))
    before = text_of(card)
    for label in ("Glossary", "Who may do what", "Privacy"):
        page = card_of(await ada.click(card, label=label))
        assert page.id == card.id
        assert text_of(page).startswith(label)
        await ada.click(page, label="Back")
        assert text_of(card) == before


async def test_its_buttons_work_after_a_restart(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    card = card_of(await ada.slash(channel, "help"))
    await restart()

    assert text_of(await ada.click(card, label="Glossary")).startswith("Glossary")


async def test_privacy_names_the_days_that_texts_are_kept(
    ada: MemberActor, channel: ChannelHandle, runs: Runs
) -> None:
    assert f"for {runs.rounds.days} days" in text_of(await pressed(ada, channel, "Privacy"))


@pytest.mark.slow
async def test_who_may_do_what_is_true(ada: MemberActor, grace: MemberActor, channel: ChannelHandle) -> None:
    words = text_of(await pressed(ada, channel, "Who may do what"))
    text = card_of(await ada.slash(channel, "complete", prompt="London was", seed=42, max_tokens=4))
    walk = card_of(await ada.slash(channel, "next", prompt="London was", seed=42))
    game = card_of(await ada.slash(channel, "guess", text="Once upon a time there"))

    assert "Delete: the person who requested or shared the card, and moderators" in words
    assert "Only the person who asked or a moderator" in refusal_of(await grace.click(text, label="Delete"))
    assert "the person who started it and moderators at once, anyone after 10 minutes" in words
    assert "10 minutes" in refusal_of(await grace.click(game, label="Reveal"))
    assert "Continue, Re-roll and another token in Why this word? write a text of your own" in words
    theirs = card_of(await grace.click(text, label="Continue"))
    assert theirs.id != text.id
    assert not theirs.ephemeral
    assert "In a walk or a tour, you get a private one of your own" in words
    assert card_of(await grace.click(walk, label="Roll the dice")).ephemeral
    assert "Anyone who sees a card may press all its buttons, except" in words
    assert card_of(await grace.click(text, label="Code")).ephemeral
