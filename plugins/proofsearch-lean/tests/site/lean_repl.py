"""Lays out a folder as the REPL's own is once it was built, with a double of the REPL in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lean_installation import LEAN, Installation

DOUBLE = Path(__file__).with_name("repl_double")


def lay_out(lean: Installation, folder: Path) -> Path:
    """Makes the double, which compiles its part in Lean; returns its folder."""
    library = folder / "lib"
    library.mkdir(parents=True)
    words = [str(lean.lean), "-R", str(DOUBLE), "-o", str(library / "ReplLoop.olean"), str(DOUBLE / "ReplLoop.lean")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    program = folder / ".lake" / "build" / "bin" / "repl"
    program.parent.mkdir(parents=True)
    text = (DOUBLE / "repl.py").read_text().replace("#!PYTHON", f"#!{sys.executable} -IS")
    text = text.replace('"LEAN", "LIBRARY"', f'"{lean.lean}", "{library}{os.pathsep}{lean.library}"')
    program.write_text(text)
    program.chmod(0o755)
    (folder / "lean-toolchain").write_text(f"leanprover/lean4:v{LEAN}\n")
    return folder
