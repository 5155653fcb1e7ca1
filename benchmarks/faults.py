"""Faults at random moments, and whether a run comes to the same in spite of them.

    python benchmarks/faults.py [--kills 100] [--seed 0] [--executor local] [--theorems 60] [--only kill disk …]

A run is searched undisturbed. Then the same run is searched again and again while something goes wrong, resumed until
it is finished, and compared with the first (:mod:`proofsearch.runs.equality`): results, tactics, expansions, proofs,
every column of every recorded search, their numbers. Times, memory, ids, the number of attempts and the order in which
results came are left out, as they differ between two undisturbed runs too.

========== ==========================================================================================================
kill       the driver, or one of the processes below it, gets a SIGKILL, again and again, every other run on a slow
           disk; each kind of process has the same chance: with ``ray``, actors, their workers, raylet, gcs_server
errors     one write in so many fails: no space, an error of the device, a read-only file system, a quota
disk       the run is on a disk that is full, and gets a little more space each time
read-only  the run was killed and is resumed on a read-only disk, which can't be, and then where it can
slow       every write takes up to 60 ms longer
clock      the wall clock jumps by up to two days, to and fro, in all processes
stop       a worker is stopped for good (SIGSTOP), and replaced when its theorem's time is up
second     a second process resumes the run while the first one works
========== ==========================================================================================================

Linux alone, with a C compiler; ``disk`` and ``read-only`` need the right to mount (root, or user namespaces).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from proofsearch.runs import RunFolder
from proofsearch.runs.equality import differences, unsound
from proofsearch.runs.layout import is_run_folder

GUARD = 3600.0
"""Seconds after which a process counts as hanging."""

PATIENCE = 120.0
"""Seconds within which processes have to end after the one that led them."""

NOT_STORED = 8
"""Exit code of a command that could not write."""

IN_USE = 5
"""Exit code of a command whose run folder can't be used."""


class FaultError(Exception):
    """A run did not do what it should have."""


@dataclass
class Subject:
    """What is made to fail.

    Attributes:
        begin: the command line that begins the run, without its folder.
        resume: the one that resumes it, without its folder.
        retry: what is added to ``resume`` to search again what a worker gave no result for.
        folder: where runs and the faulty C library are put.
        random: where moments and victims are drawn from.
        seconds: how long the undisturbed run took.
        kills: how many processes of each kind were killed.
    """

    begin: Sequence[str]
    resume: Sequence[str]
    retry: Sequence[str]
    folder: Path
    random: random.Random
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    library: Path = field(default_factory=Path)

    def command(self, out: Path) -> list[str]:
        """What goes on with a run, or begins it."""
        return [*self.resume, str(out)] if is_run_folder(out) else [*self.begin, str(out)]

    def start(self, out: Path, *more: str, **variables: str) -> subprocess.Popen[bytes]:
        """Starts what goes on with a run, its output in a file beside it."""
        with out.with_suffix(".log").open("ab") as log:
            return subprocess.Popen(
                [*self.command(out), *more], stdout=log, stderr=log, env=os.environ | variables, start_new_session=True
            )

    def finish(self, out: Path, allowed: Sequence[int] = (), **variables: str) -> int:
        """Goes on with a run until it is finished.

        Args:
            out: the run folder.
            allowed: exit codes after which it is resumed.
            variables: of the environment.

        Returns:
            How often it was started.
        """
        for starts in range(1, 2000):  # noqa: B007
            code = self.start(out, **variables).wait(GUARD)
            if code == 0:
                break
            if code not in allowed:
                raise FaultError(f"exit code {code}; see {out.with_suffix('.log')}")
        if any(result.failure for result in RunFolder.open(out).results().values()):
            code = self.start(out, *self.retry).wait(GUARD)
            if code:
                raise FaultError(f"exit code {code} of the second try; see {out.with_suffix('.log')}")
        return starts

    def faulty(self, out: Path, **settings: int) -> dict[str, str]:
        """The environment variables that put the faulty C library before the real one."""
        if not self.library.is_file():
            self.library = self.folder / "faulty_libc.so"
            source = Path(__file__).with_name("faulty_libc.c")
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self.library, source, "-ldl"], check=True)
        values = {"seed": self.random.randrange(1 << 30), **settings}
        return {
            "LD_PRELOAD": str(self.library),
            "FAULTY_FOLDER": str(out),
            **{f"FAULTY_{name.upper()}": str(value) for name, value in values.items()},
        }


_RESUMABLE = (
    "died before they were ready",
    "in a row did not start",
    "the cluster is gone",
    "can't be started",
    "Failed to register worker to Raylet",  # Ray itself ends a program that is about to join when one of its
    "Failed to connect to GCS",  # processes is killed
)
"""What a run ends with where processes that it can't do without were killed; it is resumed."""


