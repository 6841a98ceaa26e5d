"""The ``custom_id`` of every button: what is pressed, on which run.

    <family>:<action>:<run id>[:<argument>]

At most 100 characters, and never anything a person wrote.
"""

from __future__ import annotations

RUN_ID = r"(?P<run_id>[0-9a-f]{16})"


def custom_id(family: str, action: str, run_id: str, argument: int | None = None) -> str:
    parts = [family, action, run_id]
    if argument is not None:
        parts.append(str(argument))
    return ":".join(parts)


COMPLETION_TEMPLATE = rf"complete:(?P<action>stop|continue|reroll):{RUN_ID}"
WALK_TEMPLATE = rf"next:(?P<action>append|draw|undo):{RUN_ID}(?::(?P<token_id>\d+))?"
