"""What a search promises beside its order: success, limits, failures, determinism."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchGraph, SearchResult, SearchStatus, search
from proofsearch.errors import PluginError, ProofsearchError, UsageError
from proofsearch.graph import check_graph
from proofsearch.protocols import GenerationRequest, Moves, ScoreRequest
from proofsearch.types import (
    Candidate,
    Crashed,
    Finished,
    Outcome,
    OutcomeKind,
    ProofState,
    Rejected,
    Theorem,
    TimedOut,
    Verdict,
)

from .fake import (
    CRASH,
    FINISH,
    REJECT,
    THEOREM,
    TIME_OUT,
    FakeGenerator,
    FakeScorer,
    FakeSession,
    World,
    accept_all,
    order,
    random_world,
    refuse_all,
)


class Clock:
    """A clock that stands still unless told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float = 1.0) -> None:
        self.now += seconds


def run(world: World, scorer: Any = None, **arguments: Any) -> SearchResult:
    """A search through ``world`` by log-probability, unless ``arguments`` say otherwise."""
    config = {"priority": {"kind": "logprob"}, **arguments.pop("config", {})}
    session = arguments.pop("session", None) or FakeSession(world)
    generator = arguments.pop("generator", None) or FakeGenerator(world)
    arguments.setdefault("accept", accept_all)
    return search(THEOREM, session, generator, scorer, config=SearchConfig.model_validate(config), **arguments)


def wide(width: int, then: str = "") -> World:
    """A root with ``width`` children, ``n0`` the likeliest; the last step leads to ``then`` if given."""
    world = World()
    for i in range(width):
        world.edge("root", then if then and i == width - 1 else f"n{i}", -0.1 * (i + 1), tactic=f"t{i}")
    return world


def endless() -> World:
    """Every state has two fresh children; built as deep as any test goes."""
    world = World()
    for i in range(1, 400):
        for child in (2 * i, 2 * i + 1):
            world.edge("root" if i == 1 else f"n{i}", f"n{child}", -0.1 * (child % 7 + 1))
    return world


class TestSuccess:
    def test_a_proof_ends_the_search_at_once(self) -> None:
        """Catches candidates stepped after the proof."""
        world = World().edge("root", "a", -1.0).edge("root", FINISH, -2.0).edge("root", "b", -3.0)
        session = FakeSession(world)
        result = run(world, session=session)
        assert (result.status, result.tactics) == (SearchStatus.PROVED, ("to !finish",))
        assert result.verdict == accept_all(())[0]
        assert session.tried == [("root", "to a"), ("root", "to !finish")]
        assert (result.steps, result.edges, result.expansions, result.nodes) == (2, 2, 1, 2)
        check_graph(result.graph)

    def test_without_a_check_it_is_finished_not_proved(self) -> None:
        """Catches a proof claimed on the prover's word."""
        result = run(World().edge("root", FINISH, -1.0), accept=None)
        assert (result.status, result.tactics, result.verdict) == (SearchStatus.FINISHED, ("to !finish",), None)

    def test_a_refused_proof_does_not_end_the_search(self) -> None:
        """Catches a search that gives up on, or believes, the first finished path."""
        world = World().edge("root", FINISH, -1.0, tactic="cheat").edge("root", "a", -2.0).edge("a", FINISH, -1.0)
        asked: list[tuple[str, ...]] = []

        def accept(path: tuple[str, ...]) -> tuple[Verdict, None]:
            asked.append(path)
            return Verdict("cheat" not in path, "strict 1.0", "rests on sorry"), None

        result = run(world, accept=accept)
        assert asked == [("cheat",), ("to a", "to !finish")]
        assert (result.status, result.tactics, result.refused) == (SearchStatus.PROVED, asked[1], 1)
        assert result.graph.edge_outcome[0] == OutcomeKind.REFUSED
        assert result.graph.edge_message == {0: "rests on sorry"}
        assert result.messages == ("strict 1.0 refused a finished proof: rests on sorry",)

    def test_the_path_checked_is_the_best_one(self) -> None:
        """Catches a path through the first parent where a better one is known."""
        world = World().edge("root", "late", -9.0).edge("root", "a", -1.0).edge("a", "late", -1.0)
        world.edge("late", FINISH, -1.0)
        assert run(world).tactics == ("to a", "to late", "to !finish")

    @pytest.mark.parametrize(
        ("accept", "status"), [(accept_all, "proved"), (None, "finished"), (refuse_all, "exhausted")]
    )
    def test_the_environment_may_finish_at_once(self, accept: Any, status: str) -> None:
        """Catches a theorem closed by the environment itself being searched, or lost."""

        class Closed(FakeSession):
            def initial(self) -> Outcome:
                return Finished()

        result = run(World(), session=Closed(World()), accept=accept)
        assert (result.status, result.expansions, result.nodes) == (status, 0, 0)
        assert result.tactics == (None if status == "exhausted" else ())
        assert result.refused == (1 if status == "exhausted" else 0)

    @pytest.mark.parametrize("outcome", [Rejected("no such theorem"), TimedOut("10 s"), Crashed("signal 11")])
    def test_a_session_without_a_state_fails(self, outcome: Rejected | TimedOut | Crashed) -> None:
        """Catches an endless or crashing search where the prover could not even state the theorem."""

        class Broken(FakeSession):
            def initial(self) -> Outcome:
                return outcome

        result = run(World(), session=Broken(World()))
        assert (result.status, result.tactics) == (SearchStatus.FAILED, None)
        assert outcome.message in result.messages[0]


