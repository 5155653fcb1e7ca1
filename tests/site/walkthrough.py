"""Pages of the documentation, followed as they are written: files made, commands run, their output compared.

In a page's fenced blocks

* ``sh`` is run by bash, where the block before it left off, and must succeed;
* ``text`` directly behind it is what it prints, or lines of that in their order; an ellipsis stands for anything;
* any block with ``title="PATH"`` is a file, written where the commands are;
* a block behind the comment ``<!-- not run: WHY -->`` is skipped, as are all others.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^(?P<not_run><!-- not run: .+ -->\n)?```(?P<info>.*)\n(?P<text>(?:.*\n)*?)```$", re.M)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block that is followed.

    Attributes:
        line: where it begins, from 1.
        kind: ``"sh"``, ``"text"`` or ``"file"``.
        text: what stands in it.
        path: of a file.
    """

    line: int
    kind: str
    text: str
    path: str = ""


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page that are followed; an output only where it stands behind a command that is run."""
    before = ""
    for found in _BLOCK.finditer(page):
        line = page.count("\n", 0, found.start("info")) + 1
        info, kind = found["info"], ""
        title = re.search(r'title="([^"]+)"', info)
        if not found["not_run"]:
            if title is not None:
                kind = "file"
            elif info == "sh" or (info == "text" and before == "sh"):
                kind = info
        if kind:
            yield Block(line, kind, found["text"], title[1] if title is not None else "")
        before = kind


def follow(page: Path, folder: Path, environment: Mapping[str, str]) -> int:
    """Does what a page says.

    Args:
        page: the Markdown file.
        folder: an empty one, in which the reader is.
        environment: of the commands.

    Returns:
        How many blocks of commands were run.
    """
    here, output, count = folder, "", 0
    for block in blocks(page.read_text(encoding="utf-8")):
        place = f"{page.name}:{block.line}"
        if block.kind == "file":
            (here / block.path).parent.mkdir(parents=True, exist_ok=True)
            (here / block.path).write_text(block.text, encoding="utf-8")
        elif block.kind == "sh":
            after = folder / ".after"
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", f'{block.text}\npwd > "{after}"'],
                cwd=here,
                env=dict(environment),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=600,
                check=False,
            )
            output, count = done.stdout, count + 1
            assert done.returncode == 0, f"{place}: exit code {done.returncode}\n{block.text}\n{output}"
            here = Path(after.read_text().strip())
        else:
            missing = first_missing(block.text, output)
            assert missing is None, f"{place}: not printed, or not in this order: {missing!r}\n{output}"
    return count


def first_missing(expected: str, printed: str) -> str | None:
    """The first line of what is expected that was not printed after those before it; how wide gaps are is no matter."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    for line in expected.splitlines():
        wanted = " ".join(line.split())
        pattern = re.compile(".*".join(map(re.escape, wanted.split("…"))))
        if wanted not in ("", "…") and not any(pattern.fullmatch(line) for line in lines):
            return line
    return None


def own_environment(folder: Path) -> dict[str, str]:
    """An environment in which packages can be installed and are gone afterwards, with all that is installed here.

    Nothing is fetched: a package is built with what is there. ``pip``, ``pytest`` and ``proofsearch`` are its own.
    """
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "here.pth").write_text("".join(f"{path}\n" for path in sys.path if path and Path(path).is_dir()))
    python = venv / "bin" / "python"
    for name in ("pip", "pytest", "proofsearch"):
        (venv / "bin" / name).write_text(f'#!/bin/sh\nexec "{python}" -m {name} "$@"\n')
        (venv / "bin" / name).chmod(0o755)
    return os.environ | {
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(venv),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip takes the option's own "no" for the value, so 0 means: no isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "COLUMNS": "160",
    }
