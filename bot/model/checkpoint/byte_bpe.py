"""A tokenizer.json → what the bot needs to cut texts as it does, or why it cannot. Pure.

tiktoken merges the two neighbours whose bytes together have the lowest rank; a tokenizer.json
lists which two. Both always agree where each token's own bytes, merged by the ranks below its
own, end as the two that the list has for it: then the neighbours that come to be merged are
those two, whatever stands around them. So that is checked for every token.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from bot.model.checkpoint.gpt2_tokenizer import END_OF_TEXT, recover_merges, spell
from bot.model.protocol import AddedToken, Tokenizer

_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# That of the file r50k_base.tiktoken, which has GPT-2's tokens in the order of their merging.
_GPT2_MERGED = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"
_GPT2_SIZE = 50_257
_MOST_CHARACTERS = 8 * 2**20  # half of what a frame to the bot may hold

Json = Mapping[str, Any]


class OtherTokenizer(Exception):
    """It cannot be reproduced; the message is what a sentence says of it that begins with "its tokenizer"."""


def check_kind(tokenizer: Json) -> None:
    """OtherTokenizer unless it is a byte-level BPE that cuts a text into words as GPT-2's does."""
    model = tokenizer["model"]
    kind = model.get("type") or ("BPE" if "merges" in model else "Unigram")
    if kind != "BPE":
        raise OtherTokenizer(f"is a {kind} model")
    if normalizers := _parts(tokenizer.get("normalizer"), "normalizers"):
        raise OtherTokenizer(f"changes a text before it cuts it ({normalizers[0].get('type')})")
    _prefix_space(tokenizer)
    if model.get("dropout"):
        raise OtherTokenizer("leaves merges out at random (dropout)")
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        raise OtherTokenizer("marks the parts of a word")


def described(tokenizer: Json, size: int) -> Tokenizer | None:
    """What the bot needs of it for a model of ``size`` ids; None if it is GPT-2's own.

    Raises OtherTokenizer, or an error of Python's for what is no tokenizer.json.
    """
    check_kind(tokenizer)
    if [step["type"] for step in _parts(tokenizer.get("decoder"), "decoders")] != ["ByteLevel"]:
        raise OtherTokenizer("has a decoder that does not turn tokens into bytes")
    model = tokenizer["model"]
    vocabulary: dict[str, int] = model["vocab"]
    # Those that the model has no row for can be neither read nor written.
    added = [token for token in tokenizer.get("added_tokens", ()) if token["id"] < size]
    forms = {form: id_ for form, id_ in vocabulary.items() if id_ < size}
    forms |= {token["content"]: token["id"] for token in added}
    if len(set(forms.values())) < len(forms):
        raise OtherTokenizer("has two tokens with one id")
    merged = list(_merged(model, vocabulary))
    if (last := max(vocabulary[form] for form in merged)) >= size:
        raise OtherTokenizer(f"has a token {last:,}, but the model ends at {size - 1:,}")
    unmerged = {form: forms[form] for form in forms.keys() - set(merged)}
    if model.get("ignore_merges") and not unmerged.keys() <= {token["content"] for token in added}:
        raise OtherTokenizer("has words that are not merged from two tokens")
    found = Tokenizer(
        size=size,
        merged=_lines((_bytes(form), vocabulary[form]) for form in merged),
        unmerged=_lines((_bytes(form), id_) for form, id_ in sorted(unmerged.items(), key=_by_id)),
        added=tuple(_added(token) for token in added if token["content"] != END_OF_TEXT),
        prefix_space=_prefix_space(tokenizer),
    )
    if len(found.merged) + len(found.unmerged) > _MOST_CHARACTERS:
        raise OtherTokenizer("is too large")
    return None if _is_gpt2s(found) else found


def _is_gpt2s(found: Tokenizer) -> bool:
    """Whether it is GPT-2's, with not one id more."""
    return (
        found.size == _GPT2_SIZE
        and hashlib.sha256(found.merged.encode()).hexdigest() == _GPT2_MERGED
        and found.unmerged == _lines([(END_OF_TEXT.encode(), _GPT2_SIZE - 1)])
        and not found.added
        and not found.prefix_space
    )


def _merged(model: Json, vocabulary: Mapping[str, int]) -> Iterator[str]:
    """The tokens that texts are made of: the single bytes, then in the order in which they are merged."""
    letters = [letter for letter in _letters() if letter in vocabulary]
    if missing := len(_letters()) - len(letters):
        raise OtherTokenizer(f"lacks tokens for {missing} of the 256 bytes")
    letters.sort(key=vocabulary.__getitem__)
    pairs: dict[str, tuple[str, str]] = {}
    for merge in model["merges"]:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        if not {left, right, left + right} <= vocabulary.keys():
            raise OtherTokenizer("merges tokens that it does not have")
        pairs.setdefault(left + right, (left, right))
    ranks = {_bytes(form): rank for rank, form in enumerate((*letters, *pairs))}
    try:
        same = recover_merges(ranks) == [(_bytes(left), _bytes(right)) for left, right in pairs.values()]
    except ValueError:
        same = False
    if not same:
        raise OtherTokenizer("merges tokens in an order that depends on more than their ranks")
    return iter((*letters, *pairs))


def _prefix_space(tokenizer: Json) -> bool:
    """Whether a space is put before a text that has none; OtherTokenizer if it cuts words in another way."""
    match _parts(tokenizer.get("pre_tokenizer"), "pretokenizers"):
        case [{"type": "ByteLevel", **rest}] if rest.get("use_regex", True):
            return bool(rest.get("add_prefix_space", True))
        case [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
        ] if pattern == _PATTERN:
            return False
    raise OtherTokenizer("cuts a text into words in another way than GPT-2's")


def _parts(step: Any, name: str) -> list[Json]:
    """The steps in a sequence of them, or the only one."""
    if step is None:
        return []
    if step["type"] == "Sequence":
        return [part for inner in step[name] for part in _parts(inner, name)]
    return [step]


def _added(token: Json) -> AddedToken:
    return AddedToken(
        token_id=token["id"],
        text=token["content"],
        special=bool(token.get("special")),
        first=not token.get("normalized", False),
        whole_word=bool(token.get("single_word")),
        takes_left=bool(token.get("lstrip")),
        takes_right=bool(token.get("rstrip")),
    )


def _bytes(form: str) -> bytes:
    """What a token stands for: a byte a letter, or itself if it has other signs, as decoders do it."""
    letters = _letters()
    try:
        return bytes(letters[letter] for letter in form)
    except KeyError:
        return form.encode()


@cache
def _letters() -> dict[str, int]:
    return {spell(bytes([byte])): byte for byte in range(256)}


def _lines(tokens: Iterable[tuple[bytes, int]]) -> str:
    return "".join(f"{b64encode(data).decode()} {id_}\n" for data, id_ in tokens)


def _by_id(pair: tuple[str, int]) -> int:
    return pair[1]
