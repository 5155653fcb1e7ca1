"""What ``proofsearch doctor`` finds out about Rocq."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from proofsearch import Finding
from proofsearch.diagnosis import TIMEOUT, program
from proofsearch.errors import UsageError
from proofsearch.process.programs import run_command
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import REMEDY, SERVERS, Installation, find_installation

_MEMORY = 4 << 30


def examine() -> Iterator[Finding]:
    """The programs that search and check, whether they find their prelude, and the standard library's sources."""
    if not any(shutil.which(name) for name in SERVERS):
        yield Finding("prover", "absent", f"no program {' or '.join(map(repr, SERVERS))} was found", REMEDY)
    else:
        try:
            installation = find_installation(RocqConfig())
        except UsageError as error:
            yield Finding("prover", "problem", str(error), REMEDY)
        else:
            yield Finding("prover", "found", f"Rocq {installation.version} ({installation.server[0]})")
            yield _checker(installation)
            yield _library(installation)
    yield program("petanque", "pet", remedy="only for --rocq-transport petanque: opam install coq-lsp")


def _checker(installation: Installation) -> Finding:
    """Whether ``coqtop`` begins: it needs the compiled prelude."""
    command = " ".join(installation.toplevel)
    try:
        ended = run_command([*installation.toplevel, "-q", "-batch"], Path("/"), TIMEOUT, max_memory=_MEMORY)
    except OSError as error:
        return Finding("checker", "problem", f"{command} can't be run: {error}", REMEDY)
    if ended.stopped or ended.code:
        return Finding("checker", "problem", f"{command} doesn't begin: {ended.last_words(300)}", REMEDY)
    return Finding("checker", "found", command)


def _library(installation: Installation) -> Finding:
    folder = installation.library
    if folder is None:
        return Finding(
            "standard library",
            "absent",
            "its sources aren't there, so there are no proofs to learn from but those of --rocq-file",
            "on Debian: apt install libcoq-stdlib; with opam they come along",
        )
    return Finding("standard library", "found", f"{folder}, {sum(1 for _ in folder.rglob('*.v'))} sources")
