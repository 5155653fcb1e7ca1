"""Petanque's protocol: JSON-RPC to ``pet``, which comes with rocq-lsp (coq-lsp before).

States are numbers that stay good, so there is nothing to go back to. A file's text is not given to ``pet``: it begins
with an empty file in a folder of its own, whose project file has the load path, and runs the sentences one by one.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proofsearch.protocols import Usage
from proofsearch_rocq.lemmas import Lemma, SourceFile
from proofsearch_rocq.transport.interface import Failure, Goals, OpenGoal, Place
from proofsearch_rocq.transport.process import DeadlineError, LostError, ProverProcess
from proofsearch_rocq.transport.settings import REPLAYED, SETTINGS, SLACK, is_timeout, limited

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"
_IMPLICIT = "Set Printing Implicit. Set Printing Coercions."
_ALL = "Set Printing All."

Message = dict[str, Any]


class Petanque:
    """A ``pet`` for one file; see :class:`proofsearch_rocq.transport.interface.Transport`.

    Args:
        command: the program.
        file: whose lemmas are to be proved.
        timeout: seconds that a tactic may run, whole ones, kept by the prover itself.
        grace: seconds after that until it is killed: it listens to nothing while it is at work.
        start_timeout: seconds for what stands before a lemma.
        max_memory: address space of the process in bytes.
    """

    def __init__(
        self,
        command: Sequence[str],
        file: SourceFile,
        timeout: int,
        grace: float,
        start_timeout: float,
        max_memory: int,
    ) -> None:
        self._command = tuple(command)
        self._file = file
        self._timeout = timeout
        self._grace = grace
        self._start_timeout = start_timeout
        self._max_memory = max_memory
        self._process: ProverProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._interrupted = False
        self._ids = itertools.count(1)
        self._base = [Place(None, "")]
        for sentence in SETTINGS:
            self._base.append(Place(self._base[-1], sentence))
        self._states: dict[Place, int] = {}
        self._place = self._base[0]

    # -- places --------------------------------------------------------------------------------------------------

    def start(self, lemma: Lemma) -> Place:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.start`."""
        base = self._base
        for sentence in self._file.sentences[len(base) - 1 - len(SETTINGS) : lemma.first]:
            base.append(Place(base[-1], sentence.text))
        return base[lemma.first + len(SETTINGS)]

    def go(self, place: Place) -> Goals | Failure:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.go`."""
        failure = self._reach(place)
        return failure if failure is not None else self._goals(self._states[place], time.monotonic() + SLACK)

    def _reach(self, place: Place) -> Failure | None:
        """Has the prover make the states on the way to a place; ``None``, or why one can't be made."""
        self._started()
        missing = []
        here: Place | None = place
        while here is not None and here not in self._states:
            missing.append(here)
            here = here.before
        if here is None:
            raise ValueError("a place of another file")
        steps = sum(one.timed for one in missing)
        until = time.monotonic() + SLACK + REPLAYED * (self._timeout + self._grace) * steps
        if steps < len(missing):
            until += self._start_timeout
        for one in reversed(missing):
            sentence = limited(one.sentence, REPLAYED * self._timeout) if one.timed else one.sentence
            ran = self._run(self._states[here], sentence, until)
            if isinstance(ran, Failure):
                return ran
            self._states[one] = ran
            here = one
        self._place = place
        return None

    def trial(self, place: Place, sentence: str, timed: bool = True) -> Goals | Failure:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.trial`."""
        failure = self._reach(place)
        if failure is not None:
            raise LostError(f"what was run before didn't run again: {failure.message}")
        until = time.monotonic() + (self._timeout if timed else self._start_timeout) + self._grace
        ran = self._run(self._states[place], limited(sentence, self._timeout) if timed else sentence, until)
        return ran if isinstance(ran, Failure) else self._goals(ran, max(until, time.monotonic() + self._grace))

    def full_names(self) -> Sequence[str]:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.full_names`."""
        goals = self._shown(self._states[self._place], _ALL, time.monotonic() + SLACK)
        return ["\n".join((*_hypotheses(goal), goal["ty"])) for goal in (*goals["goals"], *goals["shelf"])]

    def _run(self, state: int, sentence: str, until: float) -> int | Failure:
        answer = self._ask("petanque/run", {"st": state, "tac": sentence}, until)
        if "error" in answer:
            message = str(answer["error"].get("message", ""))
            return Failure(message, timed_out=is_timeout(message))
        return int(answer["result"]["st"])

    def _goals(self, state: int, until: float) -> Goals:
        found = self._ask("petanque/goals", {"st": state}, until).get("result")
        if found is None:  # no proof is open
            return Goals(())
        shown = [*found["goals"], *found["shelf"]]
        full = self._shown(state, _IMPLICIT, until)
        hidden = map(_difference, shown, [*full["goals"], *full["shelf"]])
        goals = [
            OpenGoal(_name(goal), _hypotheses(goal), goal["ty"], digest)
            for goal, digest in zip(shown, hidden, strict=True)
        ]
        number = len(found["goals"])
        background = sum(len(left) + len(right) for left, right in found["stack"])
        return Goals(tuple(goals[:number]), background, tuple(goals[number:]), len(found["given_up"]))

    def _shown(self, state: int, settings: str, until: float) -> Message:
        """The goals of a state under other settings, in a state of its own, which nothing comes after."""
        ran = self._run(state, settings, until)
        if isinstance(ran, Failure):
            raise LostError(f"it refused {settings!r}: {ran.message}")
        result: Message = self._ask("petanque/goals", {"st": ran}, until)["result"]
        return result

    # -- the process ---------------------------------------------------------------------------------------------

    def _started(self) -> None:
        if self._interrupted:
            self.renew()
            raise LostError("interrupted")
        if self._process is not None:
            return
        self._folder = tempfile.TemporaryDirectory(prefix="proofsearch-rocq-")
        folder = Path(self._folder.name)
        (folder / "_CoqProject").write_text("\n".join(map(_quoted, self._file.arguments)) + "\n", encoding="utf-8")
        empty = folder / "empty.v"
        empty.touch()
        self._process = ProverProcess(self._command, folder, self._max_memory)
        if self._interrupted:  # just now
            self._process.kill()
        until = time.monotonic() + self._start_timeout
        for method, params in (
            ("petanque/setWorkspace", {"debug": False, "root": folder.as_uri()}),
            ("petanque/get_root_state", {"uri": empty.as_uri()}),
        ):
            answer = self._ask(method, params, until)
            if "error" in answer:
                said = answer["error"].get("message", "")
                self.renew()
                raise LostError(f"it refused to begin, {method}: {said}")
        self._states = {self._base[0]: int(answer["result"]["st"])}

    def _ask(self, method: str, params: Message, until: float) -> Message:
        """Makes a call and waits for its answer. Where there is none in time, the process is ended."""
        process = self._process
        if process is None:
            raise LostError("it has ended")
        number = next(self._ids)
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
        try:
            process.send(b"Content-Length: %d\r\n\r\n%s" % (len(body), body), until)
            while True:
                message = _read(process, until)
                if message.get("id") == number and "method" not in message:  # the rest is for editors
                    return message
        except DeadlineError:
            self.renew()
            raise DeadlineError("no answer in time; it was killed") from None
        except (ValueError, TypeError, AttributeError) as error:
            self.renew()
            raise LostError(f"what it said can't be read: {error}") from None
        except LostError:
            self.renew()
            raise

    def usage(self) -> Usage:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.usage`."""
        if self._process is None:
            return Usage()
        used = self._process.usage()
        return Usage(used.memory, used.processes, len(self._states))

    def renew(self) -> None:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.renew`."""
        process, self._process = self._process, None
        self._states = {}
        if process is not None:
            process.close()
        folder, self._folder = self._folder, None
        if folder is not None:
            with contextlib.suppress(OSError):
                folder.cleanup()

    def interrupt(self) -> None:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.interrupt`."""
        self._interrupted = True
        process = self._process
        if process is not None:
            process.kill()

    @property
    def interrupted(self) -> bool:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.interrupted`."""
        return self._interrupted

    def close(self) -> None:
        """See :meth:`proofsearch_rocq.transport.interface.Transport.close`."""
        self.renew()


def _read(process: ProverProcess, until: float) -> Message:
    size = None
    for line in process.receive(_END_OF_HEAD, until).split(b"\r\n"):
        if line.lower().startswith(_LENGTH):
            size = int(line[len(_LENGTH) :])
    if size is None:
        raise ValueError("a message without its length")
    message = json.loads(process.receive_exactly(size, until))
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")
    return message


def _name(goal: Message) -> str:
    """Of its existential variable: ``["Id", "n"]`` or plain text, where it has one."""
    name = goal.get("info", {}).get("name")
    return str(name[-1] if isinstance(name, list) and name else name or "")


def _hypotheses(goal: Message) -> tuple[str, ...]:
    found = []
    for hypothesis in goal["hyps"]:
        body = f" := {hypothesis['def']}" if hypothesis.get("def") else ""
        for name in hypothesis["names"]:
            found.append(f"{name[-1] if isinstance(name, list) else name}{body} : {hypothesis['ty']}")
    return tuple(found)


def _difference(shown: Message, full: Message) -> str:
    """A digest of a goal in full; ``""`` where nothing is hidden."""
    one, other = (json.dumps([goal["hyps"], goal["ty"]]) for goal in (shown, full))
    return "" if one == other else hashlib.blake2b(other.encode(), digest_size=6).hexdigest()


def _quoted(argument: str) -> str:
    return f'"{argument}"' if " " in argument else argument
