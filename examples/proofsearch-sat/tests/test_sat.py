"""The environment and its generator against their contracts, and proofs against what else can tell."""

from __future__ import annotations

from contextlib import closing
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_sat.checker import heading, problem_of
from proofsearch_sat.clauses import tidy, written
from proofsearch_sat.config import JeroslowWangConfig, SatConfig
from proofsearch_sat.environment import SatEnvironment
from proofsearch_sat.families import Problem, collection
from proofsearch_sat.generator import JeroslowWang
from proofsearch_sat.plugin import make_environment, make_generator
from pysat.formula import CNF
from pysat.solvers import Solver

from proofsearch import Advanced, Finished, Goal, Rejected, State, Theorem
from proofsearch.config import PriorityConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.errors import InputError, ProofError, UsageError
from proofsearch.protocols import GenerationRequest
from proofsearch.testing import SampleBuilder, Samples, check_environment, check_generator

ALL_SIGNS = "1 2, 1 -2, -1 2, -1 -2"

FORMULAS = st.lists(
    st.lists(st.sampled_from([sign * number for number in range(1, 5) for sign in (1, -1)]), min_size=1, max_size=3),
    min_size=1,
    max_size=24,
)


def satisfiable(clauses: list[list[int]]) -> bool:
    return any(
        all(any((literal > 0) == values[abs(literal) - 1] for literal in clause) for clause in clauses)
        for values in product((False, True), repeat=4)
    )


def proof(statement: str, *lines: str) -> str:
    return "\n".join([heading(statement), *lines, ""])


# -------------------------------------------------------------------------------------------------- the contracts


def test_the_environment_conforms() -> None:
    environment = make_environment(SatConfig(), SampleBuilder())
    name = "pigeons-4-3"
    good = proof_of(environment.theorem(name))
    lines = good.split("\n")
    cheats = [
        proof(environment.theorem(name).statement, "0"),  # the empty clause without a reason
        "\n".join([lines[0], "1 0", *lines[1:]]),  # a clause that doesn't follow
        "\n".join([lines[0], "d 1 2 3 0", *lines[1:]]),  # a deletion
        "\n".join(lines[:-2]) + "\n",  # no empty clause
        "\n".join(lines[1:]),  # doesn't say of what
    ]
    check_environment(make_environment, SatConfig(), cheats={name: cheats})


def test_the_generator_conforms() -> None:
    with closing(Samples(make_environment(SatConfig(), SampleBuilder()))) as samples:
        check_generator(make_generator, JeroslowWangConfig(), samples=samples.states)


# ------------------------------------------------------------------------------------------------- the collection


def test_every_formula_of_the_collection_is_refuted_by_another_solver() -> None:
    problems = [problem for problem in collection() if problem.name != "cliques-3-4-9"]  # alone takes it seconds
    assert len({problem.name for problem in problems}) > 100
    for problem in problems:
        with Solver(name="cadical153", bootstrap_with=problem.clauses) as solver:
            assert not solver.solve(), problem.name


def test_every_clause_of_a_small_family_is_needed() -> None:
    """A formula that says too much would be refuted for another reason than the theorem's."""
    for name in ("pigeons-4-3", "parity-prism-3"):
        (clauses,) = [problem.clauses for problem in collection() if problem.name == name]
        for left_out in range(len(clauses)):
            with Solver(name="cadical153", bootstrap_with=clauses[:left_out] + clauses[left_out + 1 :]) as solver:
                assert solver.solve(), (name, clauses[left_out])


def test_a_search_refutes_and_the_checker_agrees() -> None:
    for name in ("pigeons-onto-4-2", "colours-moser-3", "random-15-3"):
        assert problem_of(environment_theorem(name).statement, proof_of(environment_theorem(name))) == ""


# ------------------------------------------------------------------------------------------------------- the proofs


