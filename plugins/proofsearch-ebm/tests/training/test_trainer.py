"""Training: it learns what is there and nothing that isn't, watches itself, and says what it finds."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import types

import numpy as np
import pytest
import torch
from proofsearch_ebm.config import MAY_CHANGE, EbmTrainerConfig
from proofsearch_ebm.data.dataset import build_dataset
from proofsearch_ebm.data.parts import PartEncoder
from proofsearch_ebm.losses.depth_regression import DepthRegression, DepthRegressionConfig
from proofsearch_ebm.losses.info_nce import InfoNce, InfoNceConfig
from proofsearch_ebm.losses.listwise import Listwise, ListwiseConfig
from proofsearch_ebm.losses.ordinal_regression import OrdinalRegression, OrdinalRegressionConfig
from proofsearch_ebm.losses.weighted import WeightedLosses, parse_terms
from proofsearch_ebm.model.checkpoint import load_checkpoint
from proofsearch_ebm.model.head import MAX_SCALE, StateOutput
from proofsearch_ebm.training import trainer, validation
from proofsearch_ebm.training.history import History
from proofsearch_ebm.training.scalars import unwritten
from proofsearch_ebm.training.setup import data_hash, prepared_head, set_up
from proofsearch_ebm.training.step import against_policy, grouped
from proofsearch_ebm.training.trainer import EbmTrainer
from proofsearch_ebm.training.validation import frontier_choices, sibling_choices

from proofsearch.checkpoint import read_manifest
from proofsearch.errors import InputError, PluginError, UsageError
from proofsearch.protocols import TrainingRequest
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.state import load_state
from proofsearch.trainers.tensors import read_tensors
from proofsearch.types import State

OPTIONS = {
    "parts": "goals",
    "context": "theorem",
    "loss": ("info_nce:1", "depth_regression:0.3"),
    "groups": "tiers",
    "max_gap": None,
    "policy_weight": 0.0,
    "mixing": "siblings",
    "inputs": "zscore",
    "dropout": 0.1,
    "spectral_norm": True,
    "layer_norm": False,
    "learnable_scale": True,
    "remaining_output": True,
    "output_bias": None,
    "split": "theorem",
    "patience": 10,
    "steps": 60,
    "hidden": (16, 8),
    "batch": 8,
    "negatives": 3,
    "warmup": 5,
    "validate_every": 20,
    "bootstrap": 200,
    "validation_share": 0.4,
    "min_expansions": 1,
    "learning_rate": 0.01,
}
LOSSES = {
    "info_nce": InfoNce(InfoNceConfig()),
    "depth_regression": DepthRegression(DepthRegressionConfig()),
    "listwise": Listwise(ListwiseConfig()),
}


class Builder:
    """What the trainer asks for."""

    def __init__(self, encoder, cache=None, **losses):
        self.made = encoder
        self.cache = cache
        self.losses = LOSSES | losses

    def status(self, message, done=None, total=None):
        pass

    def encoder_options(self, name):
        return {}

    def encoder(self, name, options=None):
        return self.made

    def loss_options(self, name):
        return {}

    def loss(self, name):
        if name not in self.losses:
            raise PluginError(f"no loss is named {name!r}")
        return self.losses[name]


class Telling:
    """An encoder whose first columns tell good goals from bad ones and how deep they are, beside noise."""

    width = 10

    def __init__(self, letters):
        self._noise = letters()

    def encode(self, states):
        tells = [[1 if "good" in state.text else -1, int((state.text + ".0").split(".")[1][0])] for state in states]
        return np.hstack((np.array(tells, np.float32), self._noise.encode(states)))

    def fingerprint(self):
        return "telling"

    def close(self):
        pass


def proof(name, rng, branches=5, depth=3, *, dead_end=False):
    """A proof whose good child stands anywhere among its siblings; one of the others may be a dead end."""
    script, node = [], name
    for level in range(depth):
        children = [f"{name}.{level}.{place} bad" for place in range(branches)]
        good = f"{name}.{level} good"
        if level < depth - 1:
            children.insert(int(rng.integers(branches + 1)), good)
        else:
            children.insert(0, "qed")
        script.append((node, children))
        node = good
    if dead_end:
        script[1:1] = [(f"{name}.0.1 bad", [f"{name}.0.1 worse"]), (f"{name}.0.1 worse", ["no"])]
    return script


@pytest.fixture
def trajectories(table, write):
    rng = np.random.default_rng(0)
    return write("train", *(table(f"t{number}", proof(f"t{number}", rng)) for number in range(25)))


@pytest.fixture
def train(trajectories, letters, tmp_path, monkeypatch):
    def run(encoder=None, builder=None, said=None, paths=None, seed=0, out="out", draw=False, **options):
        def report(one):
            if said is not None:
                said.extend(one.messages)

        made = builder or Builder(encoder or Telling(letters))
        trainer = EbmTrainer(EbmTrainerConfig(**(OPTIONS | options)), made)
        with monkeypatch.context() as patch:
            if not draw:  # it takes longer than the training
                patch.setattr("proofsearch_ebm.training.trainer.write_plots", lambda folder, pictures: [])
            return trainer.train(TrainingRequest(paths or [trajectories], tmp_path / out, seed, False, report))

    return run


def metrics(folder):
    return json.loads((folder / "manifest.json").read_text())["metrics"]


# ------------------------------------------------------------------------------------------------------- what it learns


@pytest.mark.parametrize("groups", ["tiers", "siblings", "frontier"])
@pytest.mark.parametrize("parts", ["goals", "state"])
def test_it_learns_what_the_encoder_tells_and_the_core_will_use_it(train, groups, parts):
    said = []
    found = metrics(train(said=said, groups=groups, parts=parts))
    assert found["rank energy"] == 1.0
    assert found["chance"] < 0.2
    assert found["mixing"]["energy"]["gain_low"] > 0
    assert found["value weight"] > 0.5
    assert found["validation"]["gap"] > 1
    assert any("a gain of" in message for message in said)


def test_nothing_is_said_of_a_gain_at_decisions_that_an_order_chose(train, table, write):
    """Catches the artefact in an expert iteration, whose rounds learn from searches that a value ordered."""
    rng = np.random.default_rng(0)
    tables = [table(f"t{number}", proof(f"t{number}", rng), scorer="ebm") for number in range(25)]
    said = []
    found = metrics(train(said=said, paths=[write("own", *tables)], groups="siblings"))
    assert found["value weight"] > 0.5
    assert not {"gain", "rank energy", "rank mixed"} & found.keys()
    assert not any("a gain of" in message for message in said)
    assert any("some of the searches were ordered by ebm, which chose the decisions" in message for message in said)


def test_without_a_signal_rank_is_chance_and_the_value_weighs_nothing(train, letters):
    # A leak between splits, or of labels into features, would lift this above chance.
    said = []
    found = metrics(train(encoder=letters(), said=said, patience=0))
    decisions = found["mixing"]["energy"]["sets"]
    error = math.sqrt(found["chance"] * (1 - found["chance"]) / decisions)
    assert abs(found["rank energy"] - found["chance"]) < 4 * error
    assert found["value weight"] == 0
    assert any("weigh 0" in message for message in said)


def shuffled(dataset, rng):
    """The same states and decisions; which of a decision's children leads on is drawn anew."""
    label, remaining, theorems = dataset.label.copy(), dataset.remaining.copy(), []
    for entry in dataset.theorems:
        decisions = []
        for decision in entry.decisions:
            order = rng.permutation(len(decision.children))
            label[decision.children] = label[decision.children[order]]
            remaining[decision.children] = remaining[decision.children[order]]
            decisions.append(dataclasses.replace(decision, positive=decision.positive[order]))
        theorems.append(dataclasses.replace(entry, decisions=decisions))
    return dataclasses.replace(dataset, label=label, remaining=remaining, theorems=theorems)


