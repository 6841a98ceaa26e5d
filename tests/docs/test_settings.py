"""docs/settings.md has every setting, with the defaults and the ranges that are read."""

from __future__ import annotations

import re

import pytest

from bot.errors import InvalidSetting
from bot.settings import Settings
from tests.docs.documents import document

ROWS = {
    name.strip("`"): (default, meaning)
    for header, *rows in document("docs/settings.md").tables()
    for name, default, meaning in rows
    if header == ("variable", "default", "meaning")
}
_RANGE = re.compile(r"([\d,]+) to ([\d,]+)")


def test_every_setting_is_in_a_table_and_nothing_else() -> None:
    assert set(ROWS) == {name.upper() for name in Settings.__dataclass_fields__}


@pytest.mark.parametrize("name", [name for name, (default, _) in ROWS.items() if " " not in default])
def test_a_default_of_one_word_is_what_is_read_when_nothing_is_set(name: str) -> None:
    default, _ = ROWS[name]
    read = getattr(Settings.from_env({}), name.lower())

    assert default == ("" if read is None else str(read).lower() if isinstance(read, bool) else str(read))


RANGES = {name: found.groups() for name, (_, meaning) in ROWS.items() if (found := _RANGE.search(meaning))}


@pytest.mark.parametrize(("name", "ends"), RANGES.items(), ids=RANGES)
def test_a_range_is_what_is_accepted(name: str, ends: tuple[str, str]) -> None:
    lowest, highest = (int(end.replace(",", "")) for end in ends)

    for allowed in (lowest, highest):
        assert getattr(Settings.from_env({name: str(allowed)}), name.lower()) == allowed
    for refused in (lowest - 1, highest + 1):
        with pytest.raises(InvalidSetting):
            Settings.from_env({name: str(refused)})


def test_every_number_has_its_range() -> None:
    settings = Settings.from_env({})
    numbers = {name for name in ROWS if type(getattr(settings, name.lower())) in (int, float)}

    assert set(RANGES) == numbers | {"METRICS_PORT"}
