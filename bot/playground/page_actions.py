"""What people do on the playground's page beyond SimCord's own actions.

They type a whole line, as do the examples, and use a message command on a message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from simcord import BackendError, InteractionResult, MemberActor, SetupError

from bot.playground.private import Body
from bot.playground.slash import Mistyped, described, parse
from bot.playground.world import World

#: Carries out one kind of action for the person who looks at the page.
PageAction = Callable[[MemberActor, Body], Awaitable[InteractionResult]]


class PageActions:
    """The kinds of action that the page's own script sends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kinds: Mapping[object, PageAction] = {
            "type_line": self._type_line,
            "use_on_message": self._use_on_message,
        }

    def __contains__(self, kind: object) -> bool:
        return kind in self._kinds

    async def run(self, viewer: MemberActor, body: Body) -> dict[str, Any]:
        """Carry out ``body`` as ``viewer``; the reply holds one sentence if it is refused."""
        try:
            await self._kinds[body["kind"]](viewer, body)
        except Mistyped as refusal:
            return {"refusal": str(refusal)}
        except (SetupError, BackendError):
            return {"refusal": "That can't be done now: the message may be gone."}
        except TimeoutError:
            return {"refusal": "The bot took too long to answer."}
        return {"refusal": None}

    async def _type_line(self, viewer: MemberActor, body: Body) -> InteractionResult:
        tree = self._world.bot.tree
        name, values = parse(
            str(body.get("line", "")), described(command.to_dict(tree) for command in tree.get_commands())
        )
        return await viewer.slash(self._world.channel, name, **values)

    async def _use_on_message(self, viewer: MemberActor, body: Body) -> InteractionResult:
        channel, wanted = self._world.channel, str(body.get("message_id"))
        for message in channel.history(viewer=viewer):
            if str(message.id) == wanted:
                return await viewer.context_menu(channel, str(body.get("name")), message)
        raise SetupError("there is no such message for this person")
