"""The search loop, with where the next node comes from as its only variable: a frontier by priority, or a cost.

The loop, again and again: end if a proof was accepted; end if nothing waits; end if cancelled or at a limit; take the
best nodes off the frontier; ask the generator once for all of them; try every candidate in order; score all new states
in one call; put them on the frontier.

In the mode ``and-or`` nodes are parts of states (:mod:`proofsearch.search.and_or`): a step leads to several of them,
the next node is one that the cheapest proof needs, and a proof is complete once the root is proved.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from math import inf
from typing import TYPE_CHECKING

from proofsearch.answers import candidates as complaint_about
from proofsearch.answers import is_listed
from proofsearch.errors import PluginError
from proofsearch.guards import described
from proofsearch.protocols import EnumeratesMoves, GenerationRequest
from proofsearch.search.and_or import AndOr, PartsDontFitError
from proofsearch.search.candidates import candidate_columns
from proofsearch.search.collector import rarer_full_collections
from proofsearch.search.deferred import Deferred
from proofsearch.search.estimates import Estimates
from proofsearch.search.frontier import Frontier
from proofsearch.search.graph import NAN, Refused, SearchGraph, kind_of
from proofsearch.search.priority import Priority
from proofsearch.search.refusals import Refusals, paths_by
from proofsearch.search.result import SearchResult, SearchStatus
from proofsearch.search.scoring import MAX_UNSCORED, Scoring
from proofsearch.types import Advanced, Candidate, Finished, Outcome, OutcomeKind, ProofState, Theorem, Verdict

if TYPE_CHECKING:
    from proofsearch.config import SearchConfig
    from proofsearch.protocols import Calibration, SearchObserver, Session, TacticGenerator, ValueScorer

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
    clock: Callable[[], float] = time.perf_counter,
    cancelled: Callable[[], bool] | None = None,
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
      ``FINISHED`` if one of them is accepted (:mod:`proofsearch.search.refusals` has the bounds).
    * In the mode ``and-or`` the same holds of parts: a path is put together by stepping the session through it, when
      the step that was still missing is found, and that step is the one refused with it.
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
        clock: seconds, from any origin, never going back.
        cancelled: asked before each expansion and step.

    Raises:
        PluginError: the generator or the session broke its contract; the message says how.
        ProofsearchError: whatever a component raised for the user to put right.
    """
    with rarer_full_collections():
        return _Search(
            theorem, session, generator, scorer, config, seed, accept, observers, calibration, clock, cancelled
        ).run()


