"""Whole proofs beside steps: scripts are replayed into the graph, and what they reach are ordinary states."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from proofsearch.config import SearchConfig
from proofsearch.engine import search
from proofsearch.errors import PluginError, UsageError
from proofsearch.graph import SearchGraph, check_graph, with_one_expansion_each
from proofsearch.protocols import GenerationRequest, Script, SearchResult, Suggestions
from proofsearch.types import Candidate, Outcome, ProofState, Rejected

from .fake import (
    FINISH,
    REJECT,
    THEOREM,
    FakeGenerator,
    FakeScorer,
    FakeSession,
    World,
    accept_all,
    order,
    random_world,
)
from .test_order import random_values


def script(*tactics: str, logprob: float = -1.0) -> Script:
    return Script(tuple(Candidate(tactic, logprob, 2) for tactic in tactics))


class Proposer(FakeGenerator):
    """The world's policy, which proposes the scripts that a table has for a state."""

    def __init__(self, world: World, scripts: Mapping[str, Sequence[Script]]) -> None:
        super().__init__(world)
        self.scripts = scripts
        self.proposals: list[list[str]] = []

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        self.proposals.append([request.state.text for request in requests])
        return [self.scripts.get(request.state.text, ())[:n] for request in requests]


class Session(FakeSession):
    """One that rejects what it doesn't know."""

    def step(self, state: ProofState, tactic: str) -> Outcome:
        if (state.text, tactic) not in self.world.steps:
            self.tried.append((state.text, tactic))
            return Rejected("unknown")
        return super().step(state, tactic)


def chain(*names: str) -> World:
    """A world in which one way leads from the root past these states to the end."""
    world = World()
    places = ["root", *names]
    for here, there in zip(places, [*names, FINISH], strict=True):
        world.edge(here, there, -1.0, tactic=f"to {there}")
    return world


def run(
    world: World,
    proposed: Mapping[str, Sequence[Script]],
    *,
    session: Session | None = None,
    generator: Proposer | None = None,
    accept: Any = accept_all,
    scorer: Any = None,
    observers: Sequence[Any] = (),
    seed: int = 0,
    **config: Any,
) -> SearchResult:
    result = search(
        THEOREM,
        session or Session(world),
        generator or Proposer(world, proposed),
        scorer,
        config=SearchConfig.model_validate({"proposals": "both", **config}),
        accept=accept,
        observers=observers,
        seed=seed,
    )
    check_graph(result.graph)
    return result


def texts(graph: SearchGraph) -> list[str]:
    return [state.text for state in graph.state]


def test_a_whole_proof_ends_the_search_where_it_was_proposed() -> None:
    world = chain("a", "b")
    result = run(world, {"root": [script("to a", "to b", f"to {FINISH}")]}, proposals="scripts")
    assert result.status == "proved"
    assert result.tactics == ("to a", "to b", f"to {FINISH}")
    assert (result.expansions, result.steps, result.generated, result.generate_calls) == (1, 3, 1, 1)


def test_a_script_of_one_step_that_proves_is_marked_as_one() -> None:
    graph = run(chain(), {"root": [script(f"to {FINISH}")]}, proposals="scripts").graph
    assert graph.edge_script == {0: 0}


def test_the_independent_check_decides_about_a_script_too() -> None:
    asked: list[tuple[str, ...]] = []

    def refuse(path: tuple[str, ...]) -> Any:
        from .fake import refuse_all

        asked.append(path)
        return refuse_all(path)

    result = run(chain("a"), {"root": [script("to a", f"to {FINISH}")]}, proposals="scripts", accept=refuse)
    assert asked == [("to a", f"to {FINISH}")]
    assert (result.status, result.refused, result.verdict) == ("exhausted", 1, None)


def test_a_script_that_fails_in_the_middle_leaves_what_it_reached_to_be_expanded() -> None:
    world = chain("a", "b", "c")
    result = run(world, {"root": [script("to a", "to b", "nonsense", "to c")]})
    assert result.status == "proved"
    graph = result.graph
    assert texts(graph) == ["root", "a", "b", "c"]
    # Only what stands before the failure was tried, and "to a" of the script is the policy's own suggestion.
    assert [graph.edge_tactic[edge] for edge in graph.edge_script] == ["to b", "nonsense"]
    assert [graph.expanded[place] for place in graph.edge_script.values()] == [0, 0]
    assert graph.expanded_at[0] >= 0


def test_states_of_a_script_wait_like_any_other_and_are_expanded_by_their_priority() -> None:
    world = World()
    world.edge("root", "poor", -3.0).edge("root", "deep", -0.1)
    world.edge("deep", "rich", -0.1).edge("rich", FINISH, -0.1)
    world.edge("poor", REJECT, -0.1)
    graph = run(world, {"root": [script("to poor", logprob=-3.0), script("to deep", "to rich", logprob=-0.1)]}).graph
    expansions = [graph.state[node].text for place, node in enumerate(graph.expanded) if place not in graph.replayed]
    assert expansions == ["root", "deep", "rich"]