class TestLimits:
    @pytest.mark.parametrize("limit", [0, 1, 2, 7, 30])
    @pytest.mark.parametrize("batch", [1, 4])
    def test_expansions_are_exact(self, limit: int, batch: int) -> None:
        """Catches an expansion too many or too few, also where a batch would cross the limit."""
        result = run(endless(), config={"limit": {"expansions": limit}, "batch": batch})
        assert (result.status, result.limit_hit) == (SearchStatus.LIMIT, "expansions")
        assert result.expansions == result.generated == limit
        assert len(result.graph.expanded) == limit

    @pytest.mark.parametrize("limit", [0, 1, 2, 3, 7, 30])
    @pytest.mark.parametrize("batch", [1, 4])
    def test_steps_are_exact(self, limit: int, batch: int) -> None:
        """Catches a limit looked at only between expansions."""
        world = endless()
        session = FakeSession(world)
        result = run(world, session=session, config={"limit": {"steps": limit, "expansions": None}, "batch": batch})
        assert (result.status, result.limit_hit) == (SearchStatus.LIMIT, "steps")
        assert result.steps == result.edges == len(session.tried) == limit
        check_graph(result.graph)

    def test_a_cut_expansion_is_a_limit_even_when_nothing_waits(self) -> None:
        """Catches 'exhausted' said of a search that left candidates untried."""
        world = World().edge("root", REJECT, -1.0, tactic="a").edge("root", REJECT, -2.0, tactic="b")
        assert run(world, config={"limit": {"steps": 1}}).status is SearchStatus.LIMIT
        assert run(world, config={"limit": {"steps": 2}}).status is SearchStatus.EXHAUSTED

    @pytest.mark.parametrize("limit", [0, 1, 5, 6])
    def test_model_calls_count_generator_and_scorer(self, limit: int) -> None:
        """Catches one of the two left out. Each expansion costs one generation and two scorings."""
        config = {"limit": {"model_calls": limit}, "priority": {"kind": "value"}}
        result = run(endless(), FakeScorer({}, default=0.0), config=config)
        assert (result.limit_hit, result.model_calls) == ("model_calls", math.ceil(limit / 3) * 3)
        alone = run(endless(), config={"limit": {"model_calls": limit}, "batch": 4})
        assert alone.model_calls == alone.generated == limit

    @pytest.mark.parametrize(("seconds", "steps"), [(0.5, 1), (1.0, 1), (2.5, 3), (10.0, 10)])
    def test_seconds_are_looked_at_between_candidates(self, seconds: float, steps: int) -> None:
        """Catches a slow prover that overruns by a whole expansion; each step takes a second."""
        clock, world = Clock(), wide(20)
        session = FakeSession(world, on_step=clock.tick)
        result = run(world, session=session, clock=clock, config={"limit": {"seconds": seconds}})
        assert (result.limit_hit, result.steps, result.seconds) == ("seconds", steps, steps)

    def test_verification_is_not_on_the_clock(self) -> None:
        """Catches a slow check that eats the search's time, and times of nodes that include it."""
        clock = Clock()
        world = World().edge("root", FINISH, -1.0, tactic="cheat").edge("root", "a", -2.0).edge("root", "b", -3.0)

        def accept(path: tuple[str, ...]) -> tuple[Verdict, None]:
            clock.tick(100.0)
            return refuse_all(path)

        session = FakeSession(world, on_step=clock.tick)
        result = run(world, session=session, clock=clock, accept=accept, config={"limit": {"seconds": 10}})
        assert (result.status, result.steps, result.accept_seconds) == (SearchStatus.EXHAUSTED, 3, 100.0)
        assert (result.seconds, result.step_seconds, result.engine_seconds) == (3.0, 3.0, 0.0)
        assert list(result.graph.seconds) == [0.0, 3.0, 3.0]

    @pytest.mark.parametrize("last", [1, 4])
    def test_success_on_the_very_step_that_reaches_the_limit(self, last: int) -> None:
        """Catches limits looked at before success; one step or second less must not suffice."""
        world = wide(last, then=FINISH)
        for limit in ({"steps": last}, {"seconds": float(last)}, {"expansions": 1}, {"model_calls": 1}):
            clock = Clock()
            session = FakeSession(world, on_step=clock.tick)
            result = run(world, session=session, clock=clock, config={"limit": limit})
            assert (result.status, result.steps) == (SearchStatus.PROVED, last), limit
        too_little: list[dict[str, float]] = [{"steps": last - 1}, {"expansions": 0}, {"model_calls": 0}]
        if last > 1:
            too_little.append({"seconds": last - 1.0})
        for limit in too_little:
            clock = Clock()
            session = FakeSession(world, on_step=clock.tick)
            assert run(world, session=session, clock=clock, config={"limit": limit}).status is SearchStatus.LIMIT

    def test_the_search_is_exhausted_when_nothing_waits(self) -> None:
        """Catches 'limit' where a higher limit would change nothing."""
        result = run(wide(3), config={"limit": {"expansions": 4}})
        assert (result.status, result.limit_hit, result.expansions) == (SearchStatus.EXHAUSTED, None, 4)

    @pytest.mark.parametrize("max_depth", [1, 2, 4])
    def test_nodes_at_the_maximal_depth_are_not_expanded(self, max_depth: int) -> None:
        """Catches an off-by-one: in a binary tree, a depth of d leaves 2^d - 1 nodes to expand."""
        result = run(endless(), config={"max_depth": max_depth})
        assert (result.status, result.expansions) == (SearchStatus.EXHAUSTED, 2**max_depth - 1)
        assert max(result.graph.depth) == max_depth

    def test_a_better_path_can_lift_a_node_over_the_maximal_depth_and_back(self) -> None:
        """Catches a depth that is judged once and for all."""
        world = World().edge("root", "a", -1.0).edge("root", "x", -5.0).edge("a", "b", -1.0).edge("b", "x", -1.0)
        world.edge("x", "y", -1.0)
        assert "x" not in order(run(world, config={"max_depth": 3}).graph), "the better path to x is three steps long"
        shorter = World().edge("root", "a", -1.0).edge("root", "c", -2.0).edge("a", "b", -0.1).edge("b", "x", -9.0)
        shorter.edge("c", "x", -1.0).edge("x", "y", -1.0)
        assert order(run(shorter, config={"max_depth": 3}).graph)[-1] == "x"

    def test_cancelling(self) -> None:
        """Catches a search that can't be stopped between two slow steps."""
        world = endless()
        session = FakeSession(world)
        result = run(world, session=session, cancelled=lambda: len(session.tried) >= 5)
        assert (result.status, result.limit_hit, result.steps) == (SearchStatus.CANCELLED, None, 5)
        check_graph(result.graph)


