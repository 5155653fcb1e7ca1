"""And-or search: proves exactly what is provable, once, by a path that really is a proof, within the same limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.config import SearchConfig
from proofsearch.engine import SearchResult, SearchStatus, search
from proofsearch.errors import UsageError
from proofsearch.graph import check_graph
from proofsearch.protocols import Calibration
from proofsearch.types import Finished, OutcomeKind, ProofState, Verdict

from .fake import THEOREM, FakeGenerator, FakeScorer, FakeSession, accept_all, order, random_world, refuse_all
from .parts import GoalSet, PartsSession, Rules, RulesGenerator, WholeSession, random_rules

RULES = st.integers(0, 10**6).map(random_rules)


def run(rules: Rules, scorer: Any = None, session: Any = None, **arguments: Any) -> SearchResult:
    """A search through the rules, unlimited unless ``arguments`` say otherwise."""
    config = {"strategy": "and-or", "limit": {"expansions": None}, **arguments.pop("config", {})}
    arguments.setdefault("accept", accept_all)
    return search(
        THEOREM,
        session or PartsSession(rules),
        RulesGenerator(rules),
        scorer,
        config=SearchConfig.model_validate(config),
        **arguments,
    )


def replayed(rules: Rules, tactics: tuple[str, ...]) -> bool:
    """Whether a path proves the whole theorem, step by step in a session of its own."""
    session = WholeSession(rules)
    outcome = session.initial()
    for tactic in tactics:
        if isinstance(outcome, Finished):
            return False
        outcome = session.step(outcome.state, tactic)  # type: ignore[union-attr]
    return isinstance(outcome, Finished)


@settings(max_examples=400)
@given(RULES)
def test_proves_exactly_what_is_provable(rules: Rules) -> None:
    """Catches a cycle taken for a proof, a part that is lost, and proofs of parts that make none of the whole."""
    result = run(rules)
    check_graph(result.graph)
    if rules.provable() >= set(rules.root):
        assert result.status == SearchStatus.PROVED
        assert result.tactics is not None
        assert replayed(rules, result.tactics)
        assert 0 in result.graph.solved_by
    else:
        assert result.status == SearchStatus.EXHAUSTED
        assert 0 not in result.graph.solved_by
    texts = {node: result.graph.state[node] for node in result.graph.solved_by if node}
    assert all(rules.provable() >= set(state.names) for state in texts.values() if isinstance(state, GoalSet))


@given(RULES, st.integers(0, 3))
def test_refused_paths_are_never_believed(rules: Rules, stern: int) -> None:
    """Catches a refused proof that is offered for ever, or counted as one; a stern check refuses every path."""
    asked: list[tuple[str, ...]] = []

    def accept(path: tuple[str, ...]) -> tuple[Verdict, None]:
        asked.append(path)
        assert replayed(rules, path)
        return Verdict(stern > 0 and len(path) % 4 >= stern, "by length 1.0", "the length is wrong"), None

    result = run(rules, accept=accept)
    check_graph(result.graph)
    proved = result.status == SearchStatus.PROVED
    assert len(set(asked)) == len(asked)
    assert result.refused == len(asked) - proved
    # One refused step may have completed several paths.
    assert result.graph.edge_outcome.count(OutcomeKind.REFUSED) <= result.refused
    assert result.tactics == (asked[-1] if proved else None)
    assert proved or 0 not in result.graph.solved_by
    assert result.messages == (
        ("by length 1.0 refused a finished proof: the length is wrong",) if result.refused else ()
    )


@given(RULES, st.integers(0, 12), st.integers(0, 25))
def test_limits_are_exact(rules: Rules, expansions: int, steps: int) -> None:
    """Catches a limit that is overrun, or reached on paper only; and a proof that is lost to it."""
    free = run(rules)
    result = run(rules, config={"limit": {"expansions": expansions, "steps": steps}})
    check_graph(result.graph)
    assert result.expansions == len(result.graph.expanded) <= expansions
    assert result.steps == result.graph.num_edges <= steps
    if free.expansions <= expansions and free.steps <= steps:
        assert (result.status, result.tactics) == (free.status, free.tactics)
    else:
        assert result.status == SearchStatus.LIMIT
        assert (result.expansions if result.limit_hit == "expansions" else result.steps) == (
            expansions if result.limit_hit == "expansions" else steps
        )


@given(RULES)
def test_the_same_search_twice(rules: Rules) -> None:
    first, second = PartsSession(rules), PartsSession(rules)
    assert run(rules, session=first) == run(rules, session=second)
    assert first.tried == second.tried


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_without_parts_it_is_the_best_first_search(seed: int) -> None:
    """Catches costs that are not those of the best path: a session that can't take states apart has whole ones."""
    world = random_world(seed, finish=0.1)
    orders = []
    for mode in ("best-first", "and-or"):
        result = search(
            THEOREM,
            FakeSession(world),
            FakeGenerator(world),
            config=SearchConfig.model_validate({"strategy": mode, "priority": {"kind": "logprob"}}),
            accept=refuse_all,
        )
        check_graph(result.graph)
        orders.append(order(result.graph))
    assert orders[0] == orders[1]