@given(FORMULAS, st.randoms(use_true_random=False))
def test_a_path_finishes_just_where_the_formula_is_unsatisfiable(clauses: list[list[int]], choose: Random) -> None:
    """Whatever is decided first, second, and so on; and what is written then is a proof to the checker."""
    environment, theorem = of_clauses(clauses)
    tactics: list[str] = []
    with closing(environment.open(theorem)) as session:
        outcome = session.initial()
        while isinstance(outcome, Advanced) and (listed := session.moves(outcome.state).listed()):
            tactics.append(choose.choice(listed))
            outcome = session.step(outcome.state, tactics[-1])
    assert isinstance(outcome, Finished) != satisfiable(clauses)
    if isinstance(outcome, Finished):
        assert environment.verify(theorem, environment.write_proof(theorem, tactics)).proved
    else:
        with pytest.raises(ProofError, match="does not finish"):
            environment.write_proof(theorem, tactics)


@given(FORMULAS, st.lists(st.lists(st.sampled_from([1, -1, 2, -2, 3, -3, 4, -4]), max_size=3), max_size=8))
def test_the_checker_accepts_nothing_about_a_satisfiable_formula(
    clauses: list[list[int]], lines: list[list[int]]
) -> None:
    statement = written(tidy(clauses))
    if satisfiable(clauses) and tidy(clauses):
        text = proof(statement, *(" ".join(map(str, [*line, 0])) for line in lines), "0")
        assert problem_of(statement, text) != ""


def test_the_checker_takes_the_proofs_of_a_solver() -> None:
    """DRUP is a format, not our own: what Glucose writes is accepted, but for deletions, which it need not be told."""
    for name in ("pigeons-5-4", "parity-prism-4", "random-20-5"):
        theorem = environment_theorem(name)
        clauses = [[int(literal) for literal in clause.split()] for clause in theorem.statement.split(", ")]
        with Solver(name="glucose4", bootstrap_with=clauses, with_proof=True) as solver:
            assert not solver.solve()
            lines = [line for line in solver.get_proof() if not line.startswith("d")]
        assert problem_of(theorem.statement, proof(theorem.statement, *lines)) == ""


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["1 0", "0"], ""),
        (["1 2 0", "1 0", "0"], ""),
        (["0"], "line 2: the clause '0' does not follow"),
        (["3 0", "0"], "line 2: the clause '3 0' does not follow"),
        (["1 0"], "the last line is not the empty clause"),
        (["1 0", "0", "2 0"], "the last line is not the empty clause"),
        (["1", "0"], "line 2: '1' is no clause"),
        (["1 x 0", "0"], "line 2: '1 x 0' is no clause"),
        (["1 0 ", "0"], "line 2: '1 0 ' is no clause"),
        (["01 0", "0"], "line 2: '01 0' is no clause"),
        ([], "the last line is not the empty clause"),
    ],
)
def test_what_is_wrong_with_a_proof_is_named(lines: list[str], problem: str) -> None:
    found = problem_of(ALL_SIGNS, proof(ALL_SIGNS, *lines))
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


def test_a_proof_of_another_formula_is_refused() -> None:
    other = f"{ALL_SIGNS}, 3"
    assert "a proof of another formula" in problem_of(other, proof(ALL_SIGNS, "1 0", "0"))


# --------------------------------------------------------------------------------------------------- steps and texts


def test_a_state_shows_what_is_left_of_each_goal() -> None:
    environment, theorem = of_clauses(
        [[1, 2, 3], [1, 2, -3], [1, -2, 4], [1, -2, -4], [-1, 3, 4], [-1, -3, 4], [-4, 5]]
    )
    with closing(environment.open(theorem)) as session:
        root = session.initial()
        assert isinstance(root, Advanced)
        split = session.step(root.state, "split 1")
        assert isinstance(split, Advanced)
        # With 1 there follow 4 and 5 only after one more decision; without it, one of 2 and 3 is still open.
        assert [goal.text for goal in split.state.goals] == ["3 4, -3 4, -4 5", "2 3, 2 -3, -2 4, -2 -4, -4 5"]
        assert isinstance(session.step(root.state, "split 6"), Rejected)
        assert isinstance(session.step(root.state, "split 01"), Rejected)


