"""What the bot knows about the loaded model: its size, its tokenizer, and what its texts depend on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs, to_builtins

Precision = Literal["float32", "bfloat16", "int8"]
Count = Annotated[int, Meta(ge=0)]

GPT2_LARGE = "openai-community/gpt2-large"  # the worker pins its revision
GPT2_ENCODING = "gpt2"
END_OF_TEXT = 50_256  # the token id that ends a text, unless the model names others
_ROOT = re.compile(r"^(~[^/\\]*|[A-Za-z]:)")  # where a path may begin: a home folder, a Windows drive


class Fingerprint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a text depends on besides its request.

    ``weights`` changes with the weights or their configuration, ``engine`` with whatever may alter a bit
    of what a request gives. ``encoding`` is what the token ids mean: GPT-2's own, or
    :attr:`Tokenizer.identity`. A text ends at any of the ids ``ends``. Texts of before engine 4 also
    depended on the kind of ``processor`` and on the version of ``torch``.
    """

    weights: str
    precision: Precision
    processor: str = ""
    torch: str = ""
    engine: int
    encoding: str = GPT2_ENCODING
    ends: tuple[int, ...] = (END_OF_TEXT,)

    def __str__(self) -> str:
        """Twelve hex digits that stand for all of it."""
        return hashlib.sha256(json.dumps(self.stored()).encode()).hexdigest()[:12]

    def stored(self) -> dict[str, object]:
        """Return the fields that are not as with GPT-2: what was stored before other models stays true."""
        defaults = _defaults(type(self))
        return {name: value for name, value in structs.asdict(self).items() if value != defaults[name]}


@cache
def _defaults(kind: type[Fingerprint]) -> Mapping[str, object]:
    # msgspec reads the annotations each time, which takes longer than all else about storing a run.
    return {field.name: field.default for field in structs.fields(kind)}


class AddedToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A token such as ``<|user|>``, found in a text as it is written, before the rest is split.

    Tokens with ``first`` are looked for before the others. ``special`` ones are no part of
    a text. The other fields are those of :class:`tokenizers.AddedToken`.
    """

    token_id: Count
    text: str
    special: bool
    first: bool
    whole_word: bool
    takes_left: bool
    takes_right: bool


class Tokenizer(Struct, frozen=True, forbid_unknown_fields=True):
    """A byte-level BPE other than GPT-2's own, which splits a text into words as GPT-2's does.

    ``merged`` has one line per token, as tiktoken's files do: its bytes in base64 and its
    id, in the order of merging. ``unmerged`` lists in the same form the tokens that no text
    is made of. Ids below ``size`` that are in neither stand for nothing: a table of weights
    may have more rows than there are tokens. With ``prefix_space`` every text gets a space
    before it.
    """

    size: Count
    merged: str
    unmerged: str
    added: tuple[AddedToken, ...]
    prefix_space: bool

    @property
    def identity(self) -> str:
        """The same for two tokenizers that give every text the same ids."""
        return "bpe:" + hashlib.sha256(json.dumps(to_builtins(self)).encode()).hexdigest()[:16]


class ModelInfo(Struct, frozen=True, forbid_unknown_fields=True):
    """The loaded model. ``memory``, in bytes, is what its process had to itself after loading.

    ``brings_tokenizer`` says whether a tokenizer's files are beside the weights.
    """

    name: str
    revision: str | None
    parameters: Count
    layers: Count
    heads: Count
    width: Count
    context: Count
    vocabulary: Count
    precision: Precision
    device: str
    threads: Count
    memory: Count
    fingerprint: Fingerprint
    brings_tokenizer: bool = True

    @property
    def encoding(self) -> str:
        """What its token ids mean."""
        return self.fingerprint.encoding

    @property
    def title(self) -> str:
        """The hub model's name without its owner; the folder's without its path, which is the operator's."""
        parts: list[str] = []
        for part in re.split(r"[/\\]", _ROOT.sub("", self.name)):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        return parts[-1] if parts else "local model"
