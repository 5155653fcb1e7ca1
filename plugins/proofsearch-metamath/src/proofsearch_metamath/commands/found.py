"""Found proofs of runs and files: read once, and verified in several processes where there are many."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from proofsearch.errors import InputError, ProofsearchError, UsageError, VerificationError
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import own_files
from proofsearch.storage.texts import read_text
from proofsearch_metamath.database.files import file_problem
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.proofs.checking import Progress
from proofsearch_metamath.proofs.statement import read_proof_text

_CHUNK = 50
"""Proofs that a process verifies in one go; fewer in all are not worth a second process."""

_shared: tuple[MetamathEnvironment, Sequence[FoundProof]] | None = None
"""What a forked process takes from the one that it was forked from."""


@dataclass(frozen=True, slots=True)
class FoundProof:
    """A proof, and where it came from, for people."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class FoundProofs:
    """What was found in some places.

    Attributes:
        proofs: in the order of the places and of the results.
        databases: those of the runs; ``None`` for the one that comes along.
        files: what was read: of runs the files and folders that are theirs.
    """

    proofs: tuple[FoundProof, ...]
    databases: frozenset[str | None]
    files: tuple[Path, ...]

    def database(self) -> Path | None:
        """The one database of all runs; ``None`` for the one that comes along.

        Raises:
            UsageError: there are several.
        """
        if len(self.databases) > 1:
            raise UsageError("the runs are of different databases; splice them one by one, or choose with --database")
        only = next(iter(self.databases), None)
        return None if only is None else Path(only)


def read_found(places: Sequence[Path]) -> FoundProofs:
    """Reads the proofs of run folders and of files.

    Raises:
        RunFolderError: a run folder is damaged.
        InputError: a file can't be read.
    """
    proofs: list[FoundProof] = []
    databases: set[str | None] = set()
    files: list[Path] = []
    for place in places:
        if place.is_dir():
            run = RunFolder.open(place)
            files += own_files([place])
            databases.add(run.config.options.get("metamath", {}).get("database"))
            proved = [name for name, result in run.results().items() if result.proved]
            proofs += [FoundProof(f"{place} ({name})", run.proof(name)) for name in proved]
        else:
            files.append(place)
            proofs.append(FoundProof(str(place), read_proof(place)))
    return FoundProofs(tuple(proofs), frozenset(databases), tuple(files))


def read_proof(file: Path) -> str:
    """Reads a proof that a search wrote.

    Raises:
        InputError: it can't be read.
    """
    trouble = file_problem(file)
    if trouble is not None:
        raise InputError(f"{file}: can't be read: {trouble}; expected a proof that a search wrote")
    return read_text(file, "a proof that a search wrote")


def verify_found(
    environment: MetamathEnvironment, proofs: Sequence[FoundProof], *, jobs: int = 1, progress: Progress | None = None
) -> dict[str, str]:
    """Verifies every proof.

    Args:
        environment: of the database that the proofs are of.
        proofs: what to verify.
        jobs: how many processes to use at most, at least 1. Where processes can't be forked, one does it all.
        progress: called with the proofs that are verified and those there are.

    Returns:
        The proofs by label; of several of one theorem the first.

    Raises:
        InputError, UsageError, VerificationError: the fault in the proof that stands first.
        ProofsearchError: a process was killed.
    """
    global _shared
    chunks = [(start, min(start + _CHUNK, len(proofs))) for start in range(0, len(proofs), _CHUNK)]
    _ = environment.library  # loaded once, before others are forked
    _shared = (environment, proofs)
    labels: list[str] = []
    try:
        for found in _verified(chunks, jobs):
            labels += found
            if progress is not None:
                progress(len(labels), len(proofs))
    finally:
        _shared = None
    chosen: dict[str, str] = {}
    for label, proof in zip(labels, proofs, strict=True):
        chosen.setdefault(label, proof.text)
    return chosen


def _verified(chunks: Sequence[tuple[int, int]], jobs: int) -> Iterator[list[str]]:
    if jobs == 1 or len(chunks) <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        for start, end in chunks:
            yield _verify_chunk(start, end)
        return
    pool = ProcessPoolExecutor(min(jobs, len(chunks)), multiprocessing.get_context("fork"))
    try:
        # In order, so that the first error is that of the proof that stands first.
        yield from pool.map(_verify_chunk, *zip(*chunks, strict=True))
    except BrokenProcessPool:
        raise ProofsearchError("a process that verified proofs was killed, perhaps for want of memory") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _verify_chunk(start: int, end: int) -> list[str]:
    assert _shared is not None
    environment, proofs = _shared
    return [_verify(environment, proof) for proof in proofs[start:end]]


def _verify(environment: MetamathEnvironment, proof: FoundProof) -> str:
    """The label of the theorem that the proof is of."""
    try:
        label = read_proof_text(proof.text).label
    except MetamathError as error:
        raise InputError(f"{proof.source}: {error}") from None
    verdict = environment.verify(environment.theorem(label), proof.text)
    if not verdict.proved:
        raise VerificationError(f"{proof.source}: {verdict.message}")
    return label
