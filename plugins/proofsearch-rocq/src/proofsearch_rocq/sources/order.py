"""The order of files: each comes behind those that it requires."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from proofsearch_rocq.lemmas import SourceFile
from proofsearch_rocq.sentences import without_comments

_REQUIRES = re.compile(r"(?:From\s+(\S+)\s+)?Require\s+(?:(?:Import|Export)\s+)?(.*)\.$", re.DOTALL)
_FILTER = re.compile(r"-?\([^()]*\)")
_PRELUDE = ("Init", "Prelude")


def in_order(files: Iterable[SourceFile]) -> Sequence[SourceFile]:
    """The files, each behind those of them that it requires, otherwise as they were given.

    Where files require each other in a circle, which the prover refuses, some order comes out.
    """
    given = {file.module: file for file in files}
    ending: dict[str, list[str]] = defaultdict(list)
    for module in given:
        ending[module.rpartition(".")[2]].append(module)
    ordered: dict[str, SourceFile] = {}
    begun: set[str] = set()
    for module in given:
        pending = [(module, iter((module,)))]
        while pending:
            name, needs = pending[-1]
            need = next((need for need in needs if need not in begun), None)
            if need is not None:
                begun.add(need)
                pending.append((need, _needs(given[need], given, ending)))
            else:
                pending.pop()
                if name in begun:
                    ordered.setdefault(name, given[name])
    return list(ordered.values())


def _needs(file: SourceFile, given: Mapping[str, SourceFile], ending: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The modules among those given that a file requires."""
    if "-noinit" not in file.arguments:
        yield from (name for name in ending.get("Prelude", ()) if tuple(name.split(".")[-2:]) == _PRELUDE)
    for root, name in required(file):
        for module in ending.get(name.rpartition(".")[2], ()):
            if module == name or (module.endswith(f".{name}") and (not root or module.startswith(f"{root}."))):
                yield module


def required(file: SourceFile) -> Iterator[tuple[str, str]]:
    """What a file requires: the name behind ``From``, or ``""``, and the name, as they stand there."""
    for sentence in file.sentences:
        if sentence.text.startswith(("Require", "From")):
            found = _REQUIRES.match(without_comments(sentence.text))
            if found is not None:
                for name in _FILTER.sub(" ", found[2]).split():
                    yield found[1] or "", name
