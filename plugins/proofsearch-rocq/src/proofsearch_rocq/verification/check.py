"""The check itself: ``coqtop`` reads the file up to the lemma, the proof and ``Qed``, and says what it rests on.

What is believed is bound to places that are known beforehand. The checker says where each sentence begins and ends that
it executes; these are ours and no others. So the statement is read in the context that stands before it in its source,
nothing but tactics comes between it and ``Qed``, and ``Print Assumptions`` answers for it, into a file that no tactic
can write.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofsearch import Verdict
from proofsearch.process.programs import run_command
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.sources.statements import PROVED, Enclosure, enclosures
from proofsearch_rocq.verification.report import Document, flaw, read_assumptions, read_place
from proofsearch_rocq.verification.text import heading, read_steps

_FLAGS = ("-q", "-batch", "-time", "-w", "none")
"""No resource file; end behind the file; say of each sentence where it is; no warnings."""

_WIDTH = "Set Printing Width 1000000."

AUDITED = "axioms audited"
KERNEL = "kernel"


def verify(installation: Installation, config: RocqConfig, lemma: Lemma, proof: str) -> Verdict:
    """Checks a written proof.

    Where the library's own proof is there, the found one may rest on the axioms that that rests on, and no others. For
    a lemma without a proof of its own, nothing says which are allowed: where its proof rests on any, the verdict is of
    the tier ``"kernel"``. Variables of a section, and what a functor's parameter or a module type leaves open around
    the lemma, are no axioms.

    Args:
        installation: the Rocq that checks.
        config: the time-out.
        lemma: what has to be proved.
        proof: as :func:`~proofsearch_rocq.verification.text.proof_text` makes it; all else is refused, never an error.
    """
    checker = f"Rocq {installation.version}, {Path(installation.toplevel[0]).name}"
    try:
        steps = read_steps(lemma, proof)
    except ValueError as error:
        return Verdict(False, checker, str(error))
    with tempfile.TemporaryDirectory(prefix="proofsearch-rocq-", ignore_cleanup_errors=True) as folder:
        check = _Check(installation, config, lemma, Path(folder))
        wrong, axioms = check.flaw_and_axioms(steps)
        if wrong:
            return Verdict(False, checker, wrong)
        if not axioms:
            return Verdict(True, checker, "", (), AUDITED)
        wrong, own, left_open = check.context(axioms)
    if wrong:
        return Verdict(False, checker, f"what it may rest on can't be found out: {wrong}", axioms)
    rests_on = tuple(axiom for axiom in axioms if axiom not in left_open)
    if own is None:
        return Verdict(True, checker, "", rests_on, KERNEL if rests_on else AUDITED)
    strange = [axiom for axiom in rests_on if axiom not in own]
    if strange:
        return Verdict(False, checker, f"the library's proof doesn't rest on this: {', '.join(strange)}", rests_on)
    return Verdict(True, checker, "", rests_on, AUDITED)


@dataclass(frozen=True)
class _Check:
    """The files of one check.

    Attributes:
        folder: an empty folder, gone after the check.
    """

    installation: Installation
    config: RocqConfig
    lemma: Lemma
    folder: Path

    def flaw_and_axioms(self, steps: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """A flaw of the proof with these steps, or ``""`` and what it rests on."""
        document = Document(heading(self.lemma))
        for sentence in ("Proof.", *steps, "Qed."):
            document.add(sentence)
        self._ask(document, "found")
        wrong = self._run(document)
        if wrong:
            return wrong, ()
        axioms = read_assumptions(self._answer("found"))
        return ("the checker doesn't say what the proof rests on", ()) if axioms is None else ("", axioms)

    def context(self, axioms: Sequence[str]) -> tuple[str, Collection[str] | None, Collection[str]]:
        """What these axioms are where the lemma stands.

        Returns:
            A flaw, or ``""``; what the lemma's own proof rests on, ``None`` where it has none; and which of the axioms
            are none, but left open around the lemma.
        """
        around = [enclosure for enclosure in enclosures(self.lemma.prefix) if enclosure.leaves_open]
        # What is no name, but a whole line that says what is assumed, has no place.
        named = [axiom for axiom in axioms if " " not in axiom] if around else []
        wrong, own, places = self._locate({axiom: (axiom,) for axiom in named})
        if "Syntax error" in wrong:
            # Some names are keywords too, as rem is in ZArith; behind a dot, they aren't.
            owners = [name for enclosure in around for name in (*enclosure.parameters, enclosure.name)]
            asked = {axiom: (axiom,) if "." in axiom else [f"{owner}.{axiom}" for owner in owners] for axiom in named}
            wrong, own, places = self._locate(asked)
        module, enclosing = self.lemma.file.module, enclosures(self.lemma.prefix)
        return wrong, own, {axiom for axiom, place in places if _is_left_open(place, enclosing, module)}

    def _locate(
        self, asked: Mapping[str, Sequence[str]]
    ) -> tuple[str, Collection[str] | None, Sequence[tuple[str, Sequence[str]]]]:
        """A flaw, or ``""``; what the own proof rests on; and the axioms with their full names.

        Args:
            asked: the names by which the place of each axiom is asked.
        """
        file, lemma = self.lemma.file, self.lemma
        proved = lemma.ending in PROVED
        end = file.sentences[lemma.last].end if proved else file.sentences[lemma.first].start
        document = Document(file.text[:end])
        if proved:
            self._ask(document, "own")
        questions = [(axiom, name) for axiom, names in asked.items() for name in names]
        for number, (_, name) in enumerate(questions):
            document.add(f'Redirect "{self.folder / str(number)}" Locate {name}.')
        wrong = self._run(document)
        own = read_assumptions(self._answer("own")) if proved and not wrong else ()
        if own is None:
            wrong = "the checker doesn't say what the library's own proof rests on"
        if wrong:
            return wrong, None, ()
        places = [
            (axiom, read_place(self._answer(str(number)), axiom, name))
            for number, (axiom, name) in enumerate(questions)
        ]
        return "", own if proved else None, places

    def _ask(self, document: Document, name: str) -> None:
        document.add(_WIDTH)
        document.add(f'Redirect "{self.folder / name}" Print Assumptions {self.lemma.short}.')

    def _answer(self, name: str) -> str:
        path = self.folder / f"{name}.out"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def _run(self, document: Document) -> str:
        """Why the document isn't accepted; ``""`` where it is."""
        file, config = self.lemma.file, self.config
        source = self.folder / "Check.v"
        source.write_text(f"{document.text}\n", encoding="utf-8", newline="\n")
        words = [*self.installation.toplevel, *_FLAGS, *file.arguments, "-topfile", str(file.path), "-l", str(source)]
        try:
            ended = run_command(
                words, file.path.parent, config.check_timeout, max_memory=int(config.max_memory * (1 << 30))
            )
        except OSError as error:
            return f"the checker can't be started: {error}"
        return flaw(ended, document, config.check_timeout).replace(str(source), "the proof")


def _is_left_open(place: Sequence[str], around: Sequence[Enclosure], module: str) -> bool:
    """Whether what has that full name is a parameter around the lemma, and no axiom.

    A functor's parameter stands under its own name. What a module type declares stands under the file's name and those
    of the modules around it; in a module type, all is left open.
    """
    if not place:
        return False
    if any(place[0] in enclosure.parameters for enclosure in around):
        return True
    names = [enclosure.name for enclosure in around if enclosure.kind != "Section"]
    kinds = [enclosure.kind for enclosure in around if enclosure.kind != "Section"]
    stem = module.split(".")
    for depth, kind in enumerate(kinds, start=1):
        if kind == "Module Type":
            for start in range(len(stem)):
                inside = [*stem[start:], *names[:depth]]
                if list(place[: len(inside)]) == inside:
                    return True
    return False
