"""One worker of a minimising run: takes known proofs and makes them shorter, theorem by theorem."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from proofsearch.builtins.demonstration import DemonstratedGenerator, DemonstrationScorer
from proofsearch.config import RunConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.errors import PluginError, ProofError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols import (
    Environment,
    GenerationRequest,
    Job,
    MeasuresProofs,
    SearchResult,
    TacticGenerator,
    TheoremResult,
)
from proofsearch.runs.checking import Checking
from proofsearch.runs.minimising.shorten import Accepted, Minimiser
from proofsearch.runs.worker import Searched, trajectory_writer
from proofsearch.types import Advanced, Candidate, Demonstration, Finished, Theorem, Verdict


@dataclass(frozen=True, slots=True)
class Bounds:
    """What minimising may spend.

    Attributes:
        expansions: of the search for one part, at most.
        lemmas: whether each part is tried with every tactic that the environment lists.
        proofs: how many different proofs of a theorem are kept, the shortest, at least 1.
    """

    expansions: int = 32
    lemmas: bool = True
    proofs: int = 1


@dataclass(frozen=True, slots=True)
class MinimiserRecipe:
    """How a process makes its worker; a :data:`proofsearch.protocols.WorkerFactory` that can be pickled.

    Attributes:
        config: of the run whose proofs are taken.
        known: the results of these proofs, by theorem.
        recorded: tactics of the shortest recorded proof by text, by theorem.
        bounds: what may be spent.
        run_id: of the new run.
        extra: plugin modules without an entry point.
    """

    config: RunConfig
    known: Mapping[str, TheoremResult]
    recorded: Mapping[str, Mapping[str, str]]
    bounds: Bounds
    run_id: str = ""
    extra: tuple[str, ...] = ()

    def __call__(self) -> MinimisingWorker:
        """Builds the worker with its components."""
        plugins = Plugins.discover(self.extra)
        return MinimisingWorker(self, Components(plugins, resolve(plugins, self.config)))


class MinimisingWorker:
    """Makes proofs shorter; a :class:`proofsearch.protocols.Worker`."""

    def __init__(self, recipe: MinimiserRecipe, components: Components) -> None:
        self._recipe = recipe
        self._config = recipe.config
        self._components = components
        try:
            self._environment = components.environment()
            self._generator = components.generator()
        except BaseException:
            components.close()
            raise
        self._checking = Checking(self._environment, self._config.env, self._config.min_tier)

    def close(self) -> None:
        """Closes the components. Idempotent."""
        self._components.close()

    def run(self, job: Job) -> Searched:
        """Minimises the job's theorem; what it returns is of the shortest proof, with a search along it."""
        theorem, earlier = job.theorem, self._recipe.known[job.theorem.name]
        known = self._accepted(theorem, earlier.tactics)
        if known is None:
            raise ProofError(
                f"{theorem.name}: the check refuses the proof that the run accepted; see proofsearch verify"
            )
        allowed = frozenset(known.verdict.rests_on)

        def check(tactics: tuple[str, ...]) -> Accepted | None:
            found = self._accepted(theorem, tactics)
            return found if found is not None and allowed.issuperset(found.verdict.rests_on) else None

        session = self._environment.open(theorem)
        with contextlib.closing(session):
            minimiser = Minimiser(
                theorem,
                session,
                self._generator,
                check,
                candidates=self._config.search.candidates,
                expansions=self._recipe.bounds.expansions,
                lemmas=self._recipe.bounds.lemmas,
                seed=self._config.seed,
            )
            best = minimiser.run(known, self._recipe.recorded.get(theorem.name, {}))
        return self._recorded(theorem, known, best, minimiser, job.attempt)

    def _accepted(self, theorem: Theorem, tactics: Sequence[str]) -> Accepted | None:
        """A path as an accepted proof; ``None`` where the run's check refuses it."""
        verdict, proof = self._checking(theorem, tactics)
        if proof is None:
            return None
        steps = self._environment.proof_steps(theorem, proof) if isinstance(self._environment, MeasuresProofs) else None
        return Accepted(tuple(tactics), verdict, proof, steps)

    def _recorded(
        self, theorem: Theorem, known: Accepted, best: Accepted, minimiser: Minimiser, attempt: int
    ) -> Searched:
        """The best proof with a search along it, which trainers read."""
        found, search_id, trajectory = self._along(theorem, best)
        effort = minimiser.effort
        result = TheoremResult.from_search(found, seed=self._config.seed, search_id=search_id, attempts=attempt)
        counts = "" if best.steps is None else f", {known.steps} to {best.steps} steps as written"
        said = (
            f"minimised from {len(known.tactics)} to {len(best.tactics)} tactics{counts}: {effort.searches} searches "
            f"of {effort.expansions} expansions in all, {effort.steps} steps"
        )
        result = dataclasses.replace(
            result, status="proved", limit_hit="", verdict=best.verdict, tactics=best.tactics, messages=(said,)
        )
        others = [one.proof for one in reversed(minimiser.found) if one.proof != best.proof]
        kept = tuple(dict.fromkeys(others))[: self._recipe.bounds.proofs - 1]
        return Searched(result, best.proof, trajectory, kept)

    def _along(self, theorem: Theorem, best: Accepted) -> tuple[SearchResult, str, bytes | None]:
        """A search that follows a proof, among the policy's other candidates."""
        proof = _Proof(self._environment, best.tactics)
        for generator in (DemonstratedGenerator(self._generator, proof), DemonstratedGenerator(_Silent(), proof)):
            writer = trajectory_writer(self._config, self._recipe.run_id, self._environment.fingerprint())
            session = self._environment.open(theorem)
            with contextlib.closing(session):
                found = search(
                    theorem,
                    session,
                    generator,
                    DemonstrationScorer(proof),
                    config=_following(self._config.search.candidates, len(best.tactics)),
                    seed=self._config.seed,
                    accept=lambda path: _same(path, best),
                    observers=[] if writer is None else [writer],
                )
            # Where another path was refused first, that one would be read as the proof: its log-probability is higher.
            if found.verdict is not None and not found.refused:
                break
        else:
            raise PluginError(f"{theorem.name}: the search along its own proof does not find it")
        if writer is None or (taken := writer.take()) is None:
            return found, "", None
        from proofsearch.trajectory.writer import to_bytes

        return found, taken[0], to_bytes(taken[1])


