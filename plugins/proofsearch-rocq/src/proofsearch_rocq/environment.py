"""Rocq as a prover environment: see :class:`proofsearch.protocols.Environment`."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from proofsearch import Advanced, Demonstration, Finished, Theorem, Verdict
from proofsearch.errors import ProofError, UsageError, near
from proofsearch.protocols import Usage
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.demonstrations import UnusableProofError, replay, split_script
from proofsearch_rocq.installation import Installation, find_installation
from proofsearch_rocq.lemmas import Lemma, SourceFile
from proofsearch_rocq.session import UNSHELVE, RocqSession
from proofsearch_rocq.sources import read_lemmas
from proofsearch_rocq.sources.statements import PROVED
from proofsearch_rocq.states import RocqState
from proofsearch_rocq.transport import make_transport
from proofsearch_rocq.transport.base import Transport
from proofsearch_rocq.verification import proof_text, verify

VERSION = "0.1.0"


class RocqEnvironment:
    """Lemmas of ``.v`` files, searched forwards from the statement by tactics.

    A prover that has read a file up to a lemma is kept when a session is closed, for the next lemma of that file. So
    lemmas are best searched in the order of their files, by each worker a file.

    Args:
        config: the options.
        cache: a folder for what can be computed again.
        status: told what takes long.
    """

    proof_suffix = ".v"

    def __init__(
        self, config: RocqConfig, cache: Path, status: Callable[[str, int | None, int | None], None] | None = None
    ) -> None:
        self._config = config
        self._cache = cache
        self._status = status or (lambda message, done, total: None)
        self._lock = threading.Lock()
        self._idle: tuple[SourceFile, Transport] | None = None
        self._closed = False
        self.skipped_demonstrations = 0

    @cached_property
    def installation(self) -> Installation:
        """The Rocq that was found.

        Raises:
            UsageError: there is none that can be used.
        """
        return find_installation(self._config)

    # -- theorems ------------------------------------------------------------------------------------------------

    @cached_property
    def lemmas(self) -> Mapping[str, Lemma]:
        """All lemmas, by name."""
        return {lemma.name: lemma for lemma in read_lemmas(self._config, self.installation)}

    @cached_property
    def _theorems(self) -> Mapping[str, Theorem]:
        return {
            lemma.name: Theorem(
                name=lemma.name,
                statement=lemma.statement,
                source=f"{lemma.file.path}:{lemma.line}",
                position=position,
                split=lemma.split,
                proof_length=len(lemma.script) or None,
            )
            for position, lemma in enumerate(self.lemmas.values())
        }

    def theorems(self) -> Sequence[Theorem]:
        """The lemmas that the options name, file by file, in the order of the files."""
        return list(self._theorems.values())

    def theorem(self, name: str) -> Theorem:
        """Looks a theorem up by its name, or by its last parts where only one theorem's name ends with them.

        Raises:
            UsageError: there is none of that name, or there are several.
        """
        return self._theorems[self._full_name(name)]

    def _full_name(self, name: str) -> str:
        if name in self.lemmas:
            return name
        where = self._config.file or "the standard library"
        ends = [full for full in self.lemmas if full.endswith(f".{name}")]
        if len(ends) > 1:
            some = ", ".join(ends[:3]) + (", …" if len(ends) > 3 else "")
            raise UsageError(f"{where} has {len(ends)} lemmas {name!r}: {some}; give more of the name")
        if not ends:
            known = {**{lemma.short: None for lemma in self.lemmas.values()}, **dict.fromkeys(self.lemmas)}
            raise UsageError(f"{where} has no lemma {name!r}{near(name, known, 3)}")
        return ends[0]

    # -- searching -----------------------------------------------------------------------------------------------

    def open(self, theorem: Theorem) -> RocqSession:
        """A session with a prover to itself, which serves the next lemma of the file when the session is closed."""
        lemma = self.lemmas[self._full_name(theorem.name)]
        with self._lock:
            kept, self._idle = self._idle, None
        if kept is not None and kept[0] is lemma.file:
            transport = kept[1]
        else:
            if kept is not None:
                kept[1].close()
            transport = make_transport(self._config, self.installation, lemma.file)
        return RocqSession(lemma, transport, self._config.max_state, lambda used: self._take_back(lemma.file, used))

    def _take_back(self, file: SourceFile, transport: Transport) -> None:
        with self._lock:
            ended: Transport | None = transport
            if not self._closed and not transport.interrupted:
                ended = self._idle[1] if self._idle is not None else None
                self._idle = file, transport
        if ended is not None:
            ended.close()

    def usage(self) -> Usage:
        """What the process uses that waits for the next lemma."""
        with self._lock:
            return self._idle[1].usage() if self._idle is not None else Usage()

    def renew(self) -> None:
        """Ends the process that waits; the next lemma begins with a new one."""
        with self._lock:
            kept, self._idle = self._idle, None
        if kept is not None:
            kept[1].close()

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        """The library's proofs of these theorems, replayed; those of a file in one process where they come together.

        Those that can't be, because a step is a command, takes too long or isn't one that a search would take, are
        counted in :attr:`skipped_demonstrations`.
        """
        for theorem in theorems:
            lemma = self.lemmas[self._full_name(theorem.name)]
            if lemma.ending not in PROVED or not self._demonstrates(lemma.file):
                continue
            session = self.open(theorem)
            try:
                steps = list(replay(theorem, session, lemma.script, self._config.max_demonstration))
            except UnusableProofError:
                self.skipped_demonstrations += 1
                continue
            finally:
                session.close()
            yield from steps

    def _demonstrates(self, file: SourceFile) -> bool:
        """Whether a file is among the share that is learnt from, by the hash of its name."""
        digest = hashlib.sha256(f"learn {file.module}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < self._config.learn * 2**64

    def split_script(self, script: str) -> list[str]:
        """The tactics of a whole proof as a model writes it; see :class:`proofsearch.protocols.SplitsScripts`."""
        return split_script(script)

    # -- proofs --------------------------------------------------------------------------------------------------

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        """The file up to the lemma, with the tactics as its proof.

        Raises:
            ProofError: the path does not finish.
        """
        session = self.open(theorem)
        try:
            sentences = replay_tactics(session, tactics)
        except ValueError as error:
            raise ProofError(f"{theorem.name}: {error}") from None
        finally:
            session.close()
        return proof_text(self.lemmas[self._full_name(theorem.name)], tuple(sentences))

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        """Has a written proof checked by a fresh process; see :mod:`proofsearch_rocq.verification`."""
        return verify(self.installation, self._config, self.lemmas[self._full_name(theorem.name)], proof)

    def fingerprint(self) -> Mapping[str, str]:
        """The versions, a hash of all lemmas with their files, and the options that results depend on."""
        config = self._config
        texts = hashlib.sha256()
        files = {id(lemma.file): lemma.file for lemma in self.lemmas.values()}
        for file in files.values():
            texts.update("\0".join((file.module, *file.arguments, file.text)).encode() + b"\0")
        return {
            "proofsearch-rocq": VERSION,
            "rocq": self.installation.version,
            "lemmas": texts.hexdigest(),
            "timeout": str(config.timeout),
            "split": config.split,
            "demonstrations": f"{config.learn:g} {config.max_demonstration}",
            "bounds": f"{config.max_memory:g} {config.max_state}",
        }

    def close(self) -> None:
        """Ends the process that waits. Idempotent."""
        with self._lock:
            self._closed = True
            kept, self._idle = self._idle, None
        if kept is not None:
            kept[1].close()


def replay_tactics(session: RocqSession, tactics: Sequence[str]) -> list[str]:
    """The sentences of a proof, between ``Proof.`` and ``Qed.``.

    Raises:
        ValueError: the path doesn't finish; the message says where it ends.
    """
    outcome, sentences = session.initial(), []
    for number, tactic in enumerate(tactics, start=1):
        if not (isinstance(outcome, Advanced) and isinstance(state := outcome.state, RocqState)):
            raise ValueError(f"step {number} is behind the end of the proof: {outcome}")
        outcome = session.step(state, tactic)
        if not isinstance(outcome, Advanced | Finished):
            raise ValueError(f"step {number}, {tactic!r}: {outcome}")
        sentences.append(session.interpret(state, tactic).plain)
        after = outcome.state if isinstance(outcome, Advanced) else None
        if isinstance(after, RocqState) and after.place.sentence == UNSHELVE:
            sentences.append(UNSHELVE)
    if not isinstance(outcome, Finished):
        raise ValueError(f"the path doesn't finish: {outcome}")
    return sentences
