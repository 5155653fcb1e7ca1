"""Would catch: a policy that has seen the answer, that suggests what can't be done, or whose memory goes stale."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proofsearch.builtins.encoders.features import FeatureExtractor
from proofsearch.builtins.knn import memory as knn_memory
from proofsearch.builtins.knn import writer as knn_writer
from proofsearch.builtins.knn.generator import KnnConfig, KnnGenerator, make_knn
from proofsearch.builtins.knn.index import ExampleIndex
from proofsearch.builtins.knn.memory import KnnMemory, Step, write_memory
from proofsearch.config import SearchConfig
from proofsearch.engine import search
from proofsearch.errors import InputError, PluginError, StorageError, UsageError
from proofsearch.protocols import GenerationRequest, TacticGenerator
from proofsearch.trajectory.table import Origin
from proofsearch.trajectory.writer import TrajectoryWriter, write_file
from proofsearch.types import (
    Advanced,
    Candidate,
    Demonstration,
    Finished,
    Goal,
    Outcome,
    ProofState,
    Rejected,
    State,
    Theorem,
    Tree,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Recall:
    """How often a policy's candidates hold the tactic that a known proof took.

    Attributes:
        steps: how many steps were asked about.
        at: for each k the share of steps whose tactic is among the first k candidates, in [0, 1].
        mean_logprob: the mean log-probability of the tactics that were among the candidates.
    """

    steps: int
    at: dict[int, float]
    mean_logprob: float


def measure_recall(
    generator: TacticGenerator, questions: Iterable[tuple[GenerationRequest, str]], at: Sequence[int] = (1, 8, 32)
) -> Recall:
    """Asks a policy about known steps.

    Args:
        generator: the policy.
        questions: a state as a request, and the tactic that the proof took.
        at: numbers of candidates, at least one.
    """
    steps, found, total = 0, dict.fromkeys(at, 0), 0.0
    for request, truth in questions:
        steps += 1
        candidates = generator.generate([request], max(at))[0]
        rank = next((rank for rank, candidate in enumerate(candidates) if candidate.tactic == truth), None)
        if rank is not None:
            total += candidates[rank].logprob
            for k in at:
                found[k] += rank < k
    hits = found[max(at)]
    return Recall(steps, {k: hit / max(steps, 1) for k, hit in found.items()}, total / hits if hits else math.nan)


def goal(*symbols: str) -> Goal:
    """``f(s1, s2, …)`` under a root, so that goals have much or little in common."""
    return Goal(" ".join(symbols), Tree(("|-", "f", *symbols), (1, len(symbols), *[0] * len(symbols))))


def state(*goals: Goal) -> State:
    return State(" | ".join(one.text for one in goals), goals)


LIBRARY: dict[str, tuple[str, list[tuple[Goal, str]]]] = {
    "first": ("train", [(goal("a", "b"), "alpha"), (goal("a", "c"), "beta")]),
    "second": ("validation", [(goal("x", "y"), "gamma"), (goal("a", "c"), "first")]),
    "third": ("train", [(goal("p", "q"), "delta"), (goal("a", "b"), "alpha"), (goal("x", "z"), "alpha")]),
    "fourth": ("test", [(goal("a", "b"), "secret"), (goal("p", "r"), "third")]),
    "fifth": ("train", [(goal("p", "r"), "third"), (goal("a", "b", "d"), "epsilon")]),
}


class Library:
    """An environment that knows proofs and nothing else, and counts how often it is asked for them."""

    def __init__(self, library: dict[str, tuple[str, list[tuple[Goal, str]]]] = LIBRARY, ordered: bool = True) -> None:
        self.library = library
        self.ordered = ordered
        self.asked = 0

    def theorems(self) -> list[Theorem]:
        return [
            Theorem(name, "", position=10 * place if self.ordered else None, split=split)
            for place, (name, (split, _)) in enumerate(self.library.items())
        ]

    def theorem(self, name: str) -> Theorem:
        return next(theorem for theorem in self.theorems() if theorem.name == name)

    def fingerprint(self) -> dict[str, str]:
        return {"library": repr(self.library)}

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        self.asked += 1
        for theorem in theorems:
            steps = self.library[theorem.name][1]
            for number, (first, tactic) in enumerate(steps):
                yield Demonstration(theorem, state(first, goal("other")), tactic, len(steps) - number)


class Bench:
    """A builder over a library."""

    seed = 0

    def __init__(self, environment: Any, cache: Path) -> None:
        self._environment = environment
        self.cache = cache
        self.said: list[str] = []

    def environment(self) -> Any:
        return self._environment

    def encoder(self, name: str) -> Any:
        raise AssertionError(name)

    def status(self, message: str, done: int | None = None, total: int | None = None) -> None:
        self.said.append(message)


class Listed:
    """Moves from lists; notes what it is asked about."""

    def __init__(self, listed: Sequence[str], admitted: Sequence[str] | None = None) -> None:
        self._listed = listed
        self._admitted = listed if admitted is None else admitted
        self.asked: list[str] = []

    def listed(self) -> Sequence[str]:
        return self._listed

    def admits(self, tactic: str) -> bool:
        self.asked.append(tactic)
        return tactic in self._admitted


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(Library(), tmp_path / "cache")


NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "secret", *LIBRARY)


def ask(
    bench: Bench,
    first: Goal,
    target: str = "fourth",
    moves: Listed | None = None,
    n: int = 32,
    **options: Any,
) -> list[Candidate]:
    theorem = bench.environment().theorem(target)
    with make_knn(KnnConfig(**options), bench) as generator:
        return generator.generate([GenerationRequest(theorem, state(first), moves)], n)[0]


def chances(candidates: Sequence[Candidate]) -> dict[str, float]:
    return {candidate.tactic: math.exp(candidate.logprob) for candidate in candidates}


def order(candidates: Sequence[Candidate]) -> list[str]:
    return [candidate.tactic for candidate in candidates]


# -- what is suggested -----------------------------------------------------------------------------------------------


def test_what_was_done_at_the_same_goal_comes_first(bench: Bench) -> None:
    assert order(ask(bench, goal("a", "b")))[0] == "alpha"
    assert order(ask(bench, goal("p", "q")))[0] == "delta"
    # "first" states just that, so it is likelier still where theorems can be cited.
    assert order(ask(bench, goal("a", "b"), moves=Listed(NAMES)))[:2] == ["first", "alpha"]


def test_probabilities_fall_and_are_shares(bench: Bench) -> None:
    for moves in (None, Listed(NAMES)):
        found = ask(bench, goal("a", "b"), moves=moves)
        logprobs = [candidate.logprob for candidate in found]
        assert logprobs == sorted(logprobs, reverse=True)
        assert sum(chances(found).values()) == pytest.approx(1.0)
        assert len(set(order(found))) == len(found)
        assert all(candidate.num_tokens == 1 for candidate in found)


def test_only_moves_that_are_listed_and_admitted_are_suggested(bench: Bench) -> None:
    moves = Listed(("beta", "never seen", "epsilon", "alpha", "gamma"), ("never seen", "epsilon", "gamma"))
    found = ask(bench, goal("a", "b"), moves=moves, recency=0.0)
    assert sorted(order(found)) == ["epsilon", "gamma", "never seen"]
    # What was tried and refused no longer has a share.
    assert sum(chances(found).values()) == pytest.approx(1.0)
    assert moves.asked[0] == "alpha"
    assert moves.asked[-1] in ("gamma", "never seen")


def test_moves_are_tried_until_enough_are_admitted(bench: Bench) -> None:
    moves = Listed(NAMES, NAMES[1:])
    found = ask(bench, goal("a", "b"), moves=moves, n=2)
    assert len(found) == 2
    assert len(moves.asked) == 3
    everything = chances(ask(bench, goal("a", "b"), moves=Listed(NAMES)))
    left = 1 - everything["alpha"]
    assert all(math.exp(one.logprob) == pytest.approx(everything[one.tactic] / left) for one in found)


def test_neighbours_are_sought_among_what_is_listed(bench: Bench) -> None:
    # One neighbour: without the restriction it would be alpha's, and epsilon would have nothing but its frequency.
    options = {"neighbours": 1, "statements": 0.0, "recency": 0.0, "smoothing": 1e-6}
    found = chances(ask(bench, goal("a", "b"), moves=Listed(("delta", "epsilon")), **options))
    assert found["epsilon"] > 0.99


def test_nothing_applies_and_nothing_is_known(bench: Bench, tmp_path: Path) -> None:
    assert ask(bench, goal("a", "b"), moves=Listed(())) == []
    empty = Bench(Library({"first": ("train", []), "fourth": ("test", [])}), tmp_path / "other")
    assert ask(empty, goal("a"), "fourth") == []
    assert sorted(order(ask(empty, goal("a"), "fourth", Listed(("u", "v"))))) == ["u", "v"]


def test_ties_stand_in_the_order_of_the_list(bench: Bench) -> None:
    names = [f"unseen {number}" for number in range(300)]
    found = ask(bench, goal("k", "l"), moves=Listed(names), n=300, recency=0.0)
    assert order(found) == names
    late = ask(bench, goal("k", "l"), moves=Listed(names), n=300)
    assert order(late) == names[::-1]


def test_many_moves_come_in_the_same_order_whatever_is_asked_for(bench: Bench) -> None:
    names = [*NAMES, *(f"unseen {number}" for number in range(300))]
    whole = order(ask(bench, goal("a", "b"), moves=Listed(names), n=1000))
    assert sorted(whole) == sorted(names)
    for n in (1, 5, 100):
        assert order(ask(bench, goal("a", "b"), moves=Listed(names), n=n)) == whole[:n]


def test_batches_and_repeats_change_nothing(bench: Bench) -> None:
    theorem = bench.environment().theorem("fourth")
    requests = [
        GenerationRequest(theorem, state(first), moves)
        for first in (goal("a", "b"), goal("p", "q"), Goal("a b"))
        for moves in (None, Listed(NAMES), Listed(NAMES[::-1]), Listed(NAMES, NAMES[3:]))
    ]
    generator = KnnGenerator(KnnConfig(), bench)
    together = generator.generate(requests + requests[::-1], 8)
    assert together[: len(requests)] == together[len(requests) :][::-1]
    assert together[: len(requests)] == [KnnGenerator(KnnConfig(), bench).generate([one], 8)[0] for one in requests]


def test_statements_suggest_theorems_that_no_proof_cites(bench: Bench) -> None:
    # "fifth" states p(p, r); nothing cites it.
    moves = Listed(("beta", "fifth", "gamma", "second"))
    assert order(ask(bench, goal("p", "r"), "third", moves))[0] == "fifth"
    without = chances(ask(bench, goal("p", "r"), "third", moves, statements=0.0, recency=0.0))
    assert without["fifth"] == pytest.approx(without["second"])


# -- what may be learnt from -----------------------------------------------------------------------------------------


def test_proofs_of_held_out_theorems_are_not_in_the_split(bench: Bench) -> None:
    found = order(ask(bench, goal("a", "b"), "first"))
    assert "secret" not in found
    assert "gamma" not in found
    assert "epsilon" in found


def test_nothing_from_the_target_on_is_in_the_past(bench: Bench) -> None:
    before = {"first": set(), "second": {"alpha", "beta"}, "third": {"alpha", "beta", "gamma", "first"}}
    for target, known in before.items():
        for first in (goal("a", "b"), goal("p", "q"), goal("x", "y")):
            assert set(order(ask(bench, first, target, memory="chronological"))) == known
    assert "secret" in order(ask(bench, goal("a", "b"), "fifth", memory="chronological"))


def test_how_often_tactics_were_used_is_counted_in_bounds_only(bench: Bench) -> None:
    # At "third" alpha has been used once, like beta; at "fifth" three times.
    options = {"memory": "chronological", "recency": 0.0, "statements": 0.0, "rarity": 0.0}
    moves = ("alpha", "beta")
    unlike = Goal("", Tree(("unlike",), (0,)))
    early = chances(ask(bench, unlike, "third", Listed(moves), **options))
    assert early["alpha"] == pytest.approx(early["beta"])
    late = chances(ask(bench, unlike, "fifth", Listed(moves), **options))
    assert late["alpha"] > late["beta"] * 1.5


@pytest.mark.parametrize("split", ["train", ""])
def test_a_targets_own_proof_is_never_consulted(split: str, tmp_path: Path) -> None:
    library = {name: (split, steps) for name, (_, steps) in LIBRARY.items()}
    bench = Bench(Library(library), tmp_path)
    found = order(ask(bench, goal("a", "b"), "fourth"))
    assert "secret" not in found
    assert "third" in found  # which "fifth" used at the same goal as "fourth"
    # An example that others share counts as often as these took it.
    options = {"statements": 0.0, "recency": 0.0, "rarity": 0.0, "smoothing": 1e-9}
    moves = ("alpha", "secret")
    own = chances(ask(bench, goal("a", "b"), "third", Listed(moves), **options))
    other = chances(ask(bench, goal("a", "b"), "second", Listed(moves), **options))
    assert other["alpha"] / other["secret"] == pytest.approx(2 * own["alpha"] / own["secret"], rel=0.2)


def test_a_target_does_not_cite_itself_by_its_statement(bench: Bench) -> None:
    moves = Listed(("fifth", "beta"))
    found = chances(ask(bench, goal("p", "r"), "fifth", moves, recency=0.0))
    without = chances(ask(bench, goal("p", "r"), "fifth", moves, recency=0.0, statements=0.0))
    assert found["fifth"] == pytest.approx(without["fifth"])


# -- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"memory": "chronological"},
        {"neighbours": 1},
        {"power": 1.0},
        {"rarity": 0.0},
        {"statements": 0.0},
        {"smoothing": 1.0},
        {"recency": 0.5},
        {"use_trees": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_option_acts(change: dict[str, Any], bench: Bench) -> None:
    asked = goal("a", "b", "z")
    assert chances(ask(bench, asked, moves=Listed(NAMES))) != chances(ask(bench, asked, moves=Listed(NAMES), **change))


def test_options_are_all_covered() -> None:
    assert set(KnnConfig.model_fields) == {
        "memory",
        "trajectories",  # below
        "adapt",  # below, where an environment can
        "neighbours",
        "power",
        "rarity",
        "statements",
        "smoothing",
        "recency",
        "use_trees",
    }


def test_what_can_not_work_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--knn-trajectories"):
        ask_of = Bench(object(), tmp_path)
        KnnGenerator(KnnConfig(), ask_of).prepare()
    unordered = Bench(Library(ordered=False), tmp_path)
    with pytest.raises(UsageError, match="'first' has no position"):
        ask(unordered, goal("a"), memory="chronological")
    assert ask(unordered, goal("a", "b"))
    held_out = Bench(Library({"first": ("test", [])}), tmp_path)
    with pytest.raises(UsageError, match="--knn-memory chronological"):
        ask(held_out, goal("a"), "first")
    strange = KnnGenerator(KnnConfig(memory="chronological"), Bench(Library(), tmp_path))
    with pytest.raises(UsageError, match="'new' has no position"):
        strange.generate([GenerationRequest(Theorem("new", ""), state(goal("a")))], 1)


def test_demonstrations_out_of_order_are_refused(tmp_path: Path) -> None:
    class Shuffled(Library):
        def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
            return super().demonstrations(theorems[::-1])

    with pytest.raises(PluginError, match=r"demonstrations\(\).*order"):
        ask(Bench(Shuffled(), tmp_path), goal("a"))


# -- the index against brute force -----------------------------------------------------------------------------------


def brute_force(goals: Sequence[Goal], asked: Goal, limit: float) -> list[float]:
    """Cosines of idf-weighted feature sets, computed from sets."""
    extractor = FeatureExtractor()
    sets = [frozenset(extractor.extract([one]).ids.tolist()) for one in goals]
    query = frozenset(extractor.extract([asked]).ids.tolist())
    size = len(goals)
    frequency = {feature: sum(feature in one for one in sets) for one in sets for feature in one}
    idf = {feature: math.log1p(size / count) for feature, count in frequency.items() if count <= max(limit * size, 1)}
    unknown = math.log1p(size)

    def norm(features: frozenset[int]) -> float:
        return math.sqrt(sum(idf[feature] ** 2 for feature in features if feature in idf))

    dropped = sum(feature not in idf for feature in query)
    length = math.sqrt(norm(query) ** 2 + dropped * unknown**2)
    return [
        sum(idf[f] ** 2 for f in one & query if f in idf) / (norm(one) * length) if norm(one) else 0 for one in sets
    ]


@pytest.mark.parametrize("limit", [1.0, 0.3])
def test_neighbours_are_those_of_brute_force(limit: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn_memory, "MAX_FREQUENCY", limit)
    monkeypatch.setattr(knn_memory, "_CHUNK", 7)
    monkeypatch.setattr(knn_writer, "ALWAYS_KEPT", 1)
    monkeypatch.setattr(knn_writer, "_CHUNK_ENTRIES", 100)
    rng = np.random.default_rng(0)

    def draw() -> Goal:
        return goal(*(f"s{number}" for number in rng.zipf(1.6, 4) % 9))

    goals = list({one.text: one for one in (draw() for _ in range(60))}.values())
    theorems = [Theorem(f"t{number}", "", position=number) for number in range(len(goals))]
    steps = [Step(number, one, f"tactic {number % 4}") for number, one in enumerate(goals)]
    write_memory(tmp_path, theorems, steps, True, lambda *_: None)
    index = KnnMemory.open(tmp_path).proofs
    assert len(index) == len(goals)
    for asked in [draw() for _ in range(20)]:
        expected = np.array(brute_force(goals, asked, limit))
        ids = FeatureExtractor().extract([asked]).ids
        for before in (None, len(goals) // 2):
            scope = index.scope("t3", before)
            usable = np.arange(len(goals) if before is None else before)
            usable = usable[(usable != 3) & (expected[usable] > 1e-9)]
            for allowed in (None, np.array([True, False, True, False])):
                chosen = usable if allowed is None else usable[allowed[index.tactic_of[usable]]]
                found, similarities = index.neighbours(ids, scope, 9, allowed)
                assert np.allclose(similarities, np.sort(expected[chosen])[::-1][:9], atol=1e-5)
                assert np.allclose(expected[found], similarities, atol=1e-5)
                assert set(found.tolist()) <= set(chosen.tolist())
                assert len(found) == min(9, len(chosen))


def test_equal_examples_are_one_with_all_their_occurrences(tmp_path: Path) -> None:
    theorems = [Theorem(f"t{number}", "", position=number * 2) for number in range(4)]
    steps = [Step(number, goal("a", "b"), tactic) for number in range(4) for tactic in ("x", "x", "y")]
    write_memory(tmp_path, theorems, steps, True, lambda *_: None)
    index = KnnMemory.open(tmp_path).proofs
    assert len(index) == 2
    assert index.tactics == ["x", "y"]
    both = np.arange(2)
    assert index.occurrences(both, index.scope("else", None)).tolist() == [8, 4]
    assert index.occurrences(both, index.scope("t1", None)).tolist() == [6, 3]
    assert index.occurrences(both, index.scope("t2", 4)).tolist() == [4, 2]
    assert index.occurrences(both, index.scope("else", 3)).tolist() == [4, 2]
    assert index.uses(index.scope("else", 3)).tolist() == [4, 2]
    assert index.occurrences(both, index.scope("t0", 0)).tolist() == [0, 0]


def test_frequent_features_are_left_out_where_visits_are_few(tmp_path: Path) -> None:
    theorems = [Theorem("t", "")]
    steps = [Step(0, goal("a", f"b{number}"), f"t{number}") for number in range(30)]
    write_memory(tmp_path, theorems, steps, True, lambda *_: None)
    index = KnnMemory.open(tmp_path).proofs
    ids = FeatureExtractor().extract([goal("a", "b7")]).ids
    scope = index.scope("else", None)
    found, _ = index.neighbours(ids, scope, 5, budget=1)
    assert index.tactics[int(index.tactic_of[found[0]])] == "t7"


# -- the cache -------------------------------------------------------------------------------------------------------


def test_the_memory_is_built_once_and_again_when_something_changes(bench: Bench) -> None:
    library = bench.environment()
    first = ask(bench, goal("a", "b"))
    assert ask(bench, goal("a", "b"), neighbours=3, power=1.0)
    assert ask(bench, goal("a", "b")) == first
    assert library.asked == 1
    ask(bench, goal("a", "b"), memory="chronological")
    ask(bench, goal("a", "b"), use_trees=False)
    assert library.asked == 3
    library.library = {**LIBRARY, "fifth": ("train", [])}
    assert ask(bench, goal("a", "b")) != first
    assert library.asked == 4
    library.library = {**LIBRARY, "fifth": ("test", LIBRARY["fifth"][1])}
    ask(bench, goal("a", "b"))
    assert library.asked == 5


def _files(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "knn").rglob("*") if path.suffix in (".npy", ".json"))


def test_damage_is_noticed_and_repaired(bench: Bench) -> None:
    expected = ask(bench, goal("a", "b"))
    files = _files(bench.cache)
    assert len(files) == 24
    for number, path in enumerate(files):
        good = path.read_bytes()
        for bad in (None, b"", good[: len(good) // 2], good[:-1] + bytes([good[-1] ^ 1])):
            if bad is None:
                path.unlink()
            else:
                path.write_bytes(bad)
            asked = bench.environment().asked
            assert ask(bench, goal("a", "b")) == expected, path
            assert bench.environment().asked == asked + 1, (path, bad)
            assert path.read_bytes() == good
        if number == 0:
            assert any("building it again" in said for said in bench.said)


def test_an_interrupted_build_leaves_nothing_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stop(BaseException):
        pass

    def stop(folder: Path, *_: object) -> None:
        (folder / "half").write_text("x")
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(knn_memory, "write_memory", stop)
        with pytest.raises(Stop):
            ask(bench, goal("a", "b"))
    assert [path.suffix for path in (bench.cache / "knn").iterdir()] == [".lock"]
    key = next((bench.cache / "knn").iterdir()).stem
    (bench.cache / "knn" / f"{key}.tmpdead").mkdir()
    assert ask(bench, goal("a", "b"))
    assert sorted(path.name for path in (bench.cache / "knn").iterdir()) == [key, f"{key}.lock"]


def test_a_full_disk_is_reported(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(knn_writer.IndexWriter, "write", full)
    with pytest.raises(StorageError, match=r"No space left.*cache folder"):
        ask(bench, goal("a", "b"))


def test_the_environments_own_trouble_is_not_called_a_full_disk(tmp_path: Path) -> None:
    class Broken(Library):
        def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
            raise FileNotFoundError("the prover")

    with pytest.raises(FileNotFoundError, match="the prover"):
        ask(Bench(Broken(), tmp_path), goal("a"))


@pytest.mark.skipif(os.name == "nt", reason="no lock there: several may build")
def test_of_several_that_want_it_one_builds(tmp_path: Path) -> None:
    started = threading.Event()
    waiting = threading.Event()

    class Slow(Library):
        def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
            started.set()
            assert waiting.wait(600)
            yield from super().demonstrations(theorems)

    class Impatient(Bench):
        def status(self, message: str, done: int | None = None, total: int | None = None) -> None:
            super().status(message, done, total)
            if "waiting for another process" in message:
                waiting.set()

    slow = Slow()
    found: list[list[Candidate]] = []
    benches = [Impatient(slow, tmp_path) for _ in range(3)]
    threads = [threading.Thread(target=lambda one=one: found.append(ask(one, goal("a", "b")))) for one in benches]
    for thread in threads:
        thread.start()
    assert started.wait(600)
    for thread in threads:
        thread.join(600)
    assert slow.asked == 1
    assert len(found) == 3
    assert found[0] == found[1] == found[2]


def test_an_index_of_another_version_is_refused(tmp_path: Path) -> None:
    write_memory(tmp_path, [Theorem("t", "")], [Step(0, goal("a"), "x")], True, lambda *_: None)
    manifest = tmp_path / "proofs" / "index.json"
    manifest.write_text(manifest.read_text().replace('"version": ', '"version": 9'))
    with pytest.raises(InputError, match="version 9"):
        ExampleIndex.open(tmp_path / "proofs")
    with pytest.raises(FileNotFoundError):
        ExampleIndex.open(tmp_path / "nothing")


# -- recorded searches -----------------------------------------------------------------------------------------------


class Script:
    """A session and a generator that go down a path, with a dead end at every node, and finish or not at its end."""

    def __init__(self, path: Sequence[tuple[Goal, str]], finishes: bool) -> None:
        self.path = path
        self.finishes = finishes

    def initial(self) -> Outcome:
        return Advanced(state(self.path[0][0]))

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        tactics = {state(first).text: tactic for first, tactic in self.path}
        known = [tactics.get(request.state.text) for request in requests]
        return [[Candidate("wrong", -0.5), Candidate(right, -1.0)] if right else [] for right in known]

    def step(self, before: ProofState, tactic: str) -> Outcome:
        if tactic == "wrong":
            return Advanced(state(goal("dead", before.text)))
        place = [state(first).text for first, _ in self.path].index(before.text) + 1
        if place < len(self.path):
            return Advanced(state(self.path[place][0]))
        return Finished() if self.finishes else Rejected()

    def close(self) -> None:
        pass


def record(folder: Path, name: str, position: int, split: str, path: Sequence[tuple[Goal, str]], proved: bool) -> None:
    """Searches along a path and writes the trajectory."""
    script = Script(path, proved)
    writer = TrajectoryWriter(Origin())
    theorem = Theorem(name, "", position=position, split=split)
    search(
        theorem,
        script,
        script,
        config=SearchConfig(),
        accept=lambda _: (Verdict(True, "checker"), None),
        observers=[writer],
    )
    taken = writer.take()
    assert taken is not None
    folder.mkdir(exist_ok=True)
    write_file(folder / f"{name}.parquet", [taken[1]])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    # Not in the library's order, which is by position.
    record(folder, "aleph", 30, "train", [(goal("p", "q"), "late")], True)
    record(folder, "beth", 10, "train", [(goal("a", "b"), "one"), (goal("a", "c"), "two"), (goal("x"), "aleph")], True)
    record(folder, "gimel", 20, "train", [(goal("a", "b"), "failed")], False)
    record(folder, "daleth", 15, "test", [(goal("a", "b"), "held out")], True)
    return folder


def ask_recorded(cache: Path, path: Path, target: Theorem, **options: Any) -> list[str]:
    generator = KnnGenerator(KnnConfig(trajectories=str(path), **options), Bench(object(), cache))
    return order(generator.generate([GenerationRequest(target, state(goal("a", "b")))], 32)[0])


def test_found_proofs_are_learnt_from_and_nothing_else(runs: Path, tmp_path: Path) -> None:
    target = Theorem("new", "", position=25)
    assert ask_recorded(tmp_path, runs, target) == ["one", "two", "aleph", "late"]
    past = ask_recorded(tmp_path, runs, target, memory="chronological")
    assert set(past[:2]) == {"one", "held out"}
    assert set(past) == {"one", "held out", "two", "aleph"}
    own = ask_recorded(tmp_path, runs, Theorem("beth", "", position=10))
    assert own == ["late"]


def test_statements_come_from_recorded_roots(runs: Path, tmp_path: Path) -> None:
    generator = KnnGenerator(KnnConfig(trajectories=str(runs)), Bench(object(), tmp_path))
    moves = Listed(("one", "gimel", "aleph"))
    request = GenerationRequest(Theorem("new", ""), state(goal("a", "b")), moves)
    assert order(generator.generate([request], 3)[0]) == ["gimel", "one", "aleph"]


def test_new_recordings_are_noticed(runs: Path, tmp_path: Path) -> None:
    target = Theorem("new", "", position=99)
    assert "fresh" not in ask_recorded(tmp_path, runs, target)
    record(runs, "he", 40, "train", [(goal("a", "b"), "fresh")], True)
    assert "fresh" in ask_recorded(tmp_path, runs, target)


def test_recordings_without_a_proof_are_refused(tmp_path: Path) -> None:
    record(tmp_path / "runs", "gimel", 20, "train", [(goal("a", "b"), "failed")], False)
    with pytest.raises(InputError, match="no proved search"):
        ask_recorded(tmp_path, tmp_path / "runs", Theorem("new", ""))
    with pytest.raises(InputError, match="missing"):
        ask_recorded(tmp_path, tmp_path / "missing", Theorem("new", ""))


# -- recall ----------------------------------------------------------------------------------------------------------


def test_recall_counts_ranks(bench: Bench) -> None:
    theorem = bench.environment().theorem("fourth")

    def question(first: Goal, truth: str) -> tuple[GenerationRequest, str]:
        return GenerationRequest(theorem, state(first), Listed(("alpha", "beta", "delta"))), truth

    questions = [
        question(goal("a", "b"), "alpha"),
        question(goal("p", "q"), "delta"),
        question(goal("p", "q"), "no such tactic"),
        question(goal("a", "b"), "delta"),
    ]
    recall = measure_recall(KnnGenerator(KnnConfig(), bench), questions, at=(1, 3))
    assert recall.steps == 4
    assert recall.at == {1: 0.5, 3: 0.75}
    assert -5 < recall.mean_logprob < 0
    assert math.isnan(measure_recall(KnnGenerator(KnnConfig(), bench), []).mean_logprob)


class WordLibrary(Library):
    """Tactics ``use W`` name a word of their goal; at another goal that is the word in its place."""

    def adapted(self, tactic: str, there: Goal, here: Goal) -> list[tuple[str, float]]:
        if not tactic.startswith("use "):
            return [(tactic, 1.0)]
        place = there.text.split().index(tactic.removeprefix("use "))
        found = here.text.split()
        return [(f"use {found[place]}", 1.0), ("use all", 0.25)] if place < len(found) else []


WORDS = {
    "first": ("train", [(goal("sum", "a", "b"), "use a"), (goal("sum", "a", "c"), "swap")]),
    "second": ("train", [(goal("sum", "b", "c"), "use b"), (goal("sum", "x", "y", "z"), "use z")]),
    "third": ("test", [(goal("sum", "d", "e"), "use e")]),
}


def test_tactics_are_put_into_the_words_of_the_goal(tmp_path: Path) -> None:
    bench = Bench(WordLibrary(WORDS), tmp_path)
    generator = KnnGenerator(KnnConfig(), bench)
    found = generator.generate([GenerationRequest(Theorem("new", ""), state(goal("sum", "d", "e")))], 9)[0]
    # The two that used the second word are one tactic here; that of the held-out theorem isn't known.
    assert set(order(found)) == {"use d", "swap", "use all"}
    assert order(found).index("use d") < order(found).index("use all")
    assert math.isclose(sum(math.exp(one.logprob) for one in found), 1.0)
    # Kept on disk, goals' texts included.
    again = KnnGenerator(KnnConfig(), bench)
    assert again.generate([GenerationRequest(Theorem("new", ""), state(goal("sum", "d", "e")))], 9)[0] == found
    assert bench.environment().asked == 1


def test_what_names_something_local_is_not_suggested_elsewhere(tmp_path: Path) -> None:
    generator = KnnGenerator(KnnConfig(), Bench(WordLibrary(WORDS), tmp_path))
    found = generator.generate([GenerationRequest(Theorem("new", ""), state(goal("unlike")))], 9)[0]
    assert order(found) == ["swap"]


def test_a_target_learns_nothing_of_its_own_adapted_tactics(tmp_path: Path) -> None:
    generator = KnnGenerator(KnnConfig(), Bench(WordLibrary(WORDS), tmp_path))
    own = generator.generate([GenerationRequest(Theorem("second", ""), state(goal("sum", "d", "e", "f")))], 9)[0]
    assert "use f" not in order(own)
    other = generator.generate([GenerationRequest(Theorem("new", ""), state(goal("sum", "d", "e", "f")))], 9)[0]
    assert "use f" in order(other)


def test_tactics_can_be_taken_as_they_were_written(tmp_path: Path) -> None:
    generator = KnnGenerator(KnnConfig(adapt=False), Bench(WordLibrary(WORDS), tmp_path))
    found = generator.generate([GenerationRequest(Theorem("new", ""), state(goal("sum", "d", "e")))], 9)[0]
    assert set(order(found)) == {"use a", "use b", "use z", "swap"}
