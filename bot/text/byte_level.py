"""How tokens are spelt elsewhere: a space as Ġ or ▁, and each byte as a letter of its own. Pure.

GPT-2's ``vocab.json`` has ``Ġwill`` for " will" and ``Ã©`` for the two bytes of "é":
a byte that cannot be printed is there the next letter from U+0100 on.
"""

from __future__ import annotations

_PRINTABLE = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
_BYTES = {chr(byte): byte for byte in _PRINTABLE} | {
    chr(256 + place): byte for place, byte in enumerate(_OTHERS)
}
_SPACE = "▁"  # of SentencePiece


def readings(spelling: str) -> list[str]:
    """The texts that ``spelling`` may stand for elsewhere, but for itself.

    Bytes that are no character are lone surrogates.
    """
    read = [spelling.replace(_SPACE, " ")]
    # A single letter of Latin-1 is rather itself than a byte.
    if all(letter in _BYTES for letter in spelling) and (len(spelling) > 1 or spelling > "\xff"):
        read.append(bytes(map(_BYTES.__getitem__, spelling)).decode(errors="surrogateescape"))
    return [text for text in read if text != spelling]
