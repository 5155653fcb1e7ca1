"""The judgement of a proof, by what Lean said of the file with it.

The file is: all that stands before the theorem, its statement, the script, and an epilogue of commands of ours. What is
believed is bound to places that are known beforehand:

- Between the statement and the epilogue there is no other command. Lean traces every command that it elaborates, at
  its place, so a script that ends the proof and goes on with something else is seen, whatever that does. So the
  statement is read in the context that stands before it, and the epilogue in the same context.
- ``#print axioms`` answers once, at its own place, for the theorem's full name.
- The type of what has that name is, as a raw term, that of the same statement with ``sorry`` as its proof, which
  another process elaborates.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from proofsearch_lean.scripts import heading
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.verification.reports import Message, errors

MODULE = "ProofsearchCheck"
"""The module under whose name the file is elaborated; private names have it in them."""

HOLE = "  sorry\n"
"""The proof of the statement alone."""

_AXIOMS = re.compile(
    r"'(?P<name>.+?)' (?:does not depend on any axioms|depends on axioms: \[(?P<axioms>.*)\])", re.DOTALL
)


_EPILOGUE = """section
set_option pp.fullNames true
set_option pp.raw true
#print axioms {name}
#check @{name}
"""
"""The commands behind a proof. They begin with a word that begins no tactic, so that nothing before can take it for its
own end. Names are written in full, lest an axiom of somebody's namespace be taken for one of Lean's; and terms raw, as
no notation is."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file to be elaborated.

    Attributes:
        text: all of it.
        script: the lines of the script, from 1.
        epilogue: the lines behind it.
    """

    text: str
    script: range
    epilogue: range

    @property
    def axioms_line(self) -> int:
        """The line of ``#print axioms``, from 1."""
        return self.epilogue[-2]

    @property
    def type_line(self) -> int:
        """The line of ``#check``, from 1."""
        return self.epilogue[-1]


def compose(theorem: LeanTheorem, script: str) -> CheckedFile:
    """The file in which a script is checked; the script ends with a line break."""
    before = heading(theorem)
    epilogue = _EPILOGUE.format(name=f"_root_.{theorem.name.removeprefix('_root_.')}")
    first = before.count("\n") + 1
    behind = first + script.count("\n")
    return CheckedFile(before + script + epilogue, range(first, behind), range(behind, behind + epilogue.count("\n")))


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a file.

    Attributes:
        flaw: why the proof is none; ``""`` where nothing speaks against it.
        axioms: what it rests on, sorted.
        type: what it proves, as a raw term with its universes.
    """

    flaw: str
    axioms: tuple[str, ...] = ()
    type: str = ""


def judge(theorem: LeanTheorem, file: CheckedFile, code: int, messages: Sequence[Message]) -> Finding:
    """Judges what Lean said, without asking yet what axioms are allowed and which type is expected.

    Args:
        theorem: what should be proved.
        file: what was elaborated.
        code: the exit code of Lean's.
        messages: everything that it said.
    """
    wrong = errors(messages)
    if wrong:
        return Finding(_describe_errors(wrong, file))
    if code:
        return Finding(f"Lean ended with code {code} and said no error")
    commands = [message for message in messages if message.traces_command]
    smuggled = next((message for message in commands if message.line in file.script), None)
    if smuggled is not None:
        what = " ".join(smuggled.text.partition("]")[2].split()[:8])
        return Finding(
            f"line {smuggled.line - file.script.start + 1} of the proof begins another command ({what}): "
            "a proof holds nothing but steps"
        )
    places = {message.line for message in commands}
    if not places.issuperset(file.epilogue) or not any(line < file.script.start for line in places):
        return Finding("the proof doesn't end where it should: Lean doesn't come to what stands behind it")
    axioms, named = _axioms(theorem, file, messages)
    if axioms is None:
        return Finding(named)
    answers = [message.text for message in messages if message.line == file.type_line and not message.traces_command]
    if len(answers) != 1 or " : " not in answers[0]:
        return Finding("Lean didn't say once what the theorem's type is")
    return Finding("", axioms, answers[0])


def _axioms(theorem: LeanTheorem, file: CheckedFile, messages: Sequence[Message]) -> tuple[tuple[str, ...] | None, str]:
    """The axioms, and a message where Lean's answer isn't the one expected."""
    answers = [message for message in messages if message.line == file.axioms_line and not message.traces_command]
    found = _AXIOMS.fullmatch(answers[0].text.strip()) if len(answers) == 1 else None
    if found is None:
        return None, "Lean didn't say once what axioms the theorem rests on"
    if _without_guillemets(found["name"]) not in _names(theorem):
        return None, f"Lean told the axioms of {found['name']}, not of {theorem.name}"
    axioms = (axiom.strip().removeprefix("_root_.") for axiom in (found["axioms"] or "").split(","))
    return tuple(sorted(filter(None, axioms))), ""


def _names(theorem: LeanTheorem) -> Collection[str]:
    name = _without_guillemets(theorem.name.removeprefix("_root_."))
    return name, f"_private.{MODULE}.0.{name}"


def _without_guillemets(name: str) -> str:
    return name.replace("«", "").replace("»", "")


def _describe_errors(wrong: Sequence[Message], file: CheckedFile) -> str:
    first = wrong[0]
    said = " ".join(first.text.split())[:600]
    where = (
        f"line {first.line - file.script.start + 1} of the proof" if first.line in file.script else f"line {first.line}"
    )
    if all(message.is_about_heartbeats for message in wrong):
        return (
            f"it fails for heartbeats only, {where}: {said}. In the search each step has that budget for itself, in "
            "the check the whole declaration has it once; `set_option maxHeartbeats N` before the theorem raises it"
        )
    if first.line in file.epilogue:
        return f"the proof doesn't end where it should: {said}"
    return f"{where}: {said}"
