"""What came of each theorem of a run: ``results.jsonl``, one JSON object a line, appended durably.

A line is the commit point of a theorem: it is written last, after the proof and the trajectory. A line without its
line break is what a kill left; readers drop it, and whoever opens the file for writing cuts it off.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from proofsearch import storage
from proofsearch.errors import RunFolderError
from proofsearch.runs.fields import from_json, shown
from proofsearch.runs.layout import read_bytes
from proofsearch.types import Verdict

if TYPE_CHECKING:
    from proofsearch.engine.result import SearchResult

PROOFS = "proofs"
"""The run folder's folder of written proofs."""

_MOST = 10**15
"""More seconds, states or bytes than any search took."""

STATUS = ("proved", "finished", "exhausted", "limit", "cancelled", "failed")
"""How a search can end."""


@dataclass(frozen=True, slots=True)
class TheoremResult:
    """What came of one theorem.

    Attributes:
        theorem: its name.
        status: of the search: ``"proved"``, ``"finished"``, ``"exhausted"``, ``"limit"``, ``"cancelled"`` or
            ``"failed"``; ``"failed"`` too where the worker gave no result.
        verdict: what the independent check said of the finished proof; ``None`` where nothing was finished.
        limit_hit: which bound of :class:`proofsearch.types.Limit` stopped the search; ``""`` if none did.
        tactics: the steps of the finished proof.
        expansions: nodes expanded.
        steps: tactics tried.
        generated: states sent to the tactic generator.
        scored: states sent to the value scorer; one that follows paths gets some of them again.
        unscored: those that got no value.
        scorer_failures: calls of the scorer that failed.
        refused: finished proofs that the check refused.
        nodes: nodes of the search graph.
        edges: edges of the search graph.
        seconds: wall-clock time of the search, without verification.
        seconds_by_part: where it went: ``generate``, ``step``, ``score``, ``engine``; and ``accept``, the time of
            verification, on top.
        usage: the most that the prover used, of those times that it was asked: ``memory`` in bytes, its children's
            included, ``processes``, and the ``states`` that it held; empty where it never was.
        replacements: how often the prover was replaced because it used more than it may.
        messages: what the search had to report, in order.
        attempts: how often the theorem was tried, at least 1.
        failure: ``""``, or why there is no result, as :attr:`proofsearch.protocols.JobResult.failure`.
        message: more about the failure.
        seed: of the search.
        search_id: of the trajectory; ``""`` where none was recorded.
        proof_file: the written proof, relative to the run folder; ``""`` where there is none.
        unsuggested: expanded nodes for which the generator suggested nothing.
        misscored: those of the unscored states where the scorer failed, and did not say that it has no value.
        warnings: what components did against their contracts without ending the search, each naming the component and
            its method.
        traceback: where the failure, or else the first warning, was raised; ``""`` where nothing was.
    """

    theorem: str
    status: str
    verdict: Verdict | None = None
    limit_hit: str = ""
    tactics: tuple[str, ...] = ()
    expansions: int = 0
    steps: int = 0
    generated: int = 0
    scored: int = 0
    unscored: int = 0
    scorer_failures: int = 0
    refused: int = 0
    nodes: int = 0
    edges: int = 0
    seconds: float = 0.0
    seconds_by_part: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, float] = field(default_factory=dict)
    replacements: int = 0
    messages: tuple[str, ...] = ()
    attempts: int = 1
    failure: str = ""
    message: str = ""
    seed: int = 0
    search_id: str = ""
    proof_file: str = ""
    unsuggested: int = 0
    misscored: int = 0
    warnings: tuple[str, ...] = ()
    traceback: str = ""

    @property
    def proved(self) -> bool:
        """Whether an independent check accepted a proof. Nothing else makes a theorem proved."""
        return self.verdict is not None and self.verdict.proved

    @property
    def ending(self) -> str:
        """How it ended, for people: ``"proved"``, ``"stopped at the limit on …"``, the status, or the failure."""
        if self.proved:
            return "proved"
        return self.failure or (f"stopped at the limit on {self.limit_hit}" if self.limit_hit else self.status)

    @classmethod
    def from_search(cls, search: SearchResult, *, seed: int, search_id: str = "", attempts: int = 1) -> TheoremResult:
        """What a search came back with, without its graph.

        Args:
            search: the result of the search.
            seed: of the search.
            search_id: of its trajectory; empty where none is recorded.
            attempts: how often the theorem was tried, this time included.
        """
        return cls(
            theorem=search.theorem,
            status=str(search.status),
            verdict=search.verdict,
            limit_hit=search.limit_hit or "",
            tactics=search.tactics or (),
            expansions=search.expansions,
            steps=search.steps,
            generated=search.generated,
            scored=search.scored,
            unscored=search.unscored,
            scorer_failures=search.scorer_failures,
            refused=search.refused,
            nodes=search.nodes,
            edges=search.edges,
            seconds=search.seconds,
            seconds_by_part={
                "generate": search.generate_seconds,
                "step": search.step_seconds,
                "score": search.score_seconds,
                "engine": search.engine_seconds,
                "accept": search.accept_seconds,
            },
            usage={} if search.usage is None else dataclasses.asdict(search.usage),
            replacements=search.replacements,
            messages=search.messages,
            attempts=attempts,
            seed=seed,
            search_id=search_id,
            unsuggested=search.unsuggested,
            misscored=search.misscored,
            warnings=search.warnings,
            traceback=search.trace,
        )


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
