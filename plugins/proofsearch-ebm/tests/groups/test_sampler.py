"""Groups: the tiers that were asked for, nothing positive among the negatives, and an exact resume."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_ebm.data.dataset import build_dataset
from proofsearch_ebm.data.parts import PartEncoder
from proofsearch_ebm.groups.sample import pad_groups
from proofsearch_ebm.groups.sampler import FrontierSampler, SiblingSampler, TierSampler, make_sampler
from proofsearch_ebm.groups.tiers import (
    DEAD_END,
    EASY,
    HARD,
    MEDIUM,
    MISTAKE,
    POSITIVE,
    SOLVED,
    fill_tiers,
    tier_counts,
)
from proofsearch_ebm.training.validation import frontier_choices

from proofsearch.errors import InputError, UsageError
from proofsearch.types import Goal, State

KINDS = ["tiers", "siblings", "frontier"]


def proof(name, branches=6, depth=4):
    """A proof of ``depth`` steps; each step has ``branches`` siblings, of which the last is a dead end."""
    script, node = [], name
    for level in range(depth):
        siblings = [f"{name}{level}.{place}" for place in range(branches)]
        good = f"{name}{level}"
        script.append((node, [*siblings, good] if level < depth - 1 else ["qed", *siblings]))
        if level < depth - 1:
            script.append((siblings[-1], ["no"]))
        node = good
    return script


@pytest.fixture
def dataset(table, build):
    return build(*(table(name, proof(name)) for name in ("one", "two", "three")))


def map_states(texts):
    return [State(text, (Goal(text),)) for text in texts]


def everything(sampler, seed=0):
    return list(sampler.epoch(np.random.default_rng(seed)))


def equal(left, right):
    return len(left) == len(right) and all(
        np.array_equal(a.states, b.states) and np.array_equal(a.tier, b.tier) for a, b in zip(left, right, strict=True)
    )


# ------------------------------------------------------------------------------------------------------------- counts


@given(
    k=st.integers(0, 100),
    ratios=st.lists(st.floats(0, 1e6), min_size=1, max_size=5).filter(any),
    offset=st.floats(0, 1, exclude_max=True),
)
def test_tier_counts_sum_to_k_for_all_ratios(k, ratios, offset):
    counts = tier_counts(k, ratios, offset)
    assert min(counts) >= 0
    assert sum(counts) == k
    for count, ratio in zip(counts, ratios, strict=True):
        assert abs(count - k * ratio / sum(ratios)) < 1 + 1e-6
        assert count == 0 or ratio > 0


@pytest.mark.parametrize("k", [1, 4, 7, 10])
def test_tier_counts_are_the_shares_on_average(k):
    # Rounded alike for every group, of 4 negatives none would ever be easy.
    counts = np.array([tier_counts(k, (0.7, 0.2, 0.1), (place + 0.5) / 1000) for place in range(1000)])
    assert counts.mean(axis=0) == pytest.approx([0.7 * k, 0.2 * k, 0.1 * k], abs=0.002)


@pytest.mark.parametrize("ratios", [(0, 0, 0), (-1, 1, 1), (float("nan"), 1, 1), (float("inf"), 1, 1)])
def test_ratios_that_are_no_shares_are_refused(ratios):
    with pytest.raises(UsageError, match="shares of the tiers"):
        tier_counts(4, ratios, 0.0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4))
def test_tiers_that_lack_states_are_made_up_for(pairs):
    wanted, available = zip(*pairs, strict=True)
    filled = fill_tiers(wanted, available)
    assert sum(filled) == min(sum(wanted), sum(available))
    assert all(count <= have for count, have in zip(filled, available, strict=True))
    assert all(count >= min(want, have) for count, want, have in zip(filled, wanted, available, strict=True))


# -------------------------------------------------------------------------------------------------------------- groups


@pytest.mark.parametrize("groups", KINDS)
def test_what_holds_of_every_group(dataset, groups):
    for sample in everything(make_sampler(groups, dataset, np.arange(3), batch=4, negatives=6)):
        assert np.array_equal(sample.mask, sample.states >= 0)
        assert np.array_equal(sample.positive, sample.tier == POSITIVE)
        assert np.array_equal(sample.mask, sample.tier >= 0)
        assert sample.positive[:, 0].all()
        assert (sample.mask & ~sample.positive).any(axis=1).all()
        for states, mask, positive in zip(sample.states, sample.mask, sample.positive, strict=True):
            assert len(np.unique(states[mask])) == mask.sum()
            # Nothing known to be provable is contrasted with what is provable.
            assert np.array_equal(dataset.label[states[mask]] == 1, positive[mask])


@pytest.mark.parametrize("kind", ["state", "goals"])
@pytest.mark.parametrize("groups", KINDS)
def test_no_empty_text_reaches_the_encoder_nor_a_group(table, write, letters, groups, kind):
    """Catches finished and empty states as siblings, dead ends, rivals and easy negatives: a quarter of them once."""

    def script(name):
        first = (name, [f"{name}a", " \n", f"{name}b", ""])
        return [first, (" \n", ["no"]), (f"{name}b", ["\t", f"{name}c", f"{name}d"]), (f"{name}c", ["qed", "  "])]

    encoder = letters()
    dataset = build_dataset(
        [write("some", *(table(name, script(name)) for name in ("one", "two")))],
        PartEncoder(encoder, kind),
        min_expansions=1,
        max_states_per_theorem=100,
        seed=0,
        say=lambda line: None,
    )
    texts = list(encoder.encoded)
    assert dataset.report.empty == 8
    assert len(texts) == dataset.num_states == 10
    text_of = {row.tobytes(): text for row, text in zip(letters().encode(map_states(texts)), texts, strict=True)}
    samples = everything(make_sampler(groups, dataset, np.arange(2), negatives=9, ratios=(1, 1, 1), dead_ends=4))
    drawn = {text_of[row.tobytes()] for sample in samples for row in dataset.gather(sample.states[sample.mask]).rows}
    assert len(drawn) > 4
    assert all(text.strip() for text in [*texts, *drawn])


def test_tiers_are_what_they_are_called(dataset):
    sampler = TierSampler(dataset, np.arange(3), negatives=10, ratios=(0.3, 0.3, 0.4), batch=64)
    assert sampler.num_groups == dataset.leads_on.sum() == (dataset.label == 1).sum() - 3  # without the roots
    for sample in everything(sampler):
        for states, tier in zip(sample.states.tolist(), sample.tier.tolist(), strict=True):
            entry = dataset.theorems[dataset.theorem_of[states[0]]]
            siblings = {
                child
                for decision in entry.decisions
                if states[0] in decision.children
                for child in decision.children.tolist()
            }
            for state, kind in zip(states[1:], tier[1:], strict=True):
                same = dataset.theorem_of[state] == dataset.theorem_of[states[0]]
                hard = same and (dataset.label[state] == 0 or state in siblings)
                assert kind == (HARD if hard else MEDIUM if same else EASY)


def test_the_realised_mix_is_reported(dataset):
    sampler = TierSampler(dataset, np.arange(3), negatives=4, batch=5)
    samples = everything(sampler)
    for tier, name in enumerate(("positive", "hard", "medium", "easy")):
        assert sampler.realised[name] == sum(int((sample.tier == tier).sum()) for sample in samples)
    assert sampler.realised["positive"] == 9
    assert sampler.realised["dead end"] == 0
    assert sum(sampler.realised.values()) == 9 * 5
    # Of 36 negatives 25.2 should be hard, 7.2 medium and 3.6 easy; for 3 first steps, whose only rivals are siblings,
    # hard ones stand in for the medium ones.
    assert sampler.realised["hard"] >= 9 * 2 + 3
    assert 1 <= sampler.realised["easy"] <= 9


def test_every_state_that_leads_on_comes_once_an_epoch(dataset):
    sampler = TierSampler(dataset, np.arange(3), batch=5)
    firsts = np.concatenate([sample.states[:, 0] for sample in everything(sampler)])
    assert sorted(firsts.tolist()) == np.flatnonzero(dataset.leads_on).tolist()


def test_easy_negatives_come_in_their_share(dataset):
    sampler = TierSampler(dataset, np.arange(3), negatives=4, ratios=(0.7, 0.2, 0.1))
    rng = np.random.default_rng(0)
    groups = sum(len(sample.states) for _ in range(60) for sample in sampler.epoch(rng))
    # A tenth of the negatives: that of a binomial count of so many groups, of which each has one with chance .4.
    assert sampler.realised["easy"] == pytest.approx(0.4 * groups, abs=4 * (0.24 * groups) ** 0.5)


@pytest.mark.parametrize("groups", KINDS)
def test_validation_theorems_are_never_drawn_from(dataset, groups):
    # Easy negatives from validation theorems would be a leak that no split shows.
    for sample in everything(make_sampler(groups, dataset, np.array([0, 2]), negatives=12)):
        assert 1 not in dataset.theorem_of[sample.states[sample.mask]]


def test_a_single_theorem_has_no_easy_negatives_and_others_make_up_for_them(dataset):
    sampler = TierSampler(dataset, np.array([1]), negatives=3, ratios=(0, 0, 1))
    for sample in everything(sampler):
        assert (sample.tier != EASY).all()
        assert sample.mask.all()


def test_no_easy_negative_has_the_text_of_a_positive(table, build):
    # "b" is provable; where another theorem left it unexpanded, that says nothing against it.
    dataset = build(table("t", [("a", ["b", "c"]), ("b", ["qed"])]), table("u", [("d", ["b", "e"]), ("e", ["qed"])]))
    sampler = TierSampler(dataset, np.arange(2), negatives=9)
    positives = {tuple(key) for key in dataset.key[dataset.label == 1].tolist()}
    for sample in everything(sampler):
        assert not positives & {tuple(key) for key in dataset.key[sample.states[sample.tier == EASY]].tolist()}


def test_sibling_groups_are_the_whole_sets(dataset):
    sampler = SiblingSampler(dataset, np.arange(3), batch=4)
    found = {
        frozenset(states[mask].tolist())
        for sample in everything(sampler)
        for states, mask in zip(sample.states, sample.mask, strict=True)
    }
    decisions = [decision for entry in dataset.theorems for decision in entry.decisions]
    assert found == {frozenset(decision.children.tolist()) for decision in decisions}


@pytest.mark.parametrize("most", [0, 1, 5])
def test_dead_ends_of_the_theorem_join_sibling_groups(dataset, most):
    for sample in everything(make_sampler("siblings", dataset, np.arange(3), max_members=3, dead_ends=most)):
        for states, tiers in zip(sample.states, sample.tier, strict=True):
            dead, theorem = states[tiers == DEAD_END], dataset.theorem_of[states[0]]
            siblings = next(
                one.children for one in dataset.theorems[theorem].decisions if states[0] in one.children[one.positive]
            )
            assert len(states[tiers >= 0]) == 3 + len(dead)
            assert (dataset.label[dead] == 0).all()
            assert (dataset.theorem_of[dead] == theorem).all()
            # Every theorem has three dead ends, of which at most one stands among these siblings.
            elsewhere = 3 - int((dataset.label[siblings] == 0).sum())
            assert len(dead) == len(set(dead.tolist())) == min(most, elsewhere)
            assert not np.isin(dead, siblings).any()


@pytest.mark.parametrize("groups", ["siblings", "frontier"])
def test_large_groups_keep_positives_and_are_cut(dataset, groups):
    for sample in everything(make_sampler(groups, dataset, np.arange(3), max_members=3)):
        assert sample.states.shape[1] == 3
        assert sample.positive.sum(axis=1).tolist() == [1] * len(sample.states)


def test_frontier_groups_hold_what_competed_with_the_positive(table, build, states_by_text):
    script = [
        ("root", ["a", "b", "c"]),
        ("a", ["a1", "a2"]),  # before b, which is positive: both its children compete with b
        ("b", ["b1", "b2"]),
        ("b2", ["late1", "late2"]),
        ("b1", ["after", "qed"]),
        ("late1", ["never"]),
    ]
    dataset = build(table("t", script), table("u", [("x", ["y", "z"]), ("y", ["qed"])]), min_expansions=9)
    texts = ["root", "a", "b", "c", "a1", "a2", "b1", "b2", "late1", "late2", "after", "never"]
    ids = states_by_text(dataset, 0, *texts)
    text_of = {state: text for text, state in ids.items()}
    groups = {}
    for sample in everything(FrontierSampler(dataset, np.array([0]))):
        for states, tier in zip(sample.states.tolist(), sample.tier.tolist(), strict=True):
            members = [(text_of[state], kind) for state, kind in zip(states, tier, strict=True) if state >= 0]
            groups[members[0][0]] = {
                kind: {text for text, own in members[1:] if own == kind} for kind in (HARD, MEDIUM)
            }
    assert groups == {
        "b": {HARD: {"a", "c"}, MEDIUM: {"a1", "a2"}},
        # a left the frontier before b1 was met; late1 and late2 came before b1 was expanded.
        "b1": {HARD: {"b2"}, MEDIUM: {"c", "a1", "a2", "late1", "late2"}},
    }


DETOUR = [("root", ["a", "b", "c"]), ("a", ["a1", "a2"]), ("a1", ["root"]), ("b", ["qed"])]
"""a is provable, by way of root, but only b leads on."""


def test_a_child_that_only_leads_back_is_contrasted_at_its_decision_and_no_negative_of_a_tier(
    table, build, states_by_text
):
    dataset = build(table("t", DETOUR), table("u", [("x", ["y", "z"]), ("y", ["qed"])]))
    ids = states_by_text(dataset, 0, "a", "b", "c")
    for groups in ("siblings", "frontier"):
        (sample,) = everything(make_sampler(groups, dataset, np.array([0])))
        assert sample.states[0, 0] == ids["b"]
        assert dict(zip(sample.states[0].tolist(), sample.tier[0].tolist(), strict=True))[ids["a"]] == HARD
    assert dataset.label[[ids["a"], ids["b"]]].tolist() == [1, 1]
    assert dataset.leads_on[[ids["a"], ids["b"], ids["c"]]].tolist() == [False, True, False]
    samples = everything(TierSampler(dataset, np.arange(2), negatives=9))
    firsts = np.concatenate([sample.states[:, 0] for sample in samples])
    assert ids["a"] not in firsts
    assert dataset.depth[firsts].min() == 1  # no root is a positive of a group
    for sample in samples:
        assert (dataset.label[sample.states[sample.mask & ~sample.positive]] != 1).all()


def test_what_is_provable_only_by_a_way_back_competes_in_vain_on_the_frontier(table, build, states_by_text):
    script = [("root", ["a", "b"]), ("a", ["a1", "a2"]), ("b", ["b1", "b2"]), ("a1", ["root"]), ("b1", ["qed"])]
    dataset = build(table("t", script))
    ids = states_by_text(dataset, 0, "root", "a", "b", "a1", "a2", "b1", "b2")
    assert dataset.label[ids["a1"]] == 1
    assert not dataset.leads_on[ids["a1"]]
    drawn = {}
    for sample in everything(FrontierSampler(dataset, np.array([0]))):
        for states, tier in zip(sample.states.tolist(), sample.tier.tolist(), strict=True):
            drawn[states[0]] = dict(zip(states, tier, strict=True))
    assert drawn[ids["b1"]][ids["a1"]] == MEDIUM
    (at_root, at_b) = frontier_choices(dataset, [0], 64, np.random.default_rng(0))
    for choice, good in ((at_root, "b"), (at_b, "b1")):
        assert choice.states[choice.positive].tolist() == [ids[good]]
        assert ids["a1"] in choice.states[~choice.positive]


def test_a_rival_that_leads_on_is_good_where_the_search_could_still_take_it(table, build, states_by_text):
    # From root both a and b lead on, by c; at a, c is its child, and b still leads on by way of c.
    script = [("root", ["a", "b", "x"]), ("a", ["c", "y"]), ("b", ["c", "z"]), ("c", ["qed"])]
    dataset = build(table("t", script))
    ids = states_by_text(dataset, 0, "root", "a", "b", "x", "c", "y", "z")
    assert set(np.flatnonzero(dataset.leads_on)) == {ids["a"], ids["b"], ids["c"]}
    choices = frontier_choices(dataset, [0], 64, np.random.default_rng(0))
    good = {frozenset(choice.states[choice.positive].tolist()) for choice in choices}
    assert frozenset({ids["b"], ids["c"]}) in good  # at a
    for sample in everything(FrontierSampler(dataset, np.array([0]))):
        for states, tier in zip(sample.states, sample.tier, strict=True):
            assert not dataset.leads_on[states[tier > POSITIVE]].any()


WIDE = [
    ("root", [*(f"x{place}" for place in range(12)), "mid"]),
    ("mid", [*(f"s{place}" for place in range(10)), "good"]),
    ("good", ["qed", "end"]),
]
"""Step i has log-probability −(i + 1) / 4, every state one goal: good has −6, s0 −3.5, x0 −0.25, and mid −3.25."""


def test_siblings_take_half_of_a_frontier_and_the_likeliest_rivals_half_of_the_rest(table, build, states_by_text):
    dataset = build(table("t", WIDE))
    ids = states_by_text(dataset, 0, "good", *(f"s{place}" for place in range(10)), *(f"x{n}" for n in range(12)))
    text_of = {state: text for text, state in ids.items()}
    sampler = FrontierSampler(dataset, np.array([0]), max_members=12)
    drawn = []
    for seed in range(20):
        for sample in everything(sampler, seed):
            for states, tier in zip(sample.states.tolist(), sample.tier.tolist(), strict=True):
                if states[0] == ids["good"]:
                    siblings = [text_of[state] for state, kind in zip(states, tier, strict=True) if kind == HARD]
                    rivals = [text_of[state] for state, kind in zip(states, tier, strict=True) if kind == MEDIUM]
                    assert {text[0] for text in siblings} == {"s"}
                    assert {text[0] for text in rivals} == {"x"}
                    assert (len(siblings), len(rivals)) == (6, 5)
                    assert {"x0", "x1"} <= set(rivals)
                    drawn.append((frozenset(siblings), frozenset(rivals)))
    assert len(drawn) == 20
    assert len({siblings for siblings, _ in drawn}) > 1
    assert frozenset.union(*(rivals for _, rivals in drawn)) == {f"x{place}" for place in range(12)}


@pytest.mark.parametrize(
    ("max_gap", "kept"), [(None, {"mid", "good"}), (5.75, {"mid", "good"}), (5.5, {"mid"}), (3.0, {"mid"})]
)
def test_positives_far_below_their_best_rival_are_left_out(table, build, states_by_text, max_gap, kept):
    # good is 5.75 below x0, mid 3.
    dataset = build(table("t", WIDE))
    ids = states_by_text(dataset, 0, "mid", "good")
    sampler = make_sampler("frontier", dataset, np.array([0]), max_gap=max_gap)
    assert sampler.num_groups == len(kept)
    firsts = {state for sample in everything(sampler) for state in sample.states[:, 0].tolist()}
    assert firsts == {ids[text] for text in kept}
    choices = frontier_choices(dataset, [0], 64, np.random.default_rng(0), max_gap)
    assert {int(choice.states[choice.positive][0]) for choice in choices} == firsts


def test_goals_count_in_the_gap(table, build):
    # The policy's order is log-probability less the number of goals: two goals more are as far as two nats.
    near = [("root", ["x", "b & p & q"]), ("b & p & q", ["qed"])]
    dataset = build(table("t", near))
    assert make_sampler("frontier", dataset, np.array([0]), max_gap=2.25).num_groups == 1
    with pytest.raises(InputError, match="none of the 1 theorems"):
        make_sampler("frontier", dataset, np.array([0]), max_gap=2.2)
    assert frontier_choices(dataset, [0], 9, np.random.default_rng(0), 2.2) == []


def test_padding_is_as_wide_as_the_widest():
    sample = pad_groups([(np.array([4, 5]), np.array([0, 1], np.int8)), (np.array([6]), np.array([0], np.int8))])
    assert sample.states.tolist() == [[4, 5], [6, -1]]
    assert sample.tier.tolist() == [[0, 1], [0, -1]]
    assert sample.mask.tolist() == [[True, True], [True, False]]


# -------------------------------------------------------------------------------------------------------------- resume


@pytest.mark.parametrize("groups", KINDS)
def test_the_same_seed_gives_the_same_groups(dataset, groups):
    def make():
        return make_sampler(groups, dataset, np.arange(3), batch=4)

    assert equal(everything(make(), 1), everything(make(), 1))
    assert not equal(everything(make(), 1), everything(make(), 2))
    rng = np.random.default_rng(1)
    sampler = make()
    assert not equal(list(sampler.epoch(rng)), list(sampler.epoch(rng)))


@pytest.mark.parametrize("groups", KINDS)
@pytest.mark.parametrize("stop", [0, 1, 2, 3, 4, 5, 7])
def test_a_resumed_sampler_goes_on_as_if_never_stopped(dataset, groups, stop):
    def batches(sampler, rng, count):
        found = []
        while len(found) < count:
            for sample in sampler.epoch(rng):
                found.append(sample)
                if len(found) == count:
                    break
        return found

    def make():
        return make_sampler(groups, dataset, np.arange(3), batch=4, max_members=4)

    whole = make()
    rng = np.random.default_rng(3)
    # Every sampler takes 4 to 7 such epochs.
    uninterrupted = [sample for _ in range(4) for sample in whole.epoch(rng)][: stop + 5]

    first, rng = make(), np.random.default_rng(3)
    before = batches(first, rng, stop)
    state = json.loads(json.dumps(first.state_dict()))
    second = make()
    second.load_state_dict(state)
    assert second.state_dict() == state
    # The generator that it goes on with is a fresh one: what it drew before must come from the state, too.
    after = batches(second, np.random.default_rng(99 if stop else 3), 5)
    assert equal(before + after, uninterrupted)
    third = make()
    list(batches(third, np.random.default_rng(3), stop + 5))
    assert second.realised == third.realised


def test_resuming_with_other_data_is_refused(dataset):
    state = TierSampler(dataset, np.arange(3)).state_dict()
    with pytest.raises(InputError, match="resume with the same trajectories"):
        TierSampler(dataset, np.arange(2)).load_state_dict(state)


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("groups", KINDS)
def test_no_group_is_one_clear_message(table, build, groups):
    dataset = build(table("t", [("a", ["b"]), ("b", ["qed"])]))
    with pytest.raises(InputError, match="none of the 1 theorems to learn from has"):
        make_sampler(groups, dataset, np.array([0]))


def test_solved_states_and_mistakes_beside_siblings(table, build, states_by_text):
    """Siblings are no mistakes beside themselves, nor is what was expanded before the positive was met."""
    script = [
        ("t", ["early", "a", "b", "way back"]),
        ("early", ["no"]),
        ("b", ["no"]),  # waited beside a
        ("way back", ["t"]),
        ("a", ["c", "d"]),
        ("d", ["no"]),  # waited beside c
        ("c", ["qed"]),
    ]
    dataset = build(table("t", script))
    ids = states_by_text(dataset, 0, "t", "early", "a", "b", "way back", "c", "d")
    name = {number: text for text, number in ids.items()}

    def groups(**options):
        [sample] = everything(make_sampler("siblings", dataset, np.arange(1), batch=9, shuffle=False, **options))
        return {
            tuple(name[state] for state in states[positive]): {
                tier: {name[state] for state in states[tiers == tier]} for tier in set(tiers.tolist()) - {-1}
            }
            for states, positive, tiers in zip(sample.states, sample.positive, sample.tier, strict=True)
        }

    assert groups()[("c",)] == {POSITIVE: {"c"}, HARD: {"d"}}
    assert groups(mistakes=9)[("c",)] == {POSITIVE: {"c"}, HARD: {"d"}}
    beside = groups(solved=9, dead_ends=9)
    assert beside[("c",)][SOLVED] == {"t", "a", "way back"}
    assert beside[("c",)][DEAD_END] == {"early", "b"}
    assert beside[("a",)][SOLVED] == {"t", "c"}


def test_mistakes_of_other_decisions_are_compared_once(table, build, states_by_text):
    script = [
        ("t", ["a", "b", "c"]),
        ("b", ["b1", "b2"]),
        ("b1", ["no"]),  # expanded while a waited, and no sibling of it
        ("a", ["qed"]),
    ]
    dataset = build(table("t", script))
    ids = states_by_text(dataset, 0, "a", "b", "c", "b1")
    for seed in range(5):
        [sample] = everything(make_sampler("siblings", dataset, np.arange(1), batch=1, mistakes=4, dead_ends=4), seed)
        assert sample.states[0][sample.tier[0] == MISTAKE].tolist() == [ids["b1"]]
        assert len(set(sample.states[0].tolist())) == len(sample.states[0])
    assert sampler_states(dataset, mistakes=0) == {"positive": 1, "hard": 2}
    assert sampler_states(dataset, mistakes=1) == {"positive": 1, "hard": 2, "mistake": 1}


def sampler_states(dataset, **options):
    sampler = make_sampler("siblings", dataset, np.arange(1), **options)
    everything(sampler)
    return {name: count for name, count in sampler.realised.items() if count}


def test_an_earlier_version_s_place_is_gone_back_to(dataset):
    sampler = make_sampler("siblings", dataset, np.arange(3))
    everything(sampler)
    state = sampler.state_dict()
    for tier in ("solved", "mistake"):
        del state["realised"][tier]
    again = make_sampler("siblings", dataset, np.arange(3))
    again.load_state_dict(state)
    assert again.realised == sampler.realised
