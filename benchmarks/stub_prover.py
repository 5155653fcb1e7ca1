"""A prover in a process of its own: it holds a kilobyte a state, counts what it holds, and frees what it is told to."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Sequence

from proofsearch import Advanced, Candidate, Goal, Outcome, ProofState, Rejected
from proofsearch.process.usage import family
from proofsearch.protocols import GenerationRequest, Usage

STATE_BYTES = 1000

_SERVE = f"""
import sys
held, made = {{}}, 0
for line in sys.stdin:
    what, *of = line.split()
    if what == "free":
        for state in of:
            del held[int(state)]
    elif what == "count":
        print(len(held), flush=True)
    elif what == "make" and (not of or int(of[0]) in held):
        made += 1
        held[made] = bytes([made % 256]) * {STATE_BYTES}
        print(made, flush=True)
    else:
        print(0, flush=True)
"""
"""``make`` a first state, or one after another that is held; ``free`` some; ``count`` what is held. 0: not held."""

NEW, KNOWN, WRONG = "new", "known", "wrong"


class HeldState:
    """A state that the prover may hold. The way to it is kept, so that it can be made again."""

    __slots__ = ("key", "parent", "place")
    num_goals = 1

    def __init__(self, key: int, parent: HeldState | None) -> None:
        self.key = key
        self.parent = parent
        self.place = 0  # the prover's number of it; 0 while it isn't held

    @property
    def text(self) -> str:
        """Its number."""
        return f"state {self.key}"

    @property
    def goals(self) -> Sequence[Goal]:
        """One."""
        return (Goal(self.text),)


class HoldingSession:
    """Has its prover hold every state for good, as provers do that are never told to free one."""

    def __init__(self) -> None:
        self.replayed = 0
        self._made = 0
        self._held: OrderedDict[int, HeldState] = OrderedDict()  # by the prover's number, the longest unused first
        self._process = self._start()

    def initial(self) -> Outcome:
        """The first state."""
        return Advanced(self._new(None))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """A new state, one equal to the state before, or a rejection; by what the tactic begins with."""
        assert isinstance(state, HeldState)
        if tactic.startswith(WRONG):
            return Rejected()
        self._hold(state)
        return Advanced(self._new(state, again=tactic.startswith(KNOWN)))

    def usage(self) -> Usage:
        """What the process uses, and what it says that it holds."""
        memory, processes = family(self._process.pid)
        return Usage(memory, processes, self._ask("count"))

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _new(self, before: HeldState | None, again: bool = False) -> HeldState:
        self._made += not again
        state = HeldState(before.key if again and before is not None else self._made, before)
        self._make(state)
        return state

    def _make(self, state: HeldState) -> None:
        before = state.parent
        state.place = self._ask("make" if before is None else f"make {before.place}")
        assert state.place, "the prover doesn't hold the state before"
        self._held[state.place] = state

    def _hold(self, state: HeldState) -> None:
        """Has the prover hold a state, by replaying the way to it from the last state on it that is held."""
        way = [state]
        while not way[-1].place and (before := way[-1].parent) is not None:
            way.append(before)
        missing = [one for one in reversed(way) if not one.place]
        for one in missing:
            self._make(one)
        self.replayed += len(missing)
        self._free(missing[:-1])
        self._held.move_to_end(state.place)

    def _free(self, states: Sequence[HeldState]) -> None:
        held = [state for state in states if self._held.pop(state.place, None) is not None]
        if held:
            self._say("free " + " ".join(str(state.place) for state in held))
        for state in held:
            state.place = 0

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-S", "-E", "-c", _SERVE]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")

    def _ask(self, line: str) -> int:
        self._say(line)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class FreeingSession(HoldingSession):
    """Frees what the search has released, and where there is a bound, what was unused for longest.

    Args:
        most: states that are held at most beside those in use; ``None``: all that are not released.
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self._most = most

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """As for :class:`HoldingSession`; then what is too much is freed."""
        outcome = super().step(state, tactic)
        if self._most is not None and len(self._held) > self._most:
            self._free([next(iter(self._held.values()))])
        return outcome

    def release(self, states: Sequence[ProofState]) -> None:
        """Frees them."""
        self._free([state for state in states if isinstance(state, HeldState)])

    def renew(self) -> None:
        """Begins with a new process, which holds nothing."""
        self.close()
        for state in self._held.values():
            state.place = 0
        self._held.clear()
        self._process = self._start()


class TacticsOf:
    """The same tactics for every state: so many that lead on, to known states, and nowhere."""

    def __init__(self, new: int, known: int = 0, wrong: int = 0) -> None:
        names = [
            f"{kind} {number}"
            for kind, count in ((NEW, new), (KNOWN, known), (WRONG, wrong))
            for number in range(count)
        ]
        self._candidates = [Candidate(name, -0.1 - 0.2 * at) for at, name in enumerate(names)]

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """All of them."""
        return [self._candidates[:n] for _ in requests]

    def close(self) -> None:
        """Nothing to free."""
