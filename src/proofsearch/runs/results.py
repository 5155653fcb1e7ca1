"""What came of each theorem of a run: ``results.jsonl``, one JSON object a line, appended durably.

A line is the commit point of a theorem: it is written last, after the proof and the trajectory. A line without its
line break is what a kill left; readers drop it, and whoever opens the file for writing cuts it off.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_BOUNDED = tuple(entry.name for entry in dataclasses.fields(TheoremResult) if entry.name != "seed")
"""Fields whose numbers, if they hold any, are counted or measured."""

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
    for name in _BOUNDED:
        value = getattr(result, name)
        kind = type(value)
        if kind is int or kind is float:
            _check_number(name, value)
        elif kind is dict:
            for number in value.values():
                _check_number(name, number)
    _check_proof_file(result.proof_file)
    if derived and derived["proved"] is not result.proved:
        raise ValueError(f"proved is {shown(derived['proved'])} but the verdict says {shown(result.proved)}")
    return result


def _check_number(name: str, number: float) -> None:
    if not 0 <= number <= _MOST:
        raise ValueError(f"{name}: expected a number from 0 to {_MOST:g}, found {shown(number)}")


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
    results: dict[str, TheoremResult] = {}
    for _, result in _lines(path, content):
        results.pop(result.theorem, None)
        results[result.theorem] = result
    return results, _whole(content)


def _whole(content: bytes) -> int:
    """The length of the lines that are whole."""
    return content.rfind(b"\n") + 1


def _lines(path: Path, content: bytes) -> Iterator[tuple[int, TheoremResult]]:
    """Each whole line of a result file: where it begins, and its result.

    Raises:
        RunFolderError: damaged; the message names the line.
    """
    lines: dict[str, int] = {}
    failed: set[str] = set()
    start, number = 0, 0
    while start < _whole(content):
        end, number = content.index(b"\n", start), number + 1
        try:
            result = from_line(content[start:end])
            name = result.theorem
            if name in lines and name not in failed:
                raise ValueError(f"a second result of {name!r}, besides line {lines[name]}")
        except ValueError as error:
            raise RunFolderError(
                f"{path}:{number}: damaged: {error}; delete this line to have its theorem searched again with --resume"
            ) from None
        lines[name] = number
        failed.discard(name)
        if result.failure:
            failed.add(name)
        yield start, result
        start = end + 1


class StoredResults(Mapping[str, TheoremResult]):
    """Results by theorem that stay in their file: a line is read whenever its result is asked for.

    A run of many theorems, of which the process that leads it asks for next to nothing, then costs it a tenth of the
    memory.

    Args:
        path: the file.
        places: where each theorem's line begins, by theorem, in the order in which they are walked.
    """

    def __init__(self, path: Path, places: Mapping[str, int]) -> None:
        self._path = path
        self._places = places

    def __getitem__(self, theorem: str) -> TheoremResult:
        """The result of a theorem.

        Raises:
            KeyError: it has none.
            RunFolderError: the file has become another.
        """
        place = self._places[theorem]
        try:
            with self._path.open("rb") as stream:
                stream.seek(place)
                result = from_line(stream.readline())
            if result.theorem != theorem:
                raise ValueError(f"expected the result of {theorem!r}, found that of {result.theorem!r}")
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{self._path}: was changed while it was in use: {error}") from None
        return result

    def __contains__(self, theorem: object) -> bool:
        return theorem in self._places  # without a look at the file

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def ordered(self, names: Iterable[str]) -> StoredResults:
        """The same results, walked in the order of these names; others are left out."""
        return StoredResults(self._path, {name: self._places[name] for name in names if name in self._places})


class ResultLog:
    """``results.jsonl`` open for appending. One process at a time: the run folder's lock sees to that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failed: set[str] = set()
        self._places: dict[str, int] = {}
        self._descriptor = -1
        self._length = 0

    @property
    def results(self) -> StoredResults:
        """What was committed, in the order in which it was."""
        return StoredResults(self.path, self._places)

    def open(self) -> None:
        """Reads what is there and cuts off what a kill left.

        Raises:
            RunFolderError: as :func:`read_results`.
            OSError: the file can't be opened for writing.
        """
        content = read_bytes(self.path)
        for place, result in _lines(self.path, content):
            self._note(result, place)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._length = storage.append(self._descriptor, b"", at=_whole(content))

    def append(self, results: Sequence[TheoremResult]) -> None:
        """Commits results, all of them or none.

        Raises:
            OSError: they were not written; the log is as before.
        """
        lines = [to_line(result) for result in results]
        place = self._length
        self._length = storage.append(self._descriptor, b"".join(lines), at=self._length)
        for result, line in zip(results, lines, strict=True):
            self._note(result, place)
            place += len(line)

    def _note(self, result: TheoremResult, place: int) -> None:
        self._places.pop(result.theorem, None)
        self._places[result.theorem] = place
        self.failed.discard(result.theorem)
        if result.failure:
            self.failed.add(result.theorem)

    def close(self) -> None:
        """Closes the file. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
