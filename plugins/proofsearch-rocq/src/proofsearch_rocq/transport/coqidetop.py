"""The XML protocol of ``coqidetop``: a document that grows and shrinks at its end, with a state behind each sentence.

``Add`` parses one sentence behind the last one, ``Goal`` runs what was added and says what is to be proved, ``Edit_at``
takes sentences back. Answers have no delimiter but their own end tag. So the document keeps what it shares with the way
to a place, a trial is all three calls in one writing, and it is taken back with the next one: it may be where that is.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import re
import time
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from proofsearch.process.recovery import LostError
from proofsearch_rocq.transport.base import Transport
from proofsearch_rocq.transport.interface import Failure, Goals, OpenGoal, Place
from proofsearch_rocq.transport.process import DeadlineError, ProverProcess
from proofsearch_rocq.transport.settings import SLACK, is_timeout

FLAGS = (
    *("-q", "-w", "none"),
    *("-async-proofs", "off", "-async-proofs-command-error-resilience", "off"),
    *("-async-proofs-tactic-error-resilience", "off"),
    *("-main-channel", "stdfds"),
)
"""No resource file and no warnings; no worker processes, and errors are errors: resilience skips what fails."""

ELLIPSIS = "..."
"""What is printed for all that is nested deeper than 50 boxes, whatever the settings say: it is compiled in."""

_INIT = b'<call val="Init"><option val="none"/></call>'
_GOAL = b'<call val="Goal"><unit/></call>'
_ADD = (
    '<call val="Add"><pair><pair><pair><pair><string>{}</string><int>-1</int></pair><pair><state_id val="{}"/>'
    '<bool val="false"/></pair></pair><int>0</int></pair><pair><int>0</int><int>0</int></pair></pair></call>'
)
_EDIT = '<call val="Edit_at"><state_id val="{}"/></call>'


def _printing(what: Sequence[str], on: bool) -> bytes:
    """The call that has the prover print more, or as before."""
    option = (
        "<pair><list><string>Printing</string><string>{}</string></list>"
        '<option_value val="boolvalue"><bool val="{}"/></option_value></pair>'
    )
    options = "".join(option.format(name, str(on).lower()) for name in what)
    return f'<call val="SetOptions"><list>{options}</list></call>'.encode()


_HIDDEN = ("Implicit", "Coercions")
_SHOW = _GOAL + _printing(_HIDDEN, True) + _GOAL + _printing(_HIDDEN, False)
_SHOWN = 4
"""Goals are read twice, as they are shown and with what is hidden, and answered by so many answers."""
_END_OF_ANSWER = b"</value>"
_ANSWER = b"<value "
_SEVERAL = re.compile(r"([^\W\d][\w']*(?:, [^\W\d][\w']*)+)( :.*)", re.DOTALL)
_PRINTED = re.compile(rb"<goal><string>\d+</string>(.*?)<option", re.DOTALL)
_BREAK = re.compile(r"\n\s*")


class Coqidetop(Transport):
    """A ``coqidetop`` for one file. What runs past its grace is interrupted, and killed after as much time again."""

    _stack: list[tuple[Place, int]]
    """The places that the document holds, each with the prover's number of the state behind it."""

    _last_trial: tuple[str, int] | None
    """What was tried at the document's end and not yet taken back, with the number of its state."""

    # -- places --------------------------------------------------------------------------------------------------

    def go(self, place: Place) -> Goals | Failure:
        """See :meth:`Transport.go`."""
        process = self._running()
        failure, until = self._reach(process, place)
        if failure is not None:
            return failure
        answers = self._answers(process, _SHOW, _SHOWN, until)
        if not _is_good(answers[0]):
            return self._failed(process, self._read(answers[0]))
        return self._goals(answers[0], answers[2])

    def _reach(self, process: ProverProcess, place: Place) -> tuple[Failure | None, float]:
        """Makes the document end at a place; what was added is run with the next call that asks for goals.

        Returns:
            What went wrong, and by when that call has to be answered.
        """
        self._adopt(place)
        stack = self._stack
        shared = self._shared(place)
        if shared + 1 < len(stack) or self._last_trial is not None:
            self._ask(process, _EDIT.format(stack[shared][1]).encode(), time.monotonic() + SLACK)
            del stack[shared + 1 :]
            self._last_trial = None
        missing = place.way(shared)
        # Notations, imports and the like are run as they are added, so that the rest can be parsed.
        until = self._replay_deadline(missing)
        for next_place in missing:
            call = _ADD.format(escape(self._as_replayed(next_place)), stack[-1][1])
            answer = self._ask(process, call.encode(), until)
            if answer.get("val") != "good":
                return self._failed(process, answer), until
            stack.append((next_place, _state_id(answer)))
        return None, until

    def _adopt(self, place: Place) -> None:
        """Makes the last trial a part of the document if it led to this place, so that it isn't run again."""
        if self._last_trial is None:
            return
        sentence, state = self._last_trial
        if place.before is self._stack[-1][0] and place.sentence == sentence:
            self._stack.append((place, state))
            self._last_trial = None

    def _shared(self, place: Place) -> int:
        """How deep the way to a place goes along the document."""
        stack = self._stack
        here: Place | None = place
        while here is not None and (here.depth >= len(stack) or stack[here.depth][0] is not here):
            here = here.before
        if here is None:
            raise ValueError("a place of another file")
        return here.depth

    def _failed(self, process: ProverProcess, answer: ElementTree.Element) -> Failure:
        """What went wrong on the way to a place; the document goes back to its beginning, which is always good."""
        self._ask(process, _EDIT.format(self._stack[0][1]).encode(), time.monotonic() + SLACK)
        del self._stack[1:]
        self._last_trial = None
        return _failure(answer)

    def trial(self, place: Place, sentence: str, timed: bool = True) -> Goals | Failure:
        """See :meth:`Transport.trial`."""
        process = self._running()
        self._adopt(place)
        if self._stack[-1][0] is not place:
            went = self.go(place)
            if isinstance(went, Failure):
                raise LostError(f"what was run before didn't run again: {went.message}")
        state = self._stack[-1][1]
        # What was tried before is taken back only now: it may have been the next place.
        back = _EDIT.format(state).encode() if self._last_trial is not None else b""
        add = _ADD.format(escape(self._as_tried(sentence, timed)), state).encode()
        until = self._trial_deadline(timed)
        with self._ending_a_failed_process(f"no answer within {self._timeout:g} s, nor to an interrupt; it was killed"):
            process.send(back + add + _SHOW, until)
            if back:
                process.receive(_END_OF_ANSWER, until)
            added = process.receive(_END_OF_ANSWER, until)
            ran, late = self._patiently(process, until)
            until = max(until, time.monotonic() + self._grace)
            process.receive(_END_OF_ANSWER, until)
            # What was interrupted may be run again for this.
            full, again = self._patiently(process, until)
            process.receive(_END_OF_ANSWER, max(until, time.monotonic() + self._grace))
        late |= again
        if not _is_good(added):
            self._last_trial = None
            return _failure(self._read(added))
        self._last_trial = (sentence, _state_id(self._read(added)))
        if late or not _is_good(ran):
            self._last_trial = ("", 0)
        if not _is_good(ran):
            return _failure(self._read(ran))
        if late:
            return Failure(f"no answer within {self._timeout:g} s", timed_out=True)
        return self._goals(ran, full)

    def _patiently(self, process: ProverProcess, until: float) -> tuple[bytes, bool]:
        """The next answer, and whether it took an interrupt, after which there is as much time again as the grace.

        The prover is at work on the call that is not answered, so that it can be interrupted.
        """
        try:
            return process.receive(_END_OF_ANSWER, until), False
        except DeadlineError:
            process.interrupt()
            return process.receive(_END_OF_ANSWER, time.monotonic() + self._grace), True

    def full_names(self) -> Sequence[str]:
        """See :meth:`Transport.full_names`."""
        calls = _printing(["All"], True) + _GOAL + _printing(["All"], False)
        answers = self._answers(self._running(), calls, 3, time.monotonic() + SLACK)
        goals = self._goals(answers[1], answers[1])
        return ["\n".join((*goal.hypotheses, goal.conclusion)) for goal in (*goals.open, *goals.shelved)]

    # -- the process ---------------------------------------------------------------------------------------------

    def _start(self) -> ProverProcess:
        # The file's own folder may not be ours to write to, and the prover writes nothing.
        folder = self._file.path.parent
        words = (*self._command, *FLAGS, *self._file.arguments, "-topfile", str(self._file.path))
        return ProverProcess(words, folder if folder.is_dir() else Path.cwd(), self._max_memory)

    def _greet(self, process: ProverProcess, until: float) -> str:
        answer = self._ask(process, _INIT, until)
        if answer.get("val") != "good":
            return _text(answer.find("richpp")) or "it doesn't say why"
        self._stack = [(self._base[0], _state_id(answer))]
        return ""

    def _num_states(self) -> int:
        return len(self._stack)

    def _forget(self) -> None:
        self._stack = []
        self._last_trial = None

    def _ask(self, process: ProverProcess, call: bytes, until: float) -> ElementTree.Element:
        """Makes a call and waits for its answer."""
        return self._read(self._answers(process, call, 1, until)[0])

    def _answers(self, process: ProverProcess, calls: bytes, number: int, until: float) -> list[bytes]:
        """Makes calls and waits for their answers. Where they don't come in time, the process is ended."""
        with self._ending_a_failed_process():
            process.send(calls, until)
            return [process.receive(_END_OF_ANSWER, until) for _ in range(number)]

    def _read(self, said: bytes) -> ElementTree.Element:
        # What it prints has no-break spaces where it breaks no line; all that is left of the XML is plain.
        answer = said[said.rindex(_ANSWER) :].replace(b"&nbsp;", b" ")
        try:
            return ElementTree.fromstring(answer)
        except ElementTree.ParseError as error:
            self.renew()
            raise LostError(f"what it said can't be read: {error}") from None

    def _goals(self, shown: bytes, full: bytes) -> Goals:
        found = self._read(shown).find("option/goals")
        if found is None:  # no proof is open
            return Goals(())
        focused, background, shelved, given_up = found
        between = sum(1 for _ in background.iter("goal"))
        hidden = [] if shown == full else _hidden(shown, full)
        hidden += [""] * (len(focused) + between + len(shelved) - len(hidden))
        return Goals(
            tuple([_goal(goal, hidden[at]) for at, goal in enumerate(focused)]),
            between,
            tuple([_goal(goal, hidden[at]) for at, goal in enumerate(shelved, start=len(focused) + between)]),
            len(given_up),
        )