def _following(candidates: int, steps: int) -> SearchConfig:
    return SearchConfig.model_validate(
        {"candidates": candidates, "priority": {"kind": "value"}, "limit": {"expansions": steps}}
    )


def _same(path: tuple[str, ...], best: Accepted) -> tuple[Verdict, str | None]:
    """Only the proof itself counts: it has been checked."""
    if path == best.tactics:
        return best.verdict, best.proof
    return Verdict(False, "minimise", "another proof than the one that is followed"), None


class _Silent(TacticGenerator):
    """Suggests nothing."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """Nothing for each request."""
        return [[] for _ in requests]


@dataclass(frozen=True)
class _Proof:
    """A found proof as what the library would demonstrate; a :class:`proofsearch.protocols.Demonstrates`."""

    environment: Environment
    tactics: tuple[str, ...]
    _steps: list[Demonstration] = field(default_factory=list)

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        """The steps of the proof, as a search meets them."""
        if not self._steps:
            for theorem in theorems:
                self._steps.extend(self._replayed(theorem))
        yield from self._steps

    def _replayed(self, theorem: Theorem) -> Iterator[Demonstration]:
        session = self.environment.open(theorem)
        with contextlib.closing(session):
            outcome = session.initial()
            for place, tactic in enumerate(self.tactics):
                if type(outcome) is not Advanced:
                    return
                yield Demonstration(theorem, outcome.state, tactic, len(self.tactics) - place)
                outcome = session.step(outcome.state, tactic)
            assert type(outcome) is Finished
