"""Standard output and standard error, whatever they are: a terminal, a pipe that nobody reads, a full disk, closed.

Standard output is for results and nothing else. What component code prints goes to standard error, in this process
and in those that it starts. Nothing that is written to either of them raises: a run is not lost because somebody
stopped reading. What could not be written is told by the exit code (:meth:`Attached.exit_code`).

Text from outside (names of theorems, messages of provers) can hold what a terminal obeys. :func:`output`,
:func:`message` and the consoles of the command line escape it (:func:`printable`).
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import json
import os
import re
import select
import sys
from collections.abc import Iterator
from typing import Any, Literal, TextIO

from proofsearch.errors import StorageError

Colour = Literal["red", "yellow"]

_COLOURS: dict[Colour, str] = {"red": "\x1b[31m", "yellow": "\x1b[33m"}

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line feed, what turns the direction of text around, line separators, and halves of
characters, which no encoding takes."""

_BREAKS = re.compile(r"[\t\n]")

_PLAIN = {
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "→": "->",
    "✓": "+",
    "✗": "x",
    "×": "x",
    "·": ".",
    "•": "*",
    "≤": "<=",
    "≥": ">=",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "\N{NO-BREAK SPACE}": " ",
}
"""What stands for a character of ours where the encoding hasn't got it."""

_HANDLER = "proofsearch-plain"
_REPLACEABLE = (None, "strict", "surrogateescape", "backslashreplace")
"""Ways with what can't be encoded that are Python's defaults; any other was somebody's wish."""


def printable(text: object) -> str:
    r"""The text with all that a terminal could obey written out, ``\x1b`` for an escape. Tabs and line feeds stay."""
    return _UNSAFE.sub(_escaped, str(text))


def one_line(text: object) -> str:
    r"""Returns a text as :func:`printable` does, with tabs and line feeds written out too: for a name within a line."""
    return _BREAKS.sub(lambda match: r"\t" if match[0] == "\t" else r"\n", printable(text))


def output(text: object = "", *, end: str = "\n") -> None:
    """Writes text to standard output, where results go."""
    _write(results(), printable(text) + end)


def output_json(value: object, *, indent: int | None = 2) -> None:
    """Writes a value as JSON to standard output; with its own characters where the encoding has them all."""
    text = json.dumps(value, indent=indent, ensure_ascii=not _has_all(results()))
    # Such characters are only ever within strings, which may write them so.
    _write(results(), _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")


def message(text: object = "", colour: Colour | None = None) -> None:
    """Writes text for people to standard error, in a colour where that is a terminal."""
    stream: TextIO | None = sys.stderr
    if stream is None:
        return
    shown = printable(text)
    if colour is not None and stream.isatty() and not os.environ.get("NO_COLOR"):
        shown = f"{_COLOURS[colour]}{shown}\x1b[0m"
    _write(stream, shown + "\n")


def warning(text: object) -> None:
    """Writes a warning to standard error."""
    message(f"warning: {text}", "yellow")


def error(text: object) -> None:
    """Writes an error to standard error."""
    message(f"error: {text}", "red")


def results() -> TextIO:
    """The stream that results are written to: standard output, also while it is set apart for them."""
    return _results or sys.stdout


@contextlib.contextmanager
def set_apart() -> Iterator[None]:
    """Keeps standard output for :func:`output` alone; all else that is written to it goes to standard error.

    That is what component code prints, be it Python's or a library's, in this process or in one that it starts.
    """
    global _results
    before, outer = sys.stdout, _results
    ours = _attached is not None and before is _attached.out
    _results = results()
    if ours:
        before.flush()
        os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _results = outer
        if ours and _attached is not None:
            os.dup2(_attached.raw_out.fileno(), 1)


class Attached:
    """This process's streams, made such that no write to them raises.

    Attributes:
        out: standard output; the process's own where that was replaced before, as tests do.
        raw_out: what is below it; its descriptor is a copy of standard output's.
    """

    def __init__(self, out: TextIO, raw_out: _Sturdy, err: TextIO) -> None:
        self.out = out
        self.raw_out = raw_out
        self._err = err

    def exit_code(self, code: int) -> int:
        """The code to exit with, of a command that would exit with ``code``; writes what is still to be written.

        Whoever closed a pipe wanted no more, and the command has done what it had to, so that changes nothing. Results
        that a full disk or a closed standard output took are an error, which is said.
        """
        self.out.flush()
        failure = self.raw_out.failure
        if failure is not None and failure.errno != errno.EPIPE:
            error(
                f"standard output can't be written: {failure.strerror}; the command has done its work, but what it "
                f"had to print is lost or cut short"
            )
            code = code or StorageError.exit_code
        self._err.flush()
        return code


@contextlib.contextmanager
def attached() -> Iterator[Attached | None]:
    """Makes the streams of this process such that nothing written to them raises; puts them back at the end.

    Yields:
        The streams; nothing where they have been replaced, as tests do, and are left as they are.
    """
    global _attached
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        yield None
        return
    before = sys.stdout, sys.stderr
    closed = [descriptor for descriptor in (0, 1, 2) if not _is_open(descriptor)]
    # A file that is opened later must not become what somebody writes messages to.
    for descriptor in closed:
        _to_null(descriptor)
    raw_out = _Sturdy(os.dup(1), OSError(errno.EBADF, "it is closed") if 1 in closed else None)
    raw_err = _Sturdy(2)
    for stream in before:
        if stream is not None:
            stream.flush()
    made = Attached(_over(raw_out, before[0]), raw_out, _over(raw_err, before[1]))
    sys.stdout, sys.stderr, _attached = made.out, made._err, made
    try:
        yield made
    finally:
        made.out.flush()
        made._err.flush()
        (sys.stdout, sys.stderr), _attached = before, None
        os.close(raw_out.fileno())


_attached: Attached | None = None
_results: TextIO | None = None


class _Sturdy(io.RawIOBase):
    """A descriptor to write to without ever failing. After the first failure what is written vanishes.

    Attributes:
        failure: the first, if there was one.
    """

    def __init__(self, descriptor: int, failure: OSError | None = None) -> None:
        super().__init__()
        self.failure = failure
        self._lost: OSError | None = None
        # Nothing is wrong with a closed stream before something is written.
        if failure is not None:
            self.failure, self._lost = None, failure
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int:
        rest = memoryview(data).cast("B")
        length = len(rest)
        if self.failure is None:
            self.failure = self._lost
        while rest and self.failure is None:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError as failure:
                self.failure = failure
                # For processes that are started from now on, which a closed pipe would kill.
                _to_null(self._descriptor)
        return length


def _over(raw: _Sturdy, before: TextIO | None) -> TextIO:
    """A text stream over a descriptor, as the one before it but that what can't be encoded is replaced."""
    errors = getattr(before, "errors", None)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(before, "encoding", None) or "utf-8",
        errors=_HANDLER if errors in _REPLACEABLE else errors,
        line_buffering=True,
    )


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        stream.write(text)
        stream.flush()


def _has_all(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Says what to write instead of what can't be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(
        _PLAIN.get(character) or character.encode("ascii", "backslashreplace").decode() for character in wrong
    ), error.end


codecs.register_error(_HANDLER, _plainly)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _to_null(descriptor: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
    else:
        os.set_inheritable(descriptor, True)
