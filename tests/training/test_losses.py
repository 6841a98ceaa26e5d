import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bot.training.losses import Softmax

ROWS, WIDTH, COLUMNS = 37, 16, 101


@pytest.fixture
def hidden() -> Tensor:
    return torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(1)).requires_grad_()


@pytest.fixture
def table() -> Tensor:
    return torch.randn(COLUMNS, WIDTH, generator=torch.Generator().manual_seed(2)).requires_grad_()


@pytest.fixture
def targets() -> Tensor:
    return torch.randint(COLUMNS, (ROWS,), generator=torch.Generator().manual_seed(3))


def test_bfloat16_stays_close(hidden: Tensor, table: Tensor, targets: Tensor) -> None:
    softmax = Softmax(torch.ones(COLUMNS), 1, 10)
    exact = softmax.whole(hidden, table, targets)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = softmax.whole(hidden, table, targets)
    torch.testing.assert_close(rounded, exact, rtol=0.01, atol=0.01)
    for a, b in zip(
        torch.autograd.grad(rounded, [hidden, table]),
        torch.autograd.grad(exact, [hidden, table]),
        strict=True,
    ):
        assert functional.cosine_similarity(a.flatten(), b.flatten(), 0) > 0.999


def test_a_hopeless_target_has_a_large_but_finite_loss() -> None:
    hidden, table = torch.tensor([[100.0]]), torch.tensor([[10.0], [-10.0]])
    assert torch.isfinite(Softmax(torch.tensor([1, 0]), 1, 10).whole(hidden, table, torch.tensor([1])))


def test_the_shared_row_makes_the_softmax_over_every_id(hidden: Tensor, table: Tensor) -> None:
    unused = 500
    counts = torch.ones(COLUMNS)
    counts[-1] = 0
    targets = torch.arange(ROWS)
    full_table = torch.cat([table[:-1], table[-1:].expand(unused, -1)])
    ours = Softmax(counts, unused, 10).whole(hidden, table, targets)
    theirs = functional.cross_entropy(hidden @ full_table.T, targets)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        torch.autograd.grad(ours, [hidden, table]), torch.autograd.grad(theirs, [hidden, table])
    )


def test_sampling_nearly_everything_gives_the_whole(hidden: Tensor, table: Tensor, targets: Tensor) -> None:
    softmax = Softmax(torch.ones(COLUMNS), 7, 20_000)
    sampled = softmax.sampled(hidden, table, targets, torch.Generator().manual_seed(0))
    whole = softmax.whole(hidden, table, targets)
    torch.testing.assert_close(sampled, whole)
    torch.testing.assert_close(
        torch.autograd.grad(sampled, [hidden, table]), torch.autograd.grad(whole, [hidden, table])
    )


def test_the_sampled_sum_over_the_vocabulary_has_the_right_mean(hidden: Tensor, table: Tensor) -> None:
    """exp(loss) is the sum over the vocabulary relative to the target's term."""
    softmax = Softmax(torch.arange(COLUMNS).flip(0), 7, 20)
    row, target = hidden[:1] / 2, torch.tensor([5])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        sums = torch.stack(
            [softmax.sampled(row, table, target, generator).exp() for _ in range(3000)]
        ).double()
        exact = softmax.whole(row, table, target).exp().item()
    error = sums.std().item() / math.sqrt(len(sums))
    assert abs(sums.mean().item() - exact) < 4 * error
    assert error < 0.05 * exact
