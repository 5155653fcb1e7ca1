"""What came of each theorem of a run: ``results.jsonl``, one JSON object a line, appended durably.

A line is the commit point of a theorem: it is written last, after the proof and the trajectory. A line without its
line break is what a kill left; readers drop it, and whoever opens the file for writing cuts it off.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

from proofsearch import storage
from proofsearch.errors import RunFolderError
from proofsearch.protocols.results import TheoremResult
from proofsearch.runs.fields import from_json, shown
from proofsearch.runs.layout import read_bytes

PROOFS = "proofs"
"""The run folder's folder of written proofs."""

_MOST = 10**15
"""More seconds, states or bytes than any search took."""

STATUS = ("proved", "finished", "exhausted", "limit", "cancelled", "failed")
"""How a search can end."""


def to_line(result: TheoremResult) -> bytes:
    """The result as a line of ``results.jsonl``, with its line break. ``proved`` is added for other tools."""
    values = dataclasses.asdict(result) | {"proved": result.proved}
    return json.dumps(values, allow_nan=False).encode("ascii") + b"\n"


def from_line(line: bytes) -> TheoremResult:
    """Reads a line back.

    Raises:
        ValueError: not a result; the message names the field.
    """
    result, derived = from_json(TheoremResult, line, derived=("proved",))
    if result.status not in STATUS:
        raise ValueError(f"status: expected one of {', '.join(STATUS)}, found {shown(result.status)}")
    for entry in dataclasses.fields(result):
        value = getattr(result, entry.name)
        numbers = value.values() if isinstance(value, Mapping) else [value] if entry.name != "seed" else []
        for number in numbers:
            if isinstance(number, int | float) and not 0 <= number <= _MOST:
                raise ValueError(f"{entry.name}: expected a number from 0 to {_MOST:g}, found {shown(number)}")
    _check_proof_file(result.proof_file)
    if derived and derived["proved"] is not result.proved:
        raise ValueError(f"proved is {shown(derived['proved'])} but the verdict says {shown(result.proved)}")
    return result


def _check_proof_file(name: str) -> None:
    """Refuses a proof that could lie anywhere but in the run's own folder of proofs."""
    if not name:
        return
    folder, slash, file = name.partition("/")
    if folder != PROOFS or not slash or not file or file in (".", "..") or any(mark in file for mark in "/\\\0"):
        raise ValueError(f"proof_file: expected a file in {PROOFS}/, found {shown(name)}")


def read_results(path: Path) -> tuple[dict[str, TheoremResult], int]:
    """Reads a result file.

    Returns:
        The results by theorem, in the order in which they were committed (the last one where a failed theorem was
        tried again), and the length in bytes of the whole lines.

    Raises:
        RunFolderError: missing, unreadable, or damaged before its last line; the message names the line.
    """
    content = read_bytes(path)
    whole = content.rfind(b"\n") + 1
    results: dict[str, TheoremResult] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(content[:whole].split(b"\n")[:-1], start=1):
        try:
            result = from_line(line)
            earlier = results.pop(result.theorem, None)
            if earlier is not None and not earlier.failure:
                raise ValueError(f"a second result of {result.theorem!r}, besides line {lines[result.theorem]}")
        except ValueError as error:
            raise RunFolderError(
                f"{path}:{number}: damaged: {error}; delete this line to have its theorem searched again with --resume"
            ) from None
        results[result.theorem] = result
        lines[result.theorem] = number
    return results, whole


class ResultLog:
    """``results.jsonl`` open for appending. One process at a time: the run folder's lock sees to that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[str, TheoremResult] = {}
        self._descriptor = -1
        self._length = 0

    def open(self) -> None:
        """Reads what is there and cuts off what a kill left.

        Raises:
            RunFolderError: as :func:`read_results`.
            OSError: the file can't be opened for writing.
        """
        self.results, self._length = read_results(self.path)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._length = storage.append(self._descriptor, b"", at=self._length)

    def append(self, result: TheoremResult) -> None:
        """Commits a result.

        Raises:
            OSError: it was not written; the log is as before.
        """
        self._length = storage.append(self._descriptor, to_line(result), at=self._length)
        self.results.pop(result.theorem, None)
        self.results[result.theorem] = result

    def close(self) -> None:
        """Closes the file. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
