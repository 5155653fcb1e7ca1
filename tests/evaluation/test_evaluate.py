"""Evaluating whole runs: the right searches, labels and children are judged, and only comparable runs are compared."""

from __future__ import annotations

import dataclasses
import json
import math
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from installing import Site
from runfolders import stopped_after, without_hashes

from proofsearch.config import RunConfig
from proofsearch.errors import PluginError, UsageError
from proofsearch.evaluation import EvaluationSettings, RunEvaluation, evaluate, to_json
from proofsearch.evaluation.mixture import mixed
from proofsearch.evaluation.neutrality import OWN_VALUES, is_neutral, why_not
from proofsearch.evaluation.rescoring import Rescorer
from proofsearch.graph import SearchGraph
from proofsearch.measures.sequential import Sequential
from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import Calibration
from proofsearch.protocols.results import SearchResult, SearchStatus
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search
from proofsearch.trajectory.choices import choices, earliest_required_expansion
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.types import Finished, Goal, OutcomeKind, State, Theorem, Verdict

pytestmark = pytest.mark.usefixtures("fake_prover")

LISTED = """
import json
from pathlib import Path

from pydantic import Field

from proofsearch import hookimpl
from proofsearch.config import ComponentConfig
from proofsearch.protocols import Calibration


class Config(ComponentConfig):
    file: str = Field(default="", description="JSON: value by theorem and state.")
    sign: float = Field(default=1.0, description="What values are multiplied by.")
    too_many: bool = Field(default=False, description="Return one value too many.")


class Listed:
    def __init__(self, config):
        self.config, self.values = config, json.loads(Path(config.file).read_text())

    def score(self, requests):
        values = [self.values[r.theorem.name].get(r.state.text) for r in requests]
        return [v if v is None else self.config.sign * v for v in values] + [0.0] * self.config.too_many

    def close(self):
        pass


class Calibrated(Listed):
    def calibration(self):
        return Calibration(0.0, 2.0, 0.0, 3.0, 0.25, 0.125)


@hookimpl
def register_scorers(register):
    register("listed", lambda config, builder: Listed(config), config=Config)
    register("calibrated", lambda config, builder: Calibrated(config), config=Config)
"""


