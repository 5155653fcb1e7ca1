"""What ``proofsearch doctor`` finds out about Lean: that of this folder's project, else the one that is on the path.

``proofsearch lean doctor`` asks the same about a Lean that options name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from proofsearch import Crashed, Finding, Finished, Rejected, TimedOut
from proofsearch.diagnosis import program
from proofsearch.errors import UsageError
from proofsearch.process.programs import run_command
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.scripts import proof_text
from proofsearch_lean.server.connection import ConnectionLostError
from proofsearch_lean.server.language_server import LanguageServer
from proofsearch_lean.server.transport import ServerTransport
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import (
    RECOMMENDED,
    Toolchain,
    find_program,
    find_toolchain,
    is_project,
    number,
    pinned_toolchain,
)
from proofsearch_lean.transports import Open
from proofsearch_lean.verification import find_checker, verify

_SECONDS = 120.0
"""The seconds for Lean to say its version, to start its server, and to check a proof without imports."""

_TRIED = LeanTheorem("proofsearch_trial", "theorem proofsearch_trial (p q : Prop) (h : p ∧ q) : q ∧ p")
_STEPS = ("exact ⟨h.2, h.1⟩",)


def examine() -> Iterator[Finding]:
    """Lean as it is found without options: in a Lake project, run in its folder, the project's."""
    here = Path.cwd()
    project = here if is_project(here) else None
    yield from examine_toolchain(
        LeanConfig(project=project, start_timeout=_SECONDS, check_timeout=_SECONDS, timeout=_SECONDS)
    )


def examine_toolchain(config: LeanConfig) -> Iterator[Finding]:
    """Lean as these options say: programs, version, project, one trial, one check, second checkers."""
    yield from _managers()
    try:
        toolchain = find_toolchain(config)
    except UsageError as error:
        # Nobody has to have a Lean who doesn't prove in it.
        absent = config.command is None and config.project is None and find_program("lean") is None
        yield Finding("lean", "absent" if absent else "problem", str(error))
        return
    yield _version(toolchain)
    if config.project is not None:
        yield from _project(toolchain)
    yield _trial(toolchain, config)
    yield _check(toolchain, config)
    yield _second_checker(toolchain, config)


def _managers() -> Iterator[Finding]:
    """What looks after toolchains and projects; a Lean alone needs neither."""
    elan = find_program("elan")
    remedy = "only to install Lean and to build projects: https://lean-lang.org/install"
    if elan is None:
        yield Finding("elan", "absent", "no program 'elan' was found", remedy)
    else:
        listed = run_command([elan, "toolchain", "list"], Path("/"), _SECONDS)
        names = ", ".join(line.strip() for line in listed.output.splitlines() if line.strip())
        said = f"{elan}; toolchains: {names or 'none'}" if not listed.code else f"{elan}: {listed.last_words()}"
        yield Finding("elan", "problem" if listed.code else "found", said, remedy if listed.code else "")
    lake = find_program("lake")
    yield program("lake", lake or "lake", remedy="only for projects; it comes with Lean and with elan")


def _version(toolchain: Toolchain) -> Finding:
    told = f"{toolchain.version}, {toolchain.origin} ({' '.join(toolchain.command)})"
    if number(toolchain.version) < RECOMMENDED:
        told += f"; {'.'.join(map(str, RECOMMENDED))} or newer is recommended"
    return Finding("lean", "found", told)


def _project(toolchain: Toolchain) -> Iterator[Finding]:
    folder = toolchain.folder
    pinned = pinned_toolchain(folder)
    if not pinned:
        remedy = "write the version that it was made for into the file lean-toolchain"
        yield Finding("toolchain", "absent", f"{folder} doesn't say which Lean it is for", remedy)
    elif _fits(toolchain.version, pinned):
        yield Finding("toolchain", "found", f"{pinned}, as {folder} asks for")
    else:
        remedy = f"`elan toolchain install {pinned}`, and take elan's lake"
        yield Finding("toolchain", "problem", f"{folder} asks for {pinned}, lake runs {toolchain.version}", remedy)
    built = next(folder.glob(".lake/build/lib/**/*.olean"), None)
    if built is None:
        remedy = f"`lake build` in {folder}; only if the theorems import modules of the project"
        yield Finding("project", "absent", f"{folder} isn't built", remedy)
    else:
        yield Finding("project", "found", f"{folder} is built")


def _fits(version: str, pinned: str) -> bool:
    """Whether a version is what ``lean-toolchain`` asks for; a name such as ``stable`` fits any."""
    tag = pinned.rpartition(":")[2].removeprefix("v")
    return version.endswith(tag) or not any(character.isdigit() for character in tag)


def _trial(toolchain: Toolchain, config: LeanConfig) -> Finding:
    """Starts the language server and has it try a step."""
    server = LanguageServer(toolchain, config.start_timeout)
    transport = ServerTransport(server, config.timeout, config.grace, config.start_timeout)
    command = " ".join(toolchain.server)
    try:
        begun = transport.begin(_TRIED)
        result = transport.trial(_STEPS) if isinstance(begun, Open) else begun
    except ConnectionLostError as error:
        return Finding("trial", "problem", f"`{command}` can't be used: {error}", "run it by hand to see what it lacks")
    finally:
        transport.close()
        server.close()
    if isinstance(result, Finished):
        return Finding("trial", "found", "the language server tried a step")
    why = result.message if isinstance(result, Rejected | TimedOut | Crashed) else "goals are left"
    message = f"`{command}` didn't take a step that is right: {why}"
    return Finding("trial", "problem", message, "run it by hand to see what it lacks")


def _check(toolchain: Toolchain, config: LeanConfig) -> Finding:
    config = config.model_copy(update={"checker": "none"})
    verdict = verify(toolchain, config, _TRIED, proof_text(_TRIED, _STEPS))
    if verdict.proved:
        return Finding("check", "found", f"{verdict.checker} checked a proof in a fresh process ({verdict.tier})")
    command = " ".join(toolchain.command)
    message = f"`{command}` refused a proof that is right: {verdict.message}"
    return Finding("check", "problem", message, "have it read a small file by hand")


def _second_checker(toolchain: Toolchain, config: LeanConfig) -> Finding:
    """The one that is asked for; without one, that which comes with Lean."""
    asked = config.checker != "none"
    try:
        checker = find_checker(toolchain, config if asked else config.model_copy(update={"checker": "leanchecker"}))
    except UsageError as error:
        message = str(error) if asked else "leanchecker doesn't come with this Lean"
        remedy = "" if asked else "only to have proofs checked once more (--lean-checker)"
        return Finding("second checker", "problem" if asked else "absent", message, remedy)
    assert checker is not None
    return Finding("second checker", "found", f"{checker.name} (--lean-checker)")
