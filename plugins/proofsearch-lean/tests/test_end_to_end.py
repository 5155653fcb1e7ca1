"""Searches from the command line over a real Lean: the same by one worker and by many, killed and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from lean_installation import Installation
from lean_sessions import HANGS

KNOWN = {
    "and_swap (p q : Prop) (h : p ∧ q) : q ∧ p": ("constructor", "exact h.2", "exact h.1"),
    "or_swap (p q : Prop) (h : p ∨ q) : q ∨ p": (
        "cases h",
        "· exact Or.inr (by assumption)",
        "exact Or.inl (by assumption)",
    ),
    "imp_trans (p q r : Prop) (f : p → q) (g : q → r) : p → r": ("intro x", "apply g", "exact f x"),
    "add_zero (n : Nat) : n + 0 = n": ("rfl",),
    "add_swap (a b : Nat) : a + b = b + a": ("rw [Nat.add_comm]",),
}
OPEN = (
    "and_turn (a b : Prop) (k : a ∧ b) : b ∧ a",
    "or_turn (a b : Prop) (h : a ∨ b) : b ∨ a",
    "imp_chain (a b c : Prop) (f : a → b) (g : b → c) : a → c",
    "wrong (a b : Prop) (h : a) : b",
    "add_turn (x y : Nat) : x + y = y + x",
    "zero (m : Nat) : m + 0 = m",
)
OPTIONS = ("--generator", "knn", "--max-expansions", "6", "--seed", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a library, and the cache of its searches."""
    folder = tmp_path_factory.mktemp("small")
    proved = [f"theorem {name} := by\n" + "".join(f"  {step}\n" for step in steps) for name, steps in KNOWN.items()]
    text = "\n".join([*proved, *(f"theorem {statement} := by sorry\n" for statement in OPEN)])
    (folder / "Small.lean").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFSEARCH_CACHE_DIR", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def whole(lean: Installation, folder: Path) -> Path:
    """What one worker found without being disturbed."""
    done = run(command(lean, "search", *OPTIONS, "--workers", "1", "--out", str(folder / "whole")), folder)
    assert done.returncode == 0, done.stderr
    return folder / "whole"


def command(lean: Installation, *words: str) -> list[str]:
    return [
        *(sys.executable, "-m", "proofsearch", *words),
        *("--env", "lean", "--lean-command", str(lean.lean), "--lean-file", "Small.lean"),
    ]


def run(words: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=HANGS, check=False)


def words_of(process: psutil.Process) -> list[str]:
    """How a process was started; empty for one that has ended meanwhile."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def results(folder: Path) -> dict[str, tuple[str, tuple[str, ...], int]]:
    """What became of each theorem, without what differs from run to run."""
    found = {}
    for line in (folder / "results.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found[entry["theorem"]] = entry["status"], tuple(entry["tactics"]), entry["expansions"]
    return found


def test_one_worker_and_many_find_the_same(lean: Installation, folder: Path, whole: Path) -> None:
    found = {"one": results(whole)}
    for name, options in {
        "processes": ["--workers", "2", "--local-mode", "processes"],
        "threads": ["--workers", "2", "--local-mode", "threads"],
    }.items():
        done = run(command(lean, "search", *OPTIONS, *options, "--out", str(folder / name)), folder)
        assert done.returncode == 0, done.stderr
        found[name] = results(folder / name)
    assert found["one"] == found["processes"] == found["threads"]
    proved = [theorem for theorem, (status, _, _) in found["one"].items() if status == "proved"]
    assert {"and_turn", "imp_chain", "add_turn", "zero"} <= set(proved)
    assert "wrong" not in proved
    done = run([sys.executable, "-m", "proofsearch", "verify", str(whole)], folder)
    assert done.returncode == 0, done.stderr
    source, proof = (folder / "Small.lean").read_text(), (whole / "proofs" / "add_turn.lean").read_text()
    begin = source.index("theorem add_turn")
    # What stands after the theorem is out of scope.
    assert proof == f"{source[:begin]}theorem {OPEN[4]} := by\n  rw [Nat.add_comm]\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_search_that_ends_leaves_nothing_and_goes_on(
    number: signal.Signals, lean: Installation, folder: Path, whole: Path
) -> None:
    cut = folder / number.name
    words = command(lean, "search", *OPTIONS, "--workers", "2", "--out", str(cut))
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as search:
        process = psutil.Process(search.pid)
        until = time.monotonic() + HANGS
        while not (cut / "results.jsonl").exists() or not results(cut):
            assert time.monotonic() < until
            assert search.poll() is None
            time.sleep(0.01)
        below = process.children(recursive=True)
        assert any("--worker" in words_of(one) for one in below)
        os.kill(search.pid, number)
        search.wait(HANGS)
        _, alive = psutil.wait_procs(below, timeout=HANGS)
        assert not alive
    assert len(results(cut)) < len(results(whole))
    done = run([sys.executable, "-m", "proofsearch", "search", "--resume", str(cut)], folder)
    assert done.returncode == 0, done.stderr
    assert results(cut) == results(whole)