class TestGenerator:
    def test_one_call_a_batch(self) -> None:
        """Catches a generator asked once a node, which wastes what batching is for."""
        world = endless()
        generator = FakeGenerator(world)
        result = run(world, generator=generator, config={"batch": 4, "limit": {"expansions": 11}})
        assert [len(call) for call in generator.calls] == [1, 2, 4, 4]
        assert result.generated == 11

    def test_seeds_differ_within_a_run_and_repeat_with_it(self) -> None:
        """Catches seeds that repeat, that depend on the batch, or that don't depend on seed and theorem."""

        def seeds(seed: int, name: str = "fake", batch: int = 1) -> list[int]:
            generator = FakeGenerator(endless())
            config = SearchConfig.model_validate({"limit": {"expansions": 40}, "batch": batch})
            search(Theorem(name, ""), FakeSession(endless()), generator, config=config, seed=seed)
            return [request.seed for call in generator.calls for request in call]

        assert seeds(1) == seeds(1) == seeds(1, batch=4)
        together = seeds(1) + seeds(2) + seeds(1, name="other")
        assert len(set(together)) == 120
        assert all(0 <= seed < 2**63 for seed in together)

    def test_repeated_tactics_are_tried_once(self) -> None:
        """Catches steps spent on duplicates; the first of them counts."""
        world = World().edge("root", "a", -1.0).edge("root", "b", -2.0)
        world.policy["root"] += [Candidate("to a", -0.5), Candidate("to b", -3.0)]
        result = run(world)
        assert result.steps == 2
        assert list(result.graph.edge_logprob) == [-1.0, -2.0]

    def test_a_state_without_candidates_is_expanded_to_nothing(self) -> None:
        """Catches an empty expansion that breaks the edge ranges of those after it."""
        world = World().edge("root", "a", -1.0).edge("root", "b", -2.0).edge("b", "c", -1.0)
        graph = run(world).graph
        assert order(graph) == ["root", "a", "b", "c"]
        assert [len(graph.edge_range(node)) for node in graph.expanded] == [2, 0, 1, 0]

    def test_rounding_above_zero_is_taken_as_zero(self) -> None:
        """Catches a log-probability of 1e-9 that is refused, or that lets cycles gain."""
        world = World().edge("root", "a", 1e-9).edge("a", "root", 1e-9)
        graph = run(world).graph
        assert list(graph.edge_logprob) == [0.0, 0.0]
        check_graph(graph)

    @pytest.mark.parametrize(
        ("candidate", "complaint"),
        [
            (Candidate("odd", math.nan), "candidate 'odd' has log-probability nan"),
            (Candidate("odd", 0.5), "candidate 'odd' has log-probability 0.5"),
            (Candidate("odd", -math.inf), "candidate 'odd' has log-probability -inf"),
            (Candidate("odd", -1.0, 0), "candidate 'odd' has num_tokens = 0"),
        ],
    )
    def test_an_impossible_candidate_is_the_generators_error(self, candidate: Candidate, complaint: str) -> None:
        """Catches nan or a score in disguise getting into the order of the search."""
        world = World().edge("root", "a", -1.0)
        world.policy["root"].append(candidate)
        with pytest.raises(PluginError, match=rf"FakeGenerator: {complaint}; expected"):
            run(world)

    def test_too_many_candidates_or_lists_are_the_generators_error(self) -> None:
        """Catches a generator that ignores n, and one whose lists don't match the states."""

        class Greedy(FakeGenerator):
            def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
                return super().generate(requests, n + 1)

        with pytest.raises(PluginError, match=r"Greedy returned 3 candidates for a state when asked for at most 2"):
            run(wide(3), generator=Greedy(wide(3)), config={"candidates": 2})

        class Silent(FakeGenerator):
            def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
                return []

        with pytest.raises(PluginError, match=r"Silent returned 0 lists of candidates for 1 states"):
            run(wide(3), generator=Silent(wide(3)))

    def test_moves_are_passed_on_where_they_can_be_enumerated(self) -> None:
        """Catches a finite action space that the policy never sees."""

        class Listed(Moves):
            def __init__(self, tactics: Sequence[str]) -> None:
                self.tactics = tactics

            def listed(self) -> Sequence[str]:
                return self.tactics

            def admits(self, tactic: str) -> bool:
                return tactic in self.tactics

        class Finite(FakeSession):
            def moves(self, state: ProofState) -> Moves:
                return Listed([candidate.tactic for candidate in self.world.policy.get(state.text, [])])

        world = wide(2)
        generator = FakeGenerator(world)
        run(world, session=Finite(world), generator=generator)
        listed = [request.moves.listed() for call in generator.calls for request in call if request.moves]
        assert listed == [["t0", "t1"], [], []]
        run(world, generator=(plain := FakeGenerator(world)))
        assert all(request.moves is None for call in plain.calls for request in call)


