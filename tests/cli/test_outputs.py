"""Would catch: a command that writes over what it reads, or over anything that nobody allowed it to replace."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Cli, installed_commands

from proofsearch.plugins.discovery import Plugins
from proofsearch.storage.outputs import OVERWRITE

INPUTS = {
    "--config",
    "--resume",
    "--until-decided-against",
    "--file",
    "--trajectories",
    "--proof",
    "--database",
}
"""Options of commands that name what is read. Components' own options name what they read (``--ebm-path``)."""

FILES: dict[tuple[str, ...], list[str]] = {
    ("report",): ["report", "run", "-q", "--resamples", "100", "--out"],
    ("trajectories", "merge"): ["trajectories", "merge", "run", "--out"],
    ("metamath", "splice"): ["metamath", "splice", "proof.mm", "--database", "small.mm", "--out"],
}
"""The commands whose ``--out`` is a file, each as it is called."""

FOLDERS: dict[tuple[str, ...], list[str]] = {
    ("search",): ["search", "--env", "fake", "--generator", "fake", "-q", "--out"],
    ("train",): ["train", "--plugin", "ebm", "--trajectories", "run", "--env", "fake", "-q", "--out"],
    ("iterate",): ["iterate", "--plugin", "ebm", "--env", "fake", "--generator", "fake", "-q", "--out"],
    ("plugins", "new"): ["plugins", "new", "my-idea", "--kind", "scorer", "--out"],
    ("evaluate",): ["evaluate", "run", "-q", "--resamples", "100", "--plots"],
    ("runs", "merge"): ["runs", "merge", "run", "-q", "--out"],
    ("minimise",): ["minimise", "run", "-q", "--out"],
    ("push",): ["push", "run", "hf://somebody/some", "--out"],
}
"""The commands that make or fill a folder."""

SMALL = """\
$c ( ) -> wff |- $.
$v ph ps $.
wph $f wff ph $.
wps $f wff ps $.
wi $a wff ( ph -> ps ) $.
ax $a |- ( ph -> ph ) $.
id $p |- ( ph -> ph ) $= wph ax $.
"""


def test_every_path_of_every_command_is_known_as_an_input_or_an_output() -> None:
    components = tuple(f"--{entry.name}-" for entry in Plugins.discover().components())
    outputs = set()
    for words, options in installed_commands():
        for option in options:
            if option.flag.startswith(components) or option.flag in INPUTS:
                continue
            if "Path" in str(option.kind) or option.flag in ("--out", "--plots"):
                outputs.add(words)
                assert option.flag in ("--out", "--plots"), f"{' '.join(words)} {option.flag}: is it read, or written?"
        overwrites = any(option.flag == OVERWRITE for option in options)
        assert overwrites == (words in FILES or words == ("evaluate",)), words
    assert outputs == FILES.keys() | FOLDERS.keys()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved") / "run"


@pytest.fixture
def here(cli: Cli, tmp_path: Path, saved: Path) -> Path:
    """A folder with a run, a database and a proof of it; the current one."""
    folder = tmp_path / "here"
    if not saved.exists():
        done = cli("search", "--env", "fake", "--generator", "fake", "--limit", "3", "--out", saved, "-q")
        assert done.code == 0, done.err
    shutil.copytree(saved, folder / "run")
    (folder / "small.mm").write_text(SMALL)
    (folder / "proof.mm").write_text("id $p |- ( ph -> ph ) $= wph ax $.\n")
    return folder


