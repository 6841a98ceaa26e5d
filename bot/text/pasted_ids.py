"""Token ids as people paste them: lists, tensors, what a tokenizer printed. Pure."""

from __future__ import annotations

import regex

# What a tokenizer of transformers returns has more lists in it, such as the attention mask.
_INPUT_IDS = regex.compile(r"""input_ids["']?\s*[:=](?P<ids>.*?)(?:["']\w+["']\s*:|$)""", regex.DOTALL)
_ARGUMENT = regex.compile(
    r"""\b(?:device|dtype|shape|requires_grad)\s*=\s*(?:'[^']*'|"[^"]*"|\([^()]*\)|[\w.]+)"""
)
_WRAPPER = regex.compile(
    r"""\b(?:(?:torch|np|numpy|jnp|tf)\.)?
        (?:numpy\s*=\s*)?
        (?:(?:[tT]ensor|LongTensor|IntTensor|[aA]rray|list|tuple|set)(?=\s*\()|Tensor:|BatchEncoding:|(?:\w+_)?(?:ids|tokens)["']?\s*[:=])""",
    regex.VERBOSE,
)
# Pages and programs have marks between numbers that nobody sees.
_SEPARATORS = regex.compile(r"""(?:[\s\p{Cf},;|/\[\](){}<>"'`#→、،，；]|\\n)+""")


def words(text: str) -> list[str]:
    """What should each be an id in ``text``, in order."""
    if (found := _INPUT_IDS.search(text)) is not None:
        text = found["ids"]
    bare = _WRAPPER.sub(" ", _ARGUMENT.sub(" ", text))
    return [word for word in _SEPARATORS.split(bare) if word]
