"""What a run folder holds, for readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from proofsearch.config import RunConfig
from proofsearch.config.toml import from_whole_toml
from proofsearch.errors import InputError, RunFolderError
from proofsearch.protocols.results import TheoremResult
from proofsearch.runs.fields import shown
from proofsearch.runs.layout import (
    read_header,
    read_object,
    read_text,
)
from proofsearch.runs.names import safe_names
from proofsearch.runs.results import ResultLog, read_results
from proofsearch.runs.selection import Whole
from proofsearch.storage.lock import FolderLock
from proofsearch.types import Theorem


def stamp(file: Path) -> tuple[int, ...]:
    """What changes with a file.

    Raises:
        OSError: it can't be looked at.
    """
    stat = file.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


class RunContents:
    """A run folder as one reads it; a :class:`~proofsearch.runs.folder.RunFolder` is one.

    Attributes:
        path: where it is.
        run_id: unique among runs.
        created: when, ISO 8601 in UTC.
        proof_suffix: suffix of the files in ``proofs/``.
        theorems: what the run is about, in order.
        whole: the selection that they are a shard of, or themselves.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], theorems: Sequence[Theorem]) -> None:
        """Not for callers: use ``RunFolder.create`` or ``RunFolder.open``."""
        self.path = path
        self.run_id: str = header["run_id"]
        self.created: str = header["created"]
        self.proof_suffix: str = header["proof_suffix"]
        self.theorems = tuple(theorems)
        self.whole = Whole(**header["selected"]) if "selected" in header else Whole.of(theorems)
        self._files = safe_names(theorem.name for theorem in theorems)
        self._log: ResultLog | None = None
        self._lock: FolderLock | None = None
        self._read: tuple[tuple[int, ...], Mapping[str, TheoremResult]] | None = None

    @property
    def status(self) -> str:
        """``"running"`` (or killed), ``"stopped"`` with theorems left, or ``"finished"``."""
        return str(read_header(self.path)["status"])

    @property
    def config(self) -> RunConfig:
        """The resolved configuration.

        Raises:
            RunFolderError: ``config.toml`` is missing, damaged, or lacks a setting that a run always writes.
        """
        file = self.path / "config.toml"
        try:
            return from_whole_toml(read_text(file), str(file), RunConfig)
        except InputError as error:
            raise RunFolderError(f"{error}; the rest of the run depends on it") from None

    @property
    def environment(self) -> dict[str, Any]:
        """What the run ran on.

        Raises:
            RunFolderError: ``environment.json`` is missing or damaged.
        """
        return read_object(self.path / "environment.json")

    @property
    def fingerprint(self) -> dict[str, str]:
        """What the environment depended on when the run began: versions and hashes by what they are of.

        Raises:
            RunFolderError: ``environment.json`` is missing or damaged.
        """
        found = self.environment.get("fingerprint", {})
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise RunFolderError(
                f"{self.path / 'environment.json'}: damaged: fingerprint is {shown(found)}, expected an object of "
                f"strings; restore the file from a copy"
            )
        return found

    def results(self) -> Mapping[str, TheoremResult]:
        """The results so far by theorem, in the run's order; the file is read again only when it changed.

        Raises:
            RunFolderError: ``results.jsonl`` is missing or damaged.
        """
        if self._log is not None:
            self._refuse_strange(self._log.results)
            return self._log.results.ordered(theorem.name for theorem in self.theorems)
        file = self.path / "results.jsonl"
        try:
            found = stamp(file)
        except OSError as error:
            raise RunFolderError(f"{file}: the run's results can't be read: {error.strerror or error}") from None
        if self._read is None or self._read[0] != found:
            results = read_results(file)[0]
            self._refuse_strange(results)
            ours = {theorem.name: results[theorem.name] for theorem in self.theorems if theorem.name in results}
            self._read = (found, MappingProxyType(ours))
        return self._read[1]

    def _refuse_strange(self, results: Mapping[str, TheoremResult]) -> None:
        """Refuses results of theorems that are not the run's."""
        strange = next((name for name in results if name not in self._files), None)
        if strange is not None:
            raise RunFolderError(
                f"{self.path / 'results.jsonl'}: a result for {strange!r}, which is not in theorems.jsonl; "
                f"one of the two files is from another run"
            )

    def remaining(self, *, retry_failures: bool = False) -> list[Theorem]:
        """The theorems without a result, in order; with ``retry_failures`` also those whose worker gave none."""
        results = self.results()
        return [
            theorem
            for theorem in self.theorems
            if theorem.name not in results or (retry_failures and results[theorem.name].failure)
        ]

    def proof(self, theorem: str) -> str:
        """The written proof of a theorem.

        Raises:
            RunFolderError: the run has no result or no proof of it, or the file is missing.
        """
        result = self.results().get(theorem)
        if result is None or not result.proof_file:
            found = "no result" if result is None else f"no proof (status {result.status})"
            raise RunFolderError(f"{self.path}: {found} for theorem {theorem!r} in this run")
        file = self.path / result.proof_file
        if not file.resolve().is_relative_to(self.path.resolve()):
            raise RunFolderError(f"{file}: a link that leads out of the run folder; put the proof itself in its place")
        return read_text(file)

    @property
    def trajectories(self) -> Path:
        """The folder of the recorded searches, for :func:`proofsearch.trajectory.reader.read_searches`.

        In a run that was killed, or that is still being written, one search may be there whose result is not.
        """
        return self.path / "trajectories"
