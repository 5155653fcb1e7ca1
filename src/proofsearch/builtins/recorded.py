"""The generator ``recorded``: proposes whole proofs that are known from elsewhere.

    proofsearch search --proposals both --generator recorded --recorded-path RUN --recorded-generator knn

They come from the results of an earlier run, or from a file of another prover's output. They are replayed and checked
like any others, so where a library has changed what still holds of them is a start.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from proofsearch.config import ComponentConfig
from proofsearch.errors import InputError
from proofsearch.models.confidence import fingerprint_of
from proofsearch.models.scripts import SplitScript, splitter
from proofsearch.protocols import Builder, GenerationRequest, Prepares, Script, TacticGenerator
from proofsearch.storage.texts import read_text
from proofsearch.types import Candidate

NAME = "recorded"
RESULTS = "results.jsonl"
"""The file of a run folder that holds what came of its theorems."""


class RecordedConfig(ComponentConfig):
    """Configuration of the generator ``recorded``."""

    path: Path | None = Field(
        default=None,
        description="A run folder, or a file with a JSON object a line: theorem, and tactics or script. Required.",
    )
    generator: str | None = Field(
        default=None, description="The policy that suggests the steps between; default: none are suggested."
    )

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        # A run must mean the same file when it is resumed from elsewhere.
        return None if path is None else path.expanduser().absolute()

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.path is None:
            raise ValueError(f"no proofs: name a run folder or a file of proofs with --{NAME}-path")
        return self


class RecordedGenerator(TacticGenerator):
    """Proposes the proofs that are known of a theorem; a :class:`proofsearch.protocols.ProposesScripts`.

    It proposes them at whatever state it is asked about; where one doesn't fit, its first step fails. Of several proofs
    of a theorem each is equally likely, and its further steps are certain beside the first.

    Args:
        proofs: the tactics of the known proofs of each theorem, by its name.
        policy: suggests the steps; nothing is suggested without it.
    """

    def __init__(self, proofs: Mapping[str, Sequence[tuple[str, ...]]], policy: TacticGenerator | None = None) -> None:
        self._proofs = proofs
        self._policy = policy

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """The policy's candidates."""
        return [[] for _ in requests] if self._policy is None else self._policy.generate(requests, n)

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Script]]:
        """At most ``n`` known proofs of each request's theorem, in the order of the file."""
        return [self._scripts(request.theorem.name)[:n] for request in requests]

    def fingerprint(self) -> str:
        """Of the proofs and the policy; see :class:`proofsearch.protocols.Fingerprinted`."""
        content = json.dumps([sorted(self._proofs.items()), self._policy and fingerprint_of(self._policy)])
        return f"{NAME}-" + hashlib.blake2b(content.encode(), digest_size=12).hexdigest()

    def prepare(self) -> None:
        """Has the policy prepare what it needs; see :class:`proofsearch.protocols.Prepares`."""
        if isinstance(self._policy, Prepares):
            self._policy.prepare()

    def _scripts(self, theorem: str) -> list[Script]:
        proofs = self._proofs.get(theorem, ())
        first = -math.log(max(len(proofs), 1))
        return [
            Script(tuple(Candidate(tactic, 0.0 if place else first) for place, tactic in enumerate(proof)))
            for proof in proofs
        ]


def read_proofs(path: Path, split: SplitScript) -> dict[str, list[tuple[str, ...]]]:
    """The proofs in a run folder or a file, by theorem, each once.

    Args:
        path: of a run folder, whose proved theorems count; or of a file with a JSON object a line, with ``theorem`` and
            either ``tactics``, a list, or ``script``, a text; other keys are not read.
        split: cuts a script into its tactics.

    Raises:
        InputError: it can't be read, or a line is no proof; the message has the file and the line.
    """
    is_run = path.is_dir()
    file = path / RESULTS if is_run else path
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for number, values in _objects(file, is_run=is_run):
        theorem = values.get("theorem")
        if not isinstance(theorem, str) or not theorem:
            raise InputError(f"{file}:{number}: theorem is {theorem!r}, expected its name")
        if is_run and not values.get("proved"):
            continue
        found.setdefault(theorem, {})[_tactics(values, split, f"{file}:{number}")] = None
    return {theorem: list(proofs) for theorem, proofs in found.items()}


def _objects(file: Path, *, is_run: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects in a file, with the numbers of their lines."""
    text = read_text(file, "the results of a run" if is_run else "proofs, a JSON object a line")
    if is_run:
        text = text[: text.rfind("\n") + 1]  # what stands behind it is a line that a kill has left
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError as error:
            raise InputError(f"{file}:{number}: not JSON: {error}") from None
        if not isinstance(values, dict):
            raise InputError(f"{file}:{number}: expected a JSON object with theorem and tactics, found {line[:60]!r}")
        yield number, values


def _tactics(values: Mapping[str, Any], split: SplitScript, where: str) -> tuple[str, ...]:
    tactics, script = values.get("tactics"), values.get("script")
    if tactics is None and isinstance(script, str):
        tactics = list(split(script))
    if not isinstance(tactics, list) or not all(isinstance(tactic, str) and tactic for tactic in tactics):
        what = f"tactics is {tactics!r}" if tactics is not None else "there are no tactics and no script"
        raise InputError(f"{where}: {what:.100}; expected tactics, a list of texts, or script, a text")
    if not tactics:
        raise InputError(f"{where}: a proof without a tactic; leave the line out")
    return tuple(tactics)


def make_recorded(config: RecordedConfig, builder: Builder) -> RecordedGenerator:
    """Builds the generator ``recorded``.

    Raises:
        InputError: its file can't be read.
    """
    assert config.path is not None
    proofs = read_proofs(config.path, splitter(builder.environment()))
    return RecordedGenerator(proofs, None if config.generator is None else builder.generator(config.generator))
