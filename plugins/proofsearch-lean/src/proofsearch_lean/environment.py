"""Lean 4 as a prover environment: see :class:`proofsearch.protocols.Environment`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from proofsearch import Demonstration, Finished, Goal, Theorem, Unusable, Verdict
from proofsearch.errors import InputError, ProofError, UsageError, near
from proofsearch.process import streams
from proofsearch.protocols import Usage
from proofsearch_lean.adaptation import adapt
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.demonstrations import replay, split_script, steps_of
from proofsearch_lean.memory import usage_of
from proofsearch_lean.scripts import flaw, proof_text
from proofsearch_lean.server.connection import ConnectionLostError
from proofsearch_lean.server.language_server import LanguageServer
from proofsearch_lean.server.transport import ServerTransport
from proofsearch_lean.session import LeanSession
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.theorems import LeanLibrary, audit, compare_versions, read_library
from proofsearch_lean.toolchain import Toolchain, find_toolchain
from proofsearch_lean.transports import Transport
from proofsearch_lean.verification import find_checker, verify

VERSION = "0.1.0"


class LeanEnvironment:
    """Theorems in Lean source, searched forwards from the statement by tactics.

    Args:
        config: the options.
        cache: a folder for what can be computed again.
        status: told what takes long.
    """

    proof_suffix = ".lean"

    def __init__(
        self, config: LeanConfig, cache: Path, status: Callable[[str, int | None, int | None], None] | None = None
    ) -> None:
        self._config = config
        self._cache = cache
        self._status = status or (lambda message, done, total: None)
        self._lock = threading.Lock()
        self._idle: list[Transport] = []
        self._started: LanguageServer | None = None
        self._closed = False

    @cached_property
    def toolchain(self) -> Toolchain:
        """The Lean that was found.

        Raises:
            UsageError: there is none that can be used, or no second checker where one is asked for.
        """
        found = find_toolchain(self._config)
        # Said before the search, not when the first proof is found.
        find_checker(found, self._config)
        return found

    # -- theorems ------------------------------------------------------------------------------------------------

    @cached_property
    def library(self) -> LeanLibrary:
        """The theorems that the options name.

        Raises:
            UsageError: they name nothing.
            InputError: something can't be read, or holds no theorem.
        """
        return read_library(self._config)

    def theorems(self) -> Sequence[Theorem]:
        """The theorems that the options name, in the order of the files."""
        return list(self.library.theorems)

    def theorem(self, name: str) -> Theorem:
        """Looks a theorem up by its full name.

        Raises:
            UsageError: there is none of that name, or it can't be searched for.
        """
        found = self.library.by_name.get(name)
        if found is None:
            unusable = next((left_out for left_out in self.library.unusable if left_out.name == name), None)
            if unusable is not None:
                raise UsageError(f"{name} at {unusable.source} can't be searched for: {unusable.reason}")
            where = self._config.file or self._config.theorems
            raise UsageError(f"{where} has no theorem {name!r}{near(name, self.library.by_name, 3)}")
        return found

    def source(self, name: str) -> LeanTheorem:
        """A theorem with the text before it; raises as :meth:`theorem`."""
        return self.library.lean(self.theorem(name).name)

    def prepare(self) -> None:
        """Says once a run which Lean searches, and warns where the theorems were written for another one."""
        said, differs = compare_versions(self.library.toolchains, self.toolchain.version)
        if differs:
            streams.warning(said)
        elif said:
            self._status(said, None, None)

    def audit(self, theorems: Sequence[Theorem]) -> Iterator[Unusable]:
        """What can't be searched for: what was left out as the library was read, and what Lean says of the others."""
        self.prepare()
        yield from self.library.unusable
        yield from audit(self.toolchain, self._config, self.library, [theorem.name for theorem in theorems])

    # -- what can be learnt --------------------------------------------------------------------------------------

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        """The tactic proofs among the theorems' own, run step by step.

        What has none is left out, and what can't be followed, because a step fails on its own.
        """
        for number, theorem in enumerate(theorems):
            proof = self.source(theorem.name).proof
            if proof is None or not steps_of(proof):
                continue
            self._status("running the library's proofs", number, len(theorems))
            session = self.open(theorem)
            try:
                yield from replay(theorem, session, steps_of(proof))
            finally:
                session.close()

    def adapted(self, tactic: str, there: Goal, here: Goal) -> Sequence[tuple[str, float]]:
        """A tactic with the names of another goal; see :mod:`proofsearch_lean.adaptation`."""
        return adapt(tactic, there.text, here.text)

    # -- searching -----------------------------------------------------------------------------------------------

    def open(self, theorem: Theorem) -> LeanSession:
        """A session with a process of Lean's to itself, which serves the next theorem when the session is closed.

        Raises:
            InputError: Lean's server can't be started.
        """
        source = self.source(theorem.name)
        with self._lock:
            transport = self._idle.pop() if self._idle else None
        return LeanSession(source, transport or self._transport(), self._take_back)

    def _transport(self) -> Transport:
        config = self._config
        if config.transport == "repl":
            from proofsearch_lean.repl.transport import open_repl

            return open_repl(self.toolchain, config)
        try:
            server = self._server()
            server.connection()
        except ConnectionLostError as error:
            command = " ".join(self.toolchain.server)
            raise InputError(
                f"Lean's language server, {command!r}, can't be used: {error}; `proofsearch doctor` looks into it"
            ) from None
        return ServerTransport(server, config.timeout, config.grace, config.start_timeout)

    def _server(self) -> LanguageServer:
        with self._lock:
            if self._closed:
                raise ConnectionLostError("the environment was closed")
            if self._started is None:
                self._started = LanguageServer(self.toolchain, self._config.start_timeout)
            return self._started

    def _take_back(self, transport: Transport) -> None:
        with self._lock:
            if not self._closed and transport.reusable():
                self._idle.append(transport)
                return
        transport.close()

    def usage(self) -> Usage:
        """What the processes use that wait for the next theorem, and the server above them."""
        with self._lock:
            waiting = [transport.usage() for transport in self._idle]
        above = usage_of(*(self._started.processes() if self._started else ()))
        return Usage(above.memory + sum(usage.memory for usage in waiting), above.processes + len(waiting))

    def renew(self) -> None:
        """Ends the processes that wait; the next theorem begins with a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for transport in idle:
            transport.close()

    def split_script(self, script: str) -> list[str]:
        """The tactics of a whole proof as a model writes it; see :class:`proofsearch.protocols.SplitsScripts`."""
        return split_script(script)

    # -- proofs --------------------------------------------------------------------------------------------------

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        """The theorem with the tactics as its proof, behind all that stands before it.

        Raises:
            ProofError: the path does not finish.
        """
        source = self.source(theorem.name)
        for number, tactic in enumerate(tactics, start=1):
            if wrong := flaw(tactic):
                raise ProofError(f"{theorem.name}: step {number} is no tactic: {wrong}")
        session = self.open(theorem)
        try:
            result = session.replay(tactics)
        finally:
            session.close()
        if not isinstance(result, Finished):
            raise ProofError(f"{theorem.name}: the path does not finish, it ends with {result}")
        return proof_text(source, tactics)

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        """Has a written proof checked by a fresh process of Lean's; see :mod:`proofsearch_lean.verification`."""
        return verify(self.toolchain, self._config, self.source(theorem.name), proof)

    def fingerprint(self) -> Mapping[str, str]:
        """The versions, a hash of all theorems with what stands before them, and the options that results depend on."""
        config = self._config
        return {
            "proofsearch-lean": VERSION,
            "lean": self.toolchain.version,
            "theorems": self.library.sha256(),
            "splits": f"{config.only} {config.held_out:g}",
            "timeout": f"{config.timeout:g}",
            "axioms": " ".join(config.axioms),
        }

    def close(self) -> None:
        """Ends every process of Lean's. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for transport in idle:
            transport.close()
        if self._started is not None:
            self._started.close()
