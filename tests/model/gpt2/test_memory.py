from __future__ import annotations

import mmap
import re
import sys
from pathlib import Path

import pytest
import torch

from bot.model.gpt2.memory import in_large_pages, untouched


@pytest.mark.parametrize("shape", [(3, 5), (700, 1000), (0, 4)])
def test_a_copy_in_large_pages_is_contiguous_equal_and_independent(shape: tuple[int, int]) -> None:
    numbers = torch.arange(shape[0] * shape[1], dtype=torch.int32).view(shape).t()
    copy = in_large_pages(numbers)
    assert copy.is_contiguous()
    assert torch.equal(copy, numbers)
    numbers.fill_(-1)
    assert (copy >= 0).all()


@pytest.mark.parametrize("lacking", ["MADV_HUGEPAGE", "MAP_PRIVATE"])
def test_a_copy_is_equal_on_systems_without_large_pages(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(mmap, lacking, raising=False)
    numbers = torch.randn(6, 4)
    assert torch.equal(in_large_pages(numbers.t()), numbers.t())


@pytest.mark.parametrize("shape", [(3, 5), (0, 4)])
def test_untouched_memory_can_be_filled(shape: tuple[int, int]) -> None:
    numbers = untouched(shape).fill_(2.0)
    assert numbers.shape == shape
    assert (numbers == 2.0).all()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists its pages")
def test_the_copy_is_private_memory_because_large_pages_are_for_that() -> None:
    copy = in_large_pages(torch.ones(2**21))
    mapping = next(
        lines
        for lines in Path("/proc/self/smaps").read_text().split("VmFlags:")
        if re.search(rf"^{copy.data_ptr():x}-", lines, re.MULTILINE)
    )
    assert "zero" not in mapping
    assert re.search(r"Shared_Dirty: +0 kB", mapping)
    assert re.search(r"Private_Dirty: +8192 kB", mapping)
