"""The map of the code in docs/design.md: what it names is there, and what it promises to plugins is what they use.

Would catch: a room that was renamed and left on the map; an example, or a package written from a template, that builds
on a path that may change.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from proofsearch.plugins.scaffold import names_for, write_package
from proofsearch.protocols import KINDS

ROOT = Path(__file__).parents[1]
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(proofsearch(?:\.\w+)*)`", DESIGN)))
PUBLIC = set(
    re.findall(r"`(proofsearch(?:\.\w+)*)`", DESIGN.partition("### What plugins may import")[2].partition("\n## ")[0])
)


def found(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(thing, part):
                return False
            thing = getattr(thing, part)
        return True
    return False


def imported(folder: Path) -> set[str]:
    """The modules of the core that a folder's Python files import."""
    modules = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "proofsearch":
                for alias in node.names:
                    below = f"{node.module}.{alias.name}"
                    modules.add(below if below in PUBLIC or found_module(below) else str(node.module))
    return modules


def found_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("name", NAMED)
def test_what_the_map_names_is_there(name: str) -> None:
    assert found(name)


def test_every_package_of_the_core_is_on_the_map() -> None:
    core = ROOT / "src" / "proofsearch"
    rooms = {
        entry.name.removesuffix(".py")
        for entry in core.iterdir()
        if entry.suffix == ".py" or (entry / "__init__.py").exists()
    }
    table = DESIGN.partition("| band |")[2].partition("\n\n")[0]
    shown = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[2])}
    assert rooms - {"__init__", "__main__"} == shown


def test_examples_import_what_may_be_imported() -> None:
    packages = sorted((ROOT / "examples").glob("proofsearch-*/src"))
    assert packages
    assert {module for package in packages for module in imported(package)} - PUBLIC == set()


@pytest.mark.parametrize("kind", KINDS)
def test_what_templates_import_may_be_imported(kind: str, tmp_path: Path) -> None:
    write_package(names_for("proofsearch-mine", kind), kind, tmp_path / "new")
    modules = imported(tmp_path / "new")
    assert modules
    assert modules - PUBLIC == set()
