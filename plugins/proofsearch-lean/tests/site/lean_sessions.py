"""Sessions over a real Lean, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lean_installation import LEAN, Installation
from proofsearch_lean.server.language_server import LanguageServer
from proofsearch_lean.server.transport import ServerTransport
from proofsearch_lean.session import LeanSession
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import Toolchain

HANGS = 600.0
"""Seconds that only a hang reaches."""

FOREVER = "repeat (have := 1)"
"""A tactic that never ends. (``repeat skip`` does, after a second, at the bound on recursion.)"""

ENDLESS = (
    FOREVER,
    "set_option maxHeartbeats 0 in repeat rw [Nat.add_comm]",
    "repeat first | (have := 1) | done",
    "set_option maxRecDepth 1000000 in repeat (have := 1)",
    "set_option maxHeartbeats 0 in have : Nat.rec (motive := fun _ => Nat → Nat) (fun a => a)"
    " (fun _ f a => f (2 * a) + f (2 * a + 1)) 60 0 = 1 := by decide",
    "set_option maxHeartbeats 0 in have : Nat.rec (motive := fun _ => Nat → Nat) (fun a => a)"
    " (fun _ f a => f (2 * a) + f (2 * a + 1)) 60 0 = 1 := by decide +kernel",
)
"""Tactics for a goal with a sum in it that run for minutes at least. Some end with the next text, some don't."""

DEADLY = (
    '@[extern "native"] opaque IO.Process.forceExit (what code world : Nat) : Bool\n'
    "def die : Unit → Bool := fun _ => IO.Process.forceExit 0 7 0\n"
)
"""A preamble by which :data:`CRASHING` ends the process that elaborates it."""

CRASHING = "have : die () = true := by native_decide"


def toolchain_of(lean: Installation, folder: Path) -> Toolchain:
    """What looking for Lean finds, where it is this one."""
    program = str(lean.lean)
    return Toolchain((program,), (program, "--server"), folder, LEAN, "of the tests")


def theorem(statement: str, preamble: str = "") -> LeanTheorem:
    """A theorem by its statement, without ``theorem``: ``name (binders) : type``."""
    return LeanTheorem(statement.split()[0], f"theorem {statement}", preamble)


@contextmanager
def server(lean: Installation, folder: Path) -> Iterator[LanguageServer]:
    """A language server, closed at the end."""
    with closing(LanguageServer(toolchain_of(lean, folder), HANGS)) as made:
        yield made


@contextmanager
def transport(of: LanguageServer, timeout: float = HANGS, grace: float = HANGS) -> Iterator[ServerTransport]:
    """A transport over a language server, closed at the end."""
    with closing(ServerTransport(of, timeout, grace, HANGS)) as made:
        yield made


@contextmanager
def session(of: LanguageServer, source: LeanTheorem, timeout: float = HANGS) -> Iterator[LeanSession]:
    """A session over a language server, closed at the end."""
    with transport(of, timeout) as made, closing(LeanSession(source, made, lambda _: None)) as opened:
        yield opened
