"""What holds for what watches searches; see :class:`proofsearch.protocols.Observer`."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from proofsearch.config import ComponentConfig, RunConfig, TrainConfig
from proofsearch.engine import SearchGraph, SearchResult
from proofsearch.protocols import (
    Builder,
    Factory,
    Observer,
    RunInfo,
    RunObserver,
    SearchObserver,
    Session,
    TheoremResult,
    TrainingInfo,
    TrainingObserver,
    TrainingReport,
)
from proofsearch.testing.cases import CONFIG_CHECKS, ComponentCase, add_closing_check
from proofsearch.testing.checking import CheckOptions, check
from proofsearch.testing.checks import Checks, NotApplicable, Report, expect
from proofsearch.testing.mazes import MazePolicy, World, worlds
from proofsearch.testing.searches import HashedValues, NoValues, Trial, graph_hash
from proofsearch.types import Advanced, Crashed, Finished, Goal, Outcome, State, Theorem, Verdict

_EXPANSIONS = 24


class ObserverCase(ComponentCase[Observer]):
    """An observer under check; the arguments are those of :func:`check_observer`."""

    def __init__(self, factory: Factory, config: ComponentConfig | None, builder: Builder) -> None:
        super().__init__(factory, config, builder)
        self.worlds = worlds(builder.environment(), None)


def _searches(observer: Observer) -> SearchObserver:
    if not isinstance(observer, SearchObserver):
        raise NotApplicable("it doesn't watch searches")
    return observer


def _trainings(observer: Observer) -> TrainingObserver:
    if not isinstance(observer, TrainingObserver):
        raise NotApplicable("it doesn't watch trainings")
    return observer


def _runs(observer: Observer) -> RunObserver:
    if not isinstance(observer, RunObserver):
        raise NotApplicable("it doesn't watch runs")
    return observer


OBSERVER_CHECKS: Checks[ObserverCase] = Checks("observer", CONFIG_CHECKS)
"""What is checked of an observer."""


@OBSERVER_CHECKS.add
def sees_something(case: ObserverCase) -> str:
    """It has all methods of a ``SearchObserver``, of a ``RunObserver``, of a ``TrainingObserver``, or of several."""
    seen = {"searches": SearchObserver, "runs": RunObserver, "trainings": TrainingObserver}
    found = [what for what, protocol in seen.items() if isinstance(case.component, protocol)]
    expect(
        found,
        "it has neither started, expanded and finished, nor run_started, searched and run_finished, nor "
        "training_started, reported and training_finished",
    )
    return f"it watches {' and '.join(found)}"


@OBSERVER_CHECKS.add
def changes_nothing(case: ObserverCase) -> None:
    """The search that it watches is the same as without it: the same graph and the same result."""
    watching = _searches(case.component)
    for world in case.worlds:
        alone = Trial(scorer=HashedValues(), expansions=_EXPANSIONS).run(world)
        seen = Trial(scorer=HashedValues(), expansions=_EXPANSIONS, observers=[watching]).run(world)
        same = graph_hash(alone.graph) == graph_hash(seen.graph) and alone == seen
        expect(same, f"{world.theorem.name}: the search is another when it is watched")


@OBSERVER_CHECKS.add
def leaves_chance_alone(case: ObserverCase) -> None:
    """It doesn't draw from the random numbers that everything in a process shares."""
    watching = _searches(case.component)
    for world in case.worlds:
        before = repr(random.getstate()), repr(np.random.get_state())
        Trial(expansions=_EXPANSIONS, observers=[watching]).run(world)
        after = repr(random.getstate()), repr(np.random.get_state())
        expect(before == after, f"{world.theorem.name}: shared random numbers were drawn")


@OBSERVER_CHECKS.add
def survives_odd_searches(case: ObserverCase) -> None:
    """It takes searches that end before they begin, that prove nothing, and theorems of any name."""
    watching = _searches(case.component)
    for world in [*_odd_worlds(), *case.worlds]:
        Trial(expansions=0, observers=[watching]).run(world)
        Trial(accept=False, expansions=_EXPANSIONS, observers=[watching]).run(world)
        Trial(scorer=NoValues(), batch=3, max_depth=1, observers=[watching]).run(world)


@OBSERVER_CHECKS.add
def survives_a_broken_off_search(case: ObserverCase) -> None:
    """A search whose end it never sees, because its worker failed, doesn't keep it from watching the next."""
    for after in (0, 1):
        with case.another() as observer:
            watching = _searches(observer)
            world = case.worlds[1]
            seen = Trial(expansions=after).run(world).graph
            watching.started(world.theorem, seen)
            for node in seen.expanded:
                watching.expanded(seen, node)
            Trial(expansions=_EXPANSIONS, observers=[watching]).run(world)


