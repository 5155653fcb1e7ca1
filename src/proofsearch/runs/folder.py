"""The run folder: a run's question, its circumstances and its answers, whole at any moment.

======================== ======================================================================================
``run.json``             format version, id, times, status, and hashes of the three files that are written once; written
                         last on creation, so a folder with it is whole
``config.toml``          the resolved configuration (:mod:`proofsearch.config.toml`)
``environment.json``     versions, plugins, seeds, fingerprints, command (:mod:`proofsearch.runs.provenance`)
``theorems.jsonl``       the selected theorems in order, one a line
``results.jsonl``        one line a finished theorem, in the order in which they came (:mod:`proofsearch.runs.results`)
``proofs/``              the written proofs of finished searches, one file a theorem
``trajectories/``        the recorded searches: one file a theorem at first, merged into ``part-*.parquet`` now and then
``run.lock``             held by the process that writes
======================== ======================================================================================

For each theorem the proof is made durable first, then the trajectory, then its line in ``results.jsonl``, which
commits them. A kill in between leaves files without a line; the next writer deletes them and searches again. The same
goes for a line that a person deleted: the search that it named is taken out of the merged trajectories too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from proofsearch import storage
from proofsearch.config import RunConfig
from proofsearch.errors import RunFolderError, StorageError
from proofsearch.protocols.results import TheoremResult
from proofsearch.runs.contents import RunContents, stamp
from proofsearch.runs.creation import begin, seal
from proofsearch.runs.layout import (
    check_hashes,
    check_selection,
    now,
    read_header,
    read_theorems,
    refuse_taken,
    to_json,
)
from proofsearch.runs.results import PROOFS, ResultLog
from proofsearch.runs.searches import ROWS_PER_FILE, RecordedSearches
from proofsearch.runs.selection import Whole
from proofsearch.storage.lock import FolderLock
from proofsearch.types import Theorem

if TYPE_CHECKING:
    import pyarrow as pa


OTHER = "~"
"""Between a theorem's file name, in which it can't stand, and the number of a further proof."""

NOT_MERGED = "the trajectories were not merged; they stay as single files, which every reader takes"


class Recording(NamedTuple):
    """What came of a theorem.

    Attributes:
        result: its result.
        proof: the written proof, if the search finished.
        trajectory: the recorded search, as a table or as the bytes of a Parquet file.
        others: further accepted proofs, as they are written.
    """

    result: TheoremResult
    proof: str | None = None
    trajectory: pa.Table | bytes | None = None
    others: Sequence[str] = ()


class RunFolder(RunContents):
    """A run folder. :meth:`create` and ``open(write=True)`` give one to write to, ``open`` one to read."""

    def __init__(self, path: Path, header: Mapping[str, Any], theorems: Sequence[Theorem]) -> None:
        """Not for callers: use :meth:`create` or :meth:`open`."""
        super().__init__(path, header, theorems)
        self._searches = RecordedSearches(
            self.trajectories, {theorem.name: self._single(theorem.name) for theorem in theorems}
        )

    @classmethod
    def create(
        cls,
        path: Path,
        config: RunConfig,
        environment: Mapping[str, Any],
        theorems: Sequence[Theorem],
        *,
        proof_suffix: str = ".txt",
        whole: Whole | None = None,
    ) -> Self:
        """Starts a run in a new or empty folder and locks it for writing.

        Args:
            path: the folder; its parents are made too.
            config: the resolved configuration.
            environment: from :func:`proofsearch.runs.provenance.collect`.
            theorems: the selection, in order, without two of one name.
            proof_suffix: of the environment, with its dot.
            whole: what the theorems are a shard of; default: they are the whole selection.

        Raises:
            RunFolderError: the folder holds something, or another process is writing to it.
            UsageError: no theorem, or two of one name.
            StorageError: it can't be written.
        """
        check_selection(theorems)
        refuse_taken(path)
        lock = FolderLock(path / "run.lock")
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            refuse_taken(path)  # another process may have been faster
            begin(path, config, environment, theorems)
            header = seal(path, "running", theorems, proof_suffix, whole)
            storage.sync_folder(path.parent)
        except OSError as error:
            lock.release()
            raise StorageError(f"{path}: the run folder can't be made: {error.strerror or error}") from error
        except BaseException:
            lock.release()
            raise
        run = cls(path, header, theorems)
        run._start_writing(lock)
        return run

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Self:
        """Opens a run.

        Args:
            path: the folder.
            write: resume the run: lock it, and clear away what a kill left behind.

        Raises:
            RunFolderError: not a run folder, of a newer format, damaged, or being written by another process.
            StorageError: with ``write``, it can't be written.
        """
        header = read_header(path)
        theorems = read_theorems(path / "theorems.jsonl")
        if len(theorems) != header["theorems"]:
            raise RunFolderError(
                f"{path / 'theorems.jsonl'}: damaged: {len(theorems)} whole lines, run.json says {header['theorems']}; "
                f"restore the file from a copy"
            )
        run = cls(path, header, theorems)
        _ = run.config, run.fingerprint  # what is damaged is named by its line before by its hash
        check_hashes(path, header)
        if not write:
            run.results()  # damage shows here, not halfway through a report
            return run
        lock = FolderLock(path / "run.lock")
        with run._storing("the run can't be resumed"):
            lock.acquire()
            run._start_writing(lock)
            run._write_status("running")
        return run

    def record(
        self,
        result: TheoremResult,
        proof: str | None = None,
        trajectory: pa.Table | bytes | None = None,
        others: Sequence[str] = (),
    ) -> TheoremResult:
        """Makes what came of a theorem durable.

        Args:
            result: the result; ``proof_file`` is filled in here.
            proof: the written proof, if the search finished.
            trajectory: the recorded search as a table or as the bytes of a Parquet file. It must be the search
                ``result.search_id``.
            others: further accepted proofs of the theorem, as they are written.

        Returns:
            The result as recorded.

        Raises:
            StorageError: it could not be written; nothing of this theorem is committed, everything before it is.
            RunFolderError: the theorem isn't in the run, or has a result that is not a failure.
        """
        return self.record_all([Recording(result, proof, trajectory, others)])[0]

    def record_all(self, recordings: Sequence[Recording]) -> list[TheoremResult]:
        """Makes what came of several theorems durable, with hardly more flushes than one needs.

        Args:
            recordings: of different theorems, each as :meth:`record` takes them.

        Returns:
            The results as recorded.

        Raises:
            StorageError: it could not be written; nothing of these theorems is committed, everything before them is.
            RunFolderError: as :meth:`record`; nothing was written.
        """
        log = self._writable()
        if not recordings:
            return []
        files: dict[Path, bytes] = {}
        results: dict[str, TheoremResult] = {}
        for result, proof, trajectory, others in recordings:
            name = result.theorem
            self._check_new(log, result, recorded=trajectory is not None)
            if name in results:
                raise RunFolderError(f"{self.path}: theorem {name!r} is recorded twice at once")
            proof_file = f"{PROOFS}/{self._files[name]}{self.proof_suffix}" if proof is not None else ""
            if proof is not None:
                files[self.path / proof_file] = proof.encode()
            files |= {self._other(name, number): other.encode() for number, other in enumerate(others, start=2)}
            if trajectory is not None:
                files[self._single(name)] = trajectory if isinstance(trajectory, bytes) else _encode(trajectory)
            results[name] = dataclasses.replace(result, proof_file=proof_file)
        what = " and ".join(map(repr, [*results][:2])) + (f" and {len(results) - 2} more" if len(results) > 2 else "")
        with self._storing(f"the result of {what} was not written"):
            storage.write_together(files)
            log.append(list(results.values()))
        with self._storing(NOT_MERGED):
            self._searches.add((name, result.search_id) for name, result in results.items() if result.search_id)
        return list(results.values())

    def _check_new(self, log: ResultLog, result: TheoremResult, *, recorded: bool) -> None:
        """Refuses what can't be the next result."""
        name = result.theorem
        if name not in self._files:
            raise RunFolderError(f"{self.path}: theorem {name!r} is not one of this run's")
        if name in log.results and name not in log.failed:
            raise RunFolderError(f"{self.path}: theorem {name!r} already has a result; start a new run to repeat it")
        if recorded != bool(result.search_id):
            raise RunFolderError(f"{self.path}: {name!r}: a search_id and a trajectory go together")
        if result.failure and recorded:
            raise RunFolderError(f"{self.path}: {name!r}: a failed theorem ({result.failure}) has no trajectory")

    def compact(self, *, rows_per_file: int = ROWS_PER_FILE) -> None:
        """Merges the single trajectory files into a few ``part-*.parquet``.

        Readers see every search exactly once at each moment, and after a kill at any moment: a part appears whole
        before its singles go, and where both are there, readers take a search by its id once.

        Raises:
            StorageError: the disk is full or the like; nothing is lost.
            InputError: a trajectory file is damaged; the message names it.
        """
        self._writable()
        with self._storing(NOT_MERGED):
            self._searches.merge(rows_per_file)

    def finish(self) -> None:
        """Merges the trajectories, notes how the run ended, and closes it.

        Raises:
            StorageError: as :meth:`compact`; the results are safe.
        """
        self.compact()
        with self._storing("how the run ended was not noted"):
            self._clear_uncommitted(self.results())
            self._write_status("stopped" if self.remaining() else "finished")
        self.close()

    def close(self) -> None:
        """Frees the lock. Idempotent. What was recorded is safe without it."""
        self._searches.close()
        if self._log is not None:
            self._log.close()
            with contextlib.suppress(OSError, RunFolderError):
                # What was written needn't be read again by those who ask for it now.
                self._read = (stamp(self.path / "results.jsonl"), self.results())
            self._log = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _start_writing(self, lock: FolderLock) -> None:
        self._lock = lock
        self._log = ResultLog(self.path / "results.jsonl")
        try:
            self._log.open()
            self._refuse_strange(self._log.results)
            self._clear_uncommitted(self.results())
        except BaseException:
            self.close()
            raise

    def _clear_uncommitted(self, results: Mapping[str, TheoremResult]) -> None:
        for folder in (self.path, self.path / PROOFS):
            folder.mkdir(exist_ok=True)
            for stray in folder.glob(f"*{storage.PART_SUFFIX}"):
                stray.unlink(missing_ok=True)
        self._searches.clear({name: result.search_id for name, result in results.items() if result.search_id})
        proofs = {path.name for path in (self.path / PROOFS).iterdir()}
        for theorem in self.theorems:
            result = results.get(theorem.name)
            proof = self.path / PROOFS / f"{self._files[theorem.name]}{self.proof_suffix}"
            if proof.name in proofs and (result is None or not result.proof_file):
                proof.unlink(missing_ok=True)
                for number in itertools.count(2):
                    if (other := self._other(theorem.name, number)).name not in proofs:
                        break
                    other.unlink(missing_ok=True)

    def _other(self, theorem: str, number: int) -> Path:
        """The file of a further proof, from 2."""
        return self.path / PROOFS / f"{self._files[theorem]}{OTHER}{number}{self.proof_suffix}"

    def _single(self, theorem: str) -> Path:
        return self.trajectories / f"{self._files[theorem]}.parquet"

    def _writable(self) -> ResultLog:
        if self._log is None:
            raise RunFolderError(f"{self.path}: opened for reading, or already closed; nothing can be written")
        return self._log

    def _write_status(self, status: str) -> None:
        header = read_header(self.path)
        storage.write_whole(self.path / "run.json", to_json(header | {"status": status, "updated": now()}))

    @contextlib.contextmanager
    def _storing(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            done = len(self._log.results) if self._log is not None else len(self.results())
            where = f" ({error.filename})" if error.filename else ""
            raise StorageError(
                f"{self.path}: {what}: {error.strerror or error}{where}; {done} of {len(self.theorems)} theorems have "
                f"a result and are kept; when there is space and permission again, resume with: "
                f"proofsearch search --resume {self.path}"
            ) from error


def _encode(table: pa.Table) -> bytes:
    from proofsearch.trajectory.writer import to_bytes

    return to_bytes(table)
