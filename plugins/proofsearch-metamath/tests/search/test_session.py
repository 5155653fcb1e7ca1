"""Searching: steps, what closes by itself, conditions, and states that mean the same in every session."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.search.session import MetamathSession
from proofsearch_metamath.search.state import MetamathState

from proofsearch import Advanced, Finished, Rejected

Open = Callable[..., MetamathEnvironment]


def session_of(environment: MetamathEnvironment, name: str) -> MetamathSession:
    return environment.open(environment.theorem(name))


def start(environment: MetamathEnvironment, name: str) -> MetamathState:
    return advanced(session_of(environment, name).initial())


def advanced(outcome: object) -> MetamathState:
    assert isinstance(outcome, Advanced), outcome
    assert isinstance(outcome.state, MetamathState)
    return outcome.state


def after(state: MetamathState, *tactics: str) -> MetamathState:
    for tactic in tactics:
        state = advanced(state.session.step(state, tactic))
    return state


def why(state: MetamathState, tactic: str) -> str:
    outcome = state.session.step(state, tactic)
    assert isinstance(outcome, Rejected), outcome
    return outcome.message


Walk = list[tuple[tuple[str, ...], MetamathState]]


def wander(session: MetamathSession, draw: random.Random, steps: int) -> Walk:
    """Paths and the states that they reach, by random steps from random states."""
    outcome = session.initial()
    reached: Walk = [((), advanced(outcome))] if isinstance(outcome, Advanced) else []
    for _ in range(steps if reached else 0):
        path, state = draw.choice(reached)
        moves = session.moves(state).listed()
        for tactic in draw.sample(moves, min(8, len(moves))):
            outcome = session.step(state, tactic)
            if isinstance(outcome, Advanced):
                reached.append(((*path, tactic), advanced(outcome)))
    return reached


@pytest.fixture(scope="module")
def walks(prefix: MetamathEnvironment) -> list[Walk]:
    draw = random.Random(7)
    return [wander(prefix.open(theorem), draw, 25) for theorem in draw.sample(list(prefix.theorems()), 25)]


# -- states as values --------------------------------------------------------------------------------------------


def test_texts_are_equal_where_keys_are(walks: list[Walk]) -> None:
    """Trajectories keep texts and the search compares keys: they must tell the same states apart."""
    states = merged = 0
    for walk in walks:
        by_key: dict[object, str] = {}
        by_text: dict[str, object] = {}
        for _, state in walk:
            merged += state.key in by_key
            assert by_key.setdefault(state.key, state.text) == state.text
            assert by_text.setdefault(state.text, state.key) == state.key
            states += 1
    assert states > 1000
    assert merged > 20


def test_a_path_leads_to_the_same_state_in_every_session(prefix: MetamathEnvironment, walks: list[Walk]) -> None:
    """A proof is written by replaying its path in a fresh session, which has met other terms before, or none."""
    draw = random.Random(3)
    for walk in walks:
        for path, state in draw.sample(walk, min(12, len(walk))):
            fresh = prefix.open(state.session._target.theorem)
            again = after(advanced(fresh.initial()), *path)
            assert again.text == state.text
            assert [goal.text for goal in again.goals] == [goal.text for goal in state.goals]
            assert again.focus == state.focus


def test_goals_that_look_alike_keep_their_order_in_every_session(opened: Open) -> None:
    """Two goals that become alike by a binding stood in an order before it; by ids it would differ by session."""
    environment = opened(
        "${ k.1 $e |- ( A = B -> ch ) $. k.2 $e |- ( B = A -> ch ) $. k.3 $e |- ( ch -> ph ) $. k $a |- ph $. $} "
        "th $p |- ( x = y -> y = x ) $= ? $."
    )
    texts = set()
    for first in ("", "a1i", "mpd", "syl", "ax-mp", "k"):
        session = session_of(environment, "th")
        state = advanced(session.initial())
        if first:  # meets terms in another order
            other = after(state, first)
            for tactic in session.moves(other).listed():
                session.step(other, tactic)
        texts.add("\n\n".join(after(state, *["k"] * count).text for count in range(1, 4)))
    assert len(texts) == 1


def test_goals_are_those_of_the_text(walks: list[Walk]) -> None:
    for walk in walks:
        for _, state in walk[:: max(1, len(walk) // 10)]:
            goals = list(state.goals)
            assert [goal.text for goal in goals] == state.text.split("\n")[: state.num_goals]
            assert len(state.goals) == state.num_goals
            assert [state.goals[number] for number in range(len(goals))] == goals
            assert state.goals[-1] == goals[-1]
            for goal in goals:
                assert goal.tree is not None
                assert sum(goal.tree.arities) == len(goal.tree.symbols) - 1


def test_states_of_another_session_are_refused(opened: Open) -> None:
    """Its terms are other terms here: a step would be nonsense, not an error."""
    environment = opened()
    state = start(environment, "syl")
    other = session_of(environment, "syl")
    for ask in (lambda: other.step(state, "mpd"), lambda: other.trace(state, "mpd"), lambda: other.moves(state)):
        with pytest.raises(ValueError, match="another session's"):
            ask()
    with pytest.raises(TypeError, match="not str"):
        other.step("|- ph", "mpd")  # a caller's mistake


def test_any_earlier_state_can_be_stepped_again(opened: Open) -> None:
    state = start(opened(), "syl")
    first = after(state, "mpd").text
    after(state, "a1i")
    assert after(state, "mpd").text == first


# -- steps -------------------------------------------------------------------------------------------------------


def test_the_texts_of_a_proof(opened: Open) -> None:
    state = start(opened(), "syl")
    assert state.text == "|- ( ph -> ch )\n$e |- ( ph -> ps )\n$e |- ( ps -> ch )"
    state = after(state, "mpd")
    hypotheses = "$e |- ( ph -> ps )\n$e |- ( ps -> ch )"
    assert state.text == f"|- ( ph -> ( &W1 -> ch ) )\n|- ( ph -> &W1 )\n{hypotheses}"
    state = after(state, "a1i")
    assert state.text == f"|- ( &W1 -> ch )\n|- ( ph -> &W1 )\n{hypotheses}"
    assert isinstance(state.session.step(state, "hyp 1"), Finished), "the first hypothesis closes what is left"


def test_only_what_stands_before_may_be_used(opened: Open) -> None:
    state = start(opened(), "a2i")
    assert why(state, "a2i") == "a2i does not stand before a2i"
    assert why(state, "syl") == "syl does not stand before a2i"
    assert why(state, "wi") == why(state, "weq").replace("weq", "wi")
    assert why(state, "nothing") == "no provable assertion is labelled 'nothing'"
    assert len(why(state, "n" * 10**6)) < 200
    assert not {"a2i", "mpd", "syl", "id"} & set(state.session.moves(state).listed())


def test_no_move_is_missed(opened: Open) -> None:
    """Every label of the database that applies is listed, and no other step is admitted."""
    environment = opened()
    labels = [*environment.library.frames, *(f"hyp {number}" for number in range(4)), "", "hyp", "nonsense"]
    for name in ("syl", "id", "mpd", "a2i"):
        for _, state in wander(session_of(environment, name), random.Random(1), 6):
            moves = state.session.moves(state)
            applying = {label for label in labels if not isinstance(state.session.step(state, label), Rejected)}
            assert applying == {label for label in labels if moves.admits(label)}
            assert applying <= set(moves.listed())


def test_hypotheses_are_numbered_among_those_that_unify(opened: Open) -> None:
    environment = opened(
        "${ h.1 $e |- A = B $. h.2 $e |- ( ph -> ps ) $. h.3 $e |- ps $. h.4 $e |- ( A = B -> ps ) $. "
        "th $p |- ( ch -> ps ) $= ? $. $}"
    )
    state = after(start(environment, "th"), "syl")
    assert state.goals[0].text == "|- ( &W1 -> ps )"
    assert [move for move in state.session.moves(state).listed() if move.startswith("hyp")] == ["hyp 1", "hyp 2"]
    assert after(state, "hyp 1").goals[0].text == "|- ( ch -> ph )"
    skeleton = state.open[state.focus][0]
    assert [state.session.hypothesis_number(skeleton, f"hyp {number}") for number in range(4)] == [-1, 1, 3, -1]
    assert state.session.hypothesis_tactic(skeleton, 3) == "hyp 2"
    assert isinstance(state.session.step(after(state, "hyp 2"), "a1i"), Finished)


@pytest.mark.parametrize("number", ["0", "3", "-1", "x", "", "²", "1 ", "1.0", "9" * 5000])
def test_hypotheses_that_there_are_not(number: str, opened: Open) -> None:
    """A model may write anything; a number too long for Python to read must not end the search."""
    state = after(start(opened(), "syl"), "mpd")
    assert "hypotheses of the theorem unify" in why(state, f"hyp {number}")


def test_equal_goals_are_one(opened: Open) -> None:
    environment = opened(
        "${ t.1 $e |- ( ph -> ch ) $. t.2 $e |- ( ps -> ch ) $. two $a |- ( ph -> ( ps -> ch ) ) $. $} "
        "th $p |- ( ph -> ( ph -> ps ) ) $= ? $."
    )
    state = start(environment, "th")
    assert after(state, "two").text == "|- ( ph -> ps )"
    _, trace = state.session.trace(state, "two")
    assert trace is not None
    assert [source.goal for source in trace.hypotheses] == [0, 0]


def test_states_that_differ_in_the_order_of_goals_are_one(opened: Open) -> None:
    environment = opened(
        "${ t.1 $e |- ph $. t.2 $e |- ps $. t.3 $e |- A = B $. one $a |- ( ph -> ps ) $. $} "
        "${ u.1 $e |- A = B $. u.2 $e |- ps $. u.3 $e |- ph $. other $a |- ( ph -> ps ) $. $} "
        "th $p |- ( ph -> ps ) $= ? $."
    )
    state = start(environment, "th")
    one, other = after(state, "one"), after(state, "other")
    assert one.num_goals == 3
    assert one.key == other.key


def test_what_leads_back_is_rejected(opened: Open) -> None:
    environment = opened("${ i.1 $e |- ph $. idi $a |- ph $. $} th $p |- ( ph -> ps ) $= ? $.")
    assert why(start(environment, "th"), "idi") == "leads back to its own goal"


@pytest.mark.parametrize(
    ("theorem", "closed_by"),
    [
        ("${ h.1 $e |- ps $. h.2 $e |- ph $. th $p |- ph $= ? $. $}", "hyp 2"),
        ("th $p |- ( ph -> ( A = B -> ph ) ) $= ? $.", "ax-1"),
        ("${ $d x ph $. th $p |- ( ph -> A. x ph ) $= ? $. $}", "ax-5"),
        ("th $p |- ( ph -> A. x ph ) $= ? $.", ""),  # no $d
        ("th $p |- ( T. -> A. x T. ) $= ? $.", "ax-5"),  # nothing to keep apart
        ("${ $d x y $. th $p |- ( y = y -> A. x y = y ) $= ? $. $}", "ax-5"),
        ("${ $d x y $. th $p |- ( x = y -> A. x x = y ) $= ? $. $}", ""),  # x occurs in x = y
        ("th $p |- A. x A. x ( x = x -> x = x ) $= ? $.", ""),  # one variable for two
    ],
)
def test_what_closes_at_once(theorem: str, closed_by: str, opened: Open) -> None:
    session = session_of(opened(theorem), "th")
    assert session.root_closed_by() == closed_by
    assert isinstance(session.initial(), Finished) == bool(closed_by)


def test_a_bare_metavariable_takes_everything(opened: Open) -> None:
    environment = opened("th $p |- A = B $= ? $.")
    state = after(start(environment, "th"), "ax-mp")
    bare = next(goal for goal in state.goals if goal.text.startswith("|- &"))
    skeleton = next(goal[0] for goal in state.open if state.session.terms.sizes[goal[0]] == 1)
    assert bare.tree is not None
    assert bare.tree.symbols == ("?wff",)
    listed = state.session.choices.moves_of(skeleton)
    assert len(listed) == environment.library.before(environment.library.frames["th"].position)


def test_conditions_wait_for_metavariables_only(walks: list[Walk]) -> None:
    """A condition on variables alone holds or doesn't; one on a metavariable that no goal holds doesn't count."""
    waiting = 0
    for walk in walks:
        for _, state in walk:
            *goals, conditions = [line for line in state.text.split("\n") if not line.startswith("$e")]
            if conditions.startswith("$d "):
                waiting += 1
                shown = {word for goal in goals for word in goal.split() if word.startswith("&")}
                for pair in conditions[3:].split(" , "):
                    metas = {word for word in pair.split() if word.startswith("&")}
                    assert metas
                    assert metas <= shown
    assert waiting > 20


def test_a_condition_is_kept_when_its_metavariable_is_bound(opened: Open) -> None:
    environment = opened(
        # Prove ch from any ph without x in it: the condition waits on the fresh metavariable for ph.
        "${ $d x ph $. n.1 $e |- ph $. n.2 $e |- ( ph -> A. x ch ) $. new $a |- A. x ch $. $} "
        "${ $d x y $. h.1 $e |- x = x $. h.2 $e |- y = y $. h.3 $e |- ( x = x -> A. x ch ) $. "
        "h.4 $e |- ( y = y -> A. x ch ) $. th $p |- A. x ch $= ? $. $}"
    )
    state = after(start(environment, "th"), "new")
    assert "$d &W1 x" in state.text.split("\n")
    assert state.goals[0].text == "|- ( &W1 -> A. x ch )"
    assert state.session.moves(state).listed()[:2] == ["hyp 1", "hyp 2"]
    assert why(state, "hyp 1") == "violates a $d condition"
    assert isinstance(state.session.step(state, "hyp 2"), Finished)
    further = after(state, "a1i")
    if "&W1" in further.text:
        assert "$d &W1 x" in further.text.split("\n")


def test_a_condition_ends_with_the_last_goal_of_its_metavariable(opened: Open) -> None:
    """What no goal holds is chosen last, apart from everything, so that states merge."""
    environment = opened(
        "${ $d x ph $. f.1 $e |- ( T. -> ch ) $. free $a |- ( ph -> A. x ch ) $. $} "
        "${ p.1 $e |- ( ph -> A. x ch ) $. drop $a |- A. x ch $. $} "
        "th $p |- A. x A = B $= ? $."
    )
    state = after(start(environment, "th"), "drop")
    assert state.text == "|- ( &W1 -> A. x A = B )"
    state = after(state, "free")
    assert state.text == "|- ( T. -> A = B )"
    assert (len(state.open), state.apart) == (1, ())


SEPARATE = (
    "${ $d ph ps $. s.1 $e |- A. x ( ph -> ps ) $. s.2 $e |- ( ph -> ch ) $. sep $a |- ch $. $} "
    "all $a |- A. x ( ph -> ph ) $. "
    "${ h.1 $e |- ( ph -> A = B ) $. h.2 $e |- ( T. -> A = B ) $. th $p |- A = B $= ? $. $} "
)


def test_a_metavariable_apart_from_itself_waits_for_a_closed_term(opened: Open) -> None:
    """``$d ph ps`` where both are one formula: it can be ``T.``, but nothing with a variable."""
    state = after(start(opened(SEPARATE), "th"), "sep")
    assert state.goals[0].text == "|- A. &S1 ( &W2 -> &W3 )"
    state = after(state, "all")
    assert state.text.startswith("|- ( &W1 -> A = B )\n$d &W1 &W1\n")
    assert why(state, "hyp 1") == "violates a $d condition"
    assert isinstance(state.session.step(state, "hyp 2"), Finished)


def test_a_metavariable_apart_from_itself_where_no_term_is_closed(opened: Open, small: str) -> None:
    """Before ``T.`` nothing could be chosen, so the step is refused when it is taken, not when the proof is written."""
    before, rest = small.split("wtru $a")
    text = SEPARATE.replace("h.2 $e |- ( T. -> A = B ) $.", "")
    environment = opened(start=f"{before}{text}\nwtru $a{rest}")
    state = after(start(environment, "th"), "sep")
    assert why(state, "all") == "violates a $d condition"


def test_goals_of_enormous_size_are_not_made(opened: Open) -> None:
    environment = opened(
        "${ d.1 $e |- ( ( ph -> T. ) -> ph ) $. double $a |- ph $. $} th $p |- ( A = B -> B = A ) $= ? $."
    )
    state = start(environment, "th")
    sizes = []
    for _ in range(5):
        sizes.append(state.session.terms.sizes[state.open[0][0]])
        state = after(state, "double")
    assert sizes == [7, 17, 37, 77, 157]
    assert "too large" in why(state, "double")
    small = opened(
        "${ d.1 $e |- ( ( ph -> T. ) -> ph ) $. double $a |- ph $. $} th $p |- ( A = B -> B = A ) $= ? $.",
        max_goal_size=10,
    )
    state = after(start(small, "th"), "double")
    assert "too large" in why(state, "double"), "four times the theorem is always allowed, eight times is not"


def test_too_many_goals_are_not_made(opened: Open) -> None:
    more = "th $p |- ( A = B -> B = A ) $= ? $."
    state = after(start(opened(more, max_goals=3), "th"), "syl", "syl")
    assert why(state, "syl") == "more than 3 goals"
    assert after(after(start(opened(more), "th"), "syl", "syl"), "syl").num_goals == 4


# -- traces ------------------------------------------------------------------------------------------------------


def test_a_trace_tells_where_every_goal_went(prefix: MetamathEnvironment, walks: list[Walk]) -> None:
    """Proofs and demonstrations are made of traces; they must be of the steps that the search took."""
    traced = 0
    for walk in walks:
        for path, state in walk[-10:]:
            if not path:
                continue
            session = state.session
            before = advanced(session.initial())
            traced_state = before
            for tactic in path:
                others = traced_state.num_goals - 1
                outcome, trace = session.trace(traced_state, tactic)
                assert trace is not None
                traced_state, before = advanced(outcome), after(before, tactic)
                assert traced_state.text == before.text
                assert len(trace.others) == others
                assert len(trace.hypotheses) == (
                    0 if tactic.startswith("hyp") else len(prefix.library.frames[tactic].essentials)
                )
                sources = [*trace.hypotheses, *trace.others]
                assert {source.goal for source in sources} - {-1} == set(range(traced_state.num_goals))
                assert all((source.goal < 0) == bool(source.closed_by) for source in sources)
                traced += 1
    assert traced > 200


def test_a_rejected_step_has_no_trace(opened: Open) -> None:
    state = start(opened(), "syl")
    assert state.session.trace(state, "ax-1")[1] is None


def test_typecodes_with_one_initial_have_two_letters(opened: Open) -> None:
    """Else a class and a constant would both be &C1, and two states could have one text."""
    environment = opened(
        start=(
            "$c wff class const |- = * $. $v A B c d $. fA $f class A $. fB $f class B $. fc $f const c $. "
            "fd $f const d $. eq $a wff A = B $. co $a class c $. st $a const * c $. "
            "${ e.1 $e |- A = B $. e.2 $e |- * c = A $. ax $a |- B = B $. $} th $p |- * c = * c $= ? $."
        )
    )
    state = after(start(environment, "th"), "ax")
    assert "&C1" in state.text
    assert "&CC2" in state.text