def config(**fields: Any) -> RunConfig:
    fields["options"] = {"local": {"mode": "threads"}, "fake": {"size": 40}, **fields.get("options", {})}
    base: dict[str, Any] = {"env": "fake", "generator": "fake", "scorer": "random", "select": {"split": "all"}}
    return RunConfig(**{**base, "execution": {"workers": 2}, **fields})


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run ordered by chance, so that it has decisions and detours; searched once, and copied for each test."""
    searched = tmp_path_factory.getbasetemp() / "searched-by-chance"
    if not searched.exists():
        run_search(config(search={"limit": {"expansions": 64}}), searched)
    return Path(shutil.copytree(searched, tmp_path / "run"))


def one(path: Path, **settings: Any) -> RunEvaluation:
    return evaluate([path], EvaluationSettings(resamples=200, **settings)).runs[0]


def rank1(found: RunEvaluation, name: str = "value") -> float:
    return found.ranking["all"].rankings[name].rank1.value


def listed(site: Site, run: Path, tmp_path: Path) -> dict[str, Any]:
    """Installs scorers that look values up; returns options with the values of an oracle."""
    if not (site.folder / "listed.py").exists():
        site.install("listed-scorer", {"listed": "listed"}, {"listed": LISTED})
    values = {
        # A child leads on to the proof exactly if this exceeds when its parent was expanded.
        search.theorem.name: dict(zip(search.text, earliest_required_expansion(search), strict=True))
        for search in read_searches([run])
    }
    (tmp_path / "values.json").write_text(json.dumps(values))
    return {"file": str(tmp_path / "values.json")}


# -------------------------------------------------------------------------------------------------------- the values


def test_oracle_ranks_first_and_anti_oracle_last(run: Path, fake_prover: Site, tmp_path: Path) -> None:
    options = listed(fake_prover, run, tmp_path)
    oracle = one(run, scorer="listed", options={"listed": options})
    assert oracle.ranking["all"].decisions > 20
    assert rank1(oracle) == 1
    assert oracle.sign.verdict == "above chance"
    inverted = one(run, scorer="listed", options={"listed": options | {"sign": -1.0}})
    both = [len(set(d.positive)) > 1 for search in read_searches([run]) for d in choices(search)]
    assert rank1(inverted) == pytest.approx(1 - np.mean(both))
    assert inverted.sign.verdict == "looks inverted"
    assert "BELOW chance" in inverted.sign.words
    constant = one(run, scorer="listed", options={"listed": options | {"sign": 0.0}})
    assert rank1(constant) == pytest.approx(constant.ranking["all"].random.rank1.value)
    assert constant.sign.verdict == "no better than chance"


@pytest.mark.parametrize("scorer", ["random", "length", "logprob"])
def test_offline_scores_are_those_of_the_search(scorer: str, tmp_path: Path) -> None:
    """Depends on states, theorems, paths and the run's seed reaching the scorer as they did in the search."""
    run_search(config(scorer=scorer, seed=7), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    theorems = {theorem.name: theorem for theorem in folder.theorems}
    with Rescorer(Plugins.discover(), folder.config, scorer, {}) as rescorer:
        for search in read_searches([tmp_path / "run"]):
            nodes = list(range(1, search.num_nodes))
            assert rescorer.score(theorems[search.theorem.name], search, nodes) == search.value[1:].tolist()


def test_a_run_s_own_options_stay_and_given_ones_replace_them(tmp_path: Path) -> None:
    run_search(config(options={"random": {"seed": 3}}), tmp_path / "run")
    own = one(tmp_path / "run", scorer="random")
    assert own.sign.words == OWN_VALUES
    other = one(tmp_path / "run", scorer="random", options={"random": {"seed": 4}})
    assert other.separation["value"] != other.separation["length"]
    assert one(tmp_path / "run", scorer="length").value_of == "length", "the options of 'random' are in nobody's way"


# ------------------------------------------------------------------------------------------------- what can judge it


def judged(found: RunEvaluation) -> bool:
    """Whether there is any figure of a value."""
    return (
        "value" in found.ranking["all"].rankings
        or "value" in found.separation
        or bool(found.histogram.edges)
        or bool(found.calibration.bins)
        or found.sign.verdict != "unknown"
        or bool(found.ranking["all"].differences)
    )


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"search": {"defer": 4}}, "scorer random, priority auto, defer 4"),
        ({"search": {"defer": 1, "priority": {"kind": "logprob"}}}, "scorer random, priority logprob, defer 1"),
        ({"search": {"priority": {"kind": "mix"}}}, "scorer random, priority mix"),
        ({"search": {"priority": {"kind": "split"}}}, "scorer random, priority split"),
        ({"scorer": "logprob"}, "scorer logprob, priority auto"),
        ({"scorer": "small"}, "scorer small, priority auto"),
        ({"search": {"strategy": "and-or"}}, "scorer random, priority auto, strategy and-or"),
    ],
)
def test_nothing_is_said_of_values_at_decisions_that_an_order_chose(
    order: dict[str, Any], why: str, tmp_path: Path
) -> None:
    """Catches a selection artefact: random values rank far above chance in the searches that they shaped."""
    run_search(config(**order), tmp_path / "run")
    for settings in ({}, {"scorer": "random"}, {"scorer": "length"}):
        found = one(tmp_path / "run", **settings)
        assert not found.neutral
        assert not judged(found)
        assert found.ranking["all"].decisions == 0
        assert f"which its order chose ({why})" in found.sign.words
        assert "--generator demonstrated --demonstrated-generator fake --scorer demonstration" in found.sign.words
        scorer = settings.get("scorer", order.get("scorer", "random"))
        assert f"proofsearch evaluate runs/guided --scorer {scorer}" in found.sign.words
        assert found.rates.states > 0, "what was recorded is still counted"


def test_the_values_that_ordered_a_neutral_run_are_not_judged_on_it_and_others_are(run: Path) -> None:
    for settings in ({}, {"scorer": "random"}, {"scorer": "random", "options": {"random": {"seed": 0}}}):
        own = one(run, **settings)
        assert own.neutral
        assert not judged(own)
        assert own.sign.words == OWN_VALUES
        assert own.ranking["all"].decisions > 20, "log-probability and length can be judged"
    assert judged(one(run, scorer="random", options={"random": {"seed": 1}}))


