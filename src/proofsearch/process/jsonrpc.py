"""Messages of JSON-RPC on a pipe, as language servers frame them: a header with the length, then the message."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Message = dict[str, Any]
"""A JSON-RPC message, or the parameters of one."""


def framed(message: Mapping[str, Any]) -> bytes:
    """A message as it is written to the pipe; its entry ``jsonrpc`` is added."""
    body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":")).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def read_message(read_line: Callable[[], bytes], read: Callable[[int], bytes]) -> Message | None:
    """Reads the next message.

    Args:
        read_line: returns the next line with its end; ``b""`` at the end of the pipe.
        read: returns the next bytes, so many; fewer at the end of the pipe.

    Returns:
        The message; ``None`` where the pipe ends before or in it.

    Raises:
        ValueError: what comes is no message.
    """
    size = None
    while (line := read_line()) not in (b"\r\n", b"\n"):
        if not line.endswith(b"\n"):
            return None
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            size = int(value)
    if size is None:
        raise ValueError("a message without its length")
    body = read(size)
    if len(body) < size:
        return None
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")
    return message
