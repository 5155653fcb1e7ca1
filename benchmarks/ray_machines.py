"""Machines that join and leave in the midst of a run, each with a network, host name, processes and memory of its own.

    python benchmarks/ray_machines.py [--theorems 40] [--seed 0] [--kinds kill cut join]

Each machine is a set of Linux namespaces with a cable (veth) to a switch (bridge): other addresses, nothing in common
but the disk. One has the head of a Ray cluster, and the run is led from there; others are joined with ``ray start
--address``. In the midst of a run something happens, and the run has to come to the same as one of the executor
``local``:

==== ===============================================================================================
kill a machine is switched off: all of its processes end at once
cut  a machine's cable is pulled: its processes go on, and nothing is heard of them any more
join a machine joins
==== ===============================================================================================

Linux alone, as root, with ``ip`` (iproute2), ``unshare`` and ``nsenter``.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from faults import GUARD, FaultError, check

from proofsearch.runs.layout import is_run_folder

_NETWORK = "10.77.0"
_PORT = 6379

_MACHINE = """
mount -t tmpfs -o size=600m none /dev/shm; mkdir -p {temporary}; mount -t tmpfs none {temporary}; hostname {name}
read ready
ip link set lo up && ip addr add {address}/24 dev {cable} && ip link set {cable} up || exit 99
ip route add default dev {cable} || exit 99
exec {ray} start {role} --node-ip-address={address} --num-cpus={processors} --object-store-memory=100000000 --block
"""


class Machine:
    """A machine with a Ray node.

    Args:
        switch: the process whose network has the bridge.
        number: of the machine, from 1; the first is the head.
        folder: for its output.
    """

    def __init__(self, switch: int, number: int, folder: Path) -> None:
        self.number = number
        self.address = f"{_NETWORK}.{number}"
        cable = f"m{number}"
        head = number == 1
        temporary = folder / "machine"
        script = _MACHINE.format(
            temporary=temporary,
            name=f"machine-{number}",
            address=self.address,
            cable=cable,
            ray=f"{sys.executable} -m ray.scripts.scripts",
            role=f"--head --port={_PORT} --include-dashboard=false" if head else f"--address={_NETWORK}.1:{_PORT}",
            processors=1,
        )
        separate = ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        variables = {"TMPDIR": str(temporary), "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": str(temporary)}
        with (folder / f"machine-{number}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*separate, "sh", "-c", script],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | variables,
                start_new_session=True,
            )
        while _namespace(self.process.pid) == _namespace(os.getpid()):
            time.sleep(0.02)
        _within(switch, "ip", "link", "add", cable, "type", "veth", "peer", "name", f"s{number}")
        _within(switch, "ip", "link", "set", cable, "netns", str(self.process.pid))
        _within(switch, "ip", "link", "set", f"s{number}", "master", "switch", "up")
        while not self._children():
            time.sleep(0.02)
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.close()
        self._switch = switch

    def inside(self, *command: str) -> list[str]:
        """The command that runs another on this machine."""
        if not self._children():
            raise FaultError(f"machine {self.number} has ended; see its log")
        return ["nsenter", "--net", "--uts", "--mount", "--pid", "-t", self._children()[0], *command]

    def _children(self) -> list[str]:
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def kill(self) -> None:
        """Switches it off."""
        for pid in self._children():
            os.kill(int(pid), signal.SIGKILL)  # the first process of its namespace, and with it all others
        self.process.kill()
        self.process.wait()

    def cut(self) -> None:
        """Pulls its cable."""
        _within(self._switch, "ip", "link", "set", f"s{self.number}", "down")


def _namespace(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _within(pid: int, *command: str) -> None:
    subprocess.run(["nsenter", "--net", "-t", str(pid), *command], check=True)


class Network:
    """A switch and the machines on it.

    Args:
        folder: for their output.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._switch = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        while _namespace(self._switch.pid) == _namespace(os.getpid()):
            time.sleep(0.02)
        _within(self._switch.pid, "ip", "link", "add", "switch", "type", "bridge")
        _within(self._switch.pid, "ip", "link", "set", "switch", "up")
        self._made = 0
        self.machines: list[Machine] = []

    def add(self) -> Machine:
        """Adds a machine."""
        self._made += 1
        machine = Machine(self._switch.pid, self._made, self._folder)
        self.machines.append(machine)
        return machine

    def nodes(self) -> int:
        """How many nodes the head knows to be alive."""
        asked = (
            f"import ray; ray.init(address='{_NETWORK}.1:{_PORT}', logging_level='ERROR', log_to_driver=False); "
            f"print(sum(node['Alive'] for node in ray.nodes()))"
        )
        said = subprocess.run(
            self.machines[0].inside(sys.executable, "-c", asked), capture_output=True, text=True, check=False
        )
        return int(said.stdout.split()[-1]) if said.returncode == 0 and said.stdout.split() else 0

    def wait_for(self, nodes: int) -> None:
        """Waits until so many are alive."""
        end = time.monotonic() + GUARD
        while self.nodes() < nodes:
            if time.monotonic() > end or any(one.process.poll() is not None for one in self.machines):
                raise FaultError(f"machines didn't join; see {self._folder}")
            time.sleep(0.5)

    def close(self) -> None:
        """Switches everything off."""
        for machine in self.machines:
            if machine.process.poll() is None:
                machine.kill()
        self._switch.kill()
        self._switch.wait()


