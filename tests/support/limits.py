"""Discord's limits on one Components V2 message, and the texts and buttons of a layout."""

from collections.abc import Iterator
from typing import Any

from discord import ui

# Discord allows 40 components and 4,000 characters, but sharing a card adds a line.
MAX_COMPONENTS = 39
MAX_CHARACTERS = 3_950


def assert_within_limits(view: ui.LayoutView) -> None:
    """Assert the limits on components, characters, labels and ids that Discord enforces."""
    assert view.total_children_count <= MAX_COMPONENTS
    assert 0 < view.content_length() <= MAX_CHARACTERS
    for item in view.walk_children():
        match item:
            case ui.Button():
                assert 1 <= len(item.label or "") <= 80
                assert len(item.custom_id or "") <= 100
            case ui.Select():
                _assert_menu_within_limits(item)
            case ui.TextDisplay():
                assert item.content.strip()
            case ui.MediaGallery():
                assert all(len(picture.description or "") <= 1024 for picture in item.items)


def _assert_menu_within_limits(menu: ui.Select[Any]) -> None:
    assert len(menu.custom_id) <= 100
    assert len(menu.placeholder or "") <= 150
    assert 1 <= len(menu.options) <= 25
    for option in menu.options:
        assert 1 <= len(option.label) <= 100
        assert 1 <= len(option.value) <= 100
        assert len(option.description or "") <= 100


def container_of(view: ui.LayoutView) -> ui.Container[ui.LayoutView]:
    """The frame of a card."""
    (container,) = view.children
    assert isinstance(container, ui.Container)
    return container


def parts_of_a_card_with_a_file(
    view: ui.LayoutView,
) -> tuple[ui.TextDisplay[Any], ui.MediaGallery[Any], ui.TextDisplay[Any], ui.File[Any], ui.TextDisplay[Any]]:
    """Assert that a card with a picture and a file has the order of all cards.

    Return its first text, its picture, its result, its file and its small print.
    """
    (container,) = view.children
    assert isinstance(container, ui.Container)
    head, picture, result, file, buttons, facts = container.children

    assert isinstance(head, ui.TextDisplay)
    assert isinstance(picture, ui.MediaGallery)
    assert isinstance(result, ui.TextDisplay)
    assert isinstance(file, ui.File)
    assert isinstance(buttons, ui.ActionRow)
    assert isinstance(facts, ui.TextDisplay)
    return head, picture, result, file, facts


def text_of(view: ui.LayoutView) -> str:
    """The text displays of ``view``, with no-break spaces as ordinary ones."""
    texts = (item.content for item in view.walk_children() if isinstance(item, ui.TextDisplay))
    return "\n".join(texts).replace("\N{NO-BREAK SPACE}", " ")


def alt_of(view: ui.LayoutView) -> str:
    """What its pictures say in words."""
    galleries = (item for item in view.walk_children() if isinstance(item, ui.MediaGallery))
    said = "\n".join(picture.description or "" for gallery in galleries for picture in gallery.items)
    return said.replace("\N{NO-BREAK SPACE}", " ")


def buttons_of(view: ui.LayoutView) -> dict[str, ui.Button[Any]]:
    return {button.label or "": button for button in _buttons(view)}


def _buttons(view: ui.LayoutView) -> Iterator[ui.Button[Any]]:
    return (item for item in view.walk_children() if isinstance(item, ui.Button))
