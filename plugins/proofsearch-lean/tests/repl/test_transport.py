"""The real client of lean-interact against a double of the REPL, and its states beside the language server's."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import lean_sessions
import psutil
import pytest
from corpus_of_steps import EVIL, GOOD
from lean_installation import Installation
from lean_sessions import FOREVER, HANGS, server, theorem, toolchain_of, transport
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.repl.transport import ReplTransport, open_repl
from proofsearch_lean.scripts import flaw
from proofsearch_lean.session import LeanSession
from proofsearch_lean.transports import Open

from proofsearch import Advanced, Crashed, Finished, Rejected, TimedOut
from proofsearch.errors import UsageError

SWAP = theorem("swap (p q r : Prop) (h : p ∧ q) (k : q → r) : r ∧ p")
PROOF = ("constructor", "exact k h.2", "exact h.1")


@contextmanager
def opened(lean: Installation, repl: Path, timeout: float = HANGS) -> Iterator[ReplTransport]:
    config = LeanConfig(transport="repl", repl=repl, timeout=timeout, start_timeout=HANGS)
    with closing(open_repl(toolchain_of(lean, repl), config)) as made:
        yield made


def test_states_are_those_of_the_language_server(lean: Installation, repl: Path, tmp_path: Path) -> None:
    """All steps of the corpus, but for those that only a whole text shows, and holes that the double doesn't report."""
    compared = 0
    with server(lean, tmp_path) as running, transport(running) as one, opened(lean, repl) as other:
        for statement in dict.fromkeys(case.theorem for case in [*GOOD, *EVIL]):
            cases = [case for case in [*GOOD, *EVIL] if case.theorem == statement]
            source = theorem(statement)
            sessions = [LeanSession(source, made, lambda _: None) for made in (one, other)]
            roots = [session.initial() for session in sessions]
            assert texts(roots[0]) == texts(roots[1])
            for case in cases:
                if flaw(case.step) or len(case.step) > 100_000 or "#exit" in case.step or "?" in case.step[-1:]:
                    continue
                found = list(roots)
                for tactic in (*case.before, case.step):
                    found = [session.step(of.state, tactic) for session, of in zip(sessions, found, strict=True)]
                assert texts(found[0]) == texts(found[1]), case
                compared += 1
    assert compared > 60


def texts(outcome: object) -> object:
    return outcome.state.text if isinstance(outcome, Advanced) else type(outcome)


def test_a_proof_is_found_step_by_step_in_any_order(lean: Installation, repl: Path) -> None:
    with opened(lean, repl) as made:
        assert isinstance(made.begin(SWAP), Open)
        kinds = {PROOF[:1]: Open, PROOF[:2]: Open, PROOF: Finished, ("constructor\n· exact k h.2",): Open}
        for path in [*kinds, *reversed(kinds)]:
            assert isinstance(made.trial(path), kinds[path])
            assert isinstance(made.trial((*path[:-1], "nonsense")), Rejected)
        assert made.usage().processes >= 2
        assert made.usage().states >= 4


def test_a_statement_with_an_error_is_said(lean: Installation, repl: Path) -> None:
    with opened(lean, repl) as made:
        begun = made.begin(theorem("wrong : nonsense"))
        assert isinstance(begun, Rejected)
        assert "nonsense" in begun.message
        begun = made.begin(theorem("fine : True", preamble="def one : nonsense := 1\n"))
        assert isinstance(begun, Rejected)
        assert begun.message.startswith("the text before the theorem has an error in line 1: ")
        assert isinstance(made.begin(SWAP), Open)
        assert made.trial(PROOF) == Finished()


def test_after_a_crash_the_way_is_replayed(lean: Installation, repl: Path) -> None:
    with opened(lean, repl) as made:
        made.begin(SWAP)
        first = made.trial(PROOF[:2])
        for process in made._repl.processes():  # type: ignore[union-attr]
            process.kill()
        assert made.trial(PROOF) == Finished()
        made.renew()
        assert made.usage().processes == 0
        assert made.trial(PROOF[:2]) == first