@pytest.mark.parametrize("groups", ["tiers", "siblings", "frontier"])
def test_shuffled_labels_give_the_rank_of_chance_and_true_ones_do_not(train, table, write, monkeypatch, groups):
    """Catches labels that reach the inputs, validation theorems that are trained on; true labels are the control."""
    rng = np.random.default_rng(3)
    paths = [write("many", *(table(f"t{number}", proof(f"t{number}", rng, depth=4)) for number in range(60)))]

    by_heart = {"spectral_norm": False, "hidden": (64, 32), "dropout": 0.0, "steps": 300}

    def last_rank(out):
        folder = train(paths=paths, groups=groups, patience=0, out=out, **by_heart)
        measured = History.read(folder / "training.parquet")
        return (
            measured.series("rank_accuracy")[-1][1],
            measured.series("chance")[-1][1],
            measured.series("groups")[-1][1],
        )

    rank, chance, decisions = last_rank("true")
    error = math.sqrt(chance * (1 - chance) / decisions)
    assert decisions > 50
    assert rank > chance + 10 * error
    monkeypatch.setattr(trainer, "build_dataset", lambda *places, **how: shuffled(build_dataset(*places, **how), rng))
    rank, chance, _ = last_rank("shuffled")
    assert abs(rank - chance) < 3 * error


