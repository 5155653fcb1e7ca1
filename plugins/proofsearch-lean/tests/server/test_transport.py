"""Trials over a real language server: every kind of outcome, and what comes after each."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from lean_installation import Installation
from lean_sessions import CRASHING, DEADLY, ENDLESS, FOREVER, HANGS, server, theorem, transport
from proofsearch_lean.server.language_server import LanguageServer
from proofsearch_lean.server.transport import ServerTransport
from proofsearch_lean.transports import Open

from proofsearch import Crashed, Finished, Rejected, TimedOut
from proofsearch.process.recovery import LostError

SWAP = theorem("swap (p q r : Prop) (h : p ∧ q) (k : q → r) : r ∧ p")
PROOF = ("constructor", "exact k h.2", "exact h.1")
SUM = theorem("sum (a b c : Nat) : a + b = c")


@pytest.fixture(scope="module")
def running(lean: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    with server(lean, tmp_path_factory.mktemp("lean")) as started:
        yield started


def goals(*texts: str) -> Open:
    return Open(tuple(texts))


def test_every_state_can_be_had_again_in_any_order(running: LanguageServer) -> None:
    context = "p q r : Prop\nh : p ∧ q\nk : q → r\n"
    left, right = f"case left\n{context}⊢ r", f"case right\n{context}⊢ p"
    expected = {
        PROOF[:1]: goals(left, right),
        PROOF[:2]: goals(right),
        PROOF: Finished(),
        ("have x := h.1",): goals(context + "x : p\n⊢ r ∧ p"),
        ("have x := h.1", "constructor"): goals(left.replace("⊢", "x : p\n⊢"), right.replace("⊢", "x : p\n⊢")),
    }
    with transport(running) as made:
        assert made.begin(SWAP) == goals(context + "⊢ r ∧ p")
        for path in [*expected, *reversed(expected), *list(expected)[::2]]:
            assert made.trial(path) == expected[path], path
            assert isinstance(made.trial((*path[:-1], "nonsense")), Rejected)


def test_a_document_serves_one_theorem_after_the_other(running: LanguageServer) -> None:
    with transport(running) as made:
        for number in range(3):
            assert isinstance(made.begin(SWAP), Open)
            worker = made._document.worker()
            assert worker is not None
            assert made.trial(PROOF) == Finished()
            other = theorem(f"other{number} : True", preamble="def one := 1\n" * number)
            # A second declaration of that name is an error before the theorem.
            begun = made.begin(other)
            assert isinstance(begun, Rejected if number == 2 else Open), begun
            assert number == 2 or made.trial(["trivial"]) == Finished()
            assert made._document.worker() == worker


def test_what_stands_before_can_be_used_and_the_theorem_itself_cannot(running: LanguageServer) -> None:
    with transport(running) as made:
        preamble = (
            "theorem earlier (p : Prop) (h : p) : p := h\n\nnamespace Deep\n-- with unicode: 𝔸 ⊢\nvariable (n : Nat)\n"
        )
        assert made.begin(theorem("mine (p : Prop) (h : p) (e : n = n) : p", preamble)) == goals(
            "n : Nat\np : Prop\nh : p\ne : n = n\n⊢ p"
        )
        assert made.trial(["exact earlier p h"]) == Finished()
        assert isinstance(made.trial(["exact mine n p h e"]), Rejected)


def test_a_statement_with_an_error_is_said(running: LanguageServer) -> None:
    with transport(running) as made:
        begun = made.begin(theorem("wrong : nonsense"))
        assert isinstance(begun, Rejected)
        assert "nonsense" in begun.message
        begun = made.begin(theorem("fine : True", preamble="import No.Such.Module\n"))
        assert isinstance(begun, Rejected)
        assert begun.message.startswith("the text before the theorem has an error in line 1: ")
        assert isinstance(made.begin(SWAP), Open)
        assert made.trial(PROOF) == Finished()


def test_other_imports_are_read_by_another_process_and_nothing_is_lost(running: LanguageServer) -> None:
    with transport(running) as made:
        workers = []
        for preamble in ("", "import Init\n", "import Init\nopen Nat\n", ""):
            made._near, lost = (), made._document._lost
            assert isinstance(made.begin(theorem("fine : True", preamble=preamble)), Open)
            assert made._document._lost == lost, "no process was given up"
            assert made.trial(["trivial"]) == Finished()
            workers.append(made._document.worker())
        assert workers[1] == workers[2]
        assert len({None, *workers}) == 4


def test_heartbeats_reject_a_tactic(running: LanguageServer) -> None:
    statement = "all (a b c d e f g : Nat) : a + b + c + d + e + f + g = g + f + e + d + c + b + a"
    tactic = "simp [Nat.add_comm, Nat.add_left_comm, Nat.add_assoc]"
    with transport(running) as made:
        made.begin(theorem(statement, preamble="set_option maxHeartbeats 100\n"))
        result = made.trial([tactic])
        assert isinstance(result, Rejected)
        assert "maximum number of heartbeats" in result.message
        made.begin(theorem(statement))
        assert made.trial([tactic]) == Finished()


@pytest.mark.parametrize(("tactic", "grace"), [*((tactic, 2.0) for tactic in ENDLESS), (FOREVER, 0.0)])
def test_an_endless_tactic_times_out_and_the_next_works(running: LanguageServer, tactic: str, grace: float) -> None:
    with transport(running, grace=grace) as made:
        made.begin(SUM)
        made.trial(["have x := Nat.add_comm a b"])
        made._timeout = 0.3
        assert isinstance(made.trial(["have x := Nat.add_comm a b", tactic]), TimedOut)
        # What comes after it has all of its time: that is what the grace and the kill are for.
        made._timeout = HANGS
        assert made.trial(["have x := Nat.add_comm a b", "rw [x]"]) == goals(
            "a b c : Nat\nx : a + b = b + a\n⊢ b + a = c"
        )


def test_a_worker_that_does_not_turn_to_the_next_text_is_killed(running: LanguageServer) -> None:
    with transport(running, grace=0.1) as made:
        made.begin(SUM)
        before = made._document.worker()
        assert before is not None
        for seconds in (0.3, 3.0, 30.0, HANGS):  # on a busy machine it may not have begun in the first of them
            made._timeout = seconds
            assert isinstance(made.trial([ENDLESS[-1]]), TimedOut)
            if not before.is_running():
                break
        assert not before.is_running()
        made._timeout = HANGS
        assert isinstance(made.trial(["rw [Nat.add_comm]"]), Open)
        assert made._document.worker() not in (None, before)


def test_a_tactic_that_crashes_lean_is_tried_twice(running: LanguageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with transport(running) as made:
        made.begin(theorem(SWAP.statement.removeprefix("theorem "), DEADLY))
        tried = []
        read = made._document.read

        def counting(head: str, body: str, *rest: float) -> object:
            tried.append(body)
            return read(head, body, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(made._document, "read", counting)
        result = made.trial(["constructor", CRASHING])
        assert isinstance(result, Crashed), result
        assert sum(CRASHING in body for body in tried) == 2
        assert made.trial(PROOF) == Finished()


def test_an_accident_costs_nothing(running: LanguageServer) -> None:
    with transport(running) as made:
        made.begin(SWAP)
        for path in (PROOF[:1], PROOF[:2], PROOF, PROOF[:1]):
            worker = made._document.worker()
            assert worker is not None
            worker.kill()
            worker.wait(HANGS)
            result = made.trial(path)
            assert result == Finished() if path == PROOF else isinstance(result, Open), result


def test_a_worker_killed_in_the_middle_of_a_trial(running: LanguageServer) -> None:
    with transport(running, timeout=5.0, grace=0.0) as made:
        made.begin(SUM)
        worker = made._document.worker()
        assert worker is not None
        # It is at work once it has used more time than before.
        used = sum(worker.cpu_times()[:2])

        def kill() -> None:
            with contextlib.suppress(psutil.Error):
                while sum(worker.cpu_times()[:2]) < used + 0.3:
                    time.sleep(0.02)
                worker.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        # Tried once more in a new process, it is as endless as before. A server that is slow to see the death may tell
        # it of the second trial too.
        assert isinstance(made.trial([FOREVER]), TimedOut | Crashed)
        killer.join(HANGS)
        assert not worker.is_running()
        assert isinstance(made.trial(["rw [Nat.add_comm]"]), Open)


def test_a_process_that_was_given_up_may_be_seen_for_a_moment_longer(
    running: LanguageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transport(running, timeout=2.0, grace=0.0) as made:
        made.begin(SUM)
        document = made._document
        dead, find = document.worker(), document.worker
        assert dead is not None
        seen: list[int] = []

        def worker() -> psutil.Process | None:
            if document._lost is not None and len(seen) < 3:
                seen.append(dead.pid)
                return dead
            return find()

        monkeypatch.setattr(document, "worker", worker)
        dead.kill()
        dead.wait(HANGS)
        assert isinstance(made.trial([FOREVER]), TimedOut)
        assert seen


def test_one_death_that_is_told_twice_is_one(running: LanguageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches an accident that makes a tactic a crash, where the server is slow to start another process."""
    with transport(running) as made:
        made.begin(SWAP)
        ask, told = made._document._ask, []

        def twice(*given: object) -> object:
            if len(told) < 2:
                told.append("it has crashed")
                raise LostError(told[-1])
            return ask(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(made._document, "_ask", twice)
        assert made.trial(PROOF) == Finished()
        assert len(told) == 2


def test_a_killed_server_takes_nobody_with_it(lean: Installation, tmp_path: Path) -> None:
    with server(lean, tmp_path) as alone, transport(alone) as one, transport(alone) as other:
        for made in (one, other):
            made.begin(SWAP)
            made.trial(PROOF[:1])
        workers = [made._document.worker() for made in (one, other)]
        os.kill(alone.connection().pid, signal.SIGKILL)
        for made in (one, other):
            assert made.trial(PROOF) == Finished()
        for worker in workers:
            assert worker is not None
            worker.wait(HANGS)
        assert {made._document.worker() for made in (one, other)}.isdisjoint(workers)


def test_a_stopped_server_does_not_hang_us(lean: Installation, tmp_path: Path) -> None:
    with server(lean, tmp_path) as alone, transport(alone, timeout=0.5, grace=0.2) as made:
        assert isinstance(made.begin(SWAP), Open)
        process = psutil.Process(alone.connection().pid)
        process.suspend()
        try:
            assert isinstance(made.trial(PROOF[:1]), TimedOut)
        finally:
            process.resume()
        made._timeout = HANGS
        assert made.trial(PROOF) == Finished()


def interrupted(made: ServerTransport, path: tuple[str, ...]) -> object:
    results: list[object] = []
    trial = threading.Thread(target=lambda: results.append(made.trial(path)))
    trial.start()
    while made._document._box is None:
        time.sleep(0.01)
    made.interrupt()
    made.interrupt()
    trial.join(HANGS)
    return results[0]


@pytest.mark.parametrize("tactic", ENDLESS[:2])
def test_an_interrupt_ends_the_trial_and_every_later_one(running: LanguageServer, tactic: str) -> None:
    with transport(running) as made, transport(running) as other:
        made.begin(SUM)
        other.begin(SUM)
        worker = made._document.worker()
        assert isinstance(interrupted(made, (tactic,)), TimedOut)
        assert isinstance(made.trial(["rw [Nat.add_comm]"]), TimedOut)
        assert not made.reusable()
        assert isinstance(other.trial(["rw [Nat.add_comm]"]), Open)
        assert other.reusable()
        made.close()
        assert worker is not None
        assert not worker.is_running()


def test_renewed_it_goes_on_where_it_was(running: LanguageServer) -> None:
    with transport(running) as made:
        made.begin(SWAP)
        first = made.trial(PROOF[:2])
        worker = made._document.worker()
        used = made.usage()
        assert used.processes == 1
        assert used.memory > 1_000_000
        made.renew()
        assert worker is not None
        assert not worker.is_running()
        assert made.usage().processes == 0
        assert made.trial(PROOF[:2]) == first
        assert made._document.worker() != worker


def test_nothing_is_left_of_a_closed_one(lean: Installation, tmp_path: Path) -> None:
    with server(lean, tmp_path) as alone:
        with transport(alone) as made:
            made.begin(SWAP)
            watchdog = psutil.Process(alone.connection().pid)
            workers = watchdog.children(recursive=True)
            assert workers
        made.close()
        assert not any(worker.is_running() for worker in workers)
        assert watchdog.is_running()
    assert not watchdog.is_running()
