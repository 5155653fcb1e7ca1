"""The search loop. It reads from top to bottom; what it leaves open is which node is next.

Again and again: end if a proof was accepted; end if nothing waits; end if cancelled or at a limit; ask the strategy
what to expand; ask the generator once for all of it; try every candidate in order; put what came of it into the graph;
replay the whole proofs that were proposed, if any were asked for; tell the strategy, which has new states scored in one
call.

The loop owns limits, asking the generator and the scorer, stepping, verification, observers and the graph. A strategy
(:class:`proofsearch.protocols.Strategy`) owns the rest.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING

from proofsearch.engine.acceptance import Accept, Acceptance
from proofsearch.engine.budget import Budget
from proofsearch.engine.collector import fewer_full_collections
from proofsearch.engine.combination import check_combination
from proofsearch.engine.priorities import builtin_priority
from proofsearch.engine.prover_watch import ProverWatch
from proofsearch.engine.releasing import Releases
from proofsearch.engine.scoring import MAX_UNSCORED, Scoring
from proofsearch.engine.scripts import Columns, ScriptGeneration, generation_of
from proofsearch.engine.stepping import Stepping
from proofsearch.engine.strategies import builtin_strategy
from proofsearch.engine.summary import summarize
from proofsearch.engine.timing import StepTimes
from proofsearch.graph import NAN, SearchGraph, kind_of
from proofsearch.protocols import (
    Choice,
    CountsProcessorTime,
    Expansion,
    ReleasesStates,
)
from proofsearch.protocols.results import SearchResult, SearchStatus
from proofsearch.types import Advanced, Candidate, Finished, Theorem

if TYPE_CHECKING:
    from proofsearch.config import SearchConfig
    from proofsearch.protocols import (
        Calibration,
        Priority,
        SearchObserver,
        Session,
        Strategy,
        TacticGenerator,
        ValueScorer,
    )

__all__ = ["SearchResult", "SearchStatus", "search"]


def search(
    theorem: Theorem,
    session: Session,
    generator: TacticGenerator,
    scorer: ValueScorer | None = None,
    *,
    config: SearchConfig,
    seed: int = 0,
    accept: Accept | None = None,
    observers: Sequence[SearchObserver] = (),
    calibration: Calibration | None = None,
    strategy: Strategy | None = None,
    priority: Priority | None = None,
    clock: Callable[[], float] = time.perf_counter,
    processor: Callable[[], float] = time.thread_time,
    cancelled: Callable[[], bool] | None = None,
    watch: ProverWatch | None = None,
) -> SearchResult:
    """Searches for a proof of one theorem.

    What a caller can rely on:

    * Success comes before limits: a path that finishes on the very step that reaches a limit counts.
    * ``expansions`` and ``steps`` are exact. ``seconds`` and cancellation are looked at before an expansion and between
      its candidates, so they overrun by at most one model call or one step. ``model_calls`` is looked at before
      expanding, so it overruns by at most the scoring of one batch.
    * Equal states are one node. A better path to it replaces its best path and its priority, and those of everything
      reached through it; its value is asked for again only where it depends on the path
      (:class:`~proofsearch.protocols.FollowsPaths`).
    * A finished path goes to ``accept`` at once. If refused, the edge says ``REFUSED`` and the search goes on; other
      paths to where that edge starts are asked about too, after the expansion that has found them, and the edge says
      ``FINISHED`` if one of them is accepted (:mod:`proofsearch.engine.refusals` has the bounds).
    * Where a strategy takes states apart (``and-or``), the same holds of parts: a path is put together by stepping the
      session through it, when the step that was still missing is found, and that step is the one refused with it.
    * Whole proofs that the generator proposes are replayed right after the expansion of the node that they begin at, in
      order, each as far as it goes (:mod:`proofsearch.engine.scripts`). A new step of one is a step and no expansion;
      the limits on steps and time, cancellation and the greatest depth hold in between.
    * A scorer that raises, or returns nonsense, leaves those states without a value and the search goes on; if more
      than 5 % of at least 20 states have none, it is asked no more and everything is ordered by log-probability.
    * Equal priorities are ordered by insertion. The same arguments give the same search, unless ``seconds`` or
      ``cancelled`` cut it short.

    Args:
        theorem: what to prove.
        session: a fresh session for it. The caller closes it.
        generator: the policy.
        scorer: the value function; whenever given it scores every new state, also for priorities that ignore values.
        config: candidates, batch, depth, limits and priority.
        seed: of the requests to the generator; a request's seed depends on it, the theorem's name and the number of
            the expansion alone.
        accept: replays a path in a fresh context and returns the verdict, with the written proof where it makes one;
            what it raises passes through. Without it the first finished path ends the search.
        observers: told of the start, of each expansion (with its children scored and their priorities set) but not of
            replayed steps, and of the end. A search that has no initial state tells them nothing.
        calibration: how value and log-probability are put on one scale, for the priority ``mix``.
        strategy: what is expanded next; default: the one of the core's own that the configuration names.
        priority: what it orders by; default likewise.
        clock: seconds, from any origin, never going back.
        processor: the same of the seconds that processors worked for this search; default: those of this thread.
        cancelled: asked before each expansion and step.
        watch: asks what the prover uses, where it says; default: one without a bound.

    Raises:
        UsageError: the strategy, the priority and the configuration don't fit together.
        PluginError: the generator or the session broke its contract; the message says how.
        ProofsearchError: whatever a component raised for the user to put right.
    """
    strategy = strategy or builtin_strategy(config.strategy)
    priority = priority or builtin_priority(config.priority)
    check_combination(strategy, priority, config)
    budget = Budget(config.limit, clock, cancelled, processor)
    tells_path = not strategy.traits.scores_beginnings
    scoring = None if scorer is None else Scoring(scorer, theorem, session, with_path=tells_path)
    with fewer_full_collections():
        return _Search(
            theorem,
            session,
            generator,
            scoring,
            config,
            seed,
            accept,
            observers,
            calibration,
            priority,
            budget,
            watch or ProverWatch(),
        ).run(strategy)


class _Search:
    """One search under way; what its strategy sees of it is a :class:`proofsearch.protocols.SearchHandle`."""

    def __init__(
        self,
        theorem: Theorem,
        session: Session,
        generator: TacticGenerator,
        scoring: Scoring | None,
        config: SearchConfig,
        seed: int,
        accept: Accept | None,
        observers: Sequence[SearchObserver],
        calibration: Calibration | None,
        priority: Priority,
        budget: Budget,
        watch: ProverWatch,
    ) -> None:
        self.theorem = theorem
        self.session = session
        self.graph = SearchGraph()
        self.config = config
        self.priority = priority
        self.calibration = calibration
        self.scored = scoring is not None
        self.scores_paths = scoring is not None and scoring.follows
        self._scoring = scoring
        self._generation = generation_of(generator, theorem, session, config, seed)
        self._messages: list[str] = []
        self._acceptance = Acceptance(accept, budget, self._messages)
        self._observers = observers
        self._budget = budget
        self._batch = config.batch
        self._max_depth = inf if config.max_depth is None else config.max_depth
        self._releases: Releases | None = None
        self._times = StepTimes(budget.clock)
        self._watch = watch
        self._looks = watch.begin(session)
        self._prover_began = session.processor_seconds() if isinstance(session, CountsProcessorTime) else 0.0
        self._status: SearchStatus | None = None
        self._limit_hit: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the search is over."""
        return self._status is not None

    @property
    def refused(self) -> int:
        """Finished paths that were refused."""
        return self._acceptance.refused

    def run(self, strategy: Strategy) -> SearchResult:
        """Runs the whole search."""
        budget = self._budget
        worked = budget.processor()
        initial = self.session.initial()
        budget.step_seconds = budget.elapsed()
        budget.note_initial(budget.processor() - worked)
        if type(initial) is Finished:
            self._acceptance.check(())
            self._status = self._acceptance.status or SearchStatus.EXHAUSTED
            return self._result()
        if type(initial) is not Advanced:
            kind = kind_of(initial).name.lower().replace("_", " ")
            self._status = SearchStatus.FAILED
            self._messages.append(f"the initial state {kind}: {getattr(initial, 'message', '')}".rstrip(": "))
            return self._result()

        self.graph = graph = SearchGraph(initial.state, budget.elapsed())
        self._exploration = exploration = strategy.begin(self)
        if isinstance(self.session, ReleasesStates):
            self._releases = Releases(self.session.release, self._max_depth, strategy.traits.revisits)
        self._step = Stepping(self.session, exploration, self._acceptance, self._times)
        self._acceptance.begin(graph, exploration, self._max_depth)
        self._times.note(graph, 0, 1, budget.step_seconds)
        for observer in self._observers:
            observer.started(self.theorem, graph)
            if (timed := getattr(observer, "timed", None)) is not None:
                budget.tell_parts(observer.shortest, timed)  # type: ignore[attr-defined]
        while self._status is None:
            if choices := self._choose():
                self._expand_all(choices)
        result = self._result()
        for observer in self._observers:
            observer.finished(graph, result)
        # The strategy knows this search and the search its strategy: a circle that would keep both until collected.
        del self._exploration, self._step
        self._acceptance.end()
        return result

    def score(self, nodes: Sequence[int]) -> None:
        """Has nodes scored, and stops asking a scorer that failed too often."""
        scoring, budget = self._scoring, self._budget
        if scoring is None or not nodes:
            return
        began = budget.clock()
        scoring.score(self.graph, nodes)
        now = budget.clock()
        budget.score_seconds += now - began
        if now - began >= budget.shortest:
            budget.tell("score", began, now, len(nodes))
        if scoring.distrusted:
            self.scored = False
            self._messages.append(
                f"the scorer gave no value for {scoring.unscored} of {scoring.scored} states, more than "
                f"{MAX_UNSCORED:.0%}: from expansion {budget.expansions} on the search was ordered by "
                "log-probability and the scorer not asked"
            )

    # -- what is next ----------------------------------------------------------------------------------------------

    def _choose(self) -> Sequence[Choice]:
        """What to expand next; nothing, and a status, if the search is to end."""
        budget = self._budget
        scored = 0 if self._scoring is None else self._scoring.scored
        if self._exploration.exhausted():
            self._status = SearchStatus.EXHAUSTED
        elif limit := budget.reached(scored):
            self._reach(limit)
        elif not (budget.watched and self._interrupted()):
            return self._exploration.next(1 if self._batch == 1 else int(min(self._batch, budget.room(scored))))
        return ()

    def _reach(self, limit: str) -> None:
        self._status = SearchStatus.LIMIT
        self._limit_hit = limit

    def _interrupted(self) -> bool:
        """Whether time is up or the caller wants an end; sets the status then."""
        if self._budget.is_cancelled():
            self._status = SearchStatus.CANCELLED
        elif self._budget.is_late():
            self._reach("seconds")
        return self._status is not None

    # -- one expansion ---------------------------------------------------------------------------------------------

    def _expand_all(self, choices: Sequence[Choice]) -> None:
        """Expands nodes, tells the strategy what came of it, and then everyone who watches."""
        graph = self.graph
        expansions: list[Expansion] = []
        for choice, candidates in zip(choices, self._suggestions(choices), strict=True):
            expansions.append(self._expand(choice, candidates))
            if self._status is not None:
                break
        if isinstance(self._generation, ScriptGeneration):
            expansions += self._replay(self._generation, expansions)
        self._exploration.expanded(expansions)
        if self._acceptance.refused and self._status in (None, SearchStatus.LIMIT):
            self._try_other_ways()
        if len(graph.priority) < graph.num_nodes:  # the search has ended: these won't be put in order any more
            graph.priority.extend(array("d", (NAN,)) * (graph.num_nodes - len(graph.priority)))
        if self._observers:
            for expansion in expansions:
                for observer in () if expansion.replayed else self._observers:
                    observer.expanded(graph, expansion.node)
        if self._releases is not None:
            self._releases.tell(graph, expansions)
        if self._looks:
            self._watch.look()

    def _suggestions(self, choices: Sequence[Choice]) -> Sequence[Sequence[Candidate]]:
        """The candidates for each choice."""
        budget = self._budget
        began = budget.clock()
        suggestions = self._generation.suggestions(self.graph, choices)
        budget.generated = self._generation.states
        now = budget.clock()
        budget.generate_seconds += now - began
        if now - began >= budget.shortest:
            budget.tell("generate", began, now, len(choices))
        return suggestions

    def _expand(self, choice: Choice, candidates: Sequence[Candidate]) -> Expansion:
        """Tries candidates at a node in order, and puts what came of them into the graph."""
        expansion = self._try(choice.node, self._generation.columns(self.graph, choice, candidates))
        self._budget.expansions += 1
        return expansion

    def _replay(self, generation: ScriptGeneration, expansions: Sequence[Expansion]) -> list[Expansion]:
        """Replays the scripts that were proposed at nodes just expanded."""
        budget = self._budget

        def ended() -> bool:
            if self._status is None and budget.steps_left() <= 0:
                self._reach("steps")
            return self._status is not None or (budget.watched and self._interrupted())

        return list(generation.replayed(self.graph, expansions, self._max_depth, self._try_replayed, ended))

    def _try_replayed(self, node: int, columns: Columns) -> Expansion:
        return self._try(node, columns, replay=True)

    def _try(self, node: int, columns: Columns, *, replay: bool = False) -> Expansion:
        """Tries tactics at a node in order, and puts what came of them into the graph."""
        budget, graph = self._budget, self.graph
        tactics, logprobs, num_tokens = columns
        left = budget.steps_left()
        cut = len(tactics) > left
        verified, verifier_worked = budget.accept_seconds, budget.accept_processor
        samples = budget.samples
        began, worked = budget.clock(), budget.processor() if samples else 0.0
        interrupted = self._interrupted if budget.watched else None
        tried = self._step(node, graph.state[node], tactics[: int(left)] if cut else tactics, interrupted)
        now = budget.clock()
        if tried.proved_by >= 0:
            self._status = self._acceptance.status
        seconds = now - began - (budget.accept_seconds - verified)
        if samples:
            budget.note_steps(seconds, budget.processor() - worked - (budget.accept_processor - verifier_worked))
        count = tried.count
        budget.step_seconds += seconds
        if now - began >= budget.shortest:
            budget.tell("step", began, now, count)
        budget.steps += count
        if cut and self._status is None and budget.steps_left() <= 0:
            self._reach("steps")
        first_edge, first_node = len(graph.edge_tactic), len(graph.state)
        self._times.note(graph, first_edge, count, seconds)
        if tried.failures:
            self._acceptance.note(tried.failures, first_edge, tried.refused_parts)
        made = (tried.states, tried.failures, budget.at(now), tried.sizes)
        improved = graph.expand(node, tactics, logprobs, num_tokens, *made, replay=replay)
        edges, children = range(first_edge, first_edge + count), range(first_node, len(graph.state))
        if self._releases is not None:
            self._releases.met(graph, tried.states, len(children))
        proved_by = -1 if tried.proved_by < 0 else first_edge + tried.proved_by
        return Expansion(node, edges, children, improved, proved_by, replay)

    def _try_other_ways(self) -> None:
        """Has other paths checked to where finished ones were refused; not where time is up."""
        if self._limit_hit in (None, "steps"):
            self._acceptance.try_other_ways(lambda: self._budget.watched and self._interrupted())
            if self._acceptance.status is not None:
                self._status, self._limit_hit = self._acceptance.status, None

    def _result(self) -> SearchResult:
        assert self._status is not None
        session = self.session
        apart = session.processor_seconds() - self._prover_began if isinstance(session, CountsProcessorTime) else None
        return summarize(
            self.theorem.name,
            self._status,
            self._limit_hit,
            self._messages,
            graph=self.graph,
            budget=self._budget,
            generation=self._generation,
            scoring=self._scoring,
            acceptance=self._acceptance,
            watch=self._watch,
            prover_apart=apart,
        )