class TestScorer:
    def test_one_call_for_all_new_children_of_a_batch(self) -> None:
        """Catches merged states scored again, the root scored, and a call a child."""
        world = World().edge("root", "a", -1.0).edge("root", "b", -2.0).edge("a", "c", -1.0).edge("b", "c", -1.0)
        world.edge("b", "d", -1.0).edge("a", "root", -1.0).edge("c", REJECT, -1.0)
        scorer = FakeScorer({}, default=0.0)
        result = run(world, scorer, config={"batch": 2})
        assert scorer.calls == [["a", "b"], ["c", "d"]]
        assert result.scored == 4
        request = scorer.requests[2]
        assert (request.depth, request.logprob, request.num_tokens) == (2, -2.0, 2)

    def test_a_finished_state_is_never_scored(self) -> None:
        """Catches a value asked of a proof, and model calls spent after the end."""
        world = World().edge("root", "a", -1.0).edge("root", FINISH, -2.0)
        scorer = FakeScorer({}, default=0.0)
        assert run(world, scorer).status is SearchStatus.PROVED
        assert scorer.calls == []
        assert run(world, scorer, accept=refuse_all).refused == 1
        assert scorer.calls == [["a"]]

    @pytest.mark.parametrize(
        ("answer", "complaint"),
        [
            (lambda n: 1 / 0, "ZeroDivisionError: division by zero"),
            (lambda n: [0.0] * (n + 1), "returned 3 values for 2 states"),
            (lambda n: None, "score() returned None; expected a list"),
            (lambda n: dict.fromkeys(range(n), 0.0), "score() returned a dict; expected a list"),
            (lambda n: ["0.5"] * n, "score() returned text among its values"),
            (lambda n: [object()] * n, "TypeError"),
            (lambda n: [math.nan] * n, "returned nan as a value"),
            (lambda n: [math.inf] * n, "returned inf as a value"),
        ],
    )
    def test_a_failing_scorer_leaves_the_order_by_logprob(self, answer: Callable[[int], Any], complaint: str) -> None:
        """Catches a search lost to a model's error, values of zero in its place, and silence about it."""

        class Failing(FakeScorer):
            def score(self, requests: Sequence[ScoreRequest]) -> Any:
                super().score(requests)
                return answer(len(requests))

        world = endless()
        scorer = Failing({})
        config = {"priority": {"kind": "value"}, "limit": {"expansions": 40}}
        result, plain = run(world, scorer, config=config), run(world, config={"limit": {"expansions": 40}})
        assert order(result.graph) == order(plain.graph)
        assert result.graph.priority == plain.graph.priority
        assert not any(map(result.graph.has_value, range(result.nodes)))
        assert complaint in result.messages[0]
        # 20 states are enough to judge; no call is wasted after that.
        assert (result.scored, result.unscored, len(scorer.calls)) == (20, 20, 10)
        assert "20 of 20 states" in result.messages[1]
        assert result.scorer_failures == (0 if "as a value" in complaint else 10)
        assert result.misscored == 20
        assert len(result.warnings) == 1
        assert complaint in result.warnings[0]
        assert ("in answer" in result.trace or "<lambda>" in result.trace) is ("Error" in complaint)

    def test_a_little_missing_is_not_held_against_the_scorer(self) -> None:
        """Catches a scorer given up at exactly 5 %, or before 20 states."""
        config = {"priority": {"kind": "value"}, "candidates": 100}
        for count, missing, trusted in [(19, 10, True), (20, 1, True), (20, 2, False), (100, 5, True), (100, 6, False)]:
            scorer = FakeScorer({f"n{i}": None for i in range(missing)}, default=1.0)
            result = run(wide(count), scorer, config=config)
            assert (result.scored, result.unscored) == (count, missing)
            assert bool(result.messages) is not trusted, (count, missing)

    def test_an_error_for_the_user_passes_through(self) -> None:
        """Catches a wrong option that is swallowed as if the model had hiccuped."""

        class Misconfigured(FakeScorer):
            def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
                raise UsageError("no such checkpoint")

        with pytest.raises(ProofsearchError, match="no such checkpoint"):
            run(wide(2), Misconfigured({}))


