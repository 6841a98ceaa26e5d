import pytest
import torch

from bot.training.config import TrainingConfig
from bot.training.lengthening import gently, lengthened
from bot.training.network import Network


def test_a_longer_context_leaves_the_old_positions_as_they_were(network: Network) -> None:
    trained = network.config.context
    longer = lengthened(network, 3 * trained)
    ids = torch.arange(trained)[None] % network.config.vocabulary
    positions = torch.arange(trained)[None]

    assert longer.config.context == len(longer.wpe.weight) == 3 * trained
    torch.testing.assert_close(longer(ids, positions), network(ids, positions))


def test_new_positions_begin_as_the_later_half_of_the_old_ones(network: Network) -> None:
    trained = network.config.context
    table = lengthened(network, 2 * trained).wpe.weight

    assert torch.equal(table[trained : trained + trained // 2], network.wpe.weight[trained // 2 :])


def test_what_comes_after_is_gentle_and_sees_whole_windows() -> None:
    config = TrainingConfig(budget=60.0)
    after = gently(config, minutes=0.5)

    assert after.budget == 30.0
    assert after.matrix_rate == pytest.approx(0.3 * config.matrix_rate)
    assert after.short_share == after.sampled_share == 0.0
