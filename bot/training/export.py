"""Write a trained network as a folder that loads as any GPT-2 does."""

from __future__ import annotations

from pathlib import Path

from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

from bot.model.checkpoint import gpt2_tokenizer
from bot.training.corpus import CompactVocabulary
from bot.training.network import Network


def to_transformers(network: Network, vocabulary: CompactVocabulary) -> GPT2LMHeadModel:
    """The same model over the whole vocabulary; all unused ids get the shared row."""
    sizes = network.config
    end_of_text = vocabulary.vocabulary_size - 1
    model: GPT2LMHeadModel = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary.vocabulary_size,
            n_positions=sizes.context,
            n_embd=sizes.width,
            n_layer=sizes.layers,
            n_head=sizes.heads,
            bos_token_id=end_of_text,
            eos_token_id=end_of_text,
        )
    )
    state = {f"transformer.{name}": tensor.detach() for name, tensor in network.state_dict().items()}
    table = network.wte.weight.detach()[vocabulary.rows()]
    state["transformer.wte.weight"] = state["lm_head.weight"] = table
    model.load_state_dict(state)
    return model


def export(network: Network, vocabulary: CompactVocabulary, folder: Path) -> None:
    """Write configuration, float16 weights and tokenizer into ``folder``."""
    model = to_transformers(network, vocabulary).half()  # type: ignore[no-untyped-call]
    end_of_text = model.config.eos_token_id
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=end_of_text, eos_token_id=end_of_text
    )
    model.save_pretrained(folder)
    gpt2_tokenizer.write(folder, network.config.context)
