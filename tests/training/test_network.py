from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoTokenizer, GPT2LMHeadModel, GPT2Model

from bot.training.corpus import CompactVocabulary
from bot.training.network import export, lengthened, over_all_ids


def test_the_logits_are_those_of_the_model_over_all_ids(
    network: GPT2Model, vocabulary: CompactVocabulary
) -> None:
    ids = torch.randint(vocabulary.size - 1, (3, 32), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for parameter in network.parameters():  # so that no bias hides behind a zero
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        ours = network(ids).last_hidden_state @ network.wte.weight.T
        theirs = over_all_ids(network, vocabulary).eval()(vocabulary.used_ids[ids]).logits  # type: ignore[no-untyped-call]
    torch.testing.assert_close(ours[..., vocabulary.rows()], theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_the_folder_loads_as_any_gpt2_does(
    network: GPT2Model, vocabulary: CompactVocabulary, tmp_path: Path
) -> None:
    export(network, vocabulary, tmp_path)
    model = GPT2LMHeadModel.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert model.dtype == torch.float16
    assert model.config.eos_token_id == tokenizer.eos_token_id == 50_256
    assert model.config.n_positions == tokenizer.model_max_length == 32
    assert model.lm_head.weight is model.transformer.wte.weight
    table = model.transformer.wte.weight.float()
    torch.testing.assert_close(
        table[vocabulary.used_ids], network.wte.weight[:-1].detach(), rtol=1e-3, atol=1e-5
    )
    never = vocabulary.rows() == vocabulary.shared_id
    assert (table[never] == table[never][0]).all()


@pytest.mark.slow
def test_the_table_is_stored_once(network: GPT2Model, vocabulary: CompactVocabulary, tmp_path: Path) -> None:
    export(network, vocabulary, tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as weights:
        assert sum(50_257 in weights.get_slice(name).get_shape() for name in weights.keys()) == 1  # noqa: SIM118


def test_a_longer_context_leaves_the_old_positions_as_they_were(network: GPT2Model) -> None:
    trained = network.config.n_positions
    longer = lengthened(network, 3 * trained)
    ids = torch.arange(trained)[None] % network.config.vocab_size

    assert longer.config.n_positions == len(longer.wpe.weight) == 3 * trained
    torch.testing.assert_close(longer(ids).last_hidden_state, network(ids).last_hidden_state)


def test_new_positions_begin_as_the_later_half_of_the_old_ones(network: GPT2Model) -> None:
    trained = network.config.n_positions
    table = lengthened(network, 2 * trained).wpe.weight

    assert torch.equal(table[trained : trained + trained // 2], network.wpe.weight[trained // 2 :])