def test_chance_is_chance_only_where_it_did_not_order(run: Path, fake_prover: Site, tmp_path: Path) -> None:
    """Shows the artefact that the rule is for: the run's own random values, under another name, pick its proofs."""
    options = {"listed": listed(fake_prover, run, tmp_path)}
    own = {search.theorem.name: dict(zip(search.text, search.value, strict=True)) for search in read_searches([run])}
    # Affine, so that they are the same order and not the same numbers.
    shifted = {name: {text: 2 * value for text, value in of.items() if value == value} for name, of in own.items()}
    (tmp_path / "values.json").write_text(json.dumps(shifted))
    assert one(run, scorer="listed", options=options).sign.verdict == "above chance"
    # Drawn for each theorem: the few numbers of this prover are states of many theorems.
    drawn = {name: {text: random.Random(f"{name}: {text}").random() for text in of} for name, of in own.items()}
    (tmp_path / "values.json").write_text(json.dumps(drawn))
    assert one(run, scorer="listed", options=options).sign.verdict == "no better than chance"


def test_a_run_along_known_proofs_judges_every_value_but_its_oracle() -> None:
    guided = config(generator="demonstrated", scorer="demonstration", search={"priority": {"kind": "split"}})
    assert is_neutral(guided)
    assert not is_neutral(guided.model_copy(update={"scorer": "ebm"}))
    words = why_not(guided.model_copy(update={"scorer": "ebm", "options": {"ebm": {"path": "a b"}}}), "ebm")
    assert "--demonstrated-generator knn" in words
    assert words.endswith("--scorer ebm --ebm-path 'a b'")
    assert why_not(guided, "ebm", "other").endswith("--scorer ebm --ebm-path other")


def test_a_state_is_positive_only_if_it_leads_on(run: Path) -> None:
    """Catches states that are provable only by a way back, through what had been expanded before."""
    positives = back = 0
    for search in read_searches([run]):
        reached = {0: -1}
        for edge in sorted(range(len(search.edges)), key=lambda edge: search.expansion[search.edges.source[edge]]):
            target = int(search.edges.target[edge])
            if target >= 0:
                reached.setdefault(target, int(search.expansion[search.edges.source[edge]]))
        for node, label in enumerate(search.labels.label):
            if node and label == "positive":
                positives += leads_on(search, node, reached[node])
                back += not leads_on(search, node, reached[node])
    assert one(run).separation["length"].positives == positives
    assert back > 5, "the run shows too little"


def test_combined_follows_the_calibration_and_the_weights(run: Path, fake_prover: Site, tmp_path: Path) -> None:
    options = {name: listed(fake_prover, run, tmp_path) for name in ("listed", "calibrated")}
    calibrated = one(run, scorer="calibrated", options={"calibrated": options["calibrated"]})
    assert calibrated.combined == "0.75 z(log-prob) + 0.25 z(value) − 0.125 goals; the scorer's calibration"
    equal = one(run, scorer="listed", options={"listed": options["listed"]})
    assert equal.combined == "0.5 z(log-prob) + 0.5 z(value) − 1 goals; standardised by these decisions"
    only = one(run, scorer="listed", options={"listed": options["listed"]}, value_weight=1.0, goal_weight=0.0)
    assert rank1(only, "combined") == 1
    none = one(run, scorer="listed", options={"listed": options["listed"]}, value_weight=0.0, goal_weight=0.0)
    assert rank1(none, "combined") == rank1(none, "logprob")


