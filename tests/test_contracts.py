"""What holds for the whole repository: layers, what is imported when, and that hooks and exit codes are documented."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proofsearch import errors
from proofsearch.errors import ProofsearchError
from proofsearch.interruption import SIGNALS
from proofsearch.plugins import hookspecs
from proofsearch.testing import ConformanceError

ROOT = Path(__file__).parents[1]

HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, "proofsearch_spec")]


def imported_by(code: str) -> set[str]:
    """The top-level modules that a fresh process has imported after running some code."""
    program = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint('|', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=True)
    return {name.partition(".")[0] for name in done.stdout.rpartition("|")[2].split()}


def running(*arguments: str) -> str:
    return f"from proofsearch.cli.main import run; run({list(arguments)!r})"


def test_layers() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import proofsearch", "numpy pyarrow pydantic torch transformers typer rich"),
        (running("--help"), "numpy pyarrow pydantic torch transformers psutil rich"),
        (running("--version"), "numpy pyarrow pydantic torch transformers psutil rich"),
        (running("plugins", "list"), "pyarrow torch transformers"),
        (running("doctor", "ebm"), "pyarrow torch transformers openai"),
        (running("plugins", "check", "--help"), "pyarrow torch transformers"),
        (running("search", "--help"), "pyarrow torch transformers"),
        (running("report", "--help"), "pyarrow scipy torch transformers"),
        (running("verify", "--help"), "torch transformers"),
        (running("train", "--help"), "pyarrow torch transformers"),
        (running("iterate", "--help"), "pyarrow torch transformers"),
    ],
)
def test_heavy_libraries_are_imported_only_where_they_are_needed(code: str, forbidden: str) -> None:
    assert imported_by(code) & set(forbidden.split()) == set()


def test_every_hook_is_documented_with_its_exact_signature() -> None:
    sections = dict(re.findall(r"^### (\w+)\n\n```python\ndef (.*)\n```$", (ROOT / "docs/hooks.md").read_text(), re.M))
    assert sections == {name: f"{name}{_signature(getattr(hookspecs, name))}" for name in HOOKS}


@pytest.mark.parametrize("callback", [hookspecs.Register, hookspecs.RegisterCommand, hookspecs.RegisterDiagnosis])
def test_the_callbacks_are_documented_with_their_exact_signatures(callback: type) -> None:
    signature = _signature(callback.__call__).replace("self, ", "")
    assert f"register{signature}" in (ROOT / "docs/hooks.md").read_text()


def test_every_exit_code_is_documented() -> None:
    documented = set(re.findall(r"^\| (\d+) \|", (ROOT / "docs/cli.md").read_text(), re.M))
    raised = {
        str(value.exit_code)
        for value in [*vars(errors).values(), ConformanceError]
        if isinstance(value, type) and issubclass(value, ProofsearchError)
    }
    assert documented == raised | {"0"} | {str(128 + number) for number in SIGNALS}


def _signature(function: object) -> str:
    assert callable(function)
    # Annotations are strings and shown as such.
    return re.sub(r"'([^']+)'", r"\1", str(inspect.signature(function)).replace("''", '""'))
