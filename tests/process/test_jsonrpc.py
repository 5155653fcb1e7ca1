"""Messages come off a pipe as they were put on it; what is no message is refused, and an end is an end."""

from __future__ import annotations

import io

import pytest

from proofsearch.process.jsonrpc import Message, framed, read_message


def read(data: bytes) -> list[Message | None]:
    """All messages on a pipe, with the ``None`` at its end."""
    pipe, messages = io.BytesIO(data), []
    while True:
        messages.append(read_message(pipe.readline, pipe.read))
        if messages[-1] is None:
            return messages


def test_messages_are_read_as_they_were_written() -> None:
    first, second = {"id": 1, "method": "∀", "params": {"text": "a\r\n\r\nb"}}, {"id": 2, "result": None}
    assert read(framed(first) + framed(second)) == [{"jsonrpc": "2.0", **first}, {"jsonrpc": "2.0", **second}, None]


def test_the_length_counts_bytes_and_other_headers_are_read_over() -> None:
    assert framed({"id": "é"}) == b'Content-Length: 27\r\n\r\n{"jsonrpc":"2.0","id":"\xc3\xa9"}'
    assert read(b"Content-Type: json\r\ncontent-length:  2\r\n\r\n{}") == [{}, None]


@pytest.mark.parametrize("whole", [framed({"id": 1})])
def test_an_end_in_a_message_is_the_end(whole: bytes) -> None:
    for length in range(len(whole)):
        assert read(whole[:length]) == [None]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"Content-Type: json\r\n\r\n{}", "without its length"),
        (b"Content-Length: two\r\n\r\n{}", "two"),
        (b"Content-Length: 2\r\n\r\n[]", "no object"),
        (b"Content-Length: 2\r\n\r\n{]", "Expecting"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read(data)
