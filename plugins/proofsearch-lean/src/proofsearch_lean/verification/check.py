"""The check itself: two fresh processes of Lean's, and what a second checker makes of what they compiled."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from proofsearch import Verdict
from proofsearch.process.programs import Ended, run_command
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.refusals import refusal
from proofsearch_lean.scripts import heading
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import Toolchain, advice
from proofsearch_lean.verification.checkers import find_checker
from proofsearch_lean.verification.judgement import HOLE, MODULE, CheckedFile, Finding, compose, judge
from proofsearch_lean.verification.reports import errors, read_messages

TIER = "axioms audited"
"""How far an accepting check goes: Lean's kernel, and the axioms listed and allowed."""

_OPTIONS = ("--json", "-Dtrace.Elab.command=true", "-Dpp.unicode=true")


def verify(toolchain: Toolchain, config: LeanConfig, theorem: LeanTheorem, proof: str) -> Verdict:
    """Checks a written proof in fresh processes.

    Args:
        toolchain: the Lean that checks.
        config: allowed axioms, time-out, second checker.
        theorem: what has to be proved.
        proof: a whole file as :func:`proofsearch_lean.scripts.proof_text` makes it; anything else is refused, never an
            error.

    Raises:
        UsageError: a second checker is asked for and isn't there.
    """
    checker = find_checker(toolchain, config)
    named = f"Lean {toolchain.version}" + (f", {checker.name}" if checker else "")
    before = heading(theorem)
    if not proof.startswith(before):
        return Verdict(False, named, "the file doesn't begin with the theorem as it stands in its source")
    script = proof[len(before) :]
    script += "" if script.endswith("\n") else "\n"
    wrong = refusal(script)
    if wrong:
        return Verdict(False, named, wrong)
    with (
        tempfile.TemporaryDirectory(prefix="proofsearch-lean-", ignore_cleanup_errors=True) as folder,
        ThreadPoolExecutor(2) as pool,
    ):
        work = _Check(toolchain, config, theorem, Path(folder), compiles=checker is not None)
        reference = pool.submit(work.statement)
        found = work.elaborate("proof", script)
        expected = reference.result()
        flaw = expected.flaw or found.flaw or _mismatch(expected, found) or _disallowed(found, config)
        if flaw:
            return Verdict(False, named, flaw, found.axioms)
        tier = TIER
        if checker is not None:
            flaw = checker.check(theorem, work.module("statement"), work.module("proof"), config)
            if flaw:
                return Verdict(False, named, flaw, found.axioms)
            tier = checker.tier or TIER
    return Verdict(True, named, "", found.axioms, tier=tier)


def _mismatch(expected: Finding, found: Finding) -> str:
    if expected.type == found.type:
        return ""
    return f"it proves something else than the statement: {found.type[:300]} instead of {expected.type[:300]}"


def _disallowed(found: Finding, config: LeanConfig) -> str:
    strange = [axiom for axiom in found.axioms if axiom not in config.axioms]
    if not strange:
        return ""
    if "sorryAx" in strange:
        return "it rests on sorry: on a hole in the proof, or on an earlier theorem without a proof"
    return f"it rests on {', '.join(strange)}, which --lean-axioms doesn't allow"


@dataclass(frozen=True)
class _Check:
    """The files of one check.

    Attributes:
        folder: an empty folder, gone after the check.
        compiles: whether compiled modules are kept, for a second checker.
    """

    toolchain: Toolchain
    config: LeanConfig
    theorem: LeanTheorem
    folder: Path
    compiles: bool

    def module(self, name: str) -> Path:
        """The path of the compiled module of a file, ``"statement"`` or ``"proof"``."""
        return self.folder / name / f"{MODULE}.olean"

    def elaborate(self, name: str, script: str) -> Finding:
        """Has Lean elaborate the theorem with a script, in a process of its own."""
        file = compose(self.theorem, script)
        module = self.module(name)
        module.parent.mkdir()
        source = module.with_suffix(".lean")
        source.write_text(file.text, encoding="utf-8", newline="\n")
        words = [*self.toolchain.command, *_OPTIONS, "-R", str(module.parent)]
        words += ["-o", str(module)] if self.compiles else []
        timeout = self.config.check_timeout
        ended = run_command([*words, str(source)], self.toolchain.folder, timeout)
        return self._read(file, ended)

    def _read(self, file: CheckedFile, ended: Ended) -> Finding:
        if ended.stopped == "time":
            return Finding(f"the check ran past {self.config.check_timeout:g} s (--lean-check-timeout)")
        if ended.stopped:
            return Finding("Lean wrote without an end and was stopped")
        messages = read_messages(ended)
        if messages is None or (ended.code and not errors(messages)):
            return Finding(f"Lean failed with code {ended.code}: {ended.last_words() or 'it said nothing'}")
        return judge(self.theorem, file, ended.code, messages)

    def statement(self) -> Finding:
        """What the statement alone says, with ``sorry`` as its proof."""
        found = self.elaborate("statement", HOLE)
        if not found.flaw:
            return found
        hint = advice(found.flaw, self.toolchain)
        return Finding(f"the statement itself can't be checked, with sorry as its proof: {found.flaw}{hint}")
