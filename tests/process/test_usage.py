"""What processes use: read from the system, and not lost where one ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from proofsearch.process.usage import ProcessorTimes

WORKS = """
import sys, time
for line in sys.stdin:
    began = time.process_time()
    while time.process_time() - began < 0.05:
        pass
    print(flush=True)
"""


@pytest.fixture
def workers() -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that work for a twentieth of a second when they are told to."""
    pipe = subprocess.PIPE
    started = [subprocess.Popen([sys.executable, "-c", WORKS], stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    yield started
    for worker in started:
        worker.kill()
        worker.communicate()


def work(worker: subprocess.Popen[str]) -> psutil.Process:
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    worker.stdout.readline()
    return psutil.Process(worker.pid)


def test_times_of_processes_that_follow_each_other_add_up(workers: list[subprocess.Popen[str]]) -> None:
    times = ProcessorTimes()
    assert times.read([None]) == 0.0
    first = times.read([work(workers[0])])
    assert first >= 0.04  # the system counts in hundredths
    assert times.read([work(workers[0])]) >= first + 0.04
    both = times.read([psutil.Process(workers[0].pid), work(workers[1])])
    process = psutil.Process(workers[0].pid)
    workers[0].kill()
    workers[0].communicate()
    assert times.read([process]) >= both - 0.02, "what has ended still counts"
    assert times.read([work(workers[1])]) >= both + 0.02
