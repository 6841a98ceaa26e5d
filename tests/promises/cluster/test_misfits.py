"""A service that a bot cannot use is named at its start, and one with a private authority serves."""

from __future__ import annotations

from tests.promises.cluster.misfits import misfits


async def test_each_is_found_and_said() -> None:
    found = await misfits()
    assert [each.what for each in found if not each.kept] == []
    assert len([each for each in found if each.is_usable]) == 1
