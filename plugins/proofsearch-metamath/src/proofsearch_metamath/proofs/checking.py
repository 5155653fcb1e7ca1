"""Verifies whole databases, on several processors where there are some."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from proofsearch.interruption import leave_to_parent
from proofsearch.process.usage import processors
from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.proofs.verifier import Verifier

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Called now and then with how much is done and how much there is in all."""

_CHUNK = 500_000
"""Characters of proofs that a worker verifies in one go; set.mm has about fifty times as many."""

_MOST_JOBS = 8

_worker: Verifier | None = None
_worker_theorems: list[Assertion] = []


def check_file(path: str | Path, jobs: int | None = None, progress: Progress | None = None) -> int:
    """Reads a database and verifies every proof in it.

    Args:
        path: the database.
        jobs: how many processes verify proofs; by default as many as there are processors for this process, 8 at most.
        progress: called with the theorems that are verified and those there are.

    Returns:
        The number of theorems.

    Raises:
        ReadError, ProofError: the first fault, with its place. Reading comes first.
    """
    database = read_database(path)
    return verify_database(database, jobs=usable_processors() if jobs is None else jobs, progress=progress)


def verify_database(database: Database, *, jobs: int = 1, progress: Progress | None = None) -> int:
    """Verifies the stored proof of every theorem.

    An unfinished proof (``?``) is an error; the reference program gives a warning.

    Args:
        database: what to verify.
        jobs: how many processes to use, at least 1. Where processes can't be forked, one does it all.
        progress: called with the theorems that are verified and those there are.

    Returns:
        The number of theorems.

    Raises:
        ProofError: the fault in the theorem that stands first.
        MetamathError: a process was killed.
        ValueError: ``jobs`` is less than 1.
    """
    # In order, so that the first error is that of the theorem that stands first.
    return sum(1 for _ in each_theorem(database, Verifier.check, jobs=jobs, progress=progress))


def each_theorem(
    database: Database, work: Callable[[Verifier, Assertion], T], *, jobs: int = 1, progress: Progress | None = None
) -> Iterator[T]:
    """Does something with the stored proof of every theorem.

    Args:
        database: with the stored proofs.
        work: what to do, a function of a module; its results can be pickled.
        jobs: how many processes to use, at least 1. Where processes can't be forked, one does it all.
        progress: called with the theorems that are done and those there are.

    Yields:
        What came of each theorem, in the order in which they stand.

    Raises:
        MetamathError: a process was killed; or what ``work`` raises, for the theorem that stands first.
        ValueError: ``jobs`` is less than 1.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}; expected at least 1")
    theorems = [assertion for assertion in database.assertions.values() if assertion.kind == "p"]
    chunks = list(_chunks(theorems))
    if jobs == 1 or len(chunks) <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        verifier = Verifier(database)
        for start, end in chunks:
            for assertion in theorems[start:end]:
                yield work(verifier, assertion)
            if progress is not None:
                progress(end, len(theorems))
        return
    # Forked workers share the database's memory; a broken worker raises here instead of leaving us waiting.
    pool = ProcessPoolExecutor(
        min(jobs, len(chunks)),
        multiprocessing.get_context("fork"),
        _start_worker,
        (os.getpid(), database, theorems),
    )
    try:
        futures: list[Future[list[T]]] = [pool.submit(_do_chunk, work, start, end) for start, end in chunks]
        for future, (_, end) in zip(futures, chunks, strict=True):
            try:
                yield from future.result()
            except BrokenProcessPool:
                message = "a process that verified proofs was killed, perhaps for want of memory; use fewer jobs"
                raise MetamathError(message, database.files[0], kind="worker") from None
            if progress is not None:
                progress(end, len(theorems))
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(theorems: list[Assertion]) -> Iterator[tuple[int, int]]:
    start = size = 0
    for index, assertion in enumerate(theorems, 1):
        size += assertion.end - assertion.start
        if size > _CHUNK or index == len(theorems):
            yield start, index
            start, size = index, 0


def usable_processors() -> int:
    """How many processors this process may use, as far as using more of them pays; at most 8."""
    return min(processors(), _MOST_JOBS)


def _start_worker(parent: int, database: Database, theorems: list[Assertion]) -> None:
    leave_to_parent(parent, terminable=True)
    global _worker, _worker_theorems
    _worker, _worker_theorems = Verifier(database), theorems


def _do_chunk(work: Callable[[Verifier, Assertion], T], start: int, end: int) -> list[T]:
    assert _worker is not None
    return [work(_worker, assertion) for assertion in _worker_theorems[start:end]]
