"""What an executor still has to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from proofsearch.protocols import Job


class JobQueue:
    """What is still to be done: given back first, then new jobs, then those to be tried again.

    Args:
        jobs: taken one by one, as they are needed.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = iter(jobs)
        self._first: deque[Job] = deque()
        self._last: deque[Job] = deque()

    def take(self) -> Job | None:
        """The next job; ``None`` if there is none now."""
        if self._first:
            return self._first.popleft()
        job = next(self._jobs, None)
        return self._last.popleft() if job is None and self._last else job

    def holds(self, number: int) -> bool:
        """Whether there are at least so many jobs now; takes no more from the jobs than that."""
        while len(self._first) + len(self._last) < number:
            job = next(self._jobs, None)
            if job is None:
                return False
            self._first.append(job)
        return True

    def give_back(self, job: Job) -> None:
        """Takes a job back that was not begun."""
        self._first.appendleft(job)

    def retry(self, job: Job) -> None:
        """Takes a job to be tried again."""
        self._last.append(job)