def disturbed(kind: str, search: Sequence[str], out: Path, chance: random.Random) -> str:
    """A run in the midst of which something happens; what was seen."""
    folder = Path(tempfile.mkdtemp(prefix="machines-"))
    network = Network(folder)
    try:
        for number in range(1, 3 if kind == "join" else 4):
            network.add()
            network.wait_for(number)
        options = ["--executor", "ray", "--ray-address", f"{_NETWORK}.1:{_PORT}", "--workers", "3", "--attempts", "4"]
        with out.with_suffix(".log").open("wb") as log:
            run = subprocess.Popen(
                network.machines[0].inside(*search, *options, "--out", str(out)), stdout=log, stderr=log
            )
        _wait_for_results(out, run, chance.randint(3, 12))
        began, before = time.monotonic(), _results(out)
        victim = chance.choice(network.machines[1:])
        actions: Mapping[str, object] = {"kill": victim.kill, "cut": victim.cut, "join": network.add}
        action = actions[kind]
        assert callable(action)
        action()
        code = run.wait(GUARD)
        if code:
            raise FaultError(f"exit code {code}; see {out.with_suffix('.log')} and {folder}")
        return f"{kind} after {before} results, finished {time.monotonic() - began:.0f} s later"
    finally:
        network.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_results(out: Path, run: subprocess.Popen[bytes], number: int) -> None:
    while run.poll() is None and not (is_run_folder(out) and _results(out) >= number):
        time.sleep(0.05)


def _results(out: Path) -> int:
    return (out / "results.jsonl").read_bytes().count(b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theorems", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=("kill", "cut", "join"), default=["kill", "cut", "join"])
    arguments = parser.parse_args()
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(16)  # the same on all machines
    folder = Path(tempfile.mkdtemp(prefix="ray-machines-"))
    search = [sys.executable, "-m", "proofsearch", "search", "-q", "--split", "all"]
    search += ["--limit", str(arguments.theorems), "--max-expansions", "64"]
    reference = folder / "local"
    subprocess.run([*search, "--workers", "2", "--out", str(reference)], check=True, stdout=subprocess.DEVNULL)
    chance, wrong = random.Random(arguments.seed), 0
    for kind in arguments.kinds:
        try:
            said = disturbed(kind, search, folder / kind, chance)
            found = check(reference, folder / kind)
        except FaultError as error:
            said, found = "", [str(error)]
        wrong += len(found)
        print(f"{kind}: {said or 'failed'}; {len(found)} differences", flush=True)
        for line in found[:10]:
            print(f"    {line}", flush=True)
    if wrong:
        raise SystemExit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