def test_a_part_is_proved_once() -> None:
    """Catches work that is done again for every combination: two goals of ten dead ends each before the right way."""
    rules = Rules().rule("root", -1.0, "a", "b")
    for goal in ("a", "b"):
        for number in range(10):
            rules.rule(goal, -1.0, f"{goal}{number}").rule(f"{goal}{number}", -1.0, f"{goal}-dead")
        rules.rule(goal, -3.0)
    apart = run(rules)
    together = run(
        rules, session=WholeSession(rules), config={"strategy": "best-first", "priority": {"kind": "logprob"}}
    )
    assert (apart.status, together.status) == ("proved", "proved")
    assert apart.tactics == together.tactics == ("root by a b", "a by itself", "b by itself")
    assert apart.expansions == 3  # the right way is met at the first look at each goal
    assert apart.nodes < together.nodes


def test_a_dead_part_ends_what_rests_on_it() -> None:
    """Catches other parts being worked on beside one that is known to have no proof."""
    rules = Rules().rule("root", -0.1, "long", "dead").rule("root", -5.0, "short")
    rules.rule("dead", -0.1, "dead").rule("short", -1.0)
    for number in range(50):
        rules.rule("long" if not number else f"long{number}", -0.1, f"long{number + 1}")
    result = run(rules)
    assert result.tactics == ("root by short", "short by itself")
    assert order(result.graph) == ["root", "dead", "short"]


def test_proofs_of_parts_that_do_not_fit_are_refused() -> None:
    """Catches trust in a session whose parts are not independent; the search goes on and finds what is a proof."""

    class Entangled(PartsSession):
        def step(self, state: ProofState, tactic: str) -> Any:
            if tactic == "a by itself" and state.text == "a & b":
                return self.rules and super().step(state, "no")
            return super().step(state, tactic)

    rules = Rules().rule("root", -0.1, "a", "b").rule("a", -0.1).rule("b", -0.1).rule("root", -3.0, "b")
    asked: list[tuple[str, ...]] = []

    def accept(path: tuple[str, ...]) -> tuple[Verdict, None]:
        asked.append(path)
        return accept_all(path)

    result = run(rules, session=Entangled(rules), accept=accept)
    assert (result.status, result.tactics) == (SearchStatus.PROVED, ("root by b", "b by itself"))
    assert (result.refused, asked) == (1, [result.tactics])
    assert "make no proof of the whole: step 2, 'a by itself', does not apply" in result.messages[0]


def test_nothing_is_expanded_below_the_depth() -> None:
    rules = Rules().rule("root", -1.0, "a", "b").rule("a", -1.0).rule("b", -1.0, "c").rule("c", -1.0)
    for depth, status in ((3, "proved"), (2, "exhausted")):
        result = run(rules, config={"max_depth": depth})
        assert result.status == status
        assert all(result.graph.depth[node] < depth for node in result.graph.expanded)


class TestValues:
    def test_a_part_is_scored_as_a_beginning(self) -> None:
        """Catches a value that depends on the way by which a shared part was met first."""
        rules = Rules().rule("root", -1.0, "a", "b").rule("a", -1.0, "c").rule("c", -1.0).rule("b", -1.0)
        scorer = FakeScorer({}, default=-1.0)
        assert run(rules, scorer).status == SearchStatus.PROVED
        assert {(request.depth, request.logprob, request.num_tokens) for request in scorer.requests} == {(0, 0.0, 0)}
        assert sorted(request.state.text for request in scorer.requests) == ["a", "b", "c"]

    @pytest.mark.parametrize("kind", ["auto", "astar", "mix"])
    def test_a_value_leads(self, kind: str) -> None:
        """Catches values that are asked for and not used."""
        rules = Rules()
        for number in range(20):
            rules.rule("root", -1.0, f"g{number}").rule(f"g{number}", -1.0, *(["on"] if number != 13 else []))
        scorer = FakeScorer({"g13": 0.0}, default=-8.0)
        calibration = Calibration(-5.0, 2.0, -4.0, 1.5, 0.5) if kind == "mix" else None
        result = run(rules, scorer, calibration=calibration, config={"priority": {"kind": kind}})
        assert (result.status, result.expansions) == ("proved", 2)

    def test_a_scorer_that_fails_is_given_up(self) -> None:
        """Catches costs of two scales in one search: the goal without a value is worked on first from there on."""
        rules = Rules().rule("root", -1.0, "a", "b").rule("a", -1.0, "c").rule("c", -1.0).rule("b", -1.0)
        for number in range(30):
            rules.rule("root", -4.0, f"g{number}")
        scorer = FakeScorer({"a": -50.0, "b": -50.0}, default=None)
        calibration = Calibration(-5.0, 2.0, -4.0, 1.5, 0.9)
        result = run(rules, scorer, calibration=calibration)
        assert result.unscored == 30
        assert any("scorer not asked" in message for message in result.messages)
        assert result.tactics == ("root by a b", "a by c", "b by itself", "c by itself")
        assert result.expansions == 4

    def test_costs_need_one_scale_from_the_start(self) -> None:
        with pytest.raises(UsageError, match=r"--priority mix: .* needs a scorer that knows its calibration"):
            run(Rules().rule("root", -1.0), FakeScorer({}), config={"priority": {"kind": "mix"}})


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"batch": 2}, "one node at a time, not 2"),
        ({"priority": {"kind": "split"}}, "--priority split: the strategy and-or adds up"),
        ({"priority": {"kind": "reranked"}}, "--priority reranked: the strategy and-or adds up"),
        ({"priority": {"kind": "value"}}, "--priority value: the strategy and-or adds up"),
        ({"priority": {"kind": "normalized"}}, "--priority normalized: the strategy and-or adds up"),
    ],
)
def test_what_does_not_go_together_is_refused(setting: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        run(Rules().rule("root", -1.0), FakeScorer({}), config=setting)
