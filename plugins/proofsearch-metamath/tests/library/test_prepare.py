"""The cache of prepared databases: whole, current, undamaged, and data only."""

from __future__ import annotations

import gzip
import json
import mmap
import multiprocessing
import shutil
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.library import cache as cache_module
from proofsearch_metamath.library import prepare as prepare_module
from proofsearch_metamath.library.cache import load
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.prepare import build, prepare
from proofsearch_metamath.library.tables import ARRAYS, Tables
from proofsearch_metamath.syntax.grammar import GrammarError
from proofsearch_metamath.syntax.trees import ParseError

Write = Callable[[str], Path]


def folder_in(cache: Path) -> Path:
    (folder,) = cache.iterdir()
    return folder


def same(one: Library, other: Library) -> None:
    left, right = one.tables, other.tables
    for name in ("symbols", "typecodes", "labels", "float_labels", "essential_labels", "rules", "variables", "sources"):
        assert list(getattr(left, name)) == list(getattr(right, name))
    assert left.sha256 == right.sha256
    assert left.flaws == right.flaws
    assert set(left.arrays) == set(right.arrays) == set(ARRAYS)
    for name in ARRAYS:
        assert left.arrays[name].dtype == right.arrays[name].dtype
        assert np.array_equal(left.arrays[name], right.arrays[name]), name


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was built, rather than loaded."""
    calls: list[str] = []

    def counted(*args: Any) -> Tables:
        calls.append("build")
        return build(*args)

    monkeypatch.setattr(prepare_module, "build", counted)
    return calls


def _is_mapped(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array reads a file as it lies on the disk."""
    base: object = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    return base is not None


def test_what_is_loaded_is_what_was_built(write: Write, small: str, tmp_path: Path, built: list[str]) -> None:
    path = write(small)
    fresh = Library(build(read_database(path)))
    same(prepare(path, tmp_path / "cache"), fresh)
    same(prepare(path, tmp_path / "cache"), fresh)
    assert built == ["build"]
    loaded = load(folder_in(tmp_path / "cache"))
    assert loaded is not None
    assert _is_mapped(loaded.tables.arrays["trees"]), "worker processes should share the arrays"


def test_an_almost_empty_database(write: Write, tmp_path: Path) -> None:
    """No hypotheses, no $d, nothing provable: every array of that kind is empty."""
    path = write("$c wff T. |- $. wtru $a wff T. $. ax $a |- T. $.")
    same(prepare(path, tmp_path / "cache"), Library(build(read_database(path))))
    assert load(folder_in(tmp_path / "cache")) is not None


@pytest.mark.parametrize("which", ["top", "included"])
def test_a_changed_file_is_noticed(which: str, write: Write, small: str, tmp_path: Path) -> None:
    included = tmp_path / "part.mm"
    included.write_text("wn $a wff T. $.")
    path = write(small.replace("wtru $a wff T. $.", "$[ part.mm $]").replace("wtru", "wn"))
    first = prepare(path, tmp_path / "cache")
    assert len(first.tables.sources) == 2
    changed = path if which == "top" else included
    changed.write_text(changed.read_text() + "\n$( changed $)\n")
    assert load(folder_in(tmp_path / "cache")) is None
    second = prepare(path, tmp_path / "cache")
    assert first.tables.sha256 != second.tables.sha256
    assert load(folder_in(tmp_path / "cache")) is not None


def test_a_packed_database(small: str, tmp_path: Path, built: list[str]) -> None:
    path = tmp_path / "small.mm.gz"
    path.write_bytes(gzip.compress(small.encode()))
    prepare(path, tmp_path / "cache")
    prepare(path, tmp_path / "cache")
    assert built == ["build"]


FILES = [*(f"{name}.npy" for name in ARRAYS), "symbols.txt", "labels.txt", "variables.txt", "rules.json", "flaws.json"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database and its cache, to be copied."""
    root = tmp_path_factory.mktemp("stored")
    (root / "small.mm").write_text(
        dedent(
            """
            $c wff setvar |- ( ) -> A. $. $v ph ps x $.
            wph $f wff ph $. wps $f wff ps $. vx $f setvar x $.
            wi $a wff ( ph -> ps ) $. wal $a wff A. x ph $.
            ${ min $e |- ph $. maj $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $}
            ${ $d x ph $. ax-5 $a |- ( ph -> A. x ph ) $. $}
            th $p |- ( ph -> A. x ph ) $= wph vx ax-5 $. open $p |- ph $= ? $.
            """
        )
    )
    prepare(root / "small.mm", root / "cache")
    return root


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "flipped"])
@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_damaged_cache_is_made_again(name: str, damage: str, stored: Path, tmp_path: Path) -> None:
    """A flipped bit in an array would change a theorem that proofs are verified against."""
    cache = tmp_path / "cache"
    shutil.copytree(stored / "cache", cache)
    file = folder_in(cache) / name
    good = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "truncated":
        file.write_bytes(good[:-1])
    else:
        at = len(good) - 2 if name != "manifest.json" else good.index(b'"sha256": "') + 12
        file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    assert load(folder_in(cache)) is None
    path = stored / "small.mm"
    same(prepare(path, cache), Library(build(read_database(path))))
    assert load(folder_in(cache)) is not None
    assert [entry.name for entry in cache.iterdir()] == [folder_in(cache).name], "nothing is left behind"


@pytest.mark.parametrize(
    ("key", "value"), [("format", 1), ("format", 999), ("files", {}), ("files", []), ("sources", 3), ("sha256", None)]
)
def test_another_format_is_made_again(key: str, value: object, stored: Path, tmp_path: Path) -> None:
    shutil.copytree(stored / "cache", tmp_path / "cache")
    manifest = folder_in(tmp_path / "cache") / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {key: value}))
    assert load(folder_in(tmp_path / "cache")) is None


def test_nothing_in_the_cache_can_run_code(stored: Path, tmp_path: Path) -> None:
    """An array of objects is a pickle; it is refused even where its checksum is right."""
    shutil.copytree(stored / "cache", tmp_path / "cache")
    folder = folder_in(tmp_path / "cache")
    assert {file.suffix for file in folder.iterdir()} == {".npy", ".txt", ".json"}
    for file in folder.glob("*.npy"):
        assert np.load(file, allow_pickle=False).dtype != object
    np.save(folder / "trees.npy", np.array([print], dtype=object), allow_pickle=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["trees.npy"] = cache_module._checksum(folder / "trees.npy")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert load(folder) is None


def _prepare(path: Path, cache: Path, barrier: Barrier) -> None:
    barrier.wait()
    assert prepare(path, cache).tables.labels
    raise SystemExit(0)


def test_processes_that_prepare_at_once(stored: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    arguments = (stored / "small.mm", tmp_path / "cache", barrier)
    processes = [context.Process(target=_prepare, args=arguments) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(600)
    assert [process.exitcode for process in processes] == [0] * 4
    assert load(folder_in(tmp_path / "cache")) is not None


def test_a_process_that_loses_the_race_between_the_renames(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process puts its folder in place just before this one would."""
    rename = Path.rename
    first = prepare(stored / "small.mm", tmp_path / "cache").tables
    folder = folder_in(tmp_path / "cache")

    def late(self: Path, target: Path) -> Path:
        result = rename(self, target)
        if self == folder:
            shutil.copytree(target, folder)
        return result

    monkeypatch.setattr(Path, "rename", late)
    cache_module.store(first, folder)
    assert load(folder) is not None
    assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]


