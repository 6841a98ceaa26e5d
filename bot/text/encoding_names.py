"""The names of the shipped encodings, and of the models that use them. Pure."""

from __future__ import annotations

import difflib
import re

import tiktoken.model

from bot.errors import UnknownEncoding

ENCODINGS = (
    "gpt2",
    "r50k_base",
    "p50k_base",
    "p50k_edit",
    "cl100k_base",
    "o200k_base",
    "o200k_harmony",
)
# Encodings that cut every text as another one does.
ALIKE = {"r50k_base": "gpt2", "p50k_edit": "p50k_base", "o200k_harmony": "o200k_base"}

_NEAR = 0.7
_SHORTEST_PART, _LONGEST = 2, 100
_OWNER = re.compile(r"^(?:openai(?:-community)?|distilbert)/")
_SIZED = re.compile(
    r"distilgpt2|gpt-?2-(?:small|medium|large|xl)"
)  # GPT-2's sizes, by their names on the hub
# Models of other makers, some with names very close to OpenAI's.
_FOREIGN = re.compile(
    r"\b(?:gpt-(?:j|neox?)|"
    r"bard|bart|(?:distil|ro|de)?bert|bloom|claude|codestral|command|deepseek|electra|falcon|gemini|gemma|glm|"
    r"granite|grok|kimi|(?:tiny|code)?llama|magistral|ministral|mistral|mixtral|mpt|nova|olmo|palm|phi|pythia|"
    r"qwen|roberta|smollm|stablelm|starcoder|vicuna|xlnet)(?![a-z])"
)


def resolved(name: str) -> str:
    """The name of the encoding that an encoding's or a model's name stands for, or UnknownEncoding."""
    wanted = _OWNER.sub("", name.strip().lower())
    if wanted in ENCODINGS:
        return wanted
    if _SIZED.fullmatch(wanted):
        return "gpt2"
    for model in (wanted, f"{wanted}-"):  # tiktoken knows model families by a prefix
        try:
            encoding = tiktoken.model.encoding_name_for_model(model)
        except KeyError:
            continue
        if encoding in ENCODINGS:
            return encoding
    nearest, is_near = _nearest(wanted)
    raise UnknownEncoding(
        name, nearest=nearest, known=() if is_near and not is_foreign(wanted) else ENCODINGS
    )


def names(prefix: str = "") -> list[str]:
    """Every known name that contains ``prefix``, encodings first."""
    models = sorted(model for model, name in tiktoken.model.MODEL_TO_ENCODING.items() if name in ENCODINGS)
    wanted = prefix.strip().lower()
    return [name for name in dict.fromkeys((*ENCODINGS, *models)) if wanted in name]


def is_foreign(name: str) -> bool:
    """Whether it is the name of another maker's model."""
    return _FOREIGN.search(name) is not None


def _nearest(name: str) -> tuple[str, bool]:
    """The closest known name, and whether it is likely the one meant."""
    parts_of = names(name) if len(name) >= _SHORTEST_PART else []
    alike = difflib.SequenceMatcher(b=name[:_LONGEST])

    def likeness(known: str) -> float:
        alike.set_seq1(known)
        return alike.ratio()

    nearest = max(parts_of or names(), key=likeness)
    return nearest, bool(parts_of) or likeness(nearest) >= _NEAR