def _is_good(said: bytes) -> bool:
    return said.startswith(b'val="good"', said.rindex(_ANSWER) + len(_ANSWER))


def _state_id(answer: ElementTree.Element) -> int:
    found = answer.find(".//state_id")
    assert found is not None, "a good answer names a state"
    return int(found.get("val", "0"))


def _text(element: ElementTree.Element | None) -> str:
    """What is printed, with the breaks that some notations force taken out, where no string can be meant."""
    if element is None:
        return ""
    text = "".join(element.itertext())
    return _BREAK.sub(" ", text) if "\n" in text and '"' not in text else text


def _failure(answer: ElementTree.Element) -> Failure:
    message = _text(answer.find("richpp")).strip()
    return Failure(message, timed_out=is_timeout(message))


def _goal(goal: ElementTree.Element, hidden: str) -> OpenGoal:
    _, hypotheses, conclusion, name = goal
    split = itertools.chain.from_iterable(_split_hypothesis(_text(hypothesis)) for hypothesis in hypotheses)
    found = OpenGoal("".join(name.itertext()), tuple(split), _text(conclusion), hidden)
    cut = ELLIPSIS in found.conclusion or any(ELLIPSIS in hypothesis for hypothesis in found.hypotheses)
    return dataclasses.replace(found, cut=True) if cut else found


def _hidden(shown: bytes, full: bytes) -> list[str]:
    """What tells goals from others that are shown alike: a digest of each one in full; ``""`` where all is shown."""
    pairs = zip(_PRINTED.findall(shown), _PRINTED.findall(full), strict=False)
    return ["" if short == long else hashlib.blake2b(long, digest_size=6).hexdigest() for short, long in pairs]


def _split_hypothesis(hypothesis: str) -> list[str]:
    """``"n, m : nat"`` as ``["n : nat", "m : nat"]``."""
    found = _SEVERAL.fullmatch(hypothesis)
    return [f"{name}{found[2]}" for name in found[1].split(", ")] if found else [hypothesis]