class Watching:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        self.log.append((theorem.name, graph.num_nodes))

    def expanded(self, graph: SearchGraph, node: int) -> None:
        children = [graph.edge_target[edge] for edge in graph.edge_range(node)]
        ready = all(graph.has_value(child) and graph.priority[child] == graph.priority[child] for child in children)
        self.log.append((graph.state[node].text, len(children), ready))

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        self.log.append((result.status, result.graph is graph))


def test_observers_see_everything_in_order() -> None:
    """Catches an observer told before values and priorities stand, or not told of the last, partial expansion."""
    world = wide(2).edge("n0", "x", -1.0).edge("n0", FINISH, -1.0).edge("n0", "y", -1.0)
    watching = Watching()
    run(world, FakeScorer({}, default=1.0), observers=[watching])
    assert watching.log == [
        ("fake", 1),
        ("root", 2, True),
        ("n0", 2, False),
        (SearchStatus.PROVED, True),
    ]


def test_a_crash_is_reported_and_survived() -> None:
    """Catches a crash that nobody hears of."""
    world = World().edge("root", CRASH, -1.0).edge("root", TIME_OUT, -2.0).edge("root", FINISH, -3.0)
    result = run(world)
    assert result.status is SearchStatus.PROVED
    assert result.messages == ("the prover crashed under a tactic, first under 'to !crash': segmentation fault",)


