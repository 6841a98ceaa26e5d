import pytest
import torch
from torch import Tensor

from bot.training.corpus import CompactVocabulary
from bot.training.export import to_transformers
from bot.training.network import Dropout, Network


@pytest.fixture
def ids(vocabulary: CompactVocabulary) -> Tensor:
    return torch.randint(vocabulary.size - 1, (3, 32), generator=torch.Generator().manual_seed(1))


def test_the_logits_are_those_of_transformers(
    network: Network, vocabulary: CompactVocabulary, ids: Tensor
) -> None:
    with torch.no_grad():
        for parameter in network.parameters():  # so that no bias hides behind a zero
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        ours = network(ids, torch.arange(32).expand(3, 32)) @ network.wte.weight.T
        model = to_transformers(network, vocabulary)
        model.eval()  # type: ignore[no-untyped-call]
        theirs = model(vocabulary.used_ids[ids]).logits
    torch.testing.assert_close(ours[..., vocabulary.rows()], theirs, rtol=1e-4, atol=1e-4)


def test_a_token_sees_no_later_one(network: Network, ids: Tensor) -> None:
    positions = torch.arange(32).expand(3, 32)
    changed = ids.clone()
    changed[:, 20:] = 0
    with torch.no_grad():
        before, after = network(ids, positions), network(changed, positions)
    torch.testing.assert_close(before[:, :20], after[:, :20])
    assert not torch.allclose(before[:, 20:], after[:, 20:])


def test_bfloat16_products_stay_close(network: Network, ids: Tensor) -> None:
    positions = torch.arange(32).expand(3, 32)
    with torch.no_grad():
        exact = network(ids, positions)
        rounded = network(ids, positions, matmul_dtype=torch.bfloat16)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, rtol=0.1, atol=0.1)


def test_dropout_keeps_the_mean_and_drops_the_share() -> None:
    dropped = Dropout(0.25, torch.Generator().manual_seed(0), length=100_000)(torch.ones(50_000))
    kept = dropped[dropped > 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 4 / 3))
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)


def test_no_dropout_changes_nothing() -> None:
    x = torch.randn(10)
    assert Dropout(0.0, torch.Generator())(x) is x
