"""The reference is whole: what others may import has a page, and what docstrings refer to is there."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from restructured import ROLE

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "src", *sorted((ROOT / "plugins").glob("*/src"))]
OURS = (
    "proofsearch",
    "proofsearch_ebm",
    "proofsearch_lean",
    "proofsearch_metamath",
    "proofsearch_openai",
    "proofsearch_ray",
    "proofsearch_rl",
    "proofsearch_rocq",
    "proofsearch_trackers",
    "proofsearch_transformers",
)

DOCUMENTED = [
    module
    for page in sorted((ROOT / "docs" / "python").glob("*.md"))
    for module in re.findall(r"^::: ([\w.]+)$", page.read_text(), re.M)
]


class Names:
    """Every name of the packages, read and not imported."""

    def __init__(self) -> None:
        self.modules: dict[str, ast.Module] = {}
        self.bound = set[str]()
        """Full names of what is defined: ``module.Class.member``."""
        self.imported: dict[str, str] = {}
        """The full name of what a module imports, by the full name that it has there."""
        for source in SOURCES:
            for file in sorted(source.rglob("*.py")):
                parts = file.relative_to(source).with_suffix("").parts
                module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                self.modules[module] = ast.parse(file.read_text())
                self.bound.add(module)
                self._read(self.modules[module].body, module)
            # A compiled module is named in C.
            for file in (source.parent / "native").glob("*.c"):
                found = re.findall(r"PyInit_(\w+)\(", file.read_text())
                self.bound.update(f"{package.name}.{name}" for package in source.iterdir() for name in found)

    def leads(self, name: str) -> bool:
        """Whether a full name is that of something, here or in another package."""
        if name in self.bound:
            return True
        head = name
        while head and head not in self.imported and head not in self.bound:
            head = head.rpartition(".")[0]
        if head in self.imported:
            return self.leads(self.imported[head] + name.removeprefix(head))
        return name.partition(".")[0] not in OURS

    def _read(self, body: list[ast.stmt], place: str) -> None:
        for node in body:
            match node:
                case ast.ClassDef():
                    self.bound.add(f"{place}.{node.name}")
                    self._read(node.body, f"{place}.{node.name}")
                case ast.FunctionDef():
                    self.bound.add(f"{place}.{node.name}")
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                            self.bound.add(f"{place}.{inner.attr}")
                case ast.Assign() | ast.AnnAssign():
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                            self.bound.add(f"{place}.{inner.id}")
                case ast.ImportFrom(module=str(origin)):
                    for alias in node.names:
                        self.imported[f"{place}.{alias.asname or alias.name}"] = f"{origin}.{alias.name}"
                case ast.If() | ast.Try():
                    self._read(node.body, place)


NAMES = Names()


def docstrings(module: str) -> Iterator[tuple[str, str]]:
    """The docstrings of a module, those below attributes too, each with the class that it stands in."""
    tree = NAMES.modules[module]
    for top in tree.body:
        scope = f"{module}.{top.name}" if isinstance(top, ast.ClassDef) else module
        for node in ast.walk(top):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                yield scope, node.value.value


def test_what_docstrings_refer_to_is_there() -> None:
    lost, seen = [], 0
    for module in NAMES.modules:
        for scope, text in docstrings(module):
            for _, name in ROLE.findall(text):
                seen += 1
                absolute = importlib.util.find_spec(name.partition(".")[0]) is not None
                places = [f"{scope}.{name}", f"{module}.{name}", *([name] if absolute else [])]
                if not hasattr(builtins, name) and not any(map(NAMES.leads, places)):
                    lost.append(f"{module}: {name}")
    assert lost == []
    assert seen > 100


def test_what_packages_import_has_a_page() -> None:
    """The shipped packages and the examples stand for all others: what they need, others need."""
    needed = set()
    for file in [*ROOT.glob("plugins/*/src/**/*.py"), *ROOT.glob("examples/*/src/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "proofsearch":
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    while name in NAMES.imported:
                        name = NAMES.imported[name]
                    needed.add(name)
    assert len(needed) > 30
    assert {name for name in needed if name not in DOCUMENTED and name.rpartition(".")[0] not in DOCUMENTED} == set()


def test_no_module_has_two_places() -> None:
    assert len(DOCUMENTED) == len(set(DOCUMENTED))


@pytest.mark.parametrize("module", DOCUMENTED)
def test_a_documented_module_is_there(module: str) -> None:
    assert module in NAMES.modules