def test_progress_is_told_from_none_to_all(stored: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    prepare(stored / "small.mm", tmp_path / "cache", lambda *what: told.append(what))
    order = ["reading", "parsing", "verifying"]
    assert [what for what, _, _ in told] == sorted([what for what, _, _ in told], key=order.index)
    assert ("parsing", 6, 6) in told
    assert told[-1] == ("verifying", 2, 2)


def test_lines_with_every_kind_of_line_end(small: str, tmp_path: Path) -> None:
    lines = []
    for number, end in enumerate(("\n", "\r\n", "\r")):
        path = tmp_path / f"{number}.mm"
        path.write_bytes(small.replace("\n", end).encode())
        lines.append(prepare(path, tmp_path / "cache").tables.arrays["lines"].tolist())
    assert lines[0] == lines[1] == lines[2]
    assert lines[0][0] == next(n for n, line in enumerate(small.split("\n"), 1) if line.startswith("wi "))


def test_an_expression_that_does_not_parse_is_named_with_its_place(write: Write, small: str, tmp_path: Path) -> None:
    path = write(small + "\n  bad $a |- ( ph -> $.\n")
    with pytest.raises(ParseError, match=f"^{path}:{small.count(chr(10)) + 2}:3: bad: "):
        prepare(path, tmp_path / "cache")


def test_an_expression_nested_too_deep_is_refused(write: Write, small: str, tmp_path: Path) -> None:
    """What walks over terms recurses; the bound keeps Python's stack out of it."""
    deep = "T."
    for _ in range(198):
        deep = f"( T. -> {deep} )"
    fine = write(f"{small} deep $a |- ( ph -> {deep} ) $.")
    assert "deep" in prepare(fine, tmp_path / "cache").provable_index
    with pytest.raises(GrammarError, match="deep is nested 201 deep; a search takes expressions at most 200 deep"):
        prepare(write(f"{small} deep $a |- ( ph -> ( ph -> {deep} ) ) $."), tmp_path / "cache")


def test_what_proofs_cite(write: Write, small: str, tmp_path: Path) -> None:
    """What is named, stands before and asserts something, whether the proof is right or not."""
    path = write(
        small
        + "open $p |- ( ph -> ph ) $= ? $. openc $p |- ( ph -> ph ) $= ( id ) A?C $. "
        + "unknown $p |- ( ph -> ph ) $= wph nothing $. "
        + "forward $p |- ( ph -> ph ) $= wph later $. "
        + "self $p |- ( ph -> ph ) $= wph self $. paren $p |- ( ph -> ph ) $= ( id AB $. "
        + "syntax $p |- ( x = y -> x = y ) $= vx vy weq id $. "
        + "later $p |- ( ph -> ph ) $= wph id $. "
    )
    library = prepare(path, tmp_path / "cache")
    arrays = library.tables.arrays

    def cited(label: str) -> set[str]:
        position = library.frames.position(label)
        start, end = arrays["cited_at"][position : position + 2]
        assert library.cited_by(position) == arrays["cited"][start:end].tolist()
        return {library.tables.labels[other] for other in arrays["cited"][start:end]}

    assert cited("a1i") == {"ax-1", "ax-mp"}
    assert cited("id") == {"ax-1", "mpd"}
    assert cited("a1tru") == {"tru", "a1i"}
    assert cited("ax-1") == set()
    assert cited("later") == {"id"}
    assert cited("open") == cited("unknown") == cited("forward") == cited("self") == set()
    assert cited("openc") == cited("paren") == {"id"}
    assert cited("syntax") == {"id", "weq"}
    steps = dict(zip(library.tables.labels, arrays["proof_steps"].tolist(), strict=True))
    assert (steps["a1i"], steps["id"], steps["later"], steps["ax-1"]) == (2, 3, 1, 0)
