"""The search loop. It reads from top to bottom; what it leaves open is which node is next.

Again and again: end if a proof was accepted; end if nothing waits; end if cancelled or at a limit; ask the strategy
what to expand; ask the generator once for all of it; try every candidate in order; put what came of it into the graph;
tell the strategy, which has new states scored in one call.

The loop owns limits, asking the generator and the scorer, stepping, verification, observers and the graph. A strategy
(:class:`proofsearch.protocols.Strategy`) owns the rest.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import blake2b
from itertools import groupby
from math import inf
from typing import TYPE_CHECKING

from proofsearch.answers import candidates as complaint_about
from proofsearch.answers import is_listed
from proofsearch.engine.acceptance import Acceptance
from proofsearch.engine.budget import Budget
from proofsearch.engine.candidates import candidate_columns
from proofsearch.engine.collector import rarer_full_collections
from proofsearch.engine.combination import check_combination
from proofsearch.engine.graph import NAN, Refused, SearchGraph, kind_of
from proofsearch.engine.priorities import builtin_priority
from proofsearch.engine.prover_watch import ProverWatch
from proofsearch.engine.releasing import Releases
from proofsearch.engine.result import SearchResult, SearchStatus
from proofsearch.engine.scoring import MAX_UNSCORED, Scoring
from proofsearch.engine.strategies import builtin_strategy
from proofsearch.engine.timing import StepTimes
from proofsearch.errors import PluginError
from proofsearch.guards import described
from proofsearch.protocols import (
    Choice,
    EnumeratesMoves,
    Expansion,
    GenerationRequest,
    ReleasesStates,
    StepsMany,
    TakesApart,
)
from proofsearch.types import Advanced, Candidate, Finished, Outcome, OutcomeKind, ProofState, Theorem, Verdict

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
    accept: Callable[[tuple[str, ...]], Verdict] | None = None,
    observers: Sequence[SearchObserver] = (),
    calibration: Calibration | None = None,
    strategy: Strategy | None = None,
    priority: Priority | None = None,
    clock: Callable[[], float] = time.perf_counter,
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
        accept: replays a path in a fresh context and says whether it is a proof; what it raises passes through.
            Without it the first finished path ends the search.
        observers: told of the start, of each expansion (with its children scored and their priorities set), and of the
            end. A search that has no initial state tells them nothing.
        calibration: how value and log-probability are put on one scale, for the priority ``mix``.
        strategy: what is expanded next; default: the one of the core's own that the configuration names.
        priority: what it orders by; default likewise.
        clock: seconds, from any origin, never going back.
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
    budget = Budget(config.limit, clock, cancelled)
    scoring = None if scorer is None else Scoring(scorer, theorem, with_path=not strategy.traits.scores_beginnings)
    with rarer_full_collections():
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
        accept: Callable[[tuple[str, ...]], Verdict] | None,
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
        self._generator = generator
        self._generator_name = described(generator, "generator")
        self._unsuggested = 0
        self._messages: list[str] = []
        self._acceptance = Acceptance(accept, budget, self._messages)
        self._observers = observers
        self._budget = budget
        self._max_depth = inf if config.max_depth is None else config.max_depth
        self._moves = session.moves if isinstance(session, EnumeratesMoves) else None
        self._step_many = session.step_many if isinstance(session, StepsMany) else None
        self._releases: Releases | None = None
        self._times = StepTimes(budget.clock)
        self._watch = watch
        self._looks = watch.begin(session)
        # Not hash(): that is randomised in each process.
        digest = blake2b(repr((seed, theorem.name)).encode(), digest_size=8).digest()
        self._seed = int.from_bytes(digest, "big") >> 1  # of the next request
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
        initial = self.session.initial()
        budget.step_seconds = budget.elapsed()
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
        self._apart = exploration if isinstance(exploration, TakesApart) else None
        self._acceptance.begin(graph, exploration, self._max_depth)
        self._times.note(graph, 0, 1, budget.step_seconds)
        for observer in self._observers:
            observer.started(self.theorem, graph)
        while self._status is None:
            if choices := self._choose():
                self._expand_all(choices)
        result = self._result()
        for observer in self._observers:
            observer.finished(graph, result)
        # The strategy knows this search and the search its strategy: a circle that would keep both until collected.
        del self._exploration, self._apart
        self._acceptance.end()
        return result

    def score(self, nodes: Sequence[int]) -> None:
        """Has nodes scored, and stops asking a scorer that failed too often."""
        scoring, budget = self._scoring, self._budget
        if scoring is None or not nodes:
            return
        began = budget.clock()
        scoring.score(self.graph, nodes)
        budget.score_seconds += budget.clock() - began
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
            return self._exploration.next(int(min(self.config.batch, budget.room(scored))))
        return ()

    def _reach(self, limit: str) -> None:
        self._status = SearchStatus.LIMIT
        self._limit_hit = limit

    def _interrupted(self, more: bool = True) -> bool:
        """Whether time is up or the caller wants an end; sets the status then. Never where there is no more to do."""
        if not more:
            return False
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
        for choice, candidates in zip(choices, self._generate(choices), strict=True):
            expansions.append(self._expand(choice, candidates))
            if self._status is not None:
                break
        self._exploration.expanded(expansions)
        if self._acceptance.refused and self._status in (None, SearchStatus.LIMIT):
            self._try_other_ways()
        if len(graph.priority) < graph.num_nodes:  # the search has ended: these won't be put in order any more
            graph.priority.extend(array("d", (NAN,)) * (graph.num_nodes - len(graph.priority)))
        for observer in self._observers:
            for expansion in expansions:
                observer.expanded(graph, expansion.node)
        if self._releases is not None:
            self._releases.tell(graph, expansions)
        if self._looks:
            self._watch.look()

    def _generate(self, choices: Sequence[Choice]) -> Sequence[Sequence[Candidate]]:
        """The candidates for each choice, from one call for all that want the same number of them."""
        budget, graph, moves = self._budget, self.graph, self._moves
        began = budget.clock()
        suggestions: list[Sequence[Candidate]] = []
        for count, some in groupby(choices, self._wanted):
            requests = []
            for choice in some:
                state = graph.state[choice.node]
                requests.append(GenerationRequest(self.theorem, state, moves and moves(state), self._seed))
                # A Weyl sequence: distinct for all expansions. 63 bits, so that every library takes it.
                self._seed = (self._seed + 0x9E3779B97F4A7C15) & 0x7FFFFFFFFFFFFFFF
            found = self._generator.generate(requests, count)
            if not is_listed(found) or len(found) != len(requests):
                raise PluginError(f"{self._generator_name} {complaint_about(found, requests)}")
            suggestions += found
        budget.generated += len(choices)
        budget.generate_seconds += budget.clock() - began
        return suggestions

    def _wanted(self, choice: Choice) -> int:
        """How many candidates are asked for."""
        return self.config.candidates if choice.candidates is None else choice.candidates

    def _expand(self, choice: Choice, candidates: Sequence[Candidate]) -> Expansion:
        """Tries candidates at a node in order, and puts what came of them into the graph."""
        budget, graph, node = self._budget, self.graph, choice.node
        columns = candidate_columns(candidates, self._wanted(choice), self._generator_name)
        self._unsuggested += not columns[0]
        tactics, logprobs, num_tokens = graph.untried(node, *columns)
        left = budget.steps_left()
        cut = len(tactics) > left
        tried = tactics[: int(left)] if cut else tactics
        states: list[ProofState] = []
        failures: dict[int, Outcome | Refused] = {}
        sizes: list[int] | None = None if self._apart is None else []
        verified = budget.accept_seconds
        began = budget.clock()
        refused_parts: dict[int, Sequence[ProofState]] = {}
        proved_by = self._step_all(node, tried, states, failures, sizes, refused_parts)
        now = budget.clock()
        seconds = now - began - (budget.accept_seconds - verified)
        count = len(states if sizes is None else sizes) + len(failures)
        budget.step_seconds += seconds
        budget.steps += count
        budget.expansions += 1
        if cut and self._status is None and budget.steps_left() <= 0:
            self._reach("steps")
        first_edge, first_node = graph.num_edges, graph.num_nodes
        self._times.note(graph, first_edge, count, seconds)
        if failures:
            self._acceptance.note(failures, first_edge, refused_parts)
        improved = graph.expand(node, tactics, logprobs, num_tokens, states, failures, budget.at(now), sizes)
        edges, children = range(first_edge, graph.num_edges), range(first_node, graph.num_nodes)
        if self._releases is not None:
            self._releases.met(graph, states, len(children))
        return Expansion(node, edges, children, improved, -1 if proved_by < 0 else first_edge + proved_by)

    def _step_all(
        self,
        node: int,
        tactics: Sequence[str],
        states: list[ProofState],
        failures: dict[int, Outcome | Refused],
        sizes: list[int] | None,
        refused_parts: dict[int, Sequence[ProofState]],
    ) -> int:
        """Steps a node by tactics in order until one proves it; returns the place of that one, -1 if there is none.

        Args:
            node: what is stepped.
            tactics: the steps.
            states: gets what the steps that advance lead to.
            failures: gets the outcomes of the others, by their place.
            sizes: where states are taken apart, gets how many parts each step that advances leads to.
            refused_parts: gets the parts that each refused step leads to, by its place.
        """
        apart, watched = self._apart, self._budget.watched
        reach, whole = states.append, Advanced if apart is None else None
        for outcome in self._outcomes(self.graph.state[node], tactics):
            if type(outcome) is whole:
                reach(outcome.state)
            else:
                index = len(states if sizes is None else sizes) + len(failures)
                parts: Sequence[ProofState] = ()
                if type(outcome) is Advanced and apart is not None:
                    parts = apart.parts(outcome.state)
                proves = apart.closes(parts) if parts and apart is not None else type(outcome) is Finished
                refusal = self._acceptance.complete(node, tactics[index]) if proves else None
                if refusal is not None:
                    failures[index] = Refused(refusal)
                    refused_parts[index] = parts
                elif parts and sizes is not None:
                    states += parts
                    sizes.append(len(parts))
                else:
                    failures[index] = outcome
                if proves and refusal is None:
                    self._status = self._acceptance.status
                    return index
            if watched and self._interrupted(len(states if sizes is None else sizes) + len(failures) < len(tactics)):
                break
        return -1

    def _outcomes(self, state: ProofState, tactics: Sequence[str]) -> Iterable[Outcome]:
        """The outcomes of stepping a state by each tactic, in order, each made when it is asked for."""
        if self._step_many is not None and len(tactics) > 1:
            return self._times.of(self._step_many(state, tactics))
        return self._times.of(map(partial(self.session.step, state), tactics))

    def _try_other_ways(self) -> None:
        """Has other paths checked to where finished ones were refused; not where time is up."""
        if self._limit_hit in (None, "steps"):
            self._acceptance.try_other_ways(lambda: self._budget.watched and self._interrupted())
            if self._acceptance.status is not None:
                self._status, self._limit_hit = self._acceptance.status, None

    def _result(self) -> SearchResult:
        assert self._status is not None
        graph, scoring, budget, acceptance = self.graph, self._scoring, self._budget, self._acceptance
        messages = self._messages
        seconds = budget.elapsed()
        warnings = []
        if self._unsuggested and self._unsuggested == len(graph.expanded):
            warnings.append(
                f"{self._generator_name}: generate() suggested nothing for any expanded state ({self._unsuggested} in "
                "all); a model's answers may all be empty, cut off or unusable"
            )
            messages.append(warnings[0])
        if scoring is not None and scoring.first_failure:
            warnings.append(scoring.first_failure)
            messages.insert(0, f"the scorer failed on {scoring.misscored} states, first: {scoring.first_failure}")
        elif scoring is not None and (scoring.distrusted or 0 < scoring.unscored == scoring.scored):
            warnings.append(f"{scoring.name}: score() gave no value for {scoring.unscored} of {scoring.scored} states")
        crashed = graph.edge_outcome.find(OutcomeKind.CRASHED)
        if crashed >= 0:
            tactic, why = graph.edge_tactic[crashed], graph.edge_message.get(crashed, "no message")
            messages.append(f"the prover crashed under a tactic, first under {tactic!r}: {why}")
        messages += self._watch.messages
        return SearchResult(
            theorem=self.theorem.name,
            status=self._status,
            limit_hit=self._limit_hit,
            tactics=acceptance.tactics,
            verdict=acceptance.verdict,
            expansions=budget.expansions,
            steps=budget.steps,
            generated=budget.generated,
            scored=scoring.scored if scoring else 0,
            unscored=scoring.unscored if scoring else 0,
            scorer_failures=scoring.failures if scoring else 0,
            refused=acceptance.refused,
            nodes=graph.num_nodes,
            edges=graph.num_edges,
            messages=tuple(messages),
            seconds=seconds,
            generate_seconds=budget.generate_seconds,
            step_seconds=budget.step_seconds,
            score_seconds=budget.score_seconds,
            engine_seconds=seconds - budget.generate_seconds - budget.step_seconds - budget.score_seconds,
            accept_seconds=budget.accept_seconds,
            usage=self._watch.highest,
            replacements=self._watch.replacements,
            graph=graph,
            unsuggested=self._unsuggested,
            misscored=scoring.misscored if scoring else 0,
            warnings=tuple(warnings),
            trace=scoring.trace if scoring else "",
        )
