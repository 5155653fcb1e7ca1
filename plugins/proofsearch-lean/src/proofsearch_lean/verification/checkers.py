"""Second checkers: other programs that judge what Lean compiled, where they are installed and asked for.

=========== ============================================================== =========================================
leanchecker replays what the compiled module declares into Lean's kernel;  comes with Lean since 4.28; before that it
            finds declarations that were added past it                     was lean4checker
safeverify  replays the compiled modules of statement and proof, compares  github.com/GasStationManager/SafeVerify
            the theorem's type in both, and looks at its axioms itself
comparator  has both compiled in a sandbox, exports them and compares and  github.com/leanprover/comparator
            replays the exports; with nanoda, in a kernel of its own
=========== ============================================================== =========================================

All but nanoda judge with Lean's own kernel, so only a check with that one reaches the tier ``second checker``.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from proofsearch.errors import UsageError
from proofsearch.process.programs import run_command
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import Toolchain, chosen_program, find_program

_PROGRAMS = {
    "leanchecker": ("leanchecker", "lean4checker"),
    "safeverify": ("safe_verify",),
    "comparator": ("comparator",),
}
"""What the programs are called, by the value of ``--lean-checker``."""

_REMEDIES = {
    "leanchecker": "it comes with Lean since 4.28; for an older Lean, build lean4checker",
    "safeverify": "build it from https://github.com/GasStationManager/SafeVerify",
    "comparator": "build it from https://github.com/leanprover/comparator, with landrun and lean4export",
}


class Checker(Protocol):
    """A second checker that was found."""

    @property
    def name(self) -> str:
        """What the verdict calls it."""

    @property
    def tier(self) -> str:
        """How far a check with it goes; ``""`` where no further than the first."""

    def check(self, theorem: LeanTheorem, statement: Path, proof: Path, config: LeanConfig) -> str:
        """Why it refuses the proof; ``""`` where it doesn't.

        Args:
            theorem: what is proved.
            statement: the compiled module of the statement with ``sorry``; its source lies beside it.
            proof: that with the proof.
            config: the time-out and the allowed axioms.
        """


def find_checker(toolchain: Toolchain, config: LeanConfig) -> Checker | None:
    """The second checker that the options ask for; ``None`` where they ask for none.

    Raises:
        UsageError: it is asked for and isn't there.
    """
    if config.checker == "none":
        return None
    words = _words(toolchain, config)
    # Lake tells a program of the project where its compiled modules are.
    lake = toolchain.command[:-1] if toolchain.command[1:] == ("env", "lean") else ()
    if config.checker == "leanchecker":
        return LeanChecker((*lake, *words), toolchain.folder)
    if config.checker == "safeverify":
        return SafeVerify((*lake, *words), toolchain.folder)
    return Comparator(words, lake, toolchain.folder)


def _words(toolchain: Toolchain, config: LeanConfig) -> tuple[str, ...]:
    if config.checker_command is not None:
        return chosen_program("--lean-checker-command", config.checker_command, "~/bin/safe_verify")
    names = _PROGRAMS[config.checker]
    beside = _prefix(toolchain) if config.checker == "leanchecker" else None
    for name in names:
        found = shutil.which(str(beside / "bin" / name)) if beside else None
        found = found or find_program(name)
        if found is not None:
            return (found,)
    raise UsageError(
        f"--lean-checker {config.checker}: no program {' or '.join(names)} was found; {_REMEDIES[config.checker]}, "
        "or name it with --lean-checker-command"
    )


@functools.cache
def _prefix(toolchain: Toolchain) -> Path | None:
    """The folder of the toolchain, as it says itself."""
    done = run_command([*toolchain.command, "--print-prefix"], toolchain.folder, timeout=60)
    lines = done.output.strip().splitlines()
    return Path(lines[-1]) if done.code == 0 and lines else None


def _run(
    name: str, words: Sequence[str], folder: Path, config: LeanConfig, environment: Mapping[str, str] | None = None
) -> str:
    """Runs a checker that says with its exit code whether it accepts; why not, where it doesn't."""
    ended = run_command(words, folder, config.check_timeout, environment)
    if ended.stopped == "time":
        return f"{name} ran past {config.check_timeout:g} s (--lean-check-timeout)"
    if ended.code == 0 and not ended.stopped:
        return ""
    return f"{name} refuses the proof: {ended.last_words() or f'exit code {ended.code}'}"


def _search_path(*folders: Path) -> dict[str, str]:
    """Lean's search path with folders in front of what it is."""
    return {"LEAN_PATH": os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("LEAN_PATH")])])}


@dataclass(frozen=True)
class LeanChecker:
    """``leanchecker MODULE``."""

    words: tuple[str, ...]
    folder: Path
    name = "leanchecker"
    tier = ""

    def check(self, theorem: LeanTheorem, statement: Path, proof: Path, config: LeanConfig) -> str:
        """See :class:`Checker`."""
        return _run(self.name, [*self.words, proof.stem], self.folder, config, _search_path(proof.parent))


@dataclass(frozen=True)
class SafeVerify:
    """``safe_verify STATEMENT PROOF``, both compiled."""

    words: tuple[str, ...]
    folder: Path
    name = "SafeVerify"
    tier = ""

    def check(self, theorem: LeanTheorem, statement: Path, proof: Path, config: LeanConfig) -> str:
        """See :class:`Checker`."""
        return _run(self.name, [*self.words, str(statement), str(proof)], self.folder, config)


@dataclass(frozen=True)
class Comparator:
    """``lake env comparator CONFIG`` in a project of two modules; it compiles them itself, in its sandbox."""

    words: tuple[str, ...]
    lake: tuple[str, ...]
    project: Path

    @property
    def name(self) -> str:
        """The checker's name, with that of the second kernel where it is used."""
        return "Comparator with nanoda" if self._nanoda() else "Comparator"

    @property
    def tier(self) -> str:
        """Only another kernel goes further."""
        return "second checker" if self._nanoda() else ""

    @staticmethod
    def _nanoda() -> bool:
        return bool(os.environ.get("COMPARATOR_NANODA") or shutil.which("nanoda_bin"))

    def check(self, theorem: LeanTheorem, statement: Path, proof: Path, config: LeanConfig) -> str:
        """See :class:`Checker`."""
        folder = proof.parents[1] / "comparator"
        folder.mkdir()
        for module, source in (("Challenge", statement), ("Solution", proof)):
            shutil.copy(source.with_suffix(".lean"), folder / f"{module}.lean")
        libraries = "".join(f'\n[[lean_lib]]\nname = "{module}"\n' for module in ("Challenge", "Solution"))
        (folder / "lakefile.toml").write_text(f'name = "proofsearch_check"\n{libraries}')
        pinned = self.project / "lean-toolchain"
        if pinned.is_file():
            shutil.copy(pinned, folder)
        settings = {
            "challenge_module": "Challenge",
            "solution_module": "Solution",
            "theorem_names": [theorem.name],
            "permitted_axioms": list(config.axioms),
            "enable_nanoda": self._nanoda(),
        }
        (folder / "config.json").write_text(json.dumps(settings))
        lake = self.lake or (find_program("lake") or "lake", "env")
        return _run(self.name, [*lake, *self.words, "config.json"], folder, config, self._modules())

    def _modules(self) -> dict[str, str]:
        """The search path of the project's compiled modules, for the project of the check, which doesn't name it."""
        if not self.lake:
            return {}
        said = run_command([*self.lake, "printenv", "LEAN_PATH"], self.project, timeout=60)
        return {"LEAN_PATH": said.output.strip()} if said.code == 0 else {}
