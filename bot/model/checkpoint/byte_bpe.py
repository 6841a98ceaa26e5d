"""A tokenizer.json → what the bot needs to tokenize as it does, or why it cannot. Pure.

tiktoken merges the two neighbours whose joined bytes have the lowest rank; a tokenizer.json
lists the pairs to merge. The two always agree if, for every token, merging its bytes by the
ranks below its own ends with exactly the pair that the list gives for it. So every token is
checked for that.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from bot.model.checkpoint.gpt2_tokenizer import END_OF_TEXT, recover_merges, spell
from bot.model.model_info import AddedToken, Tokenizer

_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# SHA-256 of r50k_base.tiktoken, which holds GPT-2's tokens in the order of their merging.
_GPT2_MERGED = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"
_GPT2_SIZE = 50_257
_MOST_CHARACTERS = 8 * 2**20  # half the limit of a frame to the bot

Json = Mapping[str, Any]


class OtherTokenizer(Exception):
    """The tokenizer cannot be reproduced; the message completes the sentence "its tokenizer …"."""


def check_kind(tokenizer: Json) -> None:
    """Raise OtherTokenizer unless it is a byte-level BPE that splits words as GPT-2's does."""
    model = tokenizer["model"]
    kind = model.get("type") or ("BPE" if "merges" in model else "Unigram")
    if kind != "BPE":
        raise OtherTokenizer(f"is a {kind} model")
    if normalizers := _parts(tokenizer.get("normalizer"), "normalizers"):
        raise OtherTokenizer(f"changes a text before splitting it ({normalizers[0].get('type')})")
    _prefix_space(tokenizer)
    if model.get("dropout"):
        raise OtherTokenizer("skips merges at random (dropout)")
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        raise OtherTokenizer("marks the parts of a word")


def described(tokenizer: Json, size: int) -> Tokenizer | None:
    """The tokenizer as the bot needs it, for a model with ``size`` ids; None if it is GPT-2's own.

    Raises OtherTokenizer, or a Python error if this is not a tokenizer.json.
    """
    check_kind(tokenizer)
    if [step["type"] for step in _parts(tokenizer.get("decoder"), "decoders")] != ["ByteLevel"]:
        raise OtherTokenizer("has a decoder that does not turn tokens into bytes")
    model = tokenizer["model"]
    vocabulary: dict[str, int] = model["vocab"]
    # Tokens without a row in the model can be neither read nor written.
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
    """Whether it is exactly GPT-2's, without an extra id."""
    return (
        found.size == _GPT2_SIZE
        and hashlib.sha256(found.merged.encode()).hexdigest() == _GPT2_MERGED
        and found.unmerged == _lines([(END_OF_TEXT.encode(), _GPT2_SIZE - 1)])
        and not found.added
        and not found.prefix_space
    )


def _merged(model: Json, vocabulary: Mapping[str, int]) -> Iterator[str]:
    """The tokens that make up texts: the single bytes, then the others in the order of merging."""
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
    """Whether a leading space is added; OtherTokenizer if words are split in another way."""
    match _parts(tokenizer.get("pre_tokenizer"), "pretokenizers"):
        case [{"type": "ByteLevel", **rest}] if rest.get("use_regex", True):
            return bool(rest.get("add_prefix_space", True))
        case [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
        ] if pattern == _PATTERN:
            return False
    raise OtherTokenizer("splits a text into words in another way than GPT-2's")


def _parts(step: Any, name: str) -> list[Json]:
    """The steps of a sequence, or the single step."""
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
    """A token's bytes, one per letter; the text itself if it has other characters, as decoders do."""
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