def kill(subject: Subject, out: Path, most: int = 1 << 30) -> str:
    """Kills the driver or what it started, until the run is finished."""
    slow = subject.faulty(out, delay=20) if subject.random.random() < 0.5 else {}
    killed = Counter[str]()
    seen = dict[int, psutil.Process]()
    try:
        while killed.total() < most:
            process = subject.start(out, **slow)
            while killed.total() < most and _ended(process, _moment(subject, process, out)) is None:
                seen |= _kill_one(subject, process, killed)
            code = process.wait(GUARD)
            if code == 0:
                break
            if code != -signal.SIGKILL:
                last = out.with_suffix(".log").read_text(errors="replace").splitlines()[-1]
                if code != 1 or not any(words in last for words in _RESUMABLE):
                    raise FaultError(f"exit code {code}; see {out.with_suffix('.log')}")
    finally:
        subject.kills += killed
    subject.finish(out)
    _refuse_survivors(list(seen.values()))
    return f"{_kill_counts(killed)}{', on a slow disk' if slow else ''}"


def _kill_one(subject: Subject, driver: subprocess.Popen[bytes], killed: Counter[str]) -> dict[int, psutil.Process]:
    """Kills the driver or what it started; returns what was there."""
    below = psutil.Process(driver.pid).children(recursive=True)
    kinds = {"driver": [driver.pid], **_kinds(below)}
    kind = subject.random.choice(sorted(kinds))
    killed[kind] += 1
    _signal(subject.random.choice(kinds[kind]), signal.SIGKILL)
    if kind == "driver":
        driver.wait(GUARD)
        # What else there is of Ray is cleared away by its next start at the latest.
        _refuse_survivors([one for one in below if one.pid not in kinds.get("other of Ray", ())])
    return {one.pid: one for one in below}


def _moment(subject: Subject, process: subprocess.Popen[bytes], out: Path) -> float:
    """How long until the next kill: from now, or from the next result on, as starting can take longest."""
    if subject.random.random() < 0.9:
        before = _results(out)
        while _results(out) == before and process.poll() is None:
            time.sleep(0.02)
        return subject.random.uniform(0, subject.seconds / 8)
    return subject.random.uniform(0, subject.seconds / 4)


