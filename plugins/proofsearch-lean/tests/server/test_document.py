"""What is seen of the process that reads a document, however busy the machine is."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from lean_sessions import HANGS
from proofsearch_lean.server.document import _wants_a_processor

SPINNING = (
    "import threading\ndef spin():\n    while True: pass\nthreading.Thread(target=spin).start(); print(flush=True)\n"
)


@contextmanager
def process(code: str) -> Iterator[psutil.Process]:
    """A process that has begun."""
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            yield psutil.Process(child.pid)
        finally:
            child.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a state of their own on Linux: run it there")
def test_who_waits_for_a_processor_is_told_from_who_waits_for_input() -> None:
    with process(f"{SPINNING}import sys; sys.stdin.read()") as spinning:
        assert all(_wants_a_processor(spinning) for _ in range(20))
    with process("import sys; print(flush=True); sys.stdin.read()") as idle:
        until = time.monotonic() + HANGS
        while _wants_a_processor(idle):  # it has yet to begin to wait
            assert time.monotonic() < until