def test_a_replayed_state_is_no_expansion_before_it_is_expanded() -> None:
    world = chain("a", "b", "c")
    result = run(world, {"root": [script("to a", "to b")]}, limit={"expansions": 1})
    graph = result.graph
    assert (result.expansions, graph.num_expansions, len(graph.expanded)) == (1, 1, 2)
    assert [graph.expanded_at[node] for node in range(3)] == [0, -1, -1]
    assert list(graph.edge_range(1)) == [1]
    assert graph.path(2) == ("to a", "to b")


def test_what_a_script_tried_is_not_tried_again() -> None:
    world = chain("a", "b", "c")
    session = Session(world)
    run(world, {"root": [script("to a", "to b"), script("to a", "to b", "x"), script("to a", "y")]}, session=session)
    assert len(session.tried) == len(set(session.tried))


def test_equal_states_of_scripts_are_one_node() -> None:
    world = World()
    for way in "xy":
        world.edge("root", way, -1.0).edge(way, "meet", -1.0)
    graph = run(world, {"root": [script("to x", "to meet"), script("to y", "to meet")]}, proposals="scripts").graph
    assert sorted(texts(graph)) == ["meet", "root", "x", "y"]
    assert graph.parents(graph.node_of("meet") or 0) == (1, 2)


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"proposals": "steps"}, []),
        ({"proposals": "both"}, [["root"]]),
        ({"proposals": "both", "script_states": 3}, [["root"], ["a"], ["b"]]),
        ({"proposals": "scripts"}, [["root"], ["a"], ["b"], ["c"]]),
    ],
)
def test_which_states_are_asked_about(config: dict[str, Any], asked: list[list[str]]) -> None:
    world = chain("a", "b", "c")
    scripts = {here: [script(f"to {there}", "nonsense")] for here, there in [("root", "a"), ("a", "b"), ("b", "c")]}
    generator = Proposer(world, scripts)
    run(world, scripts, generator=generator, **config)
    assert generator.proposals == asked


def test_asking_for_scripts_is_a_model_call_and_its_tokens_count() -> None:
    class Counting(Proposer):
        def generate(self, requests: Any, n: int) -> Any:
            return [Suggestions(one, tokens_in=10, tokens_out=1) for one in super().generate(requests, n)]

        def propose_scripts(self, requests: Any, n: int) -> Any:
            return [Suggestions(one, tokens_in=20, tokens_out=300) for one in super().propose_scripts(requests, n)]

    world = chain("a", "b")
    result = run(world, {}, generator=Counting(world, {"root": [script("to a", "x")]}))
    assert (result.expansions, result.generated, result.generate_calls) == (3, 4, 4)
    assert (result.tokens_in, result.tokens_out) == (50, 303)


def test_the_limit_on_steps_holds_within_a_script() -> None:
    world = chain("a", "b", "c")
    whole = script("to a", "to b", "to c", f"to {FINISH}")
    result = run(world, {"root": [whole]}, proposals="scripts", limit={"steps": 3})
    assert (result.status, result.limit_hit, result.steps) == ("limit", "steps", 3)
    # A proof on the very step that reaches the limit counts.
    assert run(world, {"root": [whole]}, proposals="scripts", limit={"steps": 4}).status == "proved"


def test_nothing_is_tried_at_the_greatest_depth() -> None:
    graph = run(chain("a", "b", "c"), {"root": [script("to a", "to b", "to c")]}, max_depth=2).graph
    assert max(graph.depth) == 2


def test_a_search_can_be_cancelled_within_a_script() -> None:
    world = chain("a", "b", "c")
    session = Session(world)
    result = search(
        THEOREM,
        session,
        Proposer(world, {"root": [script("to a", "to b", "to c", f"to {FINISH}")]}),
        config=SearchConfig(proposals="scripts"),
        accept=accept_all,
        cancelled=lambda: len(session.tried) >= 2,
    )
    assert (result.status, result.steps) == ("cancelled", 2)


def test_every_new_state_of_a_script_is_scored_once() -> None:
    world = chain("a", "b", "c")
    scorer = FakeScorer({}, 0.5)
    result = run(world, {"root": [script("to a", "to b", "to c")]}, scorer=scorer, limit={"expansions": 1})
    assert scorer.calls == [["a", "b", "c"]]
    assert list(result.graph.value[1:]) == [0.5, 0.5, 0.5]


