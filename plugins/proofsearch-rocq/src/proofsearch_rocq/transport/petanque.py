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

from proofsearch.process.jsonrpc import Message, framed, read_message
from proofsearch.process.recovery import LostError
from proofsearch_rocq.transport.base import Transport
from proofsearch_rocq.transport.interface import Failure, Goals, OpenGoal, Place
from proofsearch_rocq.transport.process import ProverProcess
from proofsearch_rocq.transport.settings import SLACK, is_timeout

_END_OF_LINE = b"\r\n"
_IMPLICIT = "Set Printing Implicit. Set Printing Coercions."
_ALL = "Set Printing All."
_EMPTY = "empty.v"


class Petanque(Transport):
    """A ``pet`` for one file. What runs past its grace is killed: ``pet`` listens to nothing while it is at work."""

    _states: dict[Place, int]
    """The prover's numbers of the states at places."""

    _workspace: tempfile.TemporaryDirectory[str] | None = None
    """The folder in which ``pet`` is started, with a project file and an empty file."""

    # -- places --------------------------------------------------------------------------------------------------

    def go(self, place: Place) -> Goals | Failure:
        """See :meth:`Transport.go`."""
        failure = self._reach(place)
        return failure if failure is not None else self._goals(self._states[place], time.monotonic() + SLACK)

    def _reach(self, place: Place) -> Failure | None:
        """Has the prover make the states on the way to a place; ``None``, or why one can't be made."""
        self._running()
        missing = []
        here: Place | None = place
        while here is not None and here not in self._states:
            missing.append(here)
            here = here.before
        if here is None:
            raise ValueError("a place of another file")
        until = self._replay_deadline(missing)
        for next_place in reversed(missing):
            ran = self._run(self._states[here], self._as_replayed(next_place), until)
            if isinstance(ran, Failure):
                return ran
            self._states[next_place] = ran
            here = next_place
        self._place = place
        return None

    def trial(self, place: Place, sentence: str, timed: bool = True) -> Goals | Failure:
        """See :meth:`Transport.trial`."""
        failure = self._reach(place)
        if failure is not None:
            raise LostError(f"what was run before didn't run again: {failure.message}")
        until = self._trial_deadline(timed)
        ran = self._run(self._states[place], self._as_tried(sentence, timed), until)
        return ran if isinstance(ran, Failure) else self._goals(ran, max(until, time.monotonic() + self._grace))

    def full_names(self) -> Sequence[str]:
        """See :meth:`Transport.full_names`."""
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

    def _start(self) -> ProverProcess:
        self._workspace = tempfile.TemporaryDirectory(prefix="proofsearch-rocq-", ignore_cleanup_errors=True)
        folder = Path(self._workspace.name)
        (folder / "_CoqProject").write_text("\n".join(map(_quoted, self._file.arguments)) + "\n", encoding="utf-8")
        (folder / _EMPTY).touch()
        return ProverProcess(self._command, folder, self._max_memory)

    def _greet(self, process: ProverProcess, until: float) -> str:
        assert self._workspace is not None
        folder = Path(self._workspace.name)
        for method, params in (
            ("petanque/setWorkspace", {"debug": False, "root": folder.as_uri()}),
            ("petanque/get_root_state", {"uri": (folder / _EMPTY).as_uri()}),
        ):
            answer = self._ask(method, params, until)
            if "error" in answer:
                return f"{method}: {answer['error'].get('message', '')}"
        self._states = {self._base[0]: int(answer["result"]["st"])}
        return ""

    def _num_states(self) -> int:
        return len(self._states)

    def _forget(self) -> None:
        self._states = {}
        self._place = self._base[0]
        self._ids = itertools.count(1)
        workspace, self._workspace = self._workspace, None
        if workspace is not None:
            with contextlib.suppress(OSError):
                workspace.cleanup()

    def _ask(self, method: str, params: Message, until: float) -> Message:
        """Makes a call and waits for its answer. Where there is none in time, the process is ended."""
        process = self._process
        if process is None:
            raise LostError("it has ended")
        number = next(self._ids)
        with self._ending_a_failed_process():
            process.send(framed({"id": number, "method": method, "params": params}), until)
            try:
                while True:
                    message = read_message(
                        lambda: process.receive(_END_OF_LINE, until), lambda size: process.receive_exactly(size, until)
                    )
                    assert message is not None, "the pipe's end raises"
                    if message.get("id") == number and "method" not in message:  # the rest is for editors
                        return message
            except (ValueError, TypeError, AttributeError) as error:
                raise LostError(f"what it said can't be read: {error}") from None


def _name(goal: Message) -> str:
    """The name of a goal's existential variable: ``["Id", "n"]`` or plain text; ``""`` without one."""
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
    short, long = (json.dumps([goal["hyps"], goal["ty"]]) for goal in (shown, full))
    return "" if short == long else hashlib.blake2b(long.encode(), digest_size=6).hexdigest()


def _quoted(argument: str) -> str:
    return f'"{argument}"' if " " in argument else argument
