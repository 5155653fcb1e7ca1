"""Metamath as a prover environment: see :class:`proofsearch.protocols.Environment`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from proofsearch import Demonstration, Theorem, Verdict
from proofsearch.errors import InputError, ProofError, StorageError, UsageError, near
from proofsearch.protocols import Environment
from proofsearch.storage.cache import CACHE_VARIABLE
from proofsearch_metamath.compiled import notice
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.database.files import file_problem, read_bytes
from proofsearch_metamath.database.model import Assertion, Pair
from proofsearch_metamath.database.tokens import make_source
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.library.grounds import axioms_below, citation_problem, describe_flaws
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.prepare import prepare
from proofsearch_metamath.proofs.explanation import explain
from proofsearch_metamath.proofs.graph import count_steps, encode_compressed, proof_graph
from proofsearch_metamath.proofs.statement import ProofText, read_proof_text, write_proof_text
from proofsearch_metamath.proofs.verifier import ProofAudit, Verifier
from proofsearch_metamath.search.demonstrations import UnusableProofError
from proofsearch_metamath.search.demonstrations import replay as replay_proof
from proofsearch_metamath.search.elaboration import Elaborator
from proofsearch_metamath.search.elaboration import replay as replay_path
from proofsearch_metamath.search.session import MetamathSession
from proofsearch_metamath.search.target import Target
from proofsearch_metamath.syntax.grammar import PROVABLE

SHIPPED = "set-prefix.mm"
"""The database that comes with the package."""

VERSION = "0.1.0"


def split_of(label: str) -> str:
    """The split of a theorem, by the hash of its label: 80% train, 10% validation, 10% test, in every database.

    Old and alternative versions (labels with OLD or ALT) prove again what others state: they are in no split.
    """
    if re.search(r"OLD|ALT", label):
        return ""
    bucket = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big") % 10
    return {0: "test", 1: "validation"}.get(bucket, "train")


class MetamathEnvironment(Environment):
    """A Metamath database, searched backwards from the theorem; see :mod:`proofsearch_metamath.search.session`."""

    proof_suffix = ".mm"

    def __init__(
        self, config: MetamathConfig, cache: Path, status: Callable[[str, int | None, int | None], None] | None = None
    ) -> None:
        """Keeps the options; the database is read when it is first needed.

        Args:
            config: the options.
            cache: a folder for prepared databases.
            status: told what takes long.
        """
        self._config = config
        self._cache = cache
        self._status = status or (lambda message, done, total: None)
        self._codes: dict[Path, str] = {}
        self.skipped_demonstrations = 0

    @property
    def is_shipped(self) -> bool:
        """Whether the database is the one that comes with the package."""
        return self._config.database is None

    @property
    def path(self) -> Path:
        """The database file."""
        if self._config.database is None:
            return Path(str(files("proofsearch_metamath") / "data" / SHIPPED))
        return self._config.database.expanduser()

    @cached_property
    def library(self) -> Library:
        """The prepared database, made at the first use and loaded from the cache after that.

        Raises:
            InputError: it can't be read or parsed; the message has file, line and column.
            StorageError: the cache can't be written.
        """
        trouble = file_problem(self.path)
        if trouble is not None:
            raise InputError(f"{self.path}: {trouble}; give --metamath-database the path of a .mm database")
        advice = notice()
        if advice:
            self._status(advice, None, None)
        try:
            library = prepare(
                self.path,
                self._cache / "metamath",
                lambda what, done, total: self._status(f"{what} {self.path.name}", done, total),
            )
        except MetamathError as error:
            where = "" if error.file is not None else f"{self.path}: "
            raise InputError(f"{where}{error}") from None
        except OSError as error:
            raise StorageError(
                f"{self._cache / 'metamath'}: the prepared {self.path.name} can't be stored: {error.strerror}; "
                f"make room, or choose another folder with {CACHE_VARIABLE}"
            ) from None
        wrong = describe_flaws(library, unfinished=False)
        if wrong:
            self._status(f"{self.path.name}: {wrong}", None, None)
        return library

    # -- theorems ------------------------------------------------------------------------------------------------

    @cached_property
    def _theorems(self) -> dict[str, Theorem]:
        tables = self.library.tables
        arrays = tables.arrays
        provable = self.library.provable.tolist()
        is_theorem = arrays["is_theorem"]
        steps, lines = arrays["proof_steps"].tolist(), arrays["lines"].tolist()
        names = [source.name for source in tables.sources]
        places = arrays["places"][:, 2].tolist()
        offsets, flat, symbols = arrays["assertion_symbols_at"].tolist(), arrays["assertion_symbols"], tables.symbols
        found = {}
        for position in provable:
            if is_theorem[position]:
                label = tables.labels[position]
                expression = flat[offsets[position] : offsets[position + 1]].tolist()
                found[label] = Theorem(
                    name=label,
                    statement=" ".join([symbols[number] for number in expression]),
                    source=f"{names[places[position]]}:{lines[position]}",
                    position=position,
                    split=split_of(label),
                    proof_length=steps[position],
                )
        return found

    def theorems(self) -> Sequence[Theorem]:
        """Every ``$p`` statement of what can be proved, in the database's order."""
        return list(self._theorems.values())

    def theorem(self, name: str) -> Theorem:
        """Looks a theorem up by its label.

        Raises:
            UsageError: no theorem has that label.
        """
        found = self._theorems.get(name)
        if found is None:
            if name in self.library.frames:
                raise UsageError(f"{name} is an axiom, a definition or syntax in {self.path.name}: nothing to prove")
            raise UsageError(f"{self.path.name} has no theorem {name!r}{near(name, self._theorems, 3)}")
        return found

    # -- searching -----------------------------------------------------------------------------------------------

    def open(self, theorem: Theorem) -> MetamathSession:
        """A fresh session."""
        config = self._config
        return MetamathSession(self.library, self._target(theorem), config.max_goal_size, config.max_goals)

    def _target(self, theorem: Theorem) -> Target:
        library = self.library
        frame = library.frames[theorem.name]
        pattern = library.pattern(library.provable_index[theorem.name])
        return Target(
            theorem=theorem,
            conclusion=pattern.conclusion,
            hypotheses=pattern.hypotheses,
            variables=tuple(floating.variable for floating in frame.floats),
            typecodes=pattern.typecodes,
            disjoint=frozenset((min(pair), max(pair)) for pair in pattern.disjoint),
            earlier=library.before(frame.position),
        )

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        """The library's proofs of these theorems, replayed.

        Those that can't be, because they are incomplete, wrong or too long, are counted in
        :attr:`skipped_demonstrations`.
        """
        library = self.library
        database = library.database
        for theorem in theorems:
            frame = library.frames[theorem.name]
            try:
                root = proof_graph(database, frame, self._stored_proof(frame))
                steps = list(
                    replay_proof(theorem, self.open(theorem), library.frames, root, self._config.max_demonstration)
                )
            except (UnusableProofError, MetamathError):
                self.skipped_demonstrations += 1
                continue
            yield from steps

    def _stored_proof(self, frame: Assertion) -> list[str]:
        path = self.library.tables.sources[frame.file]
        code = self._codes.get(path)
        if code is None:
            code = make_source(path, read_bytes(path)).code
            self._codes[path] = code
        words = code[frame.start : frame.end].split()
        if words[:2] != [frame.label, "$p"]:
            raise InputError(f"{path}: the file has changed since it was read; start again")
        return words[words.index("$=") + 1 : -1]

    # -- proofs --------------------------------------------------------------------------------------------------

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        """The found proof as a statement that takes the place of the theorem's in the database.

        Equal subproofs stand once, and each statement is proved by the shortest subproof that the path holds.

        Raises:
            ProofError: the path does not finish, or leaves open what nothing can fill.
        """
        steps = replay_path(self.open(theorem), tactics)
        elaborated = Elaborator(self.library, self._target(theorem)).elaborate(steps)
        frame = self.library.frames[theorem.name]
        variables = [floating.variable for floating in frame.floats]
        proof = encode_compressed(frame.order, elaborated.root)
        return write_proof_text(ProofText(frame.label, frame.expression, proof, _apart(elaborated.dummies, variables)))

    def stored_proof_text(self, theorem: Theorem) -> str:
        """The library's own proof, written as :meth:`write_proof` writes a found one."""
        library = self.library
        frame = library.frames[theorem.name]
        proof = self._stored_proof(frame)
        floats = library.database.floats
        used = dict.fromkeys([floats[label].variable for label in proof if label in floats])
        variables = [floating.variable for floating in frame.floats]
        dummies = [variable for variable in used if variable not in variables]
        return write_proof_text(ProofText(frame.label, frame.expression, tuple(proof), _apart(dummies, variables)))

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        """Runs a written proof on the stack machine, which shares no code with the search.

        What it cites must be proved too: the proofs of the database were verified when it was prepared.
        """
        checker = f"proofsearch-metamath {VERSION} stack machine"
        try:
            _, audit = self._audit(theorem, proof)
        except MetamathError as error:
            return Verdict(False, checker, str(error))
        axioms = axioms_below(self.library, audit.cited)
        for label in sorted(audit.cited):
            reason = citation_problem(self.library, label)
            if reason is not None:
                return Verdict(False, checker, f"the proof cites {reason}", axioms)
        return Verdict(True, checker, "", axioms, tier="axioms audited")

    def proof_steps(self, theorem: Theorem, proof: str) -> int:
        """The assertions that a proof applies to show something, equal applications once.

        What builds formulas doesn't count, nor do the theorem's hypotheses.

        Raises:
            ProofError: it is no proof of the theorem.
        """
        try:
            text = read_proof_text(proof)
            root = proof_graph(self.library.database, self.library.frames[theorem.name], text.proof)
        except MetamathError as error:
            raise ProofError(f"{theorem.name}: the proof can't be read: {error}") from None
        return count_steps(self.library.database, root, PROVABLE)

    def explain(self, theorem: Theorem, proof: str) -> str:
        """The proof as a person reads it: a line for each step that asserts something.

        Raises:
            ProofError: it is no proof of the theorem.
        """
        try:
            text, _ = self._audit(theorem, proof)
            return explain(self.library.database, self.library.frames[theorem.name], text.proof)
        except MetamathError as error:
            raise ProofError(f"{theorem.name}: the proof can't be shown: {error}") from None

    def _audit(self, theorem: Theorem, proof: str) -> tuple[ProofText, ProofAudit]:
        """Reads and verifies a proof.

        Raises:
            MetamathError: it is no proof of the theorem.
        """
        frame = self.library.frames[theorem.name]
        text = read_proof_text(proof)
        if text.label != frame.label or text.expression != frame.expression:
            raise MetamathError(
                f"found a proof of {text.label} $p {' '.join(text.expression)}; "
                f"expected one of {frame.label} $p {' '.join(frame.expression)}"
            )
        return text, self._verifier.verify(frame, proof=text.proof, extra_disjoint=text.disjoint)

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self.library.database)

    def fingerprint(self) -> Mapping[str, str]:
        """The database, by name and hash, this package's version, and the bounds that change what a search meets."""
        config = self._config
        return {
            "database": self.path.name,
            "sha256": self.library.tables.sha256,
            "proofsearch-metamath": VERSION,
            "bounds": f"{config.max_goal_size} {config.max_goals} {config.max_demonstration}",
        }


def _apart(dummies: Sequence[str], variables: Sequence[str]) -> tuple[Pair, ...]:
    """The ``$d`` pairs that keep each dummy variable apart from the theorem's variables and the other dummies."""
    return tuple((dummy, other) for number, dummy in enumerate(dummies) for other in [*variables, *dummies[:number]])