class _Search:
    """One search under way."""

    def __init__(
        self,
        theorem: Theorem,
        session: Session,
        generator: TacticGenerator,
        scorer: ValueScorer | None,
        config: SearchConfig,
        seed: int,
        accept: Callable[[tuple[str, ...]], Verdict] | None,
        observers: Sequence[SearchObserver],
        calibration: Calibration | None,
        clock: Callable[[], float],
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._theorem = theorem
        self._session = session
        self._step = session.step
        self._moves = session.moves if isinstance(session, EnumeratesMoves) else None
        self._generator = generator
        self._generator_name = described(generator, "generator")
        self._takes_apart = config.mode == "and-or"
        self._scoring = Scoring(scorer, theorem, with_path=not self._takes_apart) if scorer is not None else None
        self._asks_scorer = scorer is not None
        self._deferred = Deferred(config.defer) if scorer is not None and config.defer is not None else None
        self._accept = accept
        self._observers = observers
        self._clock = clock
        self._cancelled = cancelled
        self._priority_config = config.priority
        self._calibration = calibration

        self._candidates = config.candidates
        self._batch = config.batch
        self._max_depth = inf if config.max_depth is None else config.max_depth
        limit = config.limit
        self._max_expansions = inf if limit.expansions is None else limit.expansions
        self._max_steps = inf if limit.steps is None else limit.steps
        self._max_seconds = inf if limit.seconds is None else limit.seconds
        self._max_model_calls = inf if limit.model_calls is None else limit.model_calls
        self._watches = cancelled is not None or limit.seconds is not None

        # Not hash(): that is randomised in each process.
        digest = blake2b(repr((seed, theorem.name)).encode(), digest_size=8).digest()
        self._seed = int.from_bytes(digest, "big") >> 1  # of the next request

        self._graph = SearchGraph()
        self._refusals: Refusals | None = None
        self._refused_now: list[int] = []
        self._refused_parts: dict[int, Sequence[ProofState]] = {}  # by refused edge, the parts that it led to
        self._status: SearchStatus | None = None
        self._limit_hit: str | None = None
        self._tactics: tuple[str, ...] | None = None
        self._verdict: Verdict | None = None
        self._refused = 0
        self._steps = 0
        self._generated = 0
        self._unsuggested = 0
        self._messages: list[str] = []
        self._began = 0.0
        self._generate_seconds = 0.0
        self._step_seconds = 0.0
        self._score_seconds = 0.0
        self._accept_seconds = 0.0

    def run(self) -> SearchResult:
        """Runs the whole search."""
        self._began = self._clock()
        initial = self._session.initial()
        self._step_seconds = self._elapsed()
        if type(initial) is Finished:
            self._try_path(())
            self._status = self._status or SearchStatus.EXHAUSTED
            return self._result()
        if type(initial) is not Advanced:
            kind = kind_of(initial).name.lower().replace("_", " ")
            self._status = SearchStatus.FAILED
            self._messages.append(f"the initial state {kind}: {getattr(initial, 'message', '')}".rstrip(": "))
            return self._result()

        self._graph = graph = SearchGraph(initial.state, self._elapsed())
        estimates = {} if self._deferred is None else self._deferred.estimates
        scored = self._scoring is not None
        self._and_or: AndOr | None = None
        if self._takes_apart:
            self._estimates = Estimates(self._priority_config, graph, self._calibration, scored=scored)
            self._and_or = AndOr(self._session, graph, self._estimates, self._max_depth)
        if self._accept is not None:
            self._refusals = Refusals(graph, self._ways if self._and_or is None else self._and_or.wholes)
        self._priority = Priority(self._priority_config, graph, self._calibration, scored=scored, estimates=estimates)
        columns = [graph.priority, array("d", (NAN,))][: self._priority.num_queues]
        self._frontier = Frontier(columns, self._priority_config.value_share)
        self._frontier.move(0, *[0.0] * len(columns))
        for observer in self._observers:
            observer.started(self._theorem, graph)
        while self._status is None:
            nodes = self._next_nodes()
            if nodes:
                self._expand_all(nodes)
        result = self._result()
        for observer in self._observers:
            observer.finished(graph, result)
        return result

    def _elapsed(self) -> float:
        """Seconds since the start, without verification."""
        return self._clock() - self._began - self._accept_seconds

    def _next_nodes(self) -> list[int]:
        """Takes the nodes to expand next off the frontier; none, and a status, if the search is to end."""
        node = self._frontier.pop() if self._and_or is None else self._and_or.pop()
        if node < 0 and self._refused and self._and_or is not None:
            node = self._and_or.pop_any()
        if node < 0:
            self._status = SearchStatus.EXHAUSTED
            return []
        expansions = self._max_expansions - len(self._graph.expanded)
        model_calls = self._max_model_calls - self._generated - (self._scoring.scored if self._scoring else 0)
        if expansions <= 0:
            self._reach("expansions")
        elif self._steps >= self._max_steps:
            self._reach("steps")
        elif model_calls <= 0:
            self._reach("model_calls")
        elif not (self._watches and self._interrupted()):
            nodes = [self._scored_best(node)]
            if self._batch > 1:
                room = min(self._batch, expansions, model_calls)
                while len(nodes) < room and (node := self._frontier.pop()) >= 0:
                    nodes.append(self._scored_best(node))
            return nodes
        return []

    def _scored_best(self, node: int) -> int:
        """The node just taken off the frontier; if its score was put off, it is scored and the best one then taken."""
        deferred = self._deferred
        while deferred is not None and self._asks_scorer and node in deferred:
            nodes = deferred.take(node, self._graph)
            self._put_on_frontier([], nodes, self._score(nodes))
            node = self._frontier.pop()
        return node

    def _reach(self, limit: str) -> None:
        self._status = SearchStatus.LIMIT
        self._limit_hit = limit

    def _interrupted(self) -> bool:
        """Whether time is up or the caller wants an end; sets the status then."""
        if self._cancelled is not None and self._cancelled():
            self._status = SearchStatus.CANCELLED
        elif self._max_seconds < inf and self._elapsed() >= self._max_seconds:
            self._reach("seconds")
        return self._status is not None

    def _expand_all(self, nodes: list[int]) -> None:
        """Expands nodes that were taken off the frontier, and puts their new children there."""
        graph = self._graph
        first_new = first = len(graph.state)
        families: list[range] = []
        changed: list[int] = []
        expanded = 0
        for candidates in self._generate(nodes):
            changed += self._expand(nodes[expanded], candidates)
            expanded += 1
            last = len(graph.state)
            if last > first:
                families.append(range(first, last))
                first = last
            if self._status is not None:
                break
        if self._and_or is not None:
            self._settle(self._and_or, nodes[0], families, changed)
        elif self._status is None:
            rescaled = self._score_new(families)
            given_up = self._score_moved([node for node in dict.fromkeys(changed) if node < first_new])
            self._put_on_frontier(families, changed, rescaled or given_up)
        else:
            # Nothing will be taken off the frontier any more.
            graph.priority.extend(array("d", (NAN,)) * (first - first_new))
        if self._refusals is not None and self._refused:
            self._try_other_ways(self._refusals)
        if self._observers:
            for node in nodes[:expanded]:
                for observer in self._observers:
                    observer.expanded(graph, node)

    def _put_on_frontier(self, families: list[range], changed: list[int], rescaled: bool) -> None:
        """Inserts new children, moves waiting nodes that got a better path, and re-orders all if the scale changed."""
        graph, frontier = self._graph, self._frontier
        for family in families:
            if graph.depth[family.start] < self._max_depth:
                frontier.push(*self._priority(family))
            else:
                frontier.skip(*self._priority(family))
        for node in dict.fromkeys(changed):
            if graph.expanded_at[node] >= 0:
                continue
            if graph.depth[node] < self._max_depth:
                frontier.move(node, *(column[0] for column in self._priority((node,))))
            else:
                frontier.remove(node)
        if rescaled:
            frontier.rebuild(self._priority)

    def _settle(self, and_or: AndOr, node: int, families: list[range], changed: list[int]) -> None:
        """Scores new parts, brings the costs up to date and notes which parts are proved."""
        graph, estimates = self._graph, self._estimates
        anew = self._score_new(families) if self._status is None else False
        new = range(len(graph.priority), graph.num_nodes)
        graph.priority.extend([-cost for cost in estimates(new)] if self._status is None else [NAN] * len(new))
        and_or.expanded(node, self._solved_by, changed)
        if anew:
            and_or.reestimate()

    def _generate(self, nodes: list[int]) -> Sequence[Sequence[Candidate]]:
        """The candidates for each node, from one call."""
        began = self._clock()
        graph, moves = self._graph, self._moves
        requests = []
        for node in nodes:
            state = graph.state[node]
            requests.append(GenerationRequest(self._theorem, state, moves and moves(state), self._seed))
            # A Weyl sequence: distinct for all expansions. 63 bits, so that every library takes it.
            self._seed = (self._seed + 0x9E3779B97F4A7C15) & 0x7FFFFFFFFFFFFFFF
        suggestions = self._generator.generate(requests, self._candidates)
        if not is_listed(suggestions) or len(suggestions) != len(nodes):
            raise PluginError(f"{self._generator_name} {complaint_about(suggestions, nodes)}")
        self._generated += len(nodes)
        self._generate_seconds += self._clock() - began
        return suggestions

    def _expand(self, node: int, candidates: Sequence[Candidate]) -> Sequence[int]:
        """Tries a node's candidates in order; returns the nodes whose best path changed."""
        tactics, logprobs, num_tokens = candidate_columns(candidates, self._candidates, self._generator_name)
        self._unsuggested += not tactics
        left = self._max_steps - self._steps
        cut = len(tactics) > left
        tried = tactics[: int(left)] if cut else tactics
        state, step, watches = self._graph.state[node], self._step, self._watches
        states: list[ProofState] = []
        failures: dict[int, Outcome | Refused] = {}
        sizes: list[int] | None = None
        reach = states.append
        verified, refused = self._accept_seconds, self._refused
        began = self._clock()
        if self._and_or is not None:
            sizes = self._try_apart(self._and_or, node, tried, states, failures)
            tried = []
        for tactic in tried:
            if watches and (states or failures) and self._interrupted():
                break
            outcome = step(state, tactic)
            if type(outcome) is Advanced:
                reach(outcome.state)
                continue
            index = len(states) + len(failures)
            failures[index] = outcome
            if type(outcome) is Finished:
                refusal = self._try_path((*self._graph.path(node), tactic))
                if refusal is None:
                    break
                failures[index] = Refused(refusal)
        now = self._clock()
        self._step_seconds += now - began - (self._accept_seconds - verified)
        self._steps += len(states if sizes is None else sizes) + len(failures)
        if cut and self._status is None and self._steps >= self._max_steps:
            self._reach("steps")
        if self._refused > refused:
            first = self._graph.num_edges
            self._refused_now += [first + index for index, outcome in failures.items() if type(outcome) is Refused]
        created = now - self._began - self._accept_seconds
        return self._graph.expand(node, tactics, logprobs, num_tokens, states, failures, created, sizes)

    def _try_apart(
        self,
        and_or: AndOr,
        node: int,
        tactics: Sequence[str],
        states: list[ProofState],
        failures: dict[int, Outcome | Refused],
    ) -> list[int]:
        """Tries a part's candidates in order, until one proves it; returns how many parts each step led to."""
        state = self._graph.state[node]
        sizes: list[int] = []
        self._solved_by = -1
        for tactic in tactics:
            if self._watches and (sizes or failures) and self._interrupted():
                break
            outcome = self._step(state, tactic)
            index = len(sizes) + len(failures)
            parts: Sequence[ProofState] = ()
            if type(outcome) is Advanced:
                parts = and_or.parts(outcome.state)
            if type(outcome) is Finished or (parts and and_or.closes(parts)):
                refusal = self._try_whole(and_or, node, tactic)
                if refusal is not None:
                    failures[index] = Refused(refusal)
                    self._refused_parts[self._graph.num_edges + index] = parts
                    continue
                self._solved_by = self._graph.num_edges + index
            if parts:
                states += parts
                sizes.append(len(parts))
            else:
                failures[index] = outcome
            if self._solved_by >= 0:
                break
        return sizes

    def _try_whole(self, and_or: AndOr, node: int, tactic: str) -> str | None:
        """Has the whole proof checked if the tactic completes it; returns why it was refused, if it was."""
        try:
            path = and_or.whole(node, tactic)
        except PartsDontFitError as error:
            return self._refuse(f"the proofs of the parts make no proof of the whole: {error}")
        return None if path is None else self._try_path(path)

    def _ways(self, edge: int) -> Iterator[tuple[str, ...]]:
        """The paths that a refused step completes."""
        assert self._refusals is not None
        return paths_by(self._graph, edge, self._refusals.into, self._max_depth)

    def _try_other_ways(self, refusals: Refusals) -> None:
        """Has other paths checked that refused steps complete; the first that is accepted ends the search."""
        added, self._refused_now = self._refused_now, []
        if self._status is not None and self._limit_hit != "steps":
            return
        for edge, path in refusals.untried(added):
            if self._watches and self._interrupted():
                return
            if self._try_path(path) is None:
                self._limit_hit = None
                self._graph.accept(edge, self._refused_parts.get(edge, ()))
                if self._and_or is not None:
                    self._and_or.believe(edge)
                return

    def _score_new(self, families: list[range]) -> bool:
        """Scores new children, of each family the likeliest only if scores are put off; returns as :meth:`_score`."""
        deferred = self._deferred
        if not self._asks_scorer or not families:
            return False
        if deferred is None:
            return self._score(range(families[0].start, families[-1].stop))
        rescaled = self._score(deferred.add(families, self._graph))
        deferred.estimate(self._graph)
        return rescaled

    def _score_moved(self, moved: Sequence[int]) -> bool:
        """Scores known nodes anew that got a better path, if values depend on it; returns as :meth:`_ask_scorer`."""
        if self._scoring is None or not self._scoring.follows or not self._asks_scorer or not moved:
            return False
        if self._deferred is not None:
            for node in moved:
                self._deferred.drop(node)
        return self._ask_scorer(self._scoring, moved)

    def _score(self, new: Sequence[int]) -> bool:
        """Scores new nodes, if any; returns whether all waiting nodes need new priorities."""
        if self._scoring is None or not new:
            return False
        return self._ask_scorer(self._scoring, new) or self._priority.observe(new)

    def _ask_scorer(self, scoring: Scoring, nodes: Sequence[int]) -> bool:
        """Has nodes scored; returns whether the scorer was given up, so that all waiting nodes need new priorities."""
        began = self._clock()
        scoring.score(self._graph, nodes)
        self._score_seconds += self._clock() - began
        if scoring.distrusted:
            self._asks_scorer = False
            self._messages.append(
                f"the scorer gave no value for {scoring.unscored} of {scoring.scored} states, more than "
                f"{MAX_UNSCORED:.0%}: from expansion {len(self._graph.expanded)} on the search was ordered by "
                "log-probability and the scorer not asked"
            )
            if self._takes_apart:
                self._estimates.forget_values()
            self._priority.forget_values()
        return scoring.distrusted

    def _try_path(self, path: tuple[str, ...]) -> str | None:
        """Has a finished path checked.

        Returns:
            Why it was refused; ``None``, with the status set, if it ends the search.
        """
        if self._accept is None:
            self._status, self._tactics = SearchStatus.FINISHED, path
            return None
        began = self._clock()
        verdict = self._accept(path)
        self._accept_seconds += self._clock() - began
        if verdict.proved:
            self._status, self._tactics, self._verdict = SearchStatus.PROVED, path, verdict
            return None
        if self._refusals is not None:
            self._refusals.note(path)
        return self._refuse(verdict.message, f"{verdict.checker} refused a finished proof: {verdict.message}")

    def _refuse(self, why: str, message: str = "") -> str:
        """Counts a refused path and keeps the first message about one."""
        if not self._refused:
            self._messages.append(message or why)
        self._refused += 1
        return why

    def _result(self) -> SearchResult:
        assert self._status is not None
        graph, scoring, messages = self._graph, self._scoring, self._messages
        seconds = self._elapsed()
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
        return SearchResult(
            theorem=self._theorem.name,
            status=self._status,
            limit_hit=self._limit_hit,
            tactics=self._tactics,
            verdict=self._verdict,
            expansions=len(graph.expanded),
            steps=self._steps,
            generated=self._generated,
            scored=scoring.scored if scoring else 0,
            unscored=scoring.unscored if scoring else 0,
            scorer_failures=scoring.failures if scoring else 0,
            refused=self._refused,
            nodes=graph.num_nodes,
            edges=graph.num_edges,
            messages=tuple(messages),
            seconds=seconds,
            generate_seconds=self._generate_seconds,
            step_seconds=self._step_seconds,
            score_seconds=self._score_seconds,
            engine_seconds=seconds - self._generate_seconds - self._step_seconds - self._score_seconds,
            accept_seconds=self._accept_seconds,
            graph=graph,
            unsuggested=self._unsuggested,
            misscored=scoring.misscored if scoring else 0,
            warnings=tuple(warnings),
            trace=scoring.trace if scoring else "",
        )