@given(st.integers(0, 10**6), st.sampled_from([1, 3]))
def test_the_same_arguments_give_the_same_search(seed: int, batch: int) -> None:
    """Catches an order that depends on memory addresses, hashes or time."""
    world = random_world(seed, finish=0.01)
    one, two = (run(world, config={"batch": batch}, seed=seed) for _ in range(2))
    assert one == two
    assert tree(one) == tree(two)


def test_the_search_is_the_same_in_a_process_with_other_hashes() -> None:
    """Catches the randomised hash of strings."""
    code = """
from proofsearch.config import SearchConfig
from proofsearch.engine import search
from proofsearch.types import Advanced, Candidate, Goal, State, Theorem

class Session:
    def initial(self):
        return Advanced(State("0", (Goal("0"),)))
    def step(self, state, tactic):
        return Advanced(State(tactic, (Goal(tactic),)))

class Generator:
    def generate(self, requests, n):
        return [[Candidate(str(r.seed % 97), -1.0), Candidate(str(r.seed % 89), -2.0)] for r in requests]

print([state.text for state in search(Theorem("t", ""), Session(), Generator(), config=SearchConfig()).graph.state])
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hashes, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    }
    assert len(outputs) == 1


def tree(result: SearchResult) -> str:
    """Everything that a search found, as text."""
    graph = result.graph
    columns = [
        [state.text for state in graph.state],
        graph.depth,
        graph.logprob,
        graph.num_tokens,
        graph.priority,
        graph.best_edge,
        graph.expanded_at,
        graph.edge_source,
        graph.edge_tactic,
        graph.edge_target,
        graph.edge_outcome,
    ]
    return json.dumps([list(column) for column in columns])
