"""The ``custom_id`` of buttons and menus: which action, on which run.

    <family>:<action>:<run id>[:<number>]…

At most 100 characters, and never anything that a person wrote.
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
_HELP = "help"
HELP_TEMPLATE = rf"{_HELP}:(?P<action>[a-z]+)(?::(?P<command>[a-z]+))?"
_NUMBERS_OF = "numbers"
NUMBERS_TEMPLATE = rf"{_NUMBERS_OF}:(?P<kind>model|vocabulary)(?::(?P<number>\d{{1,9}}))?"
_FORGET = "forget"
FORGET_TEMPLATE = rf"{_FORGET}:(?P<action>delete|cancel):{_OWNER}{_NUMBERS}"


def custom_id(family: str, action: str, run_id: str, *numbers: int) -> str:
    """Build an item's custom_id. A boolean counts as the number 1 or 0."""
    return ":".join((family, action, run_id, *(str(int(number)) for number in numbers)))


def template(family: str, *actions: str) -> str:
    """Return the regular expression that matches a family's custom_ids."""
    return rf"{family}:(?P<action>{'|'.join(actions)}):{RUN_ID}{_NUMBERS}"


def delete_id(owner: int) -> str:
    """Build the custom_id of the button that deletes a card requested by ``owner``."""
    return f"{_DELETE}:{owner}"


def vocabulary_id(owner: int) -> str:
    """Build the custom_id of the menu that opens another token, in place if ``owner`` chooses."""
    return f"{_VOCABULARY}:{owner}"


def help_id(action: str, command: str | None = None) -> str:
    """Build the custom_id of a button of the help: a page to open, or ``run`` with a command."""
    return ":".join(filter(None, (_HELP, action, command)))


def numbers_id(kind: str, number: int | None = None) -> str:
    """Build the custom_id of the button *Numbers* on a card that shows no run."""
    return f"{_NUMBERS_OF}:{kind}" if number is None else f"{_NUMBERS_OF}:{kind}:{number}"


def forget_id(action: str, owner: int, *numbers: int) -> str:
    """Build the custom_id of a button that decides whether what is stored of ``owner`` goes.

    ``numbers`` say how much that was when they were asked.
    """
    return ":".join((_FORGET, action, str(owner), *map(str, numbers)))