@OBSERVER_CHECKS.add
def survives_odd_runs(case: ObserverCase) -> None:
    """It takes runs without theorems and resumed ones, results of workers that died, and an interrupted run."""
    _runs(case.component)
    results = {
        name: TheoremResult(name, status="failed", failure="crashed", message="exit code 7")
        for name in ("died", "ᚠ/../§ ‘odd’", "x" * 300)
    }
    results["done"] = TheoremResult("done", status="proved", verdict=Verdict(True, "replay"), tactics=("t",))
    with tempfile.TemporaryDirectory(prefix="proofsearch-", ignore_cleanup_errors=True) as folder:
        for count, finished in ((0, True), (len(results) + 1, True), (9, False)):
            with case.another() as observer:
                watching, run = _runs(observer), RunInfo(Path(folder), RunConfig(), count, min(count, 1))
                watching.run_started(run)
                for result in results.values() if count else ():
                    watching.searched(result)
                if finished:
                    watching.run_finished(run, results if count else {})


@OBSERVER_CHECKS.add
def survives_odd_trainings(case: ObserverCase) -> None:
    """It takes trainings that report nothing, numbers that are none, metrics that change, and a stopped training."""
    _trainings(case.component)
    reports = [
        TrainingReport(0, 3, messages=["‘odd’\n"]),
        TrainingReport(1, 3, {"loss": float("nan")}),
        TrainingReport(1, 3),
        TrainingReport(2, 3, {"loss": 0.5, "gap/ᚠ": -1.0}, ["a", "b"]),
        TrainingReport(3, 3, {"other": 1e30}),
    ]
    with tempfile.TemporaryDirectory(prefix="proofsearch-", ignore_cleanup_errors=True) as folder:
        about = TrainingInfo(Path(folder), TrainConfig())
        measured: dict[str, Any] = {"rank": 0.5, "stopped": "steps", "deep": {"a": [1]}}
        ends: list[tuple[list[TrainingReport], dict[str, Any] | None]] = [
            ([], {}),
            (reports, measured),
            (reports, None),
        ]
        for told, metrics in ends:
            with case.another() as observer:
                watching = _trainings(observer)
                watching.training_started(about)
                for report in told:
                    watching.reported(report)
                if metrics is not None:
                    watching.training_finished(about, metrics)


@OBSERVER_CHECKS.add
def several_at_once(case: ObserverCase) -> None:
    """Instances in several workers, and the one that sees the run, don't disturb each other."""
    first = case.make()
    with case.another() as second:
        world = case.worlds[0]
        graphs: list[SearchGraph] = [Trial(expansions=_EXPANSIONS).run(world).graph for _ in range(2)]
        watching = [
            (it, graph) for it, graph in zip((first, second), graphs, strict=True) if isinstance(it, SearchObserver)
        ]
        for observer, graph in watching:
            observer.started(world.theorem, graph)
        for node in graphs[0].expanded:
            for observer, graph in watching:
                observer.expanded(graph, node)
        first.close()
        for observer, graph in watching[1:]:
            observer.finished(graph, _result(world))


add_closing_check(OBSERVER_CHECKS)


def _result(world: World) -> SearchResult:
    return Trial(expansions=_EXPANSIONS).run(world)


class _Odd(Session):
    """A session with an odd beginning."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def initial(self) -> Outcome:
        return self._outcome

    def step(self, state: object, tactic: str) -> Outcome:
        return Finished()


def _odd_worlds() -> list[World]:
    """Theorems that are proved or lost at once, without text, and with a name that is no file's."""
    policy = MazePolicy({"": [("proved", 0.5), ("proved", 0.3)]})
    beginnings: dict[str, Outcome] = {
        "finished at once": Finished(),
        "crashed at once": Crashed("exit code 7"),
        "ᚠ/../§ ‘odd’\n": Advanced(State("", ())),
        "x" * 300: Advanced(State("⊢ 𝔸\u0000" * 500, (Goal("g"),) * 40)),
    }
    return [
        World(Theorem(name, ""), lambda outcome=outcome: _Odd(outcome), policy, None)  # type: ignore[misc]
        for name, outcome in beginnings.items()
    ]


def check_observer(
    factory: Factory,
    config: ComponentConfig | None = None,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks an observer against its contract, with searches in mazes, of the builder's environment, and made-up runs.

    It does what it does with what it sees: give it options that have it write elsewhere than it usually would.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of an observer that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """
    return check(OBSERVER_CHECKS, lambda builder, _: ObserverCase(factory, config, builder), factory, options)
