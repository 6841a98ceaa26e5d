"""CTranslate2's Generator."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, cast

from tests.benchmarks.peers import Peer
from tests.benchmarks.peers.child import main
from tests.benchmarks.workload import Precision, Prompts

DISTRIBUTIONS = ("ctranslate2",)
PRECISIONS: tuple[Precision, ...] = ("float32", "int8")
NOTE = (
    "its own converter's files; eight requests are one generate_batch; its own sampler at "
    "temperature 1; bfloat16 is left out, as few processors run it."
)


def prepare(model: Path, files: Path, precision: Precision) -> None:
    folder = files / precision
    if not folder.exists():
        converters = importlib.import_module("ctranslate2.converters")
        converter = converters.TransformersConverter(str(model))
        converter.load_tokenizer = lambda *_, **__: Numbers(model)
        converter.convert(str(folder), quantization="int8" if precision == "int8" else None)


class Numbers:
    """A tokenizer whose tokens are their ids, because prompts are ids."""

    def __init__(self, model: Path) -> None:
        from transformers import GPT2Config

        size = GPT2Config.from_pretrained(model).vocab_size
        self._vocabulary = {str(number): number for number in range(size)}
        self.bos_token = self.eos_token = self.unk_token = str(size - 1)

    def get_vocab(self) -> dict[str, int]:
        return self._vocabulary


def load(model: Path, files: Path, precision: Precision, threads: int) -> Batches:
    generator: Any = importlib.import_module("ctranslate2").Generator
    settings: dict[str, Any] = {"compute_type": precision, "inter_threads": 1, "intra_threads": threads}
    return Batches(generator(str(files / precision), "cpu", **settings))


class Batches:
    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def generate(self, prompts: Prompts, new_tokens: int) -> Prompts:
        results = self._generator.generate_batch(
            [[str(token) for token in prompt] for prompt in prompts],
            include_prompt_in_result=False,
            min_length=new_tokens,  # the end of text cannot come earlier
            max_length=new_tokens,
            sampling_topk=0,
            sampling_temperature=1,
        )
        return [result.sequences_ids[0] for result in results]


if __name__ == "__main__":
    main(cast("Peer", sys.modules[__name__]))
