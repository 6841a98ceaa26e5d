"""GPT-2's tokenizer, derived from its byte-pair ranks alone.

The ranks (``r50k_base.tiktoken``: a base64 token and its rank per line) hold everything
that OpenAI's ``encoder.json`` and ``vocab.bpe`` did: a token's rank is its id, and the pair
it is merged from follows from the earlier ranks. ``encoder_json`` and ``vocab_bpe`` write
those two files again, byte for byte.

    python -m bot.model.checkpoint.gpt2_tokenizer FOLDER     writes tokenizer.json and tokenizer_config.json
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import tiktoken
from tiktoken_ext.openai_public import r50k_pat_str
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

END_OF_TEXT = "<|endoftext|>"
# Named as in tiktoken's cache: the SHA-1 of the URL where the ranks were published.
RANKS = Path(__file__).parents[2] / "data" / "encodings" / "0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4"

Merge = tuple[bytes, bytes]


def read_ranks(path: Path = RANKS) -> dict[bytes, int]:
    """Token bytes → rank, in ascending order, from a file in tiktoken's format."""
    pairs = (line.split() for line in path.read_bytes().splitlines() if line)
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    return dict(sorted(ranks.items(), key=lambda item: item[1]))


def encoding(path: Path = RANKS) -> tiktoken.Encoding:
    """The ranks as a tiktoken encoding, followed by ``<|endoftext|>``."""
    ranks = read_ranks(path)
    return tiktoken.Encoding(
        "gpt2", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={END_OF_TEXT: len(ranks)}
    )


def recover_merges(ranks: Mapping[bytes, int]) -> list[Merge]:
    """The pair each longer token is merged from, in the order of the ranks.

    Merging a token's bytes by the ranks below its own must end with two parts; otherwise
    a ``ValueError`` names the token.
    """
    merges: list[Merge] = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) == 1:
            continue
        parts = _merge_below(token, rank, ranks)
        if len(parts) != 2:
            raise ValueError(f"The token {token!r} of rank {rank} is not merged from two earlier ones.")
        merges.append((parts[0], parts[1]))
    return merges


def _merge_below(token: bytes, limit: int, ranks: Mapping[bytes, int]) -> list[bytes]:
    """Byte-pair encoding of one token by the ranks below ``limit``."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 1:
        joined = (left + right for left, right in pairwise(parts))
        rank, at = min((ranks.get(pair, limit), index) for index, pair in enumerate(joined))
        if rank >= limit:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


@cache
def _letters() -> dict[int, str]:
    """A visible character for every byte, as in GPT-2's ``bytes_to_unicode``.

    Printable Latin-1 characters stand for themselves; the rest start at U+0100.
    """
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in own]
    return {byte: chr(byte) for byte in own} | {byte: chr(0x100 + n) for n, byte in enumerate(others)}


def spell(token: bytes) -> str:
    """A token in GPT-2's spelling: ``b" will"`` → ``"Ġwill"``."""
    return "".join(_letters()[byte] for byte in token)


def vocabulary(ranks: Mapping[bytes, int]) -> dict[str, int]:
    """Tokens in GPT-2's spelling → ids, ``<|endoftext|>`` last."""
    return {spell(token): rank for token, rank in ranks.items()} | {END_OF_TEXT: len(ranks)}


def encoder_json(ranks: Mapping[bytes, int]) -> bytes:
    """The file ``encoder.json`` of the GPT-2 release."""
    return json.dumps(vocabulary(ranks)).encode()


def vocab_bpe(merges: list[Merge]) -> bytes:
    """The file ``vocab.bpe`` of the GPT-2 release."""
    lines = ["#version: 0.2", *(f"{spell(left)} {spell(right)}" for left, right in merges)]
    return ("\n".join(lines) + "\n").encode()


def build(ranks: Mapping[bytes, int]) -> Tokenizer:
    """The tokenizer as an object of the ``tokenizers`` library."""
    merges = [(spell(left), spell(right)) for left, right in recover_merges(ranks)]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary(ranks), merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, normalized=False, special=True)])
    return tokenizer


def write(folder: Path, context: int = 1024) -> None:
    """Write the two files that ``AutoTokenizer.from_pretrained(folder)`` reads.

    ``context`` is the longest prompt, in tokens, of the model beside them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(build(read_ranks()).to_str(), encoding="utf-8")
    settings = {
        "tokenizer_class": "GPT2Tokenizer",
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "unk_token": END_OF_TEXT,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": context,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bot.model.checkpoint.gpt2_tokenizer", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "folder", type=Path, help="where tokenizer.json and tokenizer_config.json are written"
    )
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
