"""/tokens, /decode and the message command Tokenize: how an encoding cuts a text."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot import cards
from bot.cards import Closing, TokensCard
from bot.cards.pictures.tiles import token_cut
from bot.cards.tokens import LISTING, PICTURE
from bot.errors import NoTokenIds
from bot.flows.message_text import text_in
from bot.interactions.reply import Interaction, Reply
from bot.services import Services
from bot.text.pieces import is_whole
from bot.text.tokenization import Encodings

if TYPE_CHECKING:
    from bot.client import TokenwiseBot

ENCODING_OPTION = "An encoding or a model, such as cl100k_base or gpt-4o (this bot's model's if left out)"
PRIVATE_OPTION = "Only you see the answer"


class Tokens(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services
        self.encodings = services.encodings
        self.menu = app_commands.ContextMenu(name="Tokenize", callback=self.tokenize)

    @app_commands.command(description="See how a text is cut into tokens")
    @app_commands.describe(text="The text to cut", encoding=ENCODING_OPTION, private=PRIVATE_OPTION)
    async def tokens(
        self,
        interaction: Interaction,
        text: app_commands.Range[str, 1, 6000],
        encoding: str | None = None,
        private: bool = False,
    ) -> None:
        await self._cut(interaction, text, encoding=encoding, private=private)

    @app_commands.command(description="Turn token ids back into text")
    @app_commands.describe(
        ids="Token ids, such as 40313, 481", encoding=ENCODING_OPTION, private=PRIVATE_OPTION
    )
    async def decode(
        self,
        interaction: Interaction,
        ids: app_commands.Range[str, 1, 6000],
        encoding: str | None = None,
        private: bool = False,
    ) -> None:
        resolved = self._resolved(encoding)
        token_ids = self.encodings.parse_ids(ids, resolved)
        if not token_ids:
            raise NoTokenIds
        self.services.rules.check(self.encodings.decode(token_ids, resolved))
        await self._show(interaction, partial(decoded, self.encodings, token_ids, resolved), private=private)

    async def tokenize(self, interaction: Interaction, message: discord.Message) -> None:
        await Reply(interaction, private=True).acknowledge()
        text = await text_in(message, interaction, self.services)
        await self._cut(interaction, text, encoding=None, private=True)

    @tokens.autocomplete("encoding")
    @decode.autocomplete("encoding")
    async def complete_encoding(
        self, _interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=name, value=name) for name in self.encodings.names(current)[:25]]

    def _resolved(self, encoding: str | None) -> str:
        return self.encodings.usual if encoding is None else self.encodings.resolve(encoding)

    async def _cut(self, interaction: Interaction, text: str, *, encoding: str | None, private: bool) -> None:
        resolved = self._resolved(encoding)
        await self._show(interaction, partial(cut, self.encodings, text, resolved), private=private)

    async def _show(
        self,
        interaction: Interaction,
        describe: Callable[[Closing], tuple[TokensCard, bytes]],
        *,
        private: bool,
    ) -> None:
        """Show what ``describe`` makes, once it is their turn: one text that was let in, whose
        tokens alone are no words."""
        executor, reply = self.services.executor, Reply(interaction, private=private)
        async with executor.place(reply.asker) as place:
            await reply.wait()
            content, picture = await executor.run(place, describe, Closing(interaction.user.id, private))
        await reply.finish(cards.tokens(content), files=_files(content, picture), harmless=True)


def cut(encodings: Encodings, text: str, encoding: str, closing: Closing) -> tuple[TokensCard, bytes]:
    """The card of a text and its picture; some 100 ms for a long one."""
    tokenized = encodings.cut(text, encoding)
    card = cards.describe_tokens(tokenized, encodings.counts(text, encoding), len(text), closing=closing)
    return card, token_cut(tokenized.pieces)


def decoded(
    encodings: Encodings, ids: tuple[int, ...], encoding: str, closing: Closing
) -> tuple[TokensCard, bytes]:
    """The card of token ids and its picture."""
    tokenized = encodings.pieces(ids, encoding)
    text = encodings.decode(ids, encoding)
    counts = encodings.counts(text, encoding) if is_whole(text) else {}
    card = cards.describe_tokens(tokenized, counts, len(text), closing=closing, decoded=text)
    return card, token_cut(tokenized.pieces)


def _files(content: TokensCard, picture: bytes) -> list[discord.File]:
    files = [discord.File(io.BytesIO(picture), PICTURE)]
    if content.needs_listing:
        files.append(discord.File(io.BytesIO(content.listing.encode()), LISTING))
    return files


async def setup(bot: TokenwiseBot) -> None:
    cog = Tokens(bot.services)
    bot.tree.add_command(cog.menu)
    await bot.add_cog(cog)
