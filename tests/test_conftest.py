"""Would catch: tests that depend on who runs them, and processes that each make what the tests of a file share."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proofsearch.process.usage import processors

ROOT = Path(__file__).parents[1]
TESTS = """
import signal
from pathlib import Path

import pytest

@pytest.fixture(scope="module")
def costly():
    with Path("made").open("a") as file:
        file.write(f"{__file__}\\n")

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_that_hears(costly, number):
    assert signal.getsignal(number) != signal.SIG_IGN

def test_some(costly):
    pass
"""


def test_what_a_file_shares_is_made_by_one_process_and_signals_are_heard_in_the_background(tmp_path: Path) -> None:
    command = re.search(r"/pytest (-q -n auto .*)\n", (ROOT / "README.md").read_text())
    assert command
    shutil.copy(ROOT / "conftest.py", tmp_path)
    for name in ("test_one.py", "test_other.py"):
        (tmp_path / name).write_text(TESTS)
    words = [*command[1].replace("auto", "2").split(), "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        # As `nohup ... &` does in a script.
        ["sh", "-c", 'trap "" INT HUP; exec "$@"', "sh", sys.executable, "-m", "pytest", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = (tmp_path / "made").read_text().split()
    assert sorted(Path(file).name for file in made) == ["test_one.py", "test_other.py"]


def test_there_is_a_process_more_than_processors_unless_a_number_is_given(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist isn't installed; pip install pytest-xdist")
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    assert pytestconfig.hook.pytest_xdist_auto_num_workers(config=pytestconfig) == processors() + 1
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "5")
    assert pytestconfig.hook.pytest_xdist_auto_num_workers(config=pytestconfig) == 5