def _refuse_survivors(processes: Sequence[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, PATIENCE)
    if alive:
        raise FaultError(f"outlived their driver: {', '.join(map(str, alive))}")


def _kinds(processes: Sequence[psutil.Process]) -> dict[str, list[int]]:
    """Processes below a driver by what they are; those of Ray by the names that it gives them."""
    found: dict[str, list[int]] = {}
    names = dict[int, str]()
    for process in processes:  # parents come before their children
        with contextlib.suppress(psutil.Error):
            name, parent = process.name(), names.get(process.ppid(), "")
            if name.startswith("ray::WorkerActor"):
                names[process.pid] = "actor"
            elif name in ("raylet", "gcs_server"):
                names[process.pid] = name
            elif name.startswith("ray::") or (not parent and any("/ray/" in word for word in process.cmdline()[:3])):
                names[process.pid] = "other of Ray"
            else:
                names[process.pid] = "worker"
            found.setdefault(names[process.pid], []).append(process.pid)
    return found


def _kill_counts(killed: Counter[str]) -> str:
    return f"{killed.total()} kills ({', '.join(f'{kind} {number}' for kind, number in sorted(killed.items()))})"


def errors(subject: Subject, out: Path) -> str:
    starts = subject.finish(out, allowed=(NOT_STORED,), **subject.faulty(out, one_in=40))
    return f"{starts} starts"


def slow(subject: Subject, out: Path) -> str:
    subject.finish(out, **subject.faulty(out, delay=30))
    return ""


def clock(subject: Subject, out: Path) -> str:
    jumping = subject.faulty(out, clock=1)
    process = subject.start(out, **jumping)
    if _ended(process, subject.random.uniform(0, subject.seconds)) is None:
        _signal(process.pid, signal.SIGKILL)
        process.wait(GUARD)
    subject.finish(out, **jumping)
    return ""


def stop(subject: Subject, out: Path) -> str:
    process = subject.start(out)
    while not _results(out) and process.poll() is None:
        time.sleep(0.02)
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    if below:
        _signal(subject.random.choice(below).pid, signal.SIGSTOP)
    code = process.wait(GUARD)
    if code:
        raise FaultError(f"exit code {code}; see {out.with_suffix('.log')}")
    subject.finish(out)
    return f"{len(below[:1])} stopped"


def second(subject: Subject, out: Path) -> str:
    process = subject.start(out)
    while not is_run_folder(out) and process.poll() is None:
        time.sleep(0.02)
    refused = 0
    while process.poll() is None:
        code = subject.start(out).wait(GUARD)
        if code not in (0, IN_USE):  # 0: the first had ended
            raise FaultError(f"exit code {code} of a second process; see {out.with_suffix('.log')}")
        refused += code == IN_USE
    if process.wait():
        raise FaultError(f"exit code {process.returncode} of the first; see {out.with_suffix('.log')}")
    return f"refused {refused} times"


_FULL_DISK = """
size=$SIZE
mount -t tmpfs -o size=${size}k none "$DISK" || exit 99
starts=1
while true; do
  if [ -e "$DISK/run/run.json" ]; then $RESUME "$DISK/run"; else $BEGIN "$DISK/run"; fi
  code=$?
  [ $code -eq 0 ] && break
  [ $code -eq 8 ] || exit $code
  size=$((size + MORE)); starts=$((starts + 1))
  mount -o remount,size=${size}k "$DISK" || exit 99
done
cp -r "$DISK/run" "$OUT" && echo $starts > "$OUT.starts"
"""


def disk(subject: Subject, out: Path) -> str:
    place = out.with_name(out.name + "-disk")
    place.mkdir()
    sizes = {"SIZE": str(subject.random.randint(20, 300)), "MORE": str(subject.random.randint(20, 120))}
    commands = {"BEGIN": " ".join(subject.begin), "RESUME": " ".join(subject.resume)}
    _mounted(_FULL_DISK, out, {"DISK": str(place), "OUT": str(out), **sizes, **commands})
    starts = out.with_name(out.name + ".starts").read_text().strip()
    return f"from {sizes['SIZE']} kB, {starts} starts"


_READ_ONLY = """
mount --bind "$OUT" "$OUT" && mount -o remount,bind,ro "$OUT" || exit 99
$RESUME "$OUT"
"""


def read_only(subject: Subject, out: Path) -> str:
    process = subject.start(out)
    while not _results(out) and process.poll() is None:
        time.sleep(0.02)
    _signal(process.pid, signal.SIGKILL)
    process.wait(GUARD)
    if not _results(out):
        raise FaultError(f"exit code {process.returncode} before the first result; see {out.with_suffix('.log')}")
    before = (out / "results.jsonl").read_bytes()
    _mounted(_READ_ONLY, out, {"OUT": str(out), "RESUME": " ".join(subject.resume)}, expected=NOT_STORED)
    if (out / "results.jsonl").read_bytes() != before:
        raise FaultError("a read-only folder was changed")
    subject.finish(out)
    return ""


FAULTS: Mapping[str, Callable[[Subject, Path], str]] = {
    "kill": kill,
    "errors": errors,
    "disk": disk,
    "read-only": read_only,
    "slow": slow,
    "clock": clock,
    "stop": stop,
    "second": second,
}


def undisturbed(subject: Subject) -> Path:
    """The run that all others are compared with; its time becomes the subject's."""
    out = subject.folder / "undisturbed"
    began = time.monotonic()
    subject.finish(out)
    subject.seconds = time.monotonic() - began
    return out


def check(reference: Path, out: Path) -> list[str]:
    """What is wrong with a run that was disturbed."""
    return [*unsound(out), *differences(reference, out)]


def _mounted(script: str, out: Path, variables: Mapping[str, str], expected: int = 0) -> None:
    """Runs a script in a mount namespace of its own."""
    with out.with_suffix(".log").open("ab") as log:
        code = subprocess.run(
            ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
            if os.geteuid()
            else ["unshare", "--mount", "sh", "-c", script],
            env=os.environ | variables,
            stdout=log,
            stderr=log,
            timeout=GUARD,
            check=False,
        ).returncode
    if code != expected:
        raise FaultError(f"exit code {code}, expected {expected}; see {out.with_suffix('.log')}")


def _results(out: Path) -> int:
    """Bytes of results so far."""
    file = out / "results.jsonl"
    return file.stat().st_size if file.exists() else 0


def _ended(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended
        os.kill(pid, number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="of the fault kill, in all its runs together")
    parser.add_argument("--runs", type=int, default=2, help="of every other fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--executor", default="local")
    parser.add_argument("--theorems", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=60, help="seconds a theorem; what 'stop' waits for")
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    search = [sys.executable, "-m", "proofsearch", "search", "-q"]
    options = {"executor": arguments.executor, "limit": arguments.theorems, "workers": arguments.workers}
    options |= {"timeout": arguments.timeout, "split": "all", "max-expansions": 8}
    subject = Subject(
        [*search, *(word for name, value in options.items() for word in (f"--{name}", str(value))), "--out"],
        [*search, "--resume"],
        ["--retry-failures"],
        folder,
        random.Random(arguments.seed),
    )
    reference = undisturbed(subject)
    print(f"undisturbed: {arguments.theorems} theorems in {subject.seconds:.1f} s, in {folder}", flush=True)
    wrong = 0
    for name in arguments.only:
        number = 0
        while subject.kills.total() < arguments.kills if name == "kill" else number < arguments.runs:
            number += 1
            out = folder / f"{name}-{number}"
            try:
                if name == "kill":
                    said = kill(subject, out, arguments.kills - subject.kills.total())
                else:
                    said = FAULTS[name](subject, out)
                found = check(reference, out)
            except FaultError as error:
                said, found = "", [str(error)]
            wrong += len(found)
            print(f"{name} {number}: {said or 'done'}; {len(found)} differences", flush=True)
            for line in found[:10]:
                print(f"    {line}", flush=True)
    print(f"{_kill_counts(subject.kills)}; {wrong} theorems lost, doubled or different, or other faults")
    if wrong:
        raise SystemExit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
