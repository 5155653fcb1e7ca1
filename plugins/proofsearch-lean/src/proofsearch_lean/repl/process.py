"""A REPL that runs, by lean-interact's plain server.

That server kills a REPL which doesn't answer in time, and starts none by itself, which its other servers do: ids of
states mean nothing to another process.
"""

from __future__ import annotations

import collections
import contextlib
import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import psutil

from proofsearch.errors import UsageError
from proofsearch.process.recovery import LostError
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.toolchain import Toolchain, find_program

_PROGRAM = Path(".lake", "build", "bin", "repl")
_GUARD = 'read -r line; kill -s KILL -- "-$1"'
"""Waits for the end of its input, which is ours, then ends the REPL: one that is at work reads no end of its own."""

_LAST_LINES = 40
_END = 5.0

_GET_REPL = (
    "get it with `git clone https://github.com/leanprover-community/repl`, check out the tag of the project's Lean "
    "version there, and run `lake build`"
)


class Repl:
    """One process of the REPL.

    Args:
        toolchain: the Lean that it runs in.
        config: where the REPL is.

    Raises:
        UsageError: there is no REPL, or it isn't built, or lean-interact isn't installed.
        LostError: it can't be started.
    """

    def __init__(self, toolchain: Toolchain, config: LeanConfig) -> None:
        self._said: collections.deque[str] = collections.deque(maxlen=_LAST_LINES)
        settings = _settings(toolchain, config)
        from lean_interact import LeanServer

        try:
            self._server = LeanServer(settings)
        except (OSError, ChildProcessError) as error:
            raise LostError(f"the REPL can't be started: {error}") from None
        # Nobody else reads what it writes there, and a full pipe would stop it. The server's own way to read it, when
        # the process has ended, finds nothing more.
        process = self._server._proc
        assert process is not None
        assert process.stderr is not None
        self._pid = process.pid
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", str(self._pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._drain, args=(process.stderr,), daemon=True)
        self._reader.start()

    def _drain(self, stream: IO[str]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(4096):
                self._said.append(line.rstrip())

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._pid

    @property
    def alive(self) -> bool:
        """Whether the REPL runs."""
        return bool(self._server.is_alive())

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Sends a request and waits for the answer.

        Raises:
            TimeoutError: it doesn't answer in time, and was killed.
            LostError: it is gone, or answers no JSON object.
        """
        try:
            answer = self._server.run_dict(dict(request), timeout=seconds)
        except TimeoutError:
            raise
        except json.JSONDecodeError as error:
            self.close()
            raise LostError(f"the REPL answers what is no JSON: {error.msg[:200]}") from None
        # Its kill() may come from another thread in the middle of this, which shows as an assertion or a closed file.
        except (OSError, ValueError, AssertionError):
            raise LostError(f"the REPL has ended{self._last_words()}") from None
        if not isinstance(answer, dict):
            self.close()
            raise LostError("the REPL answers what is no JSON object")
        return answer

    def _last_words(self) -> str:
        if not self.alive:
            self._reader.join(_END)  # the end of its output is often heard before its last words
        said = " ".join(" ".join(self._said).split())[-600:]
        return f"; it said: {said}" if said else ""

    def processes(self) -> list[psutil.Process]:
        """The REPL's process, and those below it."""
        try:
            top = psutil.Process(self._pid)
            return [top, *top.children(recursive=True)]
        except psutil.Error:
            return []

    def kill(self) -> None:
        """Kills its processes, so that whoever waits for an answer learns of it; from any thread."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def close(self) -> None:
        """Ends the REPL. Idempotent."""
        # Before the REPL, whose number may be another process's afterwards.
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        processes = self.processes() if self.alive else []
        self.kill()
        psutil.wait_procs(processes, _END)
        self._server.kill()
        self._reader.join(_END)


def _settings(toolchain: Toolchain, config: LeanConfig) -> Any:
    """lean-interact's configuration: a REPL that is there, so that nothing is fetched or built."""
    try:
        from lean_interact import LeanREPLConfig, LocalProject
    except ImportError:
        raise UsageError(
            "--lean-transport repl needs lean-interact: pip install 'proofsearch-lean[repl]', or leave the option out"
        ) from None
    if config.repl is None:
        raise UsageError(f"--lean-transport repl needs --lean-repl, the folder of a built REPL; {_GET_REPL}")
    folder = config.repl.expanduser().absolute()
    if not (folder / _PROGRAM).is_file():
        what = "it isn't built: there is no" if folder.is_dir() else "there is no such folder, so no"
        raise UsageError(f"--lean-repl {config.repl}: {what} {_PROGRAM}; {_GET_REPL}")
    _refuse_other_version(folder, toolchain, config)
    project = None
    if config.project is not None:
        project = LocalProject(directory=str(toolchain.folder), auto_build=False)
    return LeanREPLConfig(local_repl_path=folder, build_repl=False, lake_path=_lake(toolchain), project=project)


def _refuse_other_version(folder: Path, toolchain: Toolchain, config: LeanConfig) -> None:
    try:
        said = (folder / "lean-toolchain").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return
    built = said.rpartition(":")[2].removeprefix("v")
    if built and toolchain.version and built != toolchain.version:
        raise UsageError(
            f"--lean-repl {config.repl}: it is made for Lean {built}, and Lean here is {toolchain.version}; check out "
            "the tag of that version and build it again"
        )


def _lake(toolchain: Toolchain) -> str:
    program = Path(toolchain.command[0])
    if program.name == "lake":
        return str(program)
    beside = program.with_name("lake")
    lake = str(beside) if beside.is_file() else find_program("lake")
    if lake is None:
        raise UsageError(
            f"--lean-transport repl needs lake, which was found neither beside {program} nor on the path; "
            "install Lean by elan, or leave the option out"
        )
    return lake
