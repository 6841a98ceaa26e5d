"""The ``custom_id`` of everything that can be pressed: what, on which run.

    <family>:<action>:<run id>[:<number>]…

At most 100 characters, and never anything a person wrote.
"""

from __future__ import annotations

RUN_ID = r"(?P<run_id>[0-9a-f]{16})"
_NUMBERS = r"(?P<numbers>(?::\d{1,20})*)"

SHARE = "share:card"
OPEN = "open:run"
_DELETE = "delete:card"
_OWNER = r"(?P<owner>\d{1,20})"
DELETE_TEMPLATE = rf"{_DELETE}:{_OWNER}"
_VOCABULARY = "vocabulary:token"
VOCABULARY_TEMPLATE = rf"{_VOCABULARY}:{_OWNER}"


def custom_id(family: str, action: str, run_id: str, *numbers: int) -> str:
    """Of an item; a truth value is the number 1 or 0."""
    return ":".join((family, action, run_id, *(str(int(number)) for number in numbers)))


def template(family: str, *actions: str) -> str:
    """The regular expression of a family's custom_ids."""
    return rf"{family}:(?P<action>{'|'.join(actions)}):{RUN_ID}{_NUMBERS}"


def delete_id(owner: int) -> str:
    """Of the button that deletes a card which ``owner`` has asked for."""
    return f"{_DELETE}:{owner}"


def vocabulary_id(owner: int) -> str:
    """Of the menu that opens another token; in place for ``owner``."""
    return f"{_VOCABULARY}:{owner}"
