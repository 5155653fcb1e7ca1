"""Would catch: processes that each make what the tests of a file share, as with a pytest that xdist does not know."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = """
import os
from pathlib import Path

import pytest

@pytest.fixture(scope="module")
def costly():
    with Path("made").open("a") as file:
        file.write(f"{__file__}\\n")

@pytest.mark.parametrize("number", range(4))
def test_some(costly, number):
    pass
"""


def test_what_a_file_shares_is_made_by_one_process(tmp_path: Path) -> None:
    command = re.search(r"/pytest (-q -n auto .*)\n", (ROOT / "README.md").read_text())
    assert command
    for name in ("test_one.py", "test_other.py"):
        (tmp_path / name).write_text(TESTS)
    words = [*command[1].replace("auto", "2").split(), "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = (tmp_path / "made").read_text().split()
    assert sorted(Path(file).name for file in made) == ["test_one.py", "test_other.py"]
