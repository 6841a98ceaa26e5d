"""docs/architecture.md and its picture show the rooms there are."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from tests.docs.documents import ROOT, document

PAGE = document("docs/architecture.md")
PICTURE = ROOT / "docs" / "architecture.svg"
_SVG = "{http://www.w3.org/2000/svg}"


def test_every_package_has_a_row() -> None:
    rows = "\n".join(where for where, _ in PAGE.table("where", "what"))
    packages = [
        file.parent for room in ("*", "model/*") for file in (ROOT / "bot").glob(f"{room}/__init__.py")
    ]
    rooms = {f"bot/{package.relative_to(ROOT / 'bot').as_posix()}/" for package in packages}

    # A room within another one, but for the model's, is in the other one's row.
    assert sorted(room for room in rooms - {"bot/model/"} if f"`{room}`" not in rows) == []


def test_the_rooms_in_the_picture_exist() -> None:
    root = ElementTree.parse(PICTURE).getroot()  # noqa: S314, ours
    names = [
        name
        for text in root.iter(f"{_SVG}text")
        if text.get("class") == "name"
        for name in (text.text or "").split()
    ]

    assert len(names) == 12
    assert [name for name in names if not ((ROOT / "bot" / name).is_dir() or (ROOT / name).is_dir())] == []


def test_the_picture_has_light_and_dark_colours_and_alt_text() -> None:
    svg = PICTURE.read_text(encoding="utf-8")
    light, dark = (set(re.findall(r"(--[\w-]+):", rule)) for rule in re.findall(r"svg \{(.*?)\}", svg))

    assert "prefers-color-scheme: dark" in svg
    assert light == dark
    assert set(re.findall(r"var\((--[\w-]+)\)", svg)) <= light
    assert "<title" in svg
    assert "<desc" in svg
