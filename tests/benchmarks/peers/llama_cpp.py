"""llama.cpp through llama-cpp-python's low-level interface: each step is one batch of all sequences."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy

from tests.benchmarks.peers import Peer
from tests.benchmarks.peers.child import main
from tests.benchmarks.peers.sampling import draw
from tests.benchmarks.workload import LONG_PROMPT_TOKENS, NEW_TOKENS, TOGETHER, Precision, Prompts

DISTRIBUTIONS = ("llama-cpp-python", "gguf")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "int8")
NOTE = (
    "GGUF in F32, BF16 or Q8_0, read into its own memory; "
    "eight requests are eight sequences of one llama_batch; "
    "drawn at temperature 1 from its logits by numpy, which is faster than its own sampler."
)

TYPES = {"float32": "F32", "bfloat16": "BF16", "int8": "Q8_0"}
BATCH = 512


def prepare(model: Path, files: Path, precision: Precision) -> None:
    path = files / f"{precision}.gguf"
    if path.exists():
        return
    from transformers import GPT2Config

    gguf = importlib.import_module("gguf")
    config = GPT2Config.from_pretrained(model)
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_block_count(config.n_layer)
    writer.add_feed_forward_length(config.n_inner or 4 * config.n_embd)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_tokenizer_model("no_vocab")  # it is asked in ids
    writer.add_vocab_size(config.vocab_size)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, config.n_layer)
    for name, array in weights(model):
        kind = gguf.GGMLQuantizationType[TYPES[precision] if quantized(name) else "F32"]
        title = names.get_name(name, try_suffixes=(".weight", ".bias"))
        writer.add_tensor(title, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def weights(model: Path) -> Iterator[tuple[str, Any]]:
    """Each tensor in llama.cpp's layout: a linear layer's outputs first."""
    import torch
    from transformers import GPT2LMHeadModel

    loaded = GPT2LMHeadModel.from_pretrained(model, dtype=torch.float32)
    for name, tensor in loaded.transformer.state_dict().items():
        turned = tensor.t() if name.startswith("h.") and tensor.dim() == 2 else tensor
        yield f"transformer.{name}", turned.contiguous().numpy()


def quantized(name: str) -> bool:
    """Whether llama.cpp's own converter would write this tensor in the chosen type."""
    return name.endswith(".weight") and "ln_" not in name and "wpe" not in name


def load(model: Path, files: Path, precision: Precision, threads: int) -> Sequences:
    return Sequences(files / f"{precision}.gguf", threads)


class Sequences:
    """The model with two contexts: for one sequence of any length, and for eight short ones.

    Others are made when they are needed, one at a time.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._llama = llama = importlib.import_module("llama_cpp")
        self._quiet = llama.llama_log_callback(lambda *_: None)  # keep a reference, as C does not
        llama.llama_log_set(self._quiet, None)
        llama.llama_backend_init()
        parameters = llama.llama_model_default_params()
        # Into its own memory, as the worker does: pages of a file that has been cached
        # for long can be faster than new ones.
        parameters.use_mmap = False
        self._model = llama.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        self._threads = threads
        self._contexts = {
            1: (2 * LONG_PROMPT_TOKENS, self._context(1, 2 * LONG_PROMPT_TOKENS)),
            TOGETHER: (4 * NEW_TOKENS, self._context(TOGETHER, 4 * NEW_TOKENS)),
        }
        self._vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self._model))

    def _context_for(self, sequences: int, tokens: int) -> Any:
        """A context of ``sequences`` sequences with room for ``tokens`` each."""
        room, context = self._contexts.get(sequences, (0, None))
        if tokens > room:
            for _, other in self._contexts.values():
                self._llama.llama_free(other)
            context = self._context(sequences, tokens)
            self._contexts = {sequences: (tokens, context)}
        return context

    def _context(self, sequences: int, tokens: int) -> Any:
        llama = self._llama
        parameters = llama.llama_context_default_params()
        parameters.n_ctx = sequences * tokens
        parameters.n_batch = max(BATCH, sequences * tokens)  # the most tokens of all prompts together
        parameters.n_ubatch = BATCH
        parameters.n_seq_max = sequences
        parameters.n_threads = parameters.n_threads_batch = self._threads
        parameters.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_AUTO
        parameters.kv_unified = False  # separate keys for each sequence: faster than one pool with a mask
        context = llama.llama_init_from_model(self._model, parameters)
        if not context:
            raise RuntimeError("llama.cpp cannot make a context")
        return context

    def generate(
        self, prompts: Prompts, new_tokens: int, on_step: Callable[[], None] = lambda: None
    ) -> Prompts:
        llama = self._llama
        context = self._context_for(len(prompts), max(map(len, prompts)) + new_tokens)
        batch = llama.llama_batch_init(sum(map(len, prompts)), 0, 1)
        llama.llama_memory_clear(llama.llama_get_memory(context), True)
        made: Prompts = [[] for _ in prompts]
        news, starts = prompts, [0] * len(prompts)
        for _ in range(new_tokens):
            tokens = self._step(context, batch, news, starts)
            on_step()
            starts = [start + len(new) for start, new in zip(starts, news, strict=True)]
            news = [[token] for token in tokens]
            made = [[*before, token] for before, token in zip(made, tokens, strict=True)]
        llama.llama_batch_free(batch)
        return made

    def _step(self, context: Any, batch: Any, news: Prompts, starts: list[int]) -> list[int]:
        """The next token of each sequence; ``news`` has its tokens not yet read."""
        llama = self._llama
        batch.n_tokens = 0
        last: list[int] = []
        for row, (new, start) in enumerate(zip(news, starts, strict=True)):
            for at, token in enumerate(new):
                place = batch.n_tokens
                batch.token[place] = token
                batch.pos[place] = start + at
                batch.n_seq_id[place] = 1
                batch.seq_id[place][0] = row
                batch.logits[place] = at == len(new) - 1
                batch.n_tokens += 1
            last.append(batch.n_tokens - 1)
        if llama.llama_decode(context, batch) != 0:
            raise RuntimeError("llama.cpp cannot decode")
        logits = [llama.llama_get_logits_ith(context, place) for place in last]
        return draw(numpy.stack([numpy.ctypeslib.as_array(row, (self._vocabulary,)) for row in logits]))


if __name__ == "__main__":
    main(cast("Peer", sys.modules[__name__]))
