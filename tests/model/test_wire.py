"""Messages survive the wire; anything else on it is recognised as broken."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from bot.model import wire
from bot.model.protocol import Message
from bot.model.wire import ProtocolError, body_length, decode, encode
from tests.support.broken_frames import WHOLE, damaged

# With the lone surrogates that stand for the bytes of a path that is not UTF-8.
undecodable = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
texts = st.text(st.characters(exclude_categories=["Cs"]) | undecodable)


def values(of: inspect.Type) -> st.SearchStrategy[Any]:
    """All values that a field of this type may have."""
    match of:
        case inspect.IntType(ge=least, le=most):
            return st.integers(min_value=least, max_value=most)
        case inspect.FloatType():
            return st.floats()
        case inspect.StrType():
            return texts
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.LiteralType(values=literals):
            return st.sampled_from(literals)
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=4).map(tuple)
        case inspect.UnionType(types=types):
            return st.one_of([values(choice) for choice in types])
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: values(field.type) for field in fields})
    raise TypeError(f"a field of type {of}")


messages = values(inspect.type_info(Message))


@given(messages)
def test_decoding_undoes_encoding(message: Message) -> None:
    frame = encode(message)
    header, body = frame[:4], frame[4:]

    assert body_length(header) == len(body)
    assert repr(decode(body)) == repr(message)  # by text, because nan is not equal to itself


@given(st.binary(max_size=200))
def test_other_bytes_are_not_a_message(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(body)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "Abort"},
        {"type": "Abort", "request_id": 1},
        {"type": "Abort", "request_id": "a", "extra": 1},
        {"type": "Nonsense"},
        {"type": "Ended", "request_id": "a", "finish_reason": "tired"},
        {"type": "Stepped", "request_id": "a", "index": 0.5, "step": None},
        {"type": "Ready", "info": {"name": "gpt2"}},
        [],
        None,
    ],
)
def test_a_message_with_other_fields_is_refused(body: object) -> None:
    with pytest.raises(ProtocolError):
        decode(json.dumps(body).encode())


def changed(kind: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The body of the first message of this ``kind`` after a ``change`` to its JSON."""
    message = next(message for message in WHOLE if type(message).__name__ == kind)
    value = json.loads(encode(message)[wire.HEADER.size :])
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Submit", lambda value: value["request"].pop("scored")),
        ("Submit", lambda value: value["request"]["params"].pop("temperature")),
        ("Ready", lambda value: value.pop("tokenizer")),
        ("Ready", lambda value: value["info"].pop("brings_tokenizer")),
        ("Ready", lambda value: value["info"]["fingerprint"].pop("ends")),
    ],
)
def test_a_field_with_a_default_is_required_too(
    kind: str, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(ProtocolError):
        decode(changed(kind, change))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Submit", lambda value: value["request"]["params"].update(seed=True)),
        ("Submit", lambda value: value["request"]["params"].update(seed="7")),
        ("Submit", lambda value: value["request"]["params"].update(seed=7.0)),
        ("Submit", lambda value: value["request"].update(prompt_ids="40313")),
        ("Submit", lambda value: value["request"].update(scored=1)),
        ("Ended", lambda value: value.update(request_id=None)),
        ("Stepped", lambda value: value["step"].update(entropy="2.5")),
        ("Stepped", lambda value: value["step"].update(entropy=None)),
    ],
)
def test_no_value_is_bent_to_fit_its_field(kind: str, change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ProtocolError):
        decode(changed(kind, change))


def test_a_whole_number_is_a_number() -> None:
    stepped = decode(changed("Stepped", lambda value: value["step"].update(entropy=2)))

    assert repr(stepped).endswith("entropy=2.0))")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Stepped", lambda value: value.update(index=-1)),
        ("Stepped", lambda value: value["step"]["chosen"].update(rank=0)),
        ("Stepped", lambda value: value["step"]["candidates"][0].update(token_id=-1)),
        ("Loading", lambda value: value.update(done=-1)),
        ("Ready", lambda value: value["info"].update(memory=-1)),
    ],
)
def test_a_negative_count_from_the_worker_is_a_fault(
    kind: str, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(ProtocolError):
        decode(changed(kind, change))


def test_a_bad_request_still_travels_because_the_engine_rejects_it_alone() -> None:
    body = changed("Submit", lambda value: value["request"]["params"].update(seed=-1, top_k=-1))

    assert "seed=-1" in repr(decode(body))


@pytest.mark.parametrize("digits", [400, 5_000])
def test_a_number_too_large_for_its_field_is_refused(digits: int) -> None:
    with pytest.raises(ProtocolError):
        decode(
            b'{"type": "Similar", "lookup_id": "a", "tokens": [{"token_id": 1, "cosine": %s}]}'
            % (b"9" * digits)
        )


def test_the_fuzz_breaks_every_kind_of_message() -> None:
    assert {type(message) for message in WHOLE} == set(get_args(Message))


@pytest.mark.parametrize("frames", [3_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_broken_frame_raises_only_a_protocol_error(frames: int) -> None:
    random = Random(0)
    refused = sum(is_refused(damaged(random)) for _ in range(frames))

    assert refused > 0.8 * frames


def test_broken_or_whole_a_body_is_read_alike_quickly_and_slowly() -> None:
    random = Random(1)
    bodies = [damaged(random) for _ in range(3_000)] + [encode(each)[wire.HEADER.size :] for each in WHOLE]

    assert [said(decode, body) for body in bodies] == [said(wire._decode_slowly, body) for body in bodies]


def said(read: Callable[[bytes], Message], body: bytes) -> str:
    try:
        return repr(read(body))
    except ProtocolError:
        return "refused"


def is_refused(body: bytes) -> bool:
    """Whether the damaged body is not a message; one that still is travels like any other."""
    try:
        message = decode(body)
    except ProtocolError:
        return True
    assert type(decode(encode(message)[wire.HEADER.size :])) is type(message)
    return False


def test_the_error_does_not_repeat_the_bytes_which_may_be_a_text() -> None:
    with pytest.raises(ProtocolError, match=r"^22 bytes that are no message$") as error:
        decode(b'{"secret": "London was')
    assert "London" not in str(error.value)


@pytest.mark.parametrize("length", [0, wire.MAX_FRAME_BYTES + 1, 2**32 - 1])
def test_an_absurd_length_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(ProtocolError):
        body_length(wire.HEADER.pack(length))
