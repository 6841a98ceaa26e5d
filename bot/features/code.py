"""A run as a Python program that prints the same text without the bot. Pure."""

from __future__ import annotations

from typing import Literal

from bot.features.complete import CompletionRun
from bot.model.model_info import ModelInfo
from bot.model.protocol import SamplingParams

_COMMENT = 60  # characters of the prompt beside its ids
_GPT2 = "'openai-community/gpt2'"
SHIPPED = "bot/data/demo-model"  # in the project's folder

Home = Literal["hub", "project", "folder"]
"""Where a program finds the model: on the hub, in the project's folder, or in a folder next to itself."""


def script(run: CompletionRun, prompt: str, model: ModelInfo) -> str:
    """Return Python code that prints the run's ``prompt`` and everything after it.

    It loads ``model``, the one that wrote the run if :func:`is_its_own`, and computes in
    float32; a run of another precision may differ. The tokenizer and generation settings in
    the model's folder don't matter: the program has its own ids and settings.
    """
    kept = max(run.by_hand, default=-1) + 1
    written = len(run.steps) - kept
    lines = [
        *_heading(run, model),
        "import torch",
        f"from transformers import {', '.join(_imported(run.params, written))}",
        "",
        *_tokenizer(model),
        *_ids(run, prompt, kept),
    ]
    if written:
        lines += [
            "",
            f"model = GPT2LMHeadModel.from_pretrained({_arguments(model)}, dtype=torch.float32)",
            *_seeding(run.params, kept),
            *_generation(run, written),
        ]
    return "\n".join([*lines, "print(tokenizer.decode(ids[0], clean_up_tokenization_spaces=False))", ""])


def is_its_own(run: CompletionRun, model: ModelInfo) -> bool:
    """Return whether the whole run was written with ``model``'s weights."""
    return run.fingerprint.weights == model.fingerprint.weights and not run.mixed


def home(model: ModelInfo) -> Home:
    """Return where the program finds ``model``."""
    if model.revision is not None:
        return "hub"
    path = model.name.replace("\\", "/").rstrip("/")
    return "project" if f"/{path}".endswith(f"/{SHIPPED}") else "folder"


def _imported(params: SamplingParams, written: int) -> list[str]:
    if not written:
        return ["AutoTokenizer"]
    names = ["AutoTokenizer", "GenerationConfig", "GPT2LMHeadModel"]
    return [*names, *(["set_seed"] if params.temperature > 0 else [])]


def _heading(run: CompletionRun, model: ModelInfo) -> list[str]:
    made = run.fingerprint
    lines = [f"# Prints a text that was written in {made.precision}; fingerprint {made}."]
    if not is_its_own(run, model):
        lines.append("# The text, or part of it, was written by another model than the one named here.")
    match home(model):
        case "project":
            lines.append(f"# The model is in {SHIPPED}: run this in the project's folder.")
        case "folder":
            lines.append(
                "# The model is a folder next to this program: ask the people who run the bot for it."
            )
        case "hub":
            pass
    return [*lines, ""]


def _arguments(model: ModelInfo) -> str:
    match home(model):
        case "project":
            return _literal(SHIPPED)
        case "folder":  # only its name, since the path is the operator's business
            return _literal(model.title)
        case "hub":
            return f"{_literal(model.name)}, revision={_literal(model.revision or '')}"


def _tokenizer(model: ModelInfo) -> list[str]:
    if model.brings_tokenizer:
        return [f"tokenizer = AutoTokenizer.from_pretrained({_arguments(model)})"]
    return [f"tokenizer = AutoTokenizer.from_pretrained({_GPT2})  # the model has none, so this is GPT-2's"]


def _ids(run: CompletionRun, prompt: str, kept: int) -> list[str]:
    """Write the prompt's ids, then the tokens up to the last hand-picked one."""
    shown = prompt if len(prompt) <= _COMMENT else prompt[:_COMMENT] + "…"
    lines = [f"ids = torch.tensor([{list(run.prompt_ids)}])  # {_literal(shown)}"]
    if kept:
        lines += [
            "# The last of these tokens was picked by hand.",
            f"ids = torch.cat([ids, torch.tensor([{list(run.token_ids[:kept])}])], dim=1)",
        ]
    return lines


def _seeding(params: SamplingParams, kept: int) -> list[str]:
    if params.temperature == 0:
        return []
    lines = [f"set_seed({params.seed})"]
    if kept:
        lines += [
            f"for _ in range({kept}):  # each of those tokens used up one of the seed's draws",
            "    torch.empty(1, model.config.vocab_size).exponential_()",
        ]
    return lines


def _generation(run: CompletionRun, written: int) -> list[str]:
    params, ends = run.params, run.fingerprint.ends
    if params.temperature == 0:
        how = ["    do_sample=False,"]
    else:
        how = [
            "    do_sample=True,",
            f"    temperature={params.temperature!r},",
            f"    top_k={params.top_k},",
            f"    top_p={params.top_p!r},",
        ]
    if ends:
        how.append(f"    eos_token_id={ends[0] if len(ends) == 1 else list(ends)},")
    return [
        "# Replaces everything the model's own files set, such as a repetition penalty.",
        "model.generation_config = GenerationConfig(",
        *how,
        f"    max_new_tokens={written},",
        ")",
        "ids = model.generate(",
        "    ids, attention_mask=torch.ones_like(ids), generation_config=model.generation_config",
        ")",
    ]


def _literal(text: str) -> str:
    """Write ``text`` as a Python literal without backticks, which could end the code block around it."""
    return repr(text).replace("`", "\\x60")