def test_the_mixture_is_what_the_search_orders_by(run: Path, fake_prover: Site, tmp_path: Path) -> None:
    options = {"calibrated": listed(fake_prover, run, tmp_path)}
    values = {f"reach-{index}": {f"{n} is 0": n * 7 % 13 / 5 for n in range(120)} for index in range(40)}
    Path(options["calibrated"]["file"]).write_text(json.dumps(values))
    run_search(config(scorer="calibrated", options=options, search={"priority": {"kind": "mix"}}), tmp_path / "mix")
    calibration = Calibration(0.0, 2.0, 0.0, 3.0, 0.25, 0.125)
    compared = 0
    for search in read_searches([tmp_path / "mix"]):
        ordered = np.flatnonzero(~np.isnan(search.priority) & (search.expansion < 0))
        goals = search.num_goals[ordered].astype(np.float64)
        again = mixed(search.value[ordered], search.logprob[ordered], goals, calibration)
        assert again.tolist() == pytest.approx(search.priority[ordered].tolist(), abs=1e-8)
        compared += len(ordered)
    assert compared > 50


def test_a_scorer_that_returns_too_much_is_named(run: Path, fake_prover: Site, tmp_path: Path) -> None:
    options = listed(fake_prover, run, tmp_path) | {"too_many": True}
    with pytest.raises(
        PluginError, match=r"scorer 'listed' of plugin 'listed': score\(\) returned \d+ values for \d+ states"
    ):
        one(run, scorer="listed", options={"listed": options})


def test_missing_values_are_counted_and_not_zero(run: Path, fake_prover: Site, tmp_path: Path) -> None:
    options = listed(fake_prover, run, tmp_path)
    file = Path(options["file"])
    values = json.loads(file.read_text())
    # All values are far below 0, so a state without one would win if it had the value 0.
    low = {name: {text: value - 1000 for text, value in of.items() if value >= 0} for name, of in values.items()}
    file.write_text(json.dumps(low))
    found = one(run, scorer="listed", options={"listed": options})
    assert 0 < found.rates.unscored < 1
    assert rank1(found) > 0.5
    file.write_text(json.dumps({name: {} for name in values}))
    nothing = one(run, scorer="listed", options={"listed": options})
    assert nothing.rates.unscored == 1
    assert "value" not in nothing.ranking["all"].rankings
    assert nothing.sign.verdict == "unknown"


def test_labels_can_be_made_anew(run: Path) -> None:
    easy, hard = one(run, min_expansions=1).separation["length"], one(run, min_expansions=32).separation["length"]
    assert easy.positives == hard.positives
    assert easy.negatives > hard.negatives


# ------------------------------------------------------------------------------------------------------- the choices


def test_what_was_expanded_before_is_no_choice_and_no_way_back_is_a_merit() -> None:
    """The definition again, by searching forwards from every child of random searches with merges and cycles."""
    kept = changed = dropped = 0
    for seed in range(60):
        search = random_search(seed)
        found = {decision.node: decision for decision in choices(search)}
        for decision in search.decisions():
            now = search.expansion[decision.node]
            wanted = {
                child: leads_on(search, child, now)
                for child in decision.children
                if search.expansion[child] < 0 or search.expansion[child] > now
            }
            if len(wanted) >= 2 and any(wanted.values()):
                of = found.pop(decision.node)
                assert dict(zip(of.children, of.positive, strict=True)) == wanted
                assert [search.edges.target[edge] for edge in of.edges] == list(of.children)
                kept += 1
                changed += of != decision
            else:
                dropped += 1
        assert not found
    assert min(kept, changed, dropped) > 20, "the random searches show too little"


def random_search(seed: int) -> RecordedSearch:
    """Expands random states of a small space until one, late, is finished."""
    rng = random.Random(seed)

    def state(number: int) -> State:
        return State(f"state {number}", (Goal(f"goal {number}"),))

    graph = SearchGraph(state(0))
    graph.priority[0] = math.nan
    tactics: tuple[str, ...] = ()
    for turn in range(15):
        waiting = [node for node in range(graph.num_nodes) if graph.expanded_at[node] < 0]
        if not waiting:
            break
        node = rng.choice(waiting)
        # The root's children are new ones, so that the search doesn't end at once.
        numbers = [rng.randrange(25) if turn else 25 + index for index in range(rng.randrange(2, 5))]
        last = turn == 14 or (len(waiting) == 1 and turn > 0)
        names = [f"tactic {index}" for index in range(len(numbers) + last)]
        if last:
            tactics = (*graph.path(node), names[-1])
        before = graph.num_nodes
        failures = {len(numbers): Finished()} if last else {}
        graph.expand(node, names, [-1.0] * len(names), [1] * len(names), [state(n) for n in numbers], failures, 1.0)
        graph.priority.extend([0.0] * (graph.num_nodes - before))
        if last:
            break
    result = SearchResult(
        **{entry.name: 0 for entry in dataclasses.fields(SearchResult)}
        | {
            "theorem": "t",
            "status": SearchStatus.PROVED if tactics else SearchStatus.EXHAUSTED,
            "limit_hit": None,
            "tactics": tactics or None,
            "verdict": Verdict(True, "checker") if tactics else None,
            "messages": (),
            "graph": graph,
        }
    )
    return RecordedSearch(to_table(graph, result, Theorem("t", "s"), Origin("r", "e", "g", "s"), search_id=str(seed)))


