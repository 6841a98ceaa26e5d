from __future__ import annotations

import mmap

import pytest
import torch

from bot.model.memory import in_large_pages, return_freed


@pytest.mark.parametrize("shape", [(3, 5), (700, 1000), (0, 4)])
def test_a_copy_in_large_pages_is_the_same_numbers_in_order_and_of_its_own(shape: tuple[int, int]) -> None:
    numbers = torch.arange(shape[0] * shape[1], dtype=torch.int32).view(shape).t()
    copy = in_large_pages(numbers)
    assert copy.is_contiguous()
    assert torch.equal(copy, numbers)
    numbers.fill_(-1)
    assert (copy >= 0).all()


def test_so_it_is_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    numbers = torch.randn(6, 4)
    assert torch.equal(in_large_pages(numbers.t()), numbers.t())


def test_memory_is_returned_without_harm() -> None:
    numbers = torch.ones(1000)
    return_freed()
    assert numbers.sum() == 1000
