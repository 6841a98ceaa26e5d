"""/decode as people use it."""

from __future__ import annotations

import pytest
from simcord import ChannelHandle, MemberActor

from tests.support.reading import refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("ids", ["40313, 481", "[40313 481]"])
async def test_ids_become_text(ada: MemberActor, channel: ChannelHandle, ids: str) -> None:
    answer = await ada.slash(channel, "decode", ids=ids)

    assert text_of(answer).startswith("2 tokens for GPT-2 and GPT-3\nParis will")


async def test_ids_of_another_encoding_become_its_text(ada: MemberActor, channel: ChannelHandle) -> None:
    assert "\nParis\n" in text_of(await ada.slash(channel, "decode", ids="60704", encoding="gpt-3.5-turbo"))


@pytest.mark.parametrize(
    ("ids", "named"),
    [("40313, x, y", "'x'"), ("-1", "'-1'"), ("50257", "'50257'"), ("[]", "no token ids"), ("<3", "'<3'")],
)
async def test_the_first_word_that_is_not_an_id_is_named(
    ada: MemberActor, channel: ChannelHandle, ids: str, named: str
) -> None:
    assert named in refusal_of(await ada.slash(channel, "decode", ids=ids))


async def test_an_unused_id_within_the_vocabulary_has_its_own_refusal(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    answer = await ada.slash(channel, "decode", ids="100256", encoding="cl100k_base")

    assert refusal_of(answer) == "There's no token 100256 in cl100k_base."


async def test_ids_that_the_encoding_itself_would_not_give_are_pointed_out(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    said = "Tokenized again, this text is split differently."

    assert said in text_of(await ada.slash(channel, "decode", ids="47 283 271"))
    assert said not in text_of(await ada.slash(channel, "decode", ids="40313"))


async def test_part_of_a_character_is_shown_as_its_bytes(ada: MemberActor, channel: ChannelHandle) -> None:
    text = text_of(await ada.slash(channel, "decode", ids="47249"))

    assert "\\xF0\\x9F\\x98" in text
    assert "�" not in text
    assert "This isn't complete text: some bytes are only part of a character." in text