def leads_on(search: RecordedSearch, child: int, now: int) -> bool:
    waiting, seen = [child], {child}
    edges = search.edges
    while waiting:
        node = waiting.pop()
        if search.expansion[node] <= now:
            continue
        for edge in edges.range(node):
            if edges.outcome[edge] == 1:
                return True
            target = int(edges.target[edge])
            if target >= 0 and target not in seen:
                seen.add(target)
                waiting.append(target)
    return False


# ---------------------------------------------------------------------------------------------------------- the runs


def test_only_what_has_a_result_counts(run: Path) -> None:
    lines = (run / "results.jsonl").read_text().splitlines(keepends=True)
    (run / "results.jsonl").write_text("".join(lines[:10]))
    found = one(run)
    assert found.theorems == 10
    assert found.ranking["all"].theorems <= 10
    assert "30 of 40 theorems have no result yet" in found.notes
    (run / "results.jsonl").write_text("")
    with pytest.raises(UsageError, match="no theorem of this run has a result yet"):
        one(run)


def test_endings_steps_and_time_are_those_of_the_results(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    lines[0] = {"theorem": lines[0]["theorem"], "status": "failed", "failure": "crashed", "message": "signal 9"}
    (run / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = one(run)
    kept = RunFolder.open(run).results().values()
    stopped = sum(result.limit_hit == "expansions" for result in kept)
    expected = {"proved": found.proved, "stopped at the limit on expansions": stopped, "crashed": 1}
    assert found.endings == {ending: number for ending, number in expected.items() if number}
    assert list(found.endings.values()) == sorted(found.endings.values(), reverse=True)
    searches = [search for search in read_searches([run]) if search.search_id in {of.search_id for of in kept}]
    assert len(searches) == 39
    assert sum(found.steps.values()) == sum(len(search.edges) for search in searches)
    assert found.steps["finished"] == found.proved
    assert found.steps["rejected"] == sum(
        int((search.edges.outcome == OutcomeKind.REJECTED).sum()) for search in searches
    )
    assert list(found.time.parts) == ["generate", "step", "score", "engine", "accept"]
    assert sum(found.time.parts.values()) == pytest.approx(found.time.seconds)
    assert found.time.parts["step"] == pytest.approx(sum(of.seconds_by_part.get("step", 0.0) for of in kept))
    assert sum(share.value for share in found.time.shares.values()) == pytest.approx(1)
    share = found.time.shares["step"]
    assert share.value == pytest.approx(found.time.parts["step"] / found.time.seconds)
    assert share.low < share.value < share.high
    # Verification is on top of what a search itself took.
    without = found.time.seconds - found.time.parts["accept"]
    assert without == pytest.approx(float(found.efforts.seconds.sum()), rel=0.01)


def test_a_run_that_measured_no_time_says_nothing_of_it(run: Path) -> None:
    lines = [json.loads(line) | {"seconds_by_part": {}} for line in (run / "results.jsonl").read_text().splitlines()]
    (run / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    time = one(run).time
    assert (time.seconds, time.parts, time.shares) == (0.0, {}, {})


def test_what_all_searches_took_is_added_up_where_each_of_them_counted(run: Path) -> None:
    results = RunFolder.open(run).results().values()
    compute = one(run).compute
    assert compute.generate_calls == compute.generated == sum(result.generated for result in results)
    assert compute.scored == sum(result.scored for result in results) and compute.score_calls is not None
    assert 0 < compute.score_calls <= compute.scored
    assert compute.processor_seconds == pytest.approx(sum(result.processor_seconds or 0.0 for result in results))
    assert compute.prover_processor_seconds is not None
    assert 0 < compute.prover_processor_seconds <= compute.processor_seconds
    assert (compute.tokens_in, compute.tokens_out) == (None, None)
    # A result of an earlier version has none of it.
    lines = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    for name in ("generate_calls", "score_calls", "tokens_in", "tokens_out", "processor_seconds"):
        del lines[0][name]
    lines[0] |= {"proved": lines[0]["proved"]}
    (run / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    compute = one(run).compute
    assert (compute.generate_calls, compute.score_calls, compute.processor_seconds) == (None, None, None)
    assert compute.generated == sum(result.generated for result in results)


def decided(*paths: Path, **settings: Any) -> Sequential:
    (against,) = evaluate(list(paths), EvaluationSettings(resamples=100, stop_early=True, **settings)).comparisons
    assert against.sequential is not None
    return against.sequential


def test_a_comparison_is_decided_before_both_runs_have_ended(run: Path, tmp_path: Path) -> None:
    none = stopped_after(run, tmp_path / "none", [False] * 20)
    every = stopped_after(run, tmp_path / "every", [True] * 14)
    found = decided(none, every)
    assert (found.planned, found.looked, found.only_first, found.only_second) == (40, 14, 0, 14)
    assert found.decided_at is not None and found.decided_at <= 14 and found.p_value <= 0.05
    assert decided(every, none) == dataclasses.replace(found, only_first=14, only_second=0)
    even = decided(every, every)
    assert (even.decided, even.looked, even.p_value) == (False, 14, 1.0)


def test_theorems_behind_one_that_is_still_searched_do_not_count(run: Path, tmp_path: Path) -> None:
    """Catches a test that is decided by what happens to be searched fast."""
    none, every = stopped_after(run, tmp_path / "n", [False] * 40), stopped_after(run, tmp_path / "e", [True] * 40)
    lines = (every / "results.jsonl").read_text().splitlines(keepends=True)
    assert decided(none, every).decided
    (every / "results.jsonl").write_text("".join([*lines[:3], *lines[4:]]))
    assert (decided(none, every).looked, decided(none, every).decided) == (3, False)
    assert decided(none, every, split="test").planned == 20


@pytest.mark.parametrize(("runs", "settings"), [(1, {}), (2, {"limit": 5})])
def test_stopping_early_needs_a_comparison_in_order(run: Path, runs: int, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--stop-early says whether a comparison is decided"):
        evaluate([run] * runs, EvaluationSettings(stop_early=True, **settings))


def test_split_and_limit_choose_theorems(run: Path) -> None:
    test = one(run, split="test")
    assert test.theorems == 20
    few, more = one(run, limit=5), one(run, limit=15)
    assert (few.theorems, more.theorems) == (5, 15)
    assert set(few.efforts.theorems) < set(more.efforts.theorems)
    assert one(run, limit=5, seed=1).efforts.theorems != few.efforts.theorems
    without_hashes(run)
    lines = [json.loads(line) for line in (run / "theorems.jsonl").read_text().splitlines()]
    (run / "theorems.jsonl").write_text("".join(json.dumps(line | {"split": ""}) + "\n" for line in lines))
    with pytest.raises(UsageError, match=r"no theorem with a result is in the split 'test'; it has: none \(40\)"):
        one(run, split="test")


def test_a_run_without_trajectories_is_still_counted(tmp_path: Path) -> None:
    run_search(config(trajectories=False), tmp_path / "run")
    found = one(tmp_path / "run")
    assert found.proved == 40
    assert found.solved_expansions[-1].solved == 40
    assert found.ranking["all"].decisions == 0
    assert any("no search was recorded" in note for note in found.notes)


def test_a_comparison_is_on_common_theorems_and_the_smaller_budget(run: Path, tmp_path: Path) -> None:
    small = config(scorer="small", select={"split": "test"}, search={"limit": {"expansions": 6}})
    run_search(small, tmp_path / "small")
    (against,) = evaluate([run, tmp_path / "small"], EvaluationSettings(resamples=200)).comparisons
    assert against.theorems == 20
    assert [at.budget for at in against.expansions] == [1, 4, 6]
    assert "the first run has 40 theorems, the second 20; compared on the 20 that both have" in against.notes
    assert "the first run was allowed 64 expansions, the second 6; compared up to 6" in against.notes
    results = [RunFolder.open(path).results() for path in (run, tmp_path / "small")]
    in_time = [{n for n, r in of.items() if r.proved and r.expansions <= 6} for of in results]
    common = set(results[1])
    last = against.expansions[-1]
    assert last.only_first == len(common & (in_time[0] - in_time[1]))
    assert last.only_second == len(common & (in_time[1] - in_time[0]))
    assert against.costs["nodes"].theorems == len(common & in_time[0] & in_time[1])


def test_a_run_equals_itself(run: Path) -> None:
    (against,) = evaluate([run, run], EvaluationSettings(resamples=200)).comparisons
    assert all(at.only_first == at.only_second == 0 and at.p_value == 1 for at in against.expansions + against.seconds)
    assert all(cost.ratio.value == 1 for name, cost in against.costs.items() if name != "tokens")
    assert against.costs["tokens"].theorems == 0, "the policy counts none"
    assert against.tokens == ()
    assert all(at.only_first == at.only_second == 0 for at in against.processor_seconds)
    assert against.processor_seconds[-1].first == against.expansions[-1].first
    assert against.notes == ()


def test_equal_runs_contradict_nothing_and_others_may(run: Path, tmp_path: Path) -> None:
    assert [found.rates.conflicting for found in evaluate([run, run]).runs] == [0, 0]
    run_search(config(seed=9, search={"limit": {"expansions": 64}}), tmp_path / "other")
    first, second = evaluate([run, tmp_path / "other"], EvaluationSettings(min_expansions=1, resamples=200)).runs
    assert first.rates.conflicting == second.rates.conflicting > 0


def test_runs_that_can_not_be_compared_are_refused(run: Path, tmp_path: Path) -> None:
    run_search(config(options={"fake": {"size": 40, "offset": 5}}), tmp_path / "other")
    with pytest.raises(UsageError, match="offset of the environment is '3' in the first and '5' in the second"):
        evaluate([run, tmp_path / "other"])
    for name in ("reach-1", "reach-2"):
        run_search(config(select={"theorems": (name,)}), tmp_path / name)
    with pytest.raises(UsageError, match="no theorem in common"):
        evaluate([tmp_path / "reach-1", tmp_path / "reach-2"])


def test_the_result_is_the_same_each_time_and_fit_for_json(run: Path) -> None:
    first, again = (to_json(evaluate([run, run], EvaluationSettings(resamples=200))) for _ in range(2))
    assert first == again
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert to_json(evaluate([run], EvaluationSettings(resamples=200, seed=1))) != first


def test_every_key_of_the_json_is_documented(run: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")

    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {key for inner in value.values() for key in keys(inner)}
        return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()

    found = keys(to_json(evaluate([run, run], EvaluationSettings(resamples=200))))
    assert {key for key in found if f"`{key}`" not in text} == set()


def test_plots_are_written_for_what_there_is(run: Path, tmp_path: Path) -> None:
    from proofsearch.evaluation.figures import write_plots

    evaluation = evaluate([run, run], EvaluationSettings(resamples=200, scorer="length"))
    names = {file.name for file in write_plots(evaluation, tmp_path / "new" / "plots")}
    each = {f"{number}-{name}.svg" for number in (1, 2) for name in ("rank-by-depth", "calibration", "values")}
    assert names == each | {"solved-expansions.svg", "solved-seconds.svg"}
    assert not [found for found in evaluation.runs if math.isnan(found.calibration.error)]
    bare = dataclasses.replace(
        evaluation,
        runs=(dataclasses.replace(evaluation.runs[0], histogram=type(evaluation.runs[0].histogram)((), (), ())),),
    )
    assert "1-values.svg" not in {file.name for file in write_plots(bare, tmp_path / "bare")}