def content(folder: Path) -> dict[str, Any]:
    """What is in a folder: of files their bytes, of all else what it is."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if path.name != "run.lock":
            found[str(path.relative_to(folder))] = path.read_bytes() if stat.S_ISREG(mode) else stat.S_IFMT(mode)
    return found


def file(path: Path) -> None:
    path.write_text("precious")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.with_name("elsewhere").write_text("precious")
    path.symlink_to("elsewhere")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def full(path: Path) -> None:
    path.mkdir()
    (path / "thesis.tex").write_text("precious")


@pytest.mark.parametrize("words", FILES, ids=" ".join)
@pytest.mark.parametrize("make", [file, pipe, link, dangling, full])
def test_what_is_in_the_way_of_a_file_stays(
    words: tuple[str, ...], make: Callable[[Path], None], cli: Cli, here: Path
) -> None:
    make(here / "out")
    before = content(here)
    done = cli(*FILES[words], "out")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1].startswith("error: out: ")
    if make is not file:
        assert cli(*FILES[words], "out", OVERWRITE).code == 2
    assert content(here) == before


@pytest.mark.parametrize("words", FILES, ids=" ".join)
@pytest.mark.parametrize("device", ["/dev/null", "/dev/full", "/dev/stdout"])
def test_devices_stay_devices(words: tuple[str, ...], device: str, cli: Cli, here: Path) -> None:
    before = Path(device).lstat()
    for more in ([], [OVERWRITE]):
        done = cli(*FILES[words], device, *more)
        assert done.code == 2
        assert f"error: {device}: is " in done.err
    assert Path(device).lstat().st_mode == before.st_mode
    assert Path(device).lstat().st_ino == before.st_ino


@pytest.mark.parametrize("words", FILES, ids=" ".join)
def test_a_new_file_is_written_and_replaced_where_that_is_said(words: tuple[str, ...], cli: Cli, here: Path) -> None:
    done = cli(*FILES[words], "sub/out")
    assert done.code == 0, done.err
    written = (here / "sub" / "out").read_bytes()
    assert written
    assert [path.name for path in (here / "sub").iterdir()] == ["out"]
    (here / "sub" / "out").write_text("older")
    done = cli(*FILES[words], "sub/out", OVERWRITE)
    assert done.code == 0, done.err
    assert (here / "sub" / "out").read_bytes()[:100] == written[:100]


@pytest.mark.parametrize(
    ("words", "inputs"),
    [
        (
            ("report",),
            ["run/run.json", "run/results.jsonl", "run/config.toml", "run/trajectories/part-00000.parquet"],
        ),
        (("trajectories", "merge"), ["run/trajectories/part-00000.parquet", "run/trajectories/new.parquet"]),
        (("metamath", "splice"), ["small.mm", "proof.mm"]),
    ],
    ids=" ".join,
)
def test_what_is_read_is_never_replaced(words: tuple[str, ...], inputs: list[str], cli: Cli, here: Path) -> None:
    os.link(here / inputs[0], here / "hard-link")
    before = content(here)
    for out in [*inputs, "hard-link", *(f"./run/../{name}" for name in inputs)]:
        done = cli(*FILES[words], out, OVERWRITE)
        assert done.code == 2, out
        assert "is read by this command" in done.err
    assert content(here) == before


def test_an_included_file_and_the_runs_spliced_are_never_replaced(cli: Cli, here: Path) -> None:
    (here / "top.mm").write_text("$[ small.mm $]\n")
    before = content(here)
    for out in ("small.mm", "top.mm"):
        done = cli("metamath", "splice", "proof.mm", "--database", "top.mm", "--out", out, OVERWRITE)
        assert (done.code, "is read by this command" in done.err) == (2, True)
    for out in ("run/results.jsonl", "run/proofs/new.mm"):
        done = cli("metamath", "splice", "run", "--database", "small.mm", "--out", out, OVERWRITE)
        assert (done.code, "is read by this command" in done.err) == (2, True)
    assert content(here) == before


@pytest.mark.parametrize("words", FOLDERS, ids=" ".join)
@pytest.mark.parametrize("make", [file, pipe, dangling, full])
def test_what_is_in_the_way_of_a_folder_stays(
    words: tuple[str, ...], make: Callable[[Path], None], cli: Cli, here: Path
) -> None:
    make(here / "out")
    before = content(here)
    done = cli(*FOLDERS[words], "out")
    assert done.code in (2, 3, 5), done.err
    assert done.err.splitlines()[-1].startswith("error: out: ")
    assert content(here) == before


def test_plots_replace_plots_only_where_that_is_said(cli: Cli, here: Path) -> None:
    pytest.importorskip("matplotlib")
    call = FOLDERS["evaluate",]
    assert cli(*call, "plots").code == 0
    (here / "plots" / "solved-expansions.svg").write_text("precious")
    done = cli(*call, "plots")
    assert (done.code, "the folder is not empty" in done.err) == (2, True)
    assert (here / "plots" / "solved-expansions.svg").read_text() == "precious"
    assert cli(*call, "plots", OVERWRITE).code == 0
    assert (here / "plots" / "solved-expansions.svg").read_text() != "precious"
    (here / "plots" / "solved-seconds.svg").unlink()
    (here / "plots" / "solved-seconds.svg").symlink_to(here / "small.mm")
    assert cli(*call, "plots", OVERWRITE).code == 2
    assert (here / "small.mm").read_text() == SMALL
    shutil.rmtree(here / "plots")
