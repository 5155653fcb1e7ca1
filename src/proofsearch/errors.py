"""Errors for people: each names the file, line or option, what was found, and what to do.

``exit_code`` is what the command line exits with. Anything that is not a :class:`ProofsearchError` is a bug and
keeps its traceback.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable


class ProofsearchError(Exception):
    """Base of every error that is not a bug.

    Attributes:
        trace: where it was raised, as text, for an error that came from another process; otherwise empty.
    """

    exit_code = 1
    trace: str = ""


class UsageError(ProofsearchError):
    """A wrong option, name or combination on the command line or in a configuration. Exit code 2."""

    exit_code = 2


class InputError(ProofsearchError):
    """A file that is missing, unreadable, truncated or malformed. Exit code 3."""

    exit_code = 3


class PluginError(ProofsearchError):
    """A plugin that is unknown, broken, or clashes with another. Exit code 4."""

    exit_code = 4


class ComponentError(PluginError):
    """A component that raised what is not for people, or answered what its contract doesn't allow. Exit code 4.

    The message is one line: which component of which plugin, which of its methods, and what that did. What the
    component raised is the cause.
    """


class RunFolderError(ProofsearchError):
    """A run folder that can't be used: of a newer format, of another configuration, damaged. Exit code 5."""

    exit_code = 5


class ProofError(ProofsearchError):
    """A finished search path from which no proof could be written. Exit code 6."""

    exit_code = 6


class VerificationError(ProofsearchError):
    """A recorded proof that the independent check refuses. Exit code 7."""

    exit_code = 7


class StorageError(ProofsearchError):
    """A write that failed, for example on a full disk; what was already written is whole. Exit code 8."""

    exit_code = 8


class DiagnosisError(ProofsearchError):
    """``doctor`` found something that can't be used before it is put right. Exit code 10."""

    exit_code = 10


_FRAMES = 12
"""How much of a traceback is kept: the frames next to where it was raised."""


def near(name: str, known: Iterable[str], most: int = 1) -> str:
    """``"; did you mean 'x'?"``, with at most so many known names, or nothing where none is near."""
    found = difflib.get_close_matches(name, list(known), n=most)
    return f"; did you mean {', '.join(map(repr, found))}?" if found else ""


def one_line(error: BaseException) -> str:
    """An error's class and message on one line: messages of foreign code can be long and of several lines."""
    try:
        text = " ".join(str(error).split())
    # Foreign code, which may have been what went wrong in the first place.
    except Exception:
        text = "its message can't be had"
    return f"{type(error).__name__}: {text[:400]}" if text else type(error).__name__


def trace_of(error: BaseException) -> str:
    """Where an error was raised, as text: the innermost frames, of its causes too; of whatever process it came from."""
    kept: str = getattr(error, "trace", "")
    return kept or "".join(traceback.format_exception(error, limit=-_FRAMES)).rstrip()