def test_an_endless_tactic_times_out_and_the_next_works(lean: Installation, repl: Path) -> None:
    with opened(lean, repl, timeout=1.0) as made:
        made.begin(theorem("sum (a b c : Nat) : a + b = c"))
        processes = made._repl.processes()  # type: ignore[union-attr]
        assert isinstance(made.trial([FOREVER]), TimedOut)
        _, alive = psutil.wait_procs(processes, HANGS)
        assert not alive
        made._timeout = HANGS
        assert made.trial(["rw [Nat.add_comm]"]) == Open(("a b c : Nat\n⊢ b + a = c",))


def test_a_process_that_dies_each_time_is_a_crash(lean: Installation, repl: Path) -> None:
    with opened(lean, repl) as made:
        made.begin(SWAP)
        made._start = lambda: _mortal(start())  # type: ignore[assignment]
        config = LeanConfig(transport="repl", repl=repl, timeout=HANGS)

        def start() -> ReplTransport:
            from proofsearch_lean.repl.process import Repl

            return Repl(toolchain_of(lean, repl), config)  # type: ignore[return-value]

        made.renew()
        assert isinstance(made.trial(PROOF[:1]), Crashed)


def _mortal(repl: object) -> object:
    repl.kill()  # type: ignore[attr-defined]
    psutil.wait_procs(repl.processes(), HANGS)  # type: ignore[attr-defined]
    return repl


def test_an_interrupt_ends_the_trial_and_every_later_one(lean: Installation, repl: Path) -> None:
    with opened(lean, repl) as made:
        made.begin(theorem("sum (a b c : Nat) : a + b = c"))
        results: list[object] = []
        trial = threading.Thread(target=lambda: results.append(made.trial([FOREVER])))
        trial.start()
        # At work once it has used more time than it took to get there.
        lean_of = made._repl.processes()[-1]  # type: ignore[union-attr]
        before = sum(lean_of.cpu_times()[:2])
        while sum(lean_of.cpu_times()[:2]) < before + 0.1:
            time.sleep(0.01)
        made.interrupt()
        trial.join(HANGS)
        assert isinstance(results[0], TimedOut)
        assert isinstance(made.trial(["rw [Nat.add_comm]"]), TimedOut)
        assert not made.reusable()


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from lean_installation import Installation
from lean_sessions import FOREVER, theorem, toolchain_of
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.repl.transport import open_repl
folder = Path(sys.argv[3])
made = open_repl(toolchain_of(Installation(Path(sys.argv[2])), folder), LeanConfig(transport="repl", repl=folder))
made.begin(theorem("sum (a b c : Nat) : a + b = c"))
print(made._repl.pid, flush=True)
made._timeout = 600
made.trial([FOREVER])
"""


def test_nothing_is_left_when_we_are_killed(lean: Installation, repl: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(Path(lean_sessions.__file__).parent), str(lean.folder), str(repl)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as us:
        assert us.stdout is not None
        pid = int(us.stdout.readline())
        below = psutil.Process(us.pid).children(recursive=True)
        assert pid in {process.pid for process in below}
        lean_of = below[-1]
        while sum(lean_of.cpu_times()[:2]) < 0.5:
            time.sleep(0.01)
        us.kill()
        us.wait()
        _, alive = psutil.wait_procs(below, HANGS)
    assert not alive


def test_what_is_missing_is_said(lean: Installation, repl: Path, tmp_path: Path) -> None:
    found = toolchain_of(lean, repl)

    def message(**options: object) -> str:
        with pytest.raises(UsageError) as raised:
            open_repl(found, LeanConfig(transport="repl", **options))
        return str(raised.value)

    assert "needs --lean-repl, the folder of a built REPL" in message()
    assert "there is no such folder" in message(repl=tmp_path / "none")
    assert "it isn't built: there is no .lake/build/bin/repl" in message(repl=tmp_path)
    program = tmp_path / ".lake" / "build" / "bin" / "repl"
    program.parent.mkdir(parents=True)
    program.touch()
    (tmp_path / "lean-toolchain").write_text("leanprover/lean4:v4.9.0\n")
    assert "it is made for Lean 4.9.0, and Lean here is 4.35.0" in message(repl=tmp_path)