@pytest.mark.parametrize(
    ("options", "tells", "steps"),
    # With its largest singular values held at 1 the head is too smooth to learn noise by heart; without, it does.
    [({}, True, 100), ({"policy_weight": 0.0}, True, 100), ({"spectral_norm": False}, False, 300)],
    ids=["default", "without policy", "noise"],
)
def test_64_groups_are_learnt_by_heart_with_the_default_head(write, table, letters, options, tells, steps):
    """Catches a logit scale that is stuck, gradients that don't arrive, members that are mixed up in their groups."""
    rng = np.random.default_rng(0)
    tables = [table(f"t{number}", proof(f"t{number}", rng)) for number in range(32)]
    tables.append(table("v", proof("v", rng), split="validation"))
    dataset = build_dataset(
        [write("few", *tables)],
        PartEncoder(Telling(letters) if tells else letters(), "state"),
        min_expansions=1,
        max_states_per_theorem=100,
        seed=0,
        say=lambda line: None,
    )
    watched = {"steps": steps, "warmup": 20, "patience": 0, "validate_every": steps // 5, "validation_share": 0.01}
    training = set_up_loop(dataset, **watched, **options)
    assert training.source.sampler.num_groups == EbmTrainerConfig().batch == 64
    training.loop.run(lambda: None, lambda: False)
    losses = [loss for _, loss in training.loop.history.series("loss/listwise", "train")]
    assert losses[0] > 0.2
    assert losses[-1] < 0.1


def test_the_remaining_steps_are_learnt_beside_the_order(train):
    def final_error(weight):
        folder = train(
            loss=("info_nce:1", f"depth_regression:{weight}"),
            patience=0,
            out=f"{weight}",
            steps=120,
            learning_rate=0.03,
        )
        return History.read(folder / "training.parquet").series("loss/depth_regression", "train")[-1][1]

    assert final_error(1) < 0.6 * final_error(0)


@pytest.mark.parametrize("measure", ["steps", "nats"])
def test_buckets_are_learnt_from_solved_states_beside_the_order(train, letters, measure):
    """Would catch logits that never reach the loss, and a cost that a search reads off another output."""
    ordinal = OrdinalRegression(OrdinalRegressionConfig(measure=measure))

    def trained(weight):
        return train(
            builder=Builder(Telling(letters), ordinal_regression=ordinal),
            parts="state",
            groups="siblings",
            loss=("listwise:1", f"ordinal_regression:{weight}"),
            buckets=True,
            solved=2,
            mistakes=2,
            patience=0,
            out=f"{weight}",
            steps=120,
            learning_rate=0.03,
        )

    folders = [trained(weight) for weight in (0, 1)]
    before, after = (
        History.read(folder / "training.parquet").series("loss/ordinal_regression", "train")[-1][1]
        for folder in folders
    )
    assert after < 0.6 * before
    found = metrics(folders[1])
    assert found["realised_tiers"]["solved"] > 0
    assert found["mixing"].keys() == {"energy", "cost"}
    rows = Telling(letters).encode([State(f"x.{depth} good", ()) for depth in (0, 1)])
    far, near = load_checkpoint(folders[1]).head(rows).remaining
    assert far > near  # the proofs have three steps


def test_recorded_states_that_are_lost_are_counted_aloud(train, letters):
    class Forgetful(Telling):
        num_lost = 0

        def encode(self, states):
            self.num_lost += 1
            return super().encode(states)

    said = []
    train(encoder=Forgetful(letters), said=said, steps=5)
    assert [line for line in said if "1 recorded states were not found again" in line]
    said.clear()
    train(said=said, steps=5, out="another")
    assert not any("not found again" in line for line in said)


def test_only_states_of_one_theorem_have_its_nats(build, table):
    """Nats are the recorded log-probabilities of the likeliest way: step i of an expansion has −(i + 1) / 4."""
    dataset = build(table("t", [("t", ["far", "near"]), ("far", ["no", "no", "qed"]), ("near", ["no", "qed"])]))
    known = {round(float(nats), 3) for nats in dataset.nats}
    assert known == {1.0, 0.75, 0.5}  # of the root by way of near or far alike, of far, of near
    assert set(dataset.nats[dataset.label != 1].tolist()) <= {-1.0}


@pytest.mark.parametrize("groups", ["tiers", "siblings", "frontier"])
def test_the_same_searches_filed_in_another_order_give_the_same_head(train, table, write, letters, groups):
    """One worker and two: what they searched is the same, who was first is not."""
    rng = np.random.default_rng(0)
    tables = [table(f"t{number}", proof(f"t{number}", rng), position=7 * number % 25) for number in range(25)]
    found = []
    for out in ("one", "two"):
        rng.shuffle(tables)
        folder = train(paths=[write(out, *tables)], out=out, groups=groups, steps=20, validate_every=10)
        (head,) = folder.glob("head-*.safetensors")
        found.append((head.name, head.read_bytes(), metrics(folder)))
    assert found[0] == found[1]


def test_the_logits_of_a_residual_energy_hold_the_log_probability(build, table):
    # With policy_weight the energy learns what the policy misses; with a wrong sign it would learn to repeat it.
    dataset = build(table("t", proof("t", np.random.default_rng(0))))
    states = np.array([[0, 1, -1]])
    energies = torch.tensor([[1.0, 2.0, 3.0]])
    found = against_policy(energies, dataset, states, 0.5)
    assert found[0, :2].tolist() == pytest.approx((energies[0, :2] - 0.5 * torch.tensor(dataset.logprob[:2])).tolist())
    assert bool(torch.isfinite(found).all())
    assert against_policy(energies, dataset, states, 0.0) is energies


@pytest.mark.parametrize("policy_weight", [0.0, 1.0])
def test_the_energy_that_is_fitted_to_distances_is_the_heads_own(build, table, policy_weight):
    dataset = build(table("t", proof("t", np.random.default_rng(0))))
    state = int(np.flatnonzero(dataset.leads_on & (dataset.logprob < 0))[0])
    states = np.array([[state, state + 1]])
    output = StateOutput(torch.tensor([float(dataset.remaining[state]), 0.0], requires_grad=True), torch.zeros(2))
    energies, batch = grouped(dataset, states, np.array([[True, False]]), output, torch.tensor([[0, 1]]))
    seen = against_policy(energies, dataset, states, policy_weight)
    loss = DepthRegression(DepthRegressionConfig(target="energy"))(seen, batch)
    assert loss.item() == 0  # whatever the policy thought of the way to the state
    loss.backward()
    assert bool((output.energy.grad == 0).all())


def test_what_is_kept_is_settled_and_its_scale_bounded(train):
    """Catches heads whose largest singular value, at the learning rate of the training, had run away from 1."""
    (file,) = train(learning_rate=0.1, hidden=(24, 12), steps=40).glob("head-*.safetensors")
    tensors = read_tensors(file)
    for name in ("layers.0", "layers.1", "energy_output"):
        weight = tensors[f"{name}.parametrizations.weight.original"]
        left, right = (tensors[f"{name}.parametrizations.weight.0.{vector}"] for vector in ("_u", "_v"))
        assert np.linalg.svd(weight / (left @ weight @ right), compute_uv=False).max() <= 1.02
    assert abs(float(tensors["log_temperature"])) <= math.log(MAX_SCALE) * 1.001


def test_dead_ends_beside_a_group_are_not_compared_but_are_far_from_a_proof(build, table):
    dataset = build(table("t", proof("t", np.random.default_rng(0), dead_end=True)))
    dead = np.flatnonzero(dataset.label == 0)[0]
    on_path = np.flatnonzero(dataset.label == 1)[0]
    states = np.array([[on_path, on_path + 1, dead, -1]])
    output = StateOutput(torch.arange(3.0), torch.zeros(3))
    place = torch.tensor([[0, 1, 2, 0]])
    positive = np.array([[True, False, False, False]])
    _, beside = grouped(dataset, states, positive, output, place, states == dead)
    assert beside.mask.tolist() == [[True, True, False, False]]
    assert beside.dead_end.tolist() == [[False, False, True, False]]
    _, among = grouped(dataset, states, positive, output, place)
    assert among.mask.tolist() == [[True, True, True, False]]
    assert among.dead_end.tolist() == [[False, False, True, False]]


def test_inputs_are_standardised_on_training_theorems_alone(build, table, letters):
    rng = np.random.default_rng(0)
    dataset = build(*(table(f"t{number}", proof(f"t{number}", rng)) for number in range(6)), kind="goals")
    loop = set_up_loop(dataset, **OPTIONS)
    train = np.array([theorem for theorem in range(6) if theorem not in loop.validation])
    rows = dataset.gather(dataset.states_of(train.tolist())).rows
    assert loop.loop.head.input_mean.numpy() == pytest.approx(rows.mean(axis=0), abs=1e-6)
    everything = dataset.gather(np.arange(dataset.num_states)).rows
    assert np.abs(loop.loop.head.input_mean.numpy() - everything.mean(axis=0)).max() > 1e-4


def test_first_logits_have_about_unit_spread(build, table):
    rng = np.random.default_rng(0)
    dataset = build(*(table(f"t{number}", proof(f"t{number}", rng)) for number in range(6)), kind="goals")
    training = set_up_loop(dataset, **OPTIONS)
    head = prepared_head(training.head_config, dataset, np.arange(6), seed=0, rng=rng)
    rows, index, _ = dataset.gather(np.arange(dataset.num_states))
    head.eval()
    energy = head(torch.from_numpy(rows)).energy[torch.from_numpy(index)].detach()
    assert float(energy.std(correction=0)) == pytest.approx(1.0, rel=0.05)


def set_up_loop(dataset, **options):
    config = EbmTrainerConfig(**options)
    losses = WeightedLosses(parse_terms(config.loss), LOSSES.__getitem__)
    progress = Progress(lambda report: None, config.steps)
    return set_up(config, dataset, losses, seed=0, progress=progress, write=unwritten)


CHANGES = [
    {"parts": "state"},
    {"hidden": (16, 9)},
    {"dropout": 0.0},
    {"spectral_norm": False},
    {"layer_norm": True},
    {"inputs": "l2"},
    {"learnable_scale": False},
    {"remaining_output": False, "loss": ("info_nce",)},
    {"output_bias": False},
    {"loss": ("info_nce:2",)},
    {"loss": ("listwise",)},
    {"policy_weight": 1.0},
    {"groups": "siblings"},
    {"groups": "frontier"},
    {"negatives": 2},
    {"hard": 0.0},
    {"medium": 0.0, "easy": 0.9},
    {"easy": 0.0},
    {"groups": "siblings", "max_members": 3},
    {"groups": "siblings", "dead_ends": 0},
    {"groups": "siblings", "solved": 2},
    {"groups": "siblings", "mistakes": 2},
    {"steps": 7},
    {"batch": 7},
    {"learning_rate": 0.02},
    {"warmup": 3},
    {"weight_decay": 0.5},
    {"clip": 0.01},
    {"validation_share": 0.2},
    {"split": "position"},
    {"max_states": 5},
    {"row_type": "float16"},
    {"context": "none"},
    {"groups": "frontier", "max_gap": 0.6},
]


@pytest.fixture
def weights(build, table):
    """The weights after a few steps, as bytes."""

    def train_a_little(**options):
        options = OPTIONS | {"steps": 8, "hard": 0.5, "medium": 0.25, "easy": 0.25} | options
        rng = np.random.default_rng(0)
        dataset = build(
            *(table(f"t{number}", proof(f"t{number}", rng, dead_end=True), position=number) for number in range(8)),
            kind=options.get("parts", "goals"),
            max_states=options.get("max_states", 100),
            row_type=options.get("row_type", "float32"),
            with_theorem=options.get("context", "theorem") == "theorem",
        )
        loop = set_up_loop(dataset, **options).loop
        loop.run(lambda: None, lambda: False)
        return {name: tensor.numpy().tobytes() for name, tensor in loop.head.state_dict().items()}

    return train_a_little


@pytest.fixture(scope="module")
def unchanged():
    """What a training without the change leaves, by its groups."""
    return {}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_every_option_changes_the_training(weights, unchanged, change):
    other = {name: value for name, value in change.items() if name == "groups" and len(change) > 1}
    if str(other) not in unchanged:
        unchanged[str(other)] = weights(**other)
    assert unchanged[str(other)] != weights(**change)


def test_the_same_options_change_nothing(weights):
    assert weights() == weights()


def test_options_are_all_covered():
    # The encoder is what the tests replace; what is appended, the labels that min_expansions makes, a warm start and
    # buckets have their own.
    covered = {name for change in CHANGES for name in change}
    assert covered | {"encoder", "append", "min_expansions", "start", "buckets"} | MAY_CHANGE == set(
        EbmTrainerConfig.model_fields
    )


@pytest.mark.parametrize("groups", ["siblings", "tiers"])
@pytest.mark.parametrize("row_type", ["float32", "float16"])
def test_rows_beyond_memory_give_the_same_checkpoint_bit_for_bit(train, monkeypatch, groups, row_type):
    monkeypatch.setattr("proofsearch_ebm.data.rows._CHUNK", 50)
    options = {"groups": groups, "row_type": row_type, "steps": 20}
    plain, said = train(out="plain", **options), []
    beyond = train(out="beyond", memory_megabytes=0.001, said=said, **options)
    assert any(f"are in a file in {beyond}" in line for line in said)
    assert state(beyond) == state(plain)
    assert metrics(beyond) == metrics(plain)
    assert {path.name for path in beyond.iterdir()} == {path.name for path in plain.iterdir()}


def state(folder):
    tensors = load_state(folder).tensors
    return {f"{group}/{name}": array.tobytes() for group, of in tensors.items() for name, array in of.items()}


# ------------------------------------------------------------------------------------------------ what it leaves behind


def test_the_folder_holds_a_checkpoint_a_history_and_plots(train, letters):
    folder = train(draw=True)
    loaded = load_checkpoint(folder)
    config = EbmTrainerConfig(**OPTIONS)
    assert (list(loaded.encoders), loaded.encoder_fingerprint) == ([config.encoder], "telling")
    assert (loaded.parts, loaded.with_theorem) == (config.parts, config.context == "theorem")
    manifest = read_manifest(folder)
    assert manifest.fingerprints.keys() == {"encoder", "environment"}
    assert manifest.config["training"] == EbmTrainerConfig(**OPTIONS).model_dump(mode="json")
    assert sorted(path.name for path in (folder / "plots").iterdir()) == [
        "energy.svg",
        "gap.svg",
        "learning.svg",
        "loss.svg",
        "rank.svg",
    ]
    history = History.read(folder / "training.parquet")
    assert [step for step, _ in history.series("rank_accuracy")] == [20, 40, 60]
    assert not list(folder.rglob("*.part"))


def test_training_twice_gives_the_same_checkpoint(train):
    first, second = train(out="a"), train(out="b")
    for name in ("manifest.json", "training.parquet"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert train(out="c", seed=1).joinpath("manifest.json").read_bytes() != (first / "manifest.json").read_bytes()


def test_test_theorems_teach_nothing(table, write, train):
    rng = np.random.default_rng(0)
    tables = [table(f"t{number}", proof(f"t{number}", rng)) for number in range(10)]
    held_out = [table(f"u{number}", proof(f"u{number}", rng), split="test") for number in range(5)]
    said = []
    with_them = train(paths=[write("with", *tables, *held_out)], out="a", said=said)
    without = train(paths=[write("without", *tables)], out="b")
    assert load_checkpoint(with_them).head.weight.tobytes() == load_checkpoint(without).head.weight.tobytes()
    assert any("test split" in message for message in said)


def test_training_threads_and_random_state_of_the_process_are_left_as_they_were(train):
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(steps=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


# --------------------------------------------------------------------------------------------------- watching, stopping


def test_the_best_head_is_kept_and_patience_ends_it(train):
    folder = train(steps=1000, patience=2)
    found = metrics(folder)
    history = dict(History.read(folder / "training.parquet").series("rank_accuracy"))
    losses = dict(History.read(folder / "training.parquet").series("loss"))
    assert found["stopped"] == "patience"
    assert found["steps"] < 1000
    assert found["best_step"] == max(history, key=lambda step: (history[step], -losses[step]))
    assert found["steps"] == found["best_step"] + 2 * OPTIONS["validate_every"]
    assert found["rank energy"] == pytest.approx(history[found["best_step"]])


def test_training_and_validation_measure_the_same_and_the_rank_of_the_energy_alone_has_its_own_name(train):
    # Of what the losses see; would catch a rank, or a gap, that is one thing here and another there.
    folder = train(groups="siblings", policy_weight=1000.0)
    found, history = metrics(folder), History.read(folder / "training.parquet")
    for split in ("train", "validation"):
        assert min(mean for _, mean in history.series("mean_positive", split)) > 500
        assert max(deviation for _, deviation in history.series("energy_std", split)) < 50
    assert found["rank energy"] == found["mixing"]["energy"]["rank_value"]
    assert abs(found["rank energy"] - found["validation"]["rank_accuracy"]) > 0.1


def test_a_lost_sign_is_said_beside_a_policy(train, table, write, monkeypatch):
    rng = np.random.default_rng(3)
    paths = [write("many", *(table(f"t{number}", proof(f"t{number}", rng, depth=4)) for number in range(120)))]
    said = []
    train(said=said, paths=paths, groups="siblings", policy_weight=1.0)
    assert not any("the wrong way round" in message for message in said)
    original = validation.evaluate

    def negated(head, *where):
        found = original(head, *where)
        return dataclasses.replace(found, energy=-found.energy)

    monkeypatch.setattr(validation, "evaluate", negated)
    said.clear()
    train(said=said, paths=paths, groups="siblings", policy_weight=1.0, out="lost")
    assert any("far less than chance" in message and "the wrong way round" in message for message in said)


def test_a_collapse_is_seen_beside_log_probabilities_that_differ(train):
    said = []
    train(said=said, policy_weight=1.0, learnable_scale=False, inputs="l2", learning_rate=1e-6)
    assert sum("nearly the same energy" in message for message in said) == 1


class Breaking:
    """A loss that is no number in some steps of a training; it is also called to be tried and to be measured."""

    def __init__(self, when, value=math.nan):
        self.when = when
        self.value = value
        self.calls = 0

    def __call__(self, energies, batch):
        loss = LOSSES["info_nce"](energies, batch)
        if not energies.requires_grad:
            return loss
        self.calls += 1
        return loss * self.value if self.when(self.calls) else loss


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_skips_the_step_and_says_so(train, letters, value):
    said = []
    builder = Builder(Telling(letters), breaking=Breaking(lambda call: call in (3, 4, 9), value))
    folder = train(builder=builder, said=said, loss=("breaking:1",))
    assert [message for message in said if "skipped" in message] == [
        f"step {step}: the loss or its gradient is no finite number; the step is skipped" for step in (3, 4, 9)
    ]
    assert metrics(folder)["rank energy"] == 1.0


def test_a_gradient_that_is_no_number_skips_the_step_too(train, letters):
    class BadGradient:
        def __call__(self, energies, batch):
            return LOSSES["info_nce"](energies, batch) + (energies * 0).abs().sqrt().sum()

    said = []
    with pytest.raises(InputError, match="10 steps in a row"):
        train(builder=Builder(Telling(letters), bad=BadGradient()), said=said, loss=("bad",))
    assert sum("skipped" in message for message in said) == 10


def test_too_many_steps_without_a_number_end_it_and_leave_no_checkpoint(train, letters, tmp_path):
    builder = Builder(Telling(letters), breaking=Breaking(lambda call: call > 5))
    with pytest.raises(InputError, match=r"step 9: 4 steps in a row.*--ebm-learning-rate.*breaking"):
        train(builder=builder, loss=("breaking:1",), max_skipped=4)
    assert not (tmp_path / "out/manifest.json").exists()


def test_a_collapse_is_said_in_words_once(train):
    said = []
    train(said=said, learnable_scale=False, inputs="l2", learning_rate=1e-6)
    assert sum("nearly the same energy" in message for message in said) == 1


def test_no_decision_to_validate_with_means_no_weight_and_a_message(table, write, train):
    rng = np.random.default_rng(0)
    tables = [table(f"t{number}", proof(f"t{number}", rng)) for number in range(6)]
    easy = [table(f"v{number}", [(f"v{number}", ["qed"])], split="validation") for number in range(6)]
    said = []
    found = metrics(train(paths=[write("x", *tables, *easy)], said=said))
    assert found["mixing"] == {}
    assert found["best_step"] == OPTIONS["steps"]
    assert any("can't be weighed and weighs 0" in message for message in said)


def test_frontiers_that_a_gap_leaves_none_of_mean_no_weight_and_a_message(table, write, train):
    scripts = {f"t{number}": [(f"t{number}", ["x bad", "y bad", "z good"]), ("z good", ["qed"])] for number in range(9)}
    said = []
    paths = [write("last", *(table(name, script) for name, script in scripts.items()))]
    found = metrics(train(paths=paths, said=said, groups="siblings", mixing="frontier", max_gap=0.4, steps=20))
    assert found["mixing"] == {}
    assert any("--ebm-max-gap" in message and "weighs 0" in message for message in said)
    wide = metrics(train(paths=paths, groups="siblings", mixing="frontier", max_gap=0.6, steps=20, out="wide"))
    assert wide["mixing"]["energy"]["sets"] > 0


# ------------------------------------------------------------------------------------------------------------ bad input


def test_an_unknown_loss_fails_before_anything_is_read(train, tmp_path):
    with pytest.raises(PluginError, match="infonce"):
        train(paths=[tmp_path / "nowhere"], loss=("infonce:1",))


@pytest.mark.parametrize("loss", [(), ("info_nce:x",), ("info_nce:0",), ("info_nce", "info_nce:2")])
def test_losses_that_say_nothing_are_refused(train, loss):
    with pytest.raises(UsageError, match="--ebm-loss"):
        train(loss=loss)


def test_trajectories_without_a_positive_are_refused(table, write, train, tmp_path):
    with pytest.raises(InputError, match="none that could be learned from"):
        train(paths=[write("failed", table("t", [("t", ["t.0", "t.1"])], proved=False))])
    assert not (tmp_path / "out/manifest.json").exists()


def test_a_loss_for_an_output_that_the_head_lacks_is_refused(train):
    with pytest.raises(UsageError, match="--ebm-remaining-output"):
        train(remaining_output=False)


def test_tensorboard_that_is_not_installed_is_named(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"pip install 'proofsearch-ebm\[tensorboard\]'"):
        train(tensorboard=True)


def test_tensorboard_reads_what_is_measured(train):
    """Catches event files that TensorBoard can't read, and figures under another step or name than the table's."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = train(tensorboard=True)
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    wanted = {}
    for row in History.read(folder / "training.parquet").rows:
        for name, value in row.metrics.items():
            if not math.isnan(value):
                wanted.setdefault(f"{row.split}/{name}", []).append((row.step, pytest.approx(value, rel=1e-6)))
    assert len(wanted) > 20
    assert {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]} == wanted


def test_tensorboard_gets_what_is_measured(train, monkeypatch, tmp_path):
    written, closed = [], []
    module = types.ModuleType("torch.utils.tensorboard")

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            assert (folder, purge_step) == (str(tmp_path / "out/tensorboard"), 1)

        def add_scalar(self, name, value, step):
            written.append((name, step))

        def close(self):
            closed.append(True)

    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    train(tensorboard=True)
    assert {("train/loss", 20), ("validation/rank_accuracy", 60)} <= set(written)
    assert closed == [True]


def test_the_embedding_cache_is_used_where_it_is_asked_for(train, letters, tmp_path):
    first, again, other = letters(), letters(), letters("other")
    for out, encoder in (("a", first), ("b", again), ("c", other)):
        train(builder=Builder(encoder, tmp_path / "cache"), out=out, cache_embeddings=True, steps=2)
    assert again.encoded == []
    # Rows of another encoder are not looked at.
    assert sorted(other.encoded) == sorted(first.encoded)
    assert (tmp_path / "a" / "head-00000002.safetensors").read_bytes() == (
        tmp_path / "b" / "head-00000002.safetensors"
    ).read_bytes()


def test_the_embedding_cache_is_as_large_as_it_may_be(train, letters, tmp_path):
    # What two trainings need doesn't fit, so the second has to encode it again.
    first, again = letters(), letters()
    for out, encoder in (("a", first), ("b", again)):
        train(
            builder=Builder(encoder, tmp_path / "cache"), out=out, cache_embeddings=True, cache_megabytes=1e-3, steps=2
        )
    assert again.encoded == first.encoded != []


# ----------------------------------------------------------------------------------------------------- choices to judge


def test_choices_are_siblings_or_what_stood_on_the_frontier_with_them(build, table):
    dataset = build(*(table(f"t{number}", proof(f"t{number}", np.random.default_rng(number))) for number in range(3)))
    siblings = sibling_choices(dataset, [0, 2])
    frontier = frontier_choices(dataset, [0, 2], 100, np.random.default_rng(0))
    assert {choice.theorem for choice in siblings} == {0, 2}
    assert len(frontier) == len(siblings)
    for narrow, wide in zip(siblings, frontier, strict=True):
        assert set(narrow.states) <= set(wide.states)
        assert len(set(wide.states)) == len(wide.states)
        assert (dataset.theorem_of[wide.states] == narrow.theorem).all()
        assert (dataset.label[wide.states[wide.positive]] == 1).all()
        assert narrow.positive.any()
        assert not narrow.positive.all()
    assert any(len(wide.states) > len(narrow.states) for narrow, wide in zip(siblings, frontier, strict=True))
    few = frontier_choices(dataset, [0, 2], 7, np.random.default_rng(0))
    assert max(len(choice.states) for choice in few) == 7


@pytest.mark.parametrize(
    "change",
    [
        "label",
        "num_goals",
        "logprob",
        "environment",
        "split",
        "statement",
        "order",
        "choice",
        "parent",
        "children",
        "fewer",
        "expanded",
    ],
)
def test_data_hash_notices_whatever_a_training_reads(build, table, change):
    """Catches a training that goes on with data it was not begun with."""
    rng = np.random.default_rng(0)
    dataset = build(*(table(f"t{number}", proof(f"t{number}", rng)) for number in range(2)))
    first, second = dataset.theorems
    decision, search = first.decisions[0], first.searches[0]

    def replaced(**fields):
        return dataclasses.replace(dataset, theorems=[dataclasses.replace(first, **fields), second])

    def with_decision(**fields):
        return replaced(decisions=[dataclasses.replace(decision, **fields), *first.decisions[1:]])

    match change:
        case "label":
            other = dataclasses.replace(dataset, label=-dataset.label)
        case "num_goals":
            other = dataclasses.replace(dataset, num_goals=dataset.num_goals + 1)
        case "logprob":
            other = dataclasses.replace(dataset, logprob=dataset.logprob - 1)
        case "environment":
            other = dataclasses.replace(dataset, environment="another")
        case "split" | "statement":
            other = replaced(theorem=dataclasses.replace(first.theorem, **{change: "validation"}))
        case "order":
            other = dataclasses.replace(dataset, theorems=[second, first])
        case "choice":
            other = with_decision(positive=np.roll(decision.positive, 1))
        case "parent":
            other = with_decision(parent=-1)
        case "children":
            other = with_decision(children=decision.children[::-1].copy())
        case "fewer":
            other = replaced(decisions=first.decisions[1:])
        case "expanded":
            other = replaced(searches=[dataclasses.replace(search, expanded=search.expanded[::-1].copy())])
    assert data_hash(other) != data_hash(dataset)
    assert data_hash(replaced()) == data_hash(dataset)
