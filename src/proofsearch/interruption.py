"""Ctrl-C, SIGTERM and SIGHUP: one way to be asked to stop, whoever asks.

A terminal sends SIGINT for Ctrl-C and SIGHUP when it is closed; ``kill``, service managers and cluster schedulers send
SIGTERM. All of them raise ``KeyboardInterrupt`` under :func:`ending_signals`, which the command line enters, so what is
saved on Ctrl-C is saved on each. A training waits with it until its step is done (:class:`Interruption`), and worker
processes leave the decision to their parent (:func:`leave_to_parent`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Self

SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""The signals that ask a process to end, where this system has them."""

_LOOK = 0.5
"""Seconds between two looks at whether the parent is still there."""

_last: int = signal.SIGINT
"""The signal that asked last, Ctrl-C unless another was seen. Of the process, as signals are."""


def exit_code() -> int:
    """The code of a process that was asked to end: 128 plus the number of the signal, 130 for Ctrl-C."""
    return 128 + _last


_terminals: set[int] = set()
"""What of standard output and error is a terminal, while :func:`ending_signals` is entered."""


@contextlib.contextmanager
def ending_signals() -> Iterator[None]:
    """Has SIGTERM and SIGHUP raise ``KeyboardInterrupt`` in the main thread, as SIGINT does in Python.

    What is ignored when it begins, as SIGHUP is under ``nohup``, stays ignored. When the terminal is gone, what is
    still said to it goes nowhere instead of failing: an error there would come before the work is saved. Outside the
    main thread, where Python delivers no signals, it does nothing.
    """

    def raise_it(number: int, frame: FrameType | None) -> None:
        _received(number)
        raise KeyboardInterrupt

    global _last
    _last = signal.SIGINT  # an earlier command of this process may have ended by another signal
    _terminals.update(descriptor for descriptor in (1, 2) if _is_terminal(descriptor))
    before = {}
    if _in_main_thread():
        for number in SIGNALS[1:]:
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, raise_it)
    try:
        yield
    finally:
        _terminals.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_to_parent(parent: int | None = None, *, terminable: bool = False) -> None:
    """Has a worker process take no notice of the signals, which reach whole groups: its parent decides what to stop.

    The handler is a function and not ``SIG_IGN``, which the provers that the worker starts would inherit, so that
    nothing but SIGKILL could end them.

    Args:
        parent: the parent's process id: the worker then dies when the parent is gone, by whatever end. ``None`` for a
            worker that sees that for itself, as at the end of a stream.
        terminable: let SIGTERM end it, by which ``concurrent.futures`` ends the workers of a pool that is broken.
    """
    for number in SIGNALS:
        if terminable and number == signal.SIGTERM:
            signal.signal(number, signal.SIG_DFL)
        else:
            signal.signal(number, _ignore_signal)
    if parent is not None:
        threading.Thread(target=_end_with_parent, args=(parent,), name="proofsearch parent", daemon=True).start()


def may_interrupt() -> bool:
    """Whether one of the signals can raise ``KeyboardInterrupt`` in this thread; where not, somebody's code has."""
    return _in_main_thread() and signal.getsignal(signal.SIGINT) is not _ignore_signal


class Interruption:
    """While it is entered, the first of the signals sets :attr:`requested`; a second one interrupts at once, as ever.

    What is ignored when it is entered stays ignored. Outside the main thread, where Python delivers no signals, it
    does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        if _in_main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                # None: set by something that is not Python, and so not to be put back.
                if before is not signal.SIG_IGN and before is not None:
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        self._restore()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()
        _received(number)

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())


def _end_with_parent(parent: int) -> None:
    # A pipe would tell at once, but workers that are forked later inherit its other end and keep it open.
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


def _received(number: int) -> None:
    global _last
    _last = number
    for descriptor in [terminal for terminal in _terminals if not _is_terminal(terminal)]:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def _ignore_signal(number: int, frame: FrameType | None) -> None:
    pass


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_terminal(descriptor: int) -> bool:
    """Whether it is a terminal that is still there."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
