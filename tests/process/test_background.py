"""Would catch: an answer, an error or the death of a process beside this one that is lost or waits for ever."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import time

import pytest

from proofsearch.errors import InputError
from proofsearch.process.background import BackgroundCall, UnansweredError

FUNCTIONS = """
import errno, os, signal, time
from proofsearch.errors import InputError

def doubled(text):
    print("this is no answer")
    return text * 2

def process():
    return os.getpid(), os.getsid(0)

def full():
    raise OSError(errno.ENOSPC, "No space left on device", "part")

def damaged():
    raise InputError("file: damaged")

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def unpicklable():
    return lambda: None

def endless(file):
    file.write_text(str(os.getpid()))
    while True:
        time.sleep(3600)
"""


@pytest.fixture
def functions(tmp_path, monkeypatch):
    """A module that the process can import too."""
    (tmp_path / "called_beside.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("called_beside")
    sys.modules.pop("called_beside")


def wait_until(condition):
    """Waits; only something that hangs reaches the deadline."""
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_answer_larger_than_a_pipe_holds(functions):
    call = BackgroundCall(functions.doubled, "x" * 1_000_000)
    assert call.result() == "x" * 2_000_000
    assert call.ended


def test_it_is_a_process_and_a_session_of_its_own(functions):
    pid, session = BackgroundCall(functions.process).result()
    assert pid == session != os.getsid(0)


def test_what_the_function_raises_is_raised(functions):
    with pytest.raises(OSError, match="No space left on device") as caught:
        BackgroundCall(functions.full).result()
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "part")
    with pytest.raises(InputError, match="file: damaged"):
        BackgroundCall(functions.damaged).result()


@pytest.mark.parametrize(("function", "code"), [("killed", "-9"), ("unpicklable", "1")])
def test_a_process_without_an_answer(functions, function, code):
    call = BackgroundCall(getattr(functions, function))
    with pytest.raises(UnansweredError, match=f"exit code {code} and without an answer"):
        call.result()


def test_cancelling_ends_the_process(functions, tmp_path):
    file = tmp_path / "pid"
    call = BackgroundCall(functions.endless, file)
    wait_until(lambda: file.exists() and file.read_text())
    assert not call.ended
    call.cancel()
    call.cancel()
    assert call.ended
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)
