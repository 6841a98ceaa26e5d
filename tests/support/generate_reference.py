"""The texts of transformers' ``generate``, in a process of its own.

    python -m tests.support.generate_reference FOLDER < cases.json > texts.json

A case is [prompt ids, settings]; a text is the list of new ids.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from transformers import GPT2LMHeadModel, set_seed
from transformers.utils import logging


def main() -> None:
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)
    model: Any = GPT2LMHeadModel.from_pretrained(sys.argv[1], dtype=torch.float32)
    texts = []
    for prompt, params in json.load(sys.stdin):
        ids = torch.tensor([prompt])
        sampled = {"do_sample": False}
        if params["temperature"] > 0:
            names = ("temperature", "top_k", "top_p")
            sampled = {"do_sample": True} | {name: params[name] for name in names}
        set_seed(params["seed"])
        text = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=params["max_new_tokens"],
            eos_token_id=50256,
            pad_token_id=50256,
            **sampled,
        )
        texts.append(text[0, len(prompt) :].tolist())
    json.dump(texts, sys.stdout)


if __name__ == "__main__":
    main()
