from pathlib import Path

import torch
from safetensors import safe_open
from transformers import AutoTokenizer, GPT2LMHeadModel

from bot.training.corpus import CompactVocabulary
from bot.training.export import export
from bot.training.network import Network


def test_the_folder_loads_as_any_gpt2_does(
    network: Network, vocabulary: CompactVocabulary, tmp_path: Path
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


def test_the_table_is_stored_once(network: Network, vocabulary: CompactVocabulary, tmp_path: Path) -> None:
    export(network, vocabulary, tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as weights:
        assert sum(50_257 in weights.get_slice(name).get_shape() for name in weights.keys()) == 1  # noqa: SIM118
