"""The messages between clients and the server.

They are those of OpenEnv's ``/ws``: a JSON object a message, with ``type`` and ``data``.

============  ==========================================  ====================================================
type          data of the request                         answer
============  ==========================================  ====================================================
``reset``     ``theorem``, or ``seed`` and ``split``      ``observation``
``step``      ``tactic``                                  ``observation``
``state``                                                 ``state``: ``episode_id``, ``step_count``, ``theorem``
``close``                                                 none: the connection is closed
``theorems``  ``split``                                   ``theorems``: ``names``
``many``      a list of the four first                    ``many``: the list of their answers, in order
============  ==========================================  ====================================================

The last two are ours, and so is ``session``, a number beside ``type``: a connection can have many sessions, and where
none is named it is number 0. ``close`` with a session ends that session alone, and answers ``closed``. What can't be
done is answered by ``error`` with a ``code`` of :class:`Code` and a ``message``; the connection stays open.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import Any

from proofsearch_rl.theorems import SPLITS


class Code(enum.StrEnum):
    """Why a request was not done; the codes are OpenEnv's."""

    INVALID_JSON = "INVALID_JSON"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    EXECUTION_ERROR = "EXECUTION_ERROR"
    CAPACITY_REACHED = "CAPACITY_REACHED"
    SESSION_ERROR = "SESSION_ERROR"


class RequestError(Exception):
    """A request that can't be done; its message is for whoever sent it.

    Args:
        code: which kind of reason.
        message: the reason.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client.

    Attributes:
        type: what is wanted.
        session: the number of the session, as the client counts; ``None`` where none was named.
        data: what goes with it.
    """

    type: str
    session: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


_FIELDS: dict[str, dict[str, type]] = {
    "reset": {"theorem": str, "seed": int, "split": str, "episode_id": str},
    "step": {"tactic": str, "metadata": dict},  # every OpenEnv action has metadata
    "state": {},
    "close": {},
    "theorems": {"split": str},
}
"""By type what its data may hold."""


def read(text: str | bytes) -> Request | list[Request | RequestError]:
    """A message of a client; a list where it is ``many``, with the error of each that can't be read.

    Raises:
        RequestError: it is no such message.
    """
    if isinstance(text, bytes):
        raise RequestError(Code.INVALID_JSON, "a message is JSON as text, and this one was sent as bytes")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(Code.INVALID_JSON, f"a message is a JSON object: {error}") from None
    if not isinstance(message, dict):
        raise RequestError(Code.INVALID_JSON, f"a message is a JSON object, found {_kind(message)}")
    if message.get("type") != "many":
        return _request(message)
    parts = message.get("data")
    if not isinstance(parts, list):
        raise RequestError(Code.VALIDATION_ERROR, f"data of many: expected a list, found {_kind(parts)}")
    return [_part(part) for part in parts]


def _part(message: object) -> Request | RequestError:
    try:
        if not isinstance(message, dict):
            raise RequestError(Code.VALIDATION_ERROR, f"many holds JSON objects, found {_kind(message)}")
        request = _request(message)
        if request.type == "close" and request.session is None:
            raise RequestError(Code.VALIDATION_ERROR, "close among many: name the session")
    except RequestError as error:
        return error
    return request


def _request(message: dict[str, Any]) -> Request:
    kind = message.get("type")
    fields = _FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        shown = repr(kind)[:80]
        raise RequestError(Code.UNKNOWN_TYPE, f"type {shown}: expected {', '.join((*_FIELDS, 'many'))}")
    assert isinstance(kind, str)
    if extra := message.keys() - {"type", "data", "session"}:
        raise RequestError(Code.VALIDATION_ERROR, f"{kind} has no {sorted(map(str, extra))[0][:80]!r}")
    session = message.get("session")
    if session is not None and (type(session) is not int or session < 0):
        raise RequestError(Code.VALIDATION_ERROR, f"session: expected a number from 0, found {_kind(session)}")
    data = message.get("data", {})
    if not isinstance(data, dict):
        raise RequestError(Code.VALIDATION_ERROR, f"data of {kind}: expected a JSON object, found {_kind(data)}")
    for key, value in data.items():
        if key not in fields:
            known = ", ".join(fields) or "nothing"
            raise RequestError(Code.VALIDATION_ERROR, f"data of {kind} has no {key[:80]!r}; it may have {known}")
        if value is not None and type(value) is not fields[key]:
            expected = _NAMES[fields[key]]
            raise RequestError(Code.VALIDATION_ERROR, f"{key} of {kind}: expected {expected}, found {_kind(value)}")
    if kind == "step" and data.get("tactic") is None:
        raise RequestError(Code.VALIDATION_ERROR, "step needs a tactic")
    if data.get("split") not in (None, *SPLITS):
        raise RequestError(Code.VALIDATION_ERROR, f"split: expected {', '.join(SPLITS)}, found {data['split'][:80]!r}")
    return Request(kind, session, data)


_NAMES: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "a truth value",
    list: "a list",
    dict: "a JSON object",
    type(None): "nothing",
}


def _kind(value: object) -> str:
    return _NAMES.get(type(value), type(value).__name__)


def answer(kind: str, data: Any) -> dict[str, Any]:
    """An answer as plain data."""
    return {"type": kind, "data": data}


def error(failure: RequestError) -> dict[str, Any]:
    """The answer to what could not be done."""
    return {"type": "error", "data": {"message": str(failure), "code": str(failure.code)}}
