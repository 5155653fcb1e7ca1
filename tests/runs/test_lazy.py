"""Would catch: run folders making every command pay for Arrow."""

from __future__ import annotations

import subprocess
import sys


def test_neither_the_core_nor_run_folders_import_pyarrow():
    code = "import proofsearch, proofsearch.runs, proofsearch.checkpoint, sys; print('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