def test_equal_formulas_by_different_ways_are_one_state() -> None:
    environment, theorem = of_clauses([[1, 3, 4], [1, 3, -4], [2, 3, 4], [2, -3], [-2, 4, 3], [-3, -4, -2], [1, 2]])
    with closing(environment.open(theorem)) as session:
        root = session.initial()
        assert isinstance(root, Advanced)
        moves = session.moves(root.state).listed()
        assert moves == ["split 1", "split 2", "split 3", "split 4"]
        again = session.initial()
        assert isinstance(again, Advanced)
        assert again.state.key == root.state.key


def test_formulas_of_ones_own(tmp_path: Path) -> None:
    CNF(from_clauses=[[1, 2], [1, -2], [-1, 2], [-1, -2]]).to_file(str(tmp_path / "mine.cnf"))
    environment = make_environment(SatConfig(folder=tmp_path), SampleBuilder())
    (theorem,) = environment.theorems()
    assert (theorem.name, theorem.statement) == ("mine", "1 2, 1 -2, -1 2, -1 -2")
    assert environment.verify(theorem, environment.write_proof(theorem, ["split 2"])).proved


def test_a_folder_without_formulas_and_a_file_that_is_none_are_errors_that_name_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder, or it holds no file"):
        make_environment(SatConfig(folder=tmp_path / "nowhere"), SampleBuilder()).theorems()
    (tmp_path / "bad.cnf").write_text("p cnf 2 1\n1 two 0\n")
    with pytest.raises(InputError, match=r"bad\.cnf: not a formula in the format DIMACS"):
        make_environment(SatConfig(folder=tmp_path), SampleBuilder()).theorems()
    (tmp_path / "bad.cnf").write_text("c nothing\n")
    with pytest.raises(InputError, match=r"bad\.cnf: found no clause"):
        make_environment(SatConfig(folder=tmp_path), SampleBuilder()).theorems()


def test_an_unknown_theorem_is_an_error_that_helps() -> None:
    with pytest.raises(UsageError, match=r"no theorem 'pigeons-4-4'; did you mean pigeons-"):
        environment_theorem("pigeons-4-4")


# ------------------------------------------------------------------------------------------------------ the generator


def suggested(goal: str, **options: float) -> list[tuple[str, float]]:
    state = State(goal, (Goal(goal),))
    request = GenerationRequest(Theorem("t", goal), state)
    (found,) = JeroslowWang(JeroslowWangConfig(**options)).generate([request], 8)
    return [(candidate.tactic, candidate.logprob) for candidate in found]


def test_variables_in_short_clauses_of_both_signs_come_first() -> None:
    assert [tactic for tactic, _ in suggested("1 2, -1 -2, -2 3 4, 2 -3 4")] == [
        "split 2",
        "split 1",
        "split 3",
        "split 4",
    ]


def test_options_change_what_is_suggested() -> None:
    goal = "1 2 3, -1 2 3, 4 5, -4 -5 6 7, -1 -6 -7 2, 1 -6 -7 3"
    assert suggested(goal, base=1.1) != suggested(goal)
    assert suggested(goal, sharpness=4.0)[0][1] > suggested(goal)[0][1]
    assert suggested(goal, base=1.1)[0][0] != suggested(goal, base=9.0)[0][0]


def test_what_is_no_formula_gets_no_suggestion() -> None:
    assert suggested("satisfied") == []
    assert suggested("|- ( p -> p )") == []


# ----------------------------------------------------------------------------------------------------------- helpers


def environment_theorem(name: str) -> Theorem:
    return make_environment(SatConfig(), SampleBuilder()).theorem(name)


def proof_of(theorem: Theorem) -> str:
    """A proof that a search by the package's own policy finds."""
    environment = make_environment(SatConfig(), SampleBuilder())
    config = SearchConfig(priority=PriorityConfig(kind="normalized"))
    with closing(environment.open(theorem)) as session:
        found = search(theorem, session, JeroslowWang(JeroslowWangConfig()), config=config)
    assert found.tactics is not None
    return environment.write_proof(theorem, found.tactics)


def of_clauses(clauses: list[list[int]]) -> tuple[SatEnvironment, Theorem]:
    """An environment with this formula alone."""
    environment = SatEnvironment(lambda: [Problem("mine", "", clauses)])
    return environment, environment.theorem("mine")
