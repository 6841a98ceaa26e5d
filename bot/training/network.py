"""The network that is trained: transformers' GPT-2 with one row for all the ids that the text lacks."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, GPT2Model

from bot.model.checkpoint import gpt2_tokenizer
from bot.training.corpus import CompactVocabulary

SHORT_CONTEXT = 256


def network(
    rows: int,
    *,
    width: int = 128,
    layers: int = 7,
    heads: int = 4,
    context: int = SHORT_CONTEXT,
    dropout: float = 0.05,
) -> GPT2Model:
    """A random GPT-2 without a head, of the demo model's size unless said otherwise."""
    config = GPT2Config(
        vocab_size=rows,
        n_positions=context,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        embd_pdrop=dropout,
        resid_pdrop=dropout,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
    )
    return GPT2Model(config)


def lengthened(short: GPT2Model, context: int) -> GPT2Model:
    """A copy of ``short`` with ``context`` positions.

    The new rows of the position table repeat the later half of the old ones,
    where a token has as many before it as its attention is used to.
    """
    trained = short.config.n_positions
    longer = GPT2Model(GPT2Config(**{**short.config.to_dict(), "n_positions": context}))
    state = short.state_dict()
    repeated = trained // 2 + torch.arange(context - trained) % (trained - trained // 2)
    state["wpe.weight"] = torch.cat([state["wpe.weight"], state["wpe.weight"][repeated]])
    longer.load_state_dict(state)
    return longer


def over_all_ids(trained: GPT2Model, vocabulary: CompactVocabulary) -> GPT2LMHeadModel:
    """The same model over the whole vocabulary; all unused ids get the shared row."""
    size, end = vocabulary.vocabulary_size, vocabulary.vocabulary_size - 1
    # Not the configuration that was trained: its dropout and its size are of no concern to others.
    config = GPT2Config(
        vocab_size=size,
        n_positions=trained.config.n_positions,
        n_embd=trained.config.n_embd,
        n_layer=trained.config.n_layer,
        n_head=trained.config.n_head,
        bos_token_id=end,
        eos_token_id=end,
    )
    model: GPT2LMHeadModel = GPT2LMHeadModel(config)
    state = {f"transformer.{name}": tensor for name, tensor in trained.state_dict().items()}
    table = trained.wte.weight.detach()[vocabulary.rows()]
    state["transformer.wte.weight"] = state["lm_head.weight"] = table
    model.load_state_dict(state)
    return model


def export(trained: GPT2Model, vocabulary: CompactVocabulary, folder: Path) -> None:
    """Write configuration, float16 weights and tokenizer; ``folder`` then loads as any GPT-2 does."""
    model = over_all_ids(trained, vocabulary).half()  # type: ignore[no-untyped-call]
    end = model.config.eos_token_id
    model.generation_config = GenerationConfig(bos_token_id=end, eos_token_id=end)  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    gpt2_tokenizer.write(folder, model.config.n_positions)
