"""Messages survive the wire; anything else on it is recognised as broken."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import wire
from bot.model.protocol import Message
from bot.model.wire import ProtocolError, body_length, decode, encode

messages = st.one_of([st.from_type(message) for message in get_args(Message)])


@given(messages)
def test_decoding_undoes_encoding(message: Message) -> None:
    frame = encode(message)
    header, body = frame[:4], frame[4:]

    assert body_length(header) == len(body)
    assert repr(decode(body)) == repr(message)  # by text, for nan is not equal to itself


@given(st.binary(max_size=200))
def test_other_bytes_are_no_message(body: bytes) -> None:
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
def test_a_message_with_other_fields_is_none(body: object) -> None:
    with pytest.raises(ProtocolError):
        decode(json.dumps(body).encode())


@pytest.mark.parametrize("digits", [400, 5_000])
def test_a_number_that_no_field_can_hold_is_no_message(digits: int) -> None:
    with pytest.raises(ProtocolError):
        decode(
            b'{"type": "Similar", "lookup_id": "a", "tokens": [{"token_id": 1, "cosine": %s}]}'
            % (b"9" * digits)
        )


def test_what_is_no_message_is_not_repeated_for_it_may_be_a_text() -> None:
    with pytest.raises(ProtocolError, match=r"^22 bytes that are no message$") as error:
        decode(b'{"secret": "London was')
    assert "London" not in str(error.value)


@pytest.mark.parametrize("length", [0, wire.MAX_FRAME_BYTES + 1, 2**32 - 1])
def test_an_absurd_length_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(ProtocolError):
        body_length(wire.HEADER.pack(length))
