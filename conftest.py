"""For all tests: what a busy machine must not change, what their processes share, and what is said of skipped ones.

No example of hypothesis fails for the time it takes. And numerical libraries take one thread unless the environment
says otherwise: the models of tests are tiny, and threads that wait for each other on a busy machine take many times
as long as one. Nothing waits for the disk: no test cuts the power.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from proofsearch.process.usage import processors

for _size in ("COLUMNS", "LINES"):  # those of whoever runs the tests, or of pytest-xdist's workers, are no test's
    os.environ.pop(_size, None)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read once, when torch or numpy is first imported

# Many containers set it. Without its bytecode every command and worker that a test starts compiles the whole package.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")

gc.disable()  # until the tests are collected


def _not_flushed(descriptor: int) -> None:
    """Stands for ``os.fsync``, thousands of which would be most of the time that tests of run folders take."""


# Tests that kill while files are written, or have the disk fail, put their own in this place. Commands flush as ever.
os.fsync = _not_flushed


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Has every test hear signals as a terminal's programs do, though ``nohup`` or ``&`` ran the tests deaf to some."""
    ignored = [number for number in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


REQUIRE_ALL = "PROOFSEARCH_REQUIRE_ALL"
"""The environment variable with which a run fails where a test is skipped."""


def _skipped(reporter: pytest.TerminalReporter) -> Counter[str]:
    """How many tests were skipped for each reason, which says how to get what they need."""
    reasons = (report.longrepr[2] for report in reporter.stats.get("skipped", []))
    return Counter(reason.removeprefix("Skipped: ") for reason in reasons)


def pytest_configure(config: pytest.Config) -> None:
    """Has pytest-xdist take files in their order; by the number of tests, the few that take minutes would come last."""
    config.option.loadscopereorder = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """One process more than there are processors: many tests wait, for provers, signals and what has to time out."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else processors() + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Takes the million objects of modules and tests out of every later collection of garbage."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Makes a run fail that had to skip nothing, and did."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    required = os.environ.get(REQUIRE_ALL) and not hasattr(session.config, "workerinput")
    if required and reporter is not None and _skipped(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was not tested, once for each reason."""
    found = _skipped(terminalreporter)
    if found:
        terminalreporter.section("not tested here", "-")
    for reason, tests in found.most_common():
        terminalreporter.line(f"{tests} skipped: {reason}")
    if found and os.environ.get(REQUIRE_ALL):
        terminalreporter.line(f"{REQUIRE_ALL} is set, so this run fails.", red=True)
