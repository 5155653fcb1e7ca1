"""Checking a run's proofs again, from its files alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proofsearch.components import Components, OnStatus, resolve
from proofsearch.errors import RunFolderError, UsageError
from proofsearch.plugins import Plugins
from proofsearch.protocols import Environment
from proofsearch.runs import RunFolder
from proofsearch.types import Theorem, Verdict


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a run's proofs.

    Attributes:
        theorems: how many the run is about.
        searched: how many of them have a result.
        verdicts: by theorem, of every proof that the run recorded as accepted.
        changed: what the environment depends on and is not as it was when the run began.
    """

    theorems: int
    searched: int
    verdicts: dict[str, Verdict]
    changed: tuple[str, ...]

    @property
    def refused(self) -> dict[str, Verdict]:
        """Those that were not accepted."""
        return {name: verdict for name, verdict in self.verdicts.items() if not verdict.proved}


def verify_run(
    path: Path,
    *,
    plugins: Plugins | None = None,
    cache: Path | None = None,
    on_status: OnStatus | None = None,
    on_verdict: Callable[[str, Verdict], None] | None = None,
) -> Verification:
    """Checks every recorded proof again. Nothing is taken from the results but which theorems to check.

    Args:
        path: the run folder.
        plugins: default: those that are installed.
        cache: a folder for what can be computed again; default: the user's.
        on_status: told what takes long.
        on_verdict: told each verdict as it comes.

    Raises:
        RunFolderError: not a run folder, or damaged.
        ProofsearchError: the environment can't be built.
    """
    plugins = plugins or Plugins.discover()
    folder = RunFolder.open(path)
    claimed = {name for name, result in folder.results().items() if result.proved}
    verdicts: dict[str, Verdict] = {}
    with Components(plugins, resolve(plugins, folder.config), on_status, cache) as components:
        environment = components.environment()
        recorded = folder.environment.get("fingerprint", {})
        now = dict(environment.fingerprint())
        for theorem in folder.theorems:
            if theorem.name in claimed:
                verdicts[theorem.name] = verdict = _check(folder, environment, theorem)
                if on_verdict is not None:
                    on_verdict(theorem.name, verdict)
    changed = tuple(sorted(key for key in recorded.keys() | now.keys() if recorded.get(key) != now.get(key)))
    return Verification(len(folder.theorems), len(folder.results()), verdicts, changed)


def _check(folder: RunFolder, environment: Environment, recorded: Theorem) -> Verdict:
    try:
        theorem = environment.theorem(recorded.name)
        proof = folder.proof(recorded.name)
    except (RunFolderError, UsageError) as error:
        return Verdict(proved=False, checker="proofsearch", message=str(error))
    if theorem.statement != recorded.statement:
        message = f"the theorem now says {theorem.statement!r}; the run searched {recorded.statement!r}"
        return Verdict(proved=False, checker="proofsearch", message=message)
    return environment.verify(theorem, proof)