def test_released_are_states_that_were_expanded_and_not_those_that_were_replayed() -> None:
    class Releasing(Session):
        def __init__(self, world: World) -> None:
            super().__init__(world)
            self.released: list[str] = []

        def release(self, states: Sequence[ProofState]) -> None:
            self.released += [state.text for state in states]

    world = chain("a", "b", "c")
    session = Releasing(world)
    run(world, {"root": [script("to a", "to b")]}, session=session, limit={"expansions": 1})
    assert session.released == ["root"]


def test_observers_are_told_of_expansions_and_not_of_replayed_steps() -> None:
    class Watching:
        def __init__(self) -> None:
            self.nodes: list[int] = []

        def started(self, theorem: Any, graph: Any) -> None: ...

        def finished(self, graph: Any, result: Any) -> None: ...

        def expanded(self, graph: SearchGraph, node: int) -> None:
            self.nodes.append(node)
            assert all(priority == priority for priority in graph.priority)

    watching = Watching()
    run(chain("a", "b", "c"), {"root": [script("to a", "to b")]}, observers=[watching], limit={"expansions": 2})
    assert watching.nodes == [0, 1]


class Wanderer(Proposer):
    """Proposes random walks through a world, now and then with a tactic that nobody knows."""

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        return [self._walks(request, n) for request in requests]

    def _walks(self, request: GenerationRequest, n: int) -> list[Script]:
        draws, walks = random.Random(request.seed), []
        for _ in range(n):
            steps, here = list[Candidate](), request.state.text
            while here in self.world.policy and len(steps) < 8 and draws.random() < 0.9:
                step = draws.choice(self.world.policy[here])
                steps.append(step if draws.random() < 0.9 else Candidate("unknown", -2.0))
                here = self.world.steps.get((here, step.tactic), REJECT)
            if steps:
                walks.append(Script(tuple(steps)))
        return walks


@pytest.mark.parametrize("proposals", ["scripts", "both"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("seed", range(8))
def test_what_holds_of_every_graph_holds_with_scripts(seed: int, batch: int, proposals: str) -> None:
    world = random_world(seed, states=60, finish=0.01)
    scorer = FakeScorer(random_values(seed, world, ties=False, missing=0.2))
    states: dict[str, Any] = {"script_states": 5} if proposals == "both" else {}

    def once(**more: Any) -> SearchResult:
        session = Session(world)
        found = run(
            world,
            {},
            session=session,
            generator=Wanderer(world, {}),
            scorer=scorer,
            seed=seed,
            batch=batch,
            proposals=proposals,
            scripts=4,
            **states,
            **more,
        )
        assert len(session.tried) == len(set(session.tried)) == found.steps == found.edges
        assert found.expansions == found.graph.num_expansions
        check_graph(with_one_expansion_each(found.graph))
        return found

    first, again = once(), once()
    assert order(first.graph) == order(again.graph)
    assert first == again
    assert once(limit={"steps": 17}).steps <= 17


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (None, "a list of lists of Scripts"),
        ([], "0 lists of scripts for 1 states"),
        ([[script("a")] * 9], "9 scripts for a state when asked for at most 8"),
        ([[Script(())]], "at least one step"),
        ([[script("a", logprob=1.0)]], "log-probability 1.0"),
        ([["a"]], "expected Scripts"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_so(answer: Any, complaint: str) -> None:
    class Wrong(Proposer):
        def propose_scripts(self, requests: Any, n: int) -> Any:
            return answer

    with pytest.raises(PluginError, match=complaint):
        run(chain("a"), {}, generator=Wrong(chain("a"), {}))


def test_a_policy_without_scripts_is_refused_for_them() -> None:
    world = chain("a")
    with pytest.raises(UsageError, match=r"--proposals both: generator .*FakeGenerator proposes no whole proofs"):
        search(THEOREM, Session(world), FakeGenerator(world), config=SearchConfig(proposals="both"))


@pytest.mark.parametrize(
    ("config", "option"),
    [({"strategy": "puct"}, "puct"), ({"priority": {"kind": "reranked"}}, "reranked")],
)
def test_what_can_not_replay_is_refused(config: dict[str, Any], option: str) -> None:
    with pytest.raises(UsageError, match=f"--proposals both: .*{option}"):
        run(chain("a"), {}, **config)


@pytest.mark.parametrize(
    "config",
    [{"proposals": "steps", "scripts": 4}, {"proposals": "scripts", "script_states": 2}],
)
def test_how_scripts_are_asked_for_is_refused_where_none_are(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="leave it out"):
        SearchConfig.model_validate(config)


def test_a_policy_that_proposes_nothing_is_said_by_the_method_that_was_asked() -> None:
    result = run(chain("a"), {}, proposals="scripts")
    assert (result.status, result.unsuggested) == ("exhausted", 1)
    assert "propose_scripts() suggested nothing for any expanded state" in result.warnings[0]
