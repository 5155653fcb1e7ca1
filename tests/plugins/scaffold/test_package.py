"""New packages: for every kind one that is discovered and passes its own tests, whatever it is called."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from installing import Site

from proofsearch.errors import StorageError, UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.scaffold import Names, names_for, write_package
from proofsearch.protocols import KINDS

NAMES = ["x", "my-idea", "ofmorelettersthanallowed"]


def run(*arguments: str | Path, cwd: Path) -> str:
    """Runs a Python module to its end; returns what it says where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=cwd,
        # Plugins of pytest that happen to be installed here, which take longer than the package's few tests.
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def install(site: Site, folder: Path) -> None:
    """Installs a package as pip does in a development mode: its own metadata, and its modules where they are."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    site.install(project["name"], project["entry-points"]["proofsearch"])
    for package in (folder / "src").iterdir():
        (site.folder / package.name).symlink_to(package)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_discovered_and_passes_its_own_tests(site: Site, tmp_path: Path, kind: str) -> None:
    names = names_for(f"new-{kind}", kind)
    folder = tmp_path / names.distribution
    write_package(names, kind, folder)
    install(site, folder)
    plugins = Plugins.discover()
    entry = plugins.registry(kind)[f"new-{kind}"]
    assert plugins.failures == []
    assert (entry.plugin, str(plugins.info(entry.plugin))) == (f"new-{kind}", f"proofsearch-new-{kind} 1.0")
    assert entry.config is not None
    assert entry.config.__name__.startswith("New")
    assert run("pytest", "-q", "-p", "no:cacheprovider", cwd=folder) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_in_good_style_whatever_it_is_called(tmp_path: Path, kind: str) -> None:
    folders = [tmp_path / name for name in NAMES]
    for name, folder in zip(NAMES, folders, strict=True):
        write_package(names_for(name, kind), kind, folder)
    # Each by the settings of its own.
    assert run("ruff", "check", "--no-cache", *folders, cwd=tmp_path) == ""
    assert run("ruff", "format", "--no-cache", "--check", "--diff", *folders, cwd=tmp_path) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_it_requires_the_types_that_its_own_check_needs(tmp_path: Path, kind: str) -> None:
    """Here they may be installed for the core's sake; a newcomer has what the package asks for."""
    folder = tmp_path / "new"
    write_package(names_for("mine", kind), kind, folder)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    asked = [re.split("[<>=]", one)[0] for one in project["optional-dependencies"]["dev"]]
    assert {"mypy", "pytest", "ruff"} <= set(asked)
    trees = [ast.parse(file.read_text()) for file in folder.rglob("*.py")]
    imported = {
        name.partition(".")[0]
        for tree in trees
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [one.name for one in getattr(node, "names", [])]
            if isinstance(node, ast.Import)
            else []
        )
    }
    for name in imported - sys.stdlib_module_names - {"proofsearch", "proofsearch_mine", "pytest"}:
        origin = Path(str(importlib.util.find_spec(name).origin))
        assert (origin.parent / "py.typed").is_file() or f"types-{name}" in asked, name


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_recorded_in_it_is_neither_kept_by_git_nor_published(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "new"
    write_package(names_for("mine", kind), kind, folder)
    for name in (
        "runs/first/run.json",
        "checkpoints/one/model",
        "iterations/one/iterate.toml",
        "ckpt/model",
        "all.parquet",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("large")
    ignored = (folder / ".gitignore").read_text().splitlines()
    assert {"/runs/", "/checkpoints/", "/iterations/", "build/", "dist/"} <= set(ignored)
    (folder / ".gitignore").unlink()
    assert run("hatchling", "build", "-t", "sdist", cwd=folder) == ""
    with tarfile.open(next((folder / "dist").glob("*.tar.gz"))) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", f"src/proofsearch_mine/{kind}.py", "tests/test_mine.py"} <= held
    assert {name.partition("/")[0] for name in held} <= {"src", "tests", "pyproject.toml", "README.md", "PKG-INFO"}


@pytest.mark.parametrize("kind", KINDS)
def test_its_files_hold_no_place_that_was_not_filled_in(tmp_path: Path, kind: str) -> None:
    names = names_for("my-idea", kind)
    files = write_package(names, kind, tmp_path / "new")
    assert sorted(path for path in (tmp_path / "new").rglob("*") if path.is_file()) == [
        tmp_path / "new" / file for file in sorted(files)
    ]
    for file in files:
        text = (tmp_path / "new" / file).read_text(encoding="utf-8")
        assert not re.search(r"\$\{[a-z_]+\}|\btemplate\b", text), file
        assert not text or text.endswith("\n"), file
    readme = (tmp_path / "new" / "README.md").read_text()
    assert f"proofsearch plugins check my-idea --kind {kind}" in readme
    assert f"`src/proofsearch_my_idea/{kind}.py`" in readme
    assert (tmp_path / "new" / "src" / "proofsearch_my_idea" / f"{kind}.py").is_file()
    assert "${{ matrix.python }}" in (tmp_path / "new" / ".github" / "workflows" / "ci.yml").read_text()


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("mine", "scorer", Names("mine", "proofsearch-mine", "proofsearch_mine", "Mine", "mine")),
        ("my_idea", "loss", Names("my-idea", "proofsearch-my-idea", "proofsearch_my_idea", "MyIdea", "my_idea")),
        ("proofsearch-x1", "loss", Names("x1", "proofsearch-x1", "proofsearch_x1", "X1", "x1")),
        ("my-loss", "loss", Names("my-loss", "proofsearch-my-loss", "proofsearch_my_loss", "My", "my_loss")),
        ("loss", "loss", Names("loss", "proofsearch-loss", "proofsearch_loss", "Loss", "loss")),
    ],
)
def test_what_things_are_called(name: str, kind: str, expected: Names) -> None:
    assert names_for(name, kind) == expected


@pytest.mark.parametrize(
    "name", ["", "Mine", "1st", "my idea", "../x", "x/y", "ü", "-x", "x-", "a--b", "proofsearch-", "x" * 25]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name for a plugin"):
        names_for(name, "scorer")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="no components of the kind 'policy'; there are: environment"):
        names_for("mine", "policy")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    names = names_for("mine", "scorer")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "README.md").write_text("mine")
    for there in ("file", "full"):
        with pytest.raises(UsageError, match=r"(a file is in the way|the folder is not empty.*); choose another"):
            write_package(names, "scorer", tmp_path / there)
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "README.md").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    write_package(names, "scorer", tmp_path / "empty")
    assert (tmp_path / "empty" / "pyproject.toml").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "full"]


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="can't be written"):
        write_package(names_for("mine", "scorer"), "scorer", tmp_path / "file" / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
