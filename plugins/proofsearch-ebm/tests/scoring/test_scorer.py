"""The scorer: the right sign, the same numbers as in training, one batch, and checkpoints that it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from proofsearch_ebm.config import EbmConfig
from proofsearch_ebm.data.parts import PartEncoder
from proofsearch_ebm.model.checkpoint import save_checkpoint
from proofsearch_ebm.model.folded import FoldedOutput, fold
from proofsearch_ebm.model.head import EnergyHead, HeadConfig, state_outputs
from proofsearch_ebm.scoring import shipped as shipped_module
from proofsearch_ebm.scoring.scorer import EbmScorer, open_scorer

from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import Calibrated, ScoreRequest
from proofsearch.trainers.mixing import Mixing
from proofsearch.types import Theorem

TEXTS = ["a", "b & c", "a & a", "c & b", "a & b & c & d", "e"]


def make_mixing(**changes):
    values = dict.fromkeys(Mixing.__dataclass_fields__, 0.5) | {"sets": 40, "theorems": 9, "value_weight": 0.7}
    return Mixing(**(values | changes))


@pytest.fixture
def requests(state):
    def make(texts, name="t"):
        return [ScoreRequest(Theorem(name, f"show {name}"), state(text), 1, -0.5, 1) for text in texts]

    return make


@pytest.fixture
def head(letters):
    head = EnergyHead(HeadConfig(width=letters.width, hidden=(7, 5), output_bias=True), seed=3)
    head.fit_inputs(np.random.default_rng(0).random((40, letters.width), np.float32))
    return head


class Builder:
    def __init__(self, encoder):
        self.made = encoder
        self.asked = []
        self.said = []

    def encoder_options(self, name):
        return {}

    def encoder(self, name, options=None):
        self.asked.append(name)
        return self.made

    def status(self, message, done=None, total=None):
        self.said.append(message)


@pytest.fixture
def checkpoint(head, letters, tmp_path):
    def save(mixing=None, with_theorem=False):
        save_checkpoint(
            tmp_path,
            head.config,
            {name: tensor.numpy() for name, tensor in head.state_dict().items()},
            step=1,
            encoders={"letters": {}},
            parts="goals",
            with_theorem=with_theorem,
            training={},
            fingerprints={"encoder": letters().fingerprint()},
            metrics={"mixing": {"energy": mixing.to_json()}} if mixing else {},
        )
        return tmp_path

    return save


def in_training(head, letters, state, parts, texts, statement=None):
    """Energies and costs by the path that training takes."""
    encoder = PartEncoder(letters(), parts, with_theorem=statement is not None)
    rows, index, offsets = encoder.encode([state(text) for text in texts], statement)
    head.eval()
    with torch.no_grad():
        output = state_outputs(head(torch.from_numpy(rows)), torch.from_numpy(index), torch.from_numpy(offsets))
    return output.energy.numpy(), np.expm1(output.log_remaining.numpy())


@pytest.mark.parametrize("parts", ["goals", "state"])
def test_value_is_minus_the_energy_of_training(head, letters, state, requests, parts):
    # The sign that an earlier system's analysis lost, and a temperature that was trained but not searched with.
    energies, costs = in_training(head, letters, state, parts, TEXTS)
    folded = fold(head)
    assert EbmScorer(folded, letters(), parts).score(requests(TEXTS)) == pytest.approx(-energies, abs=1e-5)
    assert EbmScorer(folded, letters(), parts, "cost").score(requests(TEXTS)) == pytest.approx(-costs, abs=1e-4)


@pytest.mark.parametrize("parts", ["goals", "state"])
@pytest.mark.parametrize("keep", [1, 100])
def test_with_the_theorem_a_search_sees_what_training_saw_also_of_two_theorems_at_once(
    head, letters, state, requests, parts, keep
):
    # Would catch a memory by text alone, which gives one theorem the values of another.
    expected = [
        -in_training(head, letters, state, parts, TEXTS, statement)[0] for statement in ("show t", "show u", "show t")
    ]
    assert np.abs(expected[0] - expected[1]).min() > 1e-4
    scorer = EbmScorer(fold(head), letters(), parts, keep=keep, with_theorem=True)
    batch = [*requests(TEXTS), *requests(TEXTS, "u"), *requests(TEXTS)]
    for _ in range(2):
        assert scorer.score(batch) == pytest.approx(np.concatenate(expected), abs=1e-5)
    assert EbmScorer(fold(head), letters(), parts).score(requests(TEXTS)) != pytest.approx(expected[0], abs=1e-4)


@pytest.mark.parametrize("parts", ["goals", "state"])
@pytest.mark.parametrize("keep", [1, 3, 100])
def test_a_batch_gives_what_single_states_give_whatever_is_remembered(head, letters, requests, parts, keep):
    folded = fold(head)
    batch = EbmScorer(folded, letters(), parts, keep=keep)
    singles = [EbmScorer(folded, letters(), parts).score([one])[0] for one in requests(TEXTS)]
    for _ in range(3):
        assert batch.score(requests(TEXTS)) == pytest.approx(singles, abs=1e-5)


def test_a_goal_is_encoded_once_and_all_new_ones_together(head, letters, requests):
    encoder = letters()
    calls = []
    encode = encoder.encode
    encoder.encode = lambda states: calls.append(len(states)) or encode(states)
    scorer = EbmScorer(fold(head), encoder, "goals")
    scorer.score(requests(TEXTS))
    scorer.score(requests(["e & d", "f"]))
    assert encoder.encoded == ["a", "b", "c", "d", "e", "f"]
    assert calls == [5, 1]


def test_energies_of_goals_add_up_and_equal_goals_count_twice(head, letters, requests):
    one, other, both, twice = EbmScorer(fold(head), letters(), "goals").score(requests(["a", "b", "a & b", "a & a"]))
    assert both == pytest.approx(one + other)
    assert twice == pytest.approx(2 * one)


def test_no_request_gives_no_value(head, letters):
    assert EbmScorer(fold(head), letters(), "goals").score([]) == []


def test_an_energy_that_is_no_number_is_missing_and_spoils_no_other(letters, requests):
    class Broken:
        weight = np.zeros((3, 2))

        def __call__(self, rows):
            return FoldedOutput(np.array([np.inf, -np.inf, np.nan, 2.0, 1.0], np.float32), None)

    scorer = EbmScorer(Broken(), letters(), "goals")
    assert scorer.score(requests(["a", "b", "a & b", "c", "d & e", "d"])) == [None, None, None, None, -3.0, -2.0]


def test_opened_checkpoint_scores_like_its_head(checkpoint, head, letters, state, requests):
    builder = Builder(letters())
    opened = open_scorer(EbmConfig(path=checkpoint(make_mixing())), builder)
    assert builder.asked == ["letters"]
    energies, _ = in_training(head, letters, state, "goals", TEXTS)
    assert opened.score(requests(TEXTS)) == pytest.approx(-energies, abs=1e-5)


def test_opened_checkpoint_reads_the_theorem_where_training_did(checkpoint, head, letters, state, requests):
    opened = open_scorer(EbmConfig(path=checkpoint(with_theorem=True)), Builder(letters()))
    energies, _ = in_training(head, letters, state, "goals", TEXTS, "show u")
    assert opened.score(requests(TEXTS, "u")) == pytest.approx(-energies, abs=1e-5)


def test_another_encoder_is_refused_with_both_fingerprints(checkpoint, letters):
    with pytest.raises(InputError, match=r"letters-1.*letters-2"):
        open_scorer(EbmConfig(path=checkpoint()), Builder(letters("letters-2")))


def test_a_named_encoder_is_asked_for(checkpoint, letters):
    builder = Builder(letters())
    open_scorer(EbmConfig(path=checkpoint(), encoder="mine"), builder)
    assert builder.asked == ["mine"]


def test_options_that_the_encoder_does_not_have_are_refused_with_the_file_that_names_them(checkpoint, letters):
    class Refusing(Builder):
        def encoder(self, name, options=None):
            raise InputError(f"options kept for the encoder {name!r}: size: no such option")

    folder = checkpoint()
    with pytest.raises(
        InputError, match=r"its encoder 'letters' can't be built: options kept .* size: no such"
    ) as found:
        open_scorer(EbmConfig(path=folder), Refusing(letters()))
    assert str(found.value).startswith(str(folder / "manifest.json"))


def test_calibration_goes_from_the_manifest_to_the_core(checkpoint, letters):
    builder = Builder(letters())
    opened = open_scorer(EbmConfig(path=checkpoint(make_mixing(goal_weight=0.3, gain_low=0.01))), builder)
    assert isinstance(opened, Calibrated)
    assert (opened.calibration().value_weight, opened.calibration().goal_weight) == (0.7, 0.3)
    assert builder.said == []


def test_a_value_without_gain_weighs_nothing_and_says_so_unless_forced(checkpoint, letters):
    folder = checkpoint(make_mixing(gain_low=-0.01, goal_weight=0.3, plain_goal_weight=0.4))
    builder = Builder(letters())
    calibration = open_scorer(EbmConfig(path=folder), builder).calibration()
    assert (calibration.value_weight, calibration.goal_weight) == (0.0, 0.4)
    assert "weighs 0" in builder.said[0]
    assert "--ebm-force" in builder.said[0]
    forced = open_scorer(EbmConfig(path=folder, force=True), builder).calibration()
    assert (forced.value_weight, forced.goal_weight) == (0.7, 0.3)
    assert "forced" in builder.said[1]


@pytest.mark.parametrize("force", [False, True])
def test_a_checkpoint_that_was_never_weighed_says_so(checkpoint, letters, force):
    builder = Builder(letters())
    opened = open_scorer(EbmConfig(path=checkpoint(), force=force), builder)
    assert (opened.calibration().value_weight > 0) is force
    assert "no validation decisions" in builder.said[0]


@pytest.mark.parametrize("damage", [{"energy": {}}, {"energy": 3}, [1], {"energy": {"gain": "high"}}])
def test_damaged_mixing_is_refused(checkpoint, letters, damage):
    folder = checkpoint()
    values = json.loads((folder / "manifest.json").read_text())
    values["metrics"]["mixing"] = damage
    (folder / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match="mixing"):
        open_scorer(EbmConfig(path=folder), Builder(letters()))


def test_cost_needs_a_head_that_gives_it(letters):
    head = EnergyHead(HeadConfig(width=letters.width, hidden=(4,), remaining_output=False))
    with pytest.raises(UsageError, match="--ebm-value energy"):
        EbmScorer(fold(head), letters(), "goals", "cost")


def test_without_a_path_the_shipped_checkpoint_is_read_and_its_absence_explained(monkeypatch, tmp_path, letters):
    monkeypatch.setattr(shipped_module.resources, "files", lambda package: tmp_path)
    with pytest.raises(InputError, match=r"comes without a checkpoint.*--ebm-path"):
        open_scorer(EbmConfig(), Builder(letters()))


def test_a_missing_folder_is_named(tmp_path, letters):
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        open_scorer(EbmConfig(path=tmp_path / "nowhere"), Builder(letters()))


# ------------------------------------------------------------------------------------------- encoders that ask a policy


class Asking:
    """Rows that tell the theorem and the state as the search has it."""

    width = 2

    def __init__(self, policy="policy-1"):
        self.policy = policy
        self.asked = []

    def encode(self, states):
        raise AssertionError("asked about states alone")

    def encode_requests(self, requests):
        self.asked.append([(one.theorem.name, one.state.text, one.moves) for one in requests])
        return np.array([[len(one.theorem.name), len(one.state.text)] for one in requests], np.float32)

    def fingerprint(self):
        return "asking"

    def policy_fingerprint(self):
        return self.policy

    def close(self):
        pass


@pytest.fixture
def beside_policy(letters, tmp_path):
    """A checkpoint of `letters` with the columns of `asking` appended."""
    encoders = {"letters": {}, "asking": {"n": 3}}
    head = EnergyHead(HeadConfig(width=letters.width + 2, hidden=(7, 5)), seed=3)
    head.fit_inputs(np.random.default_rng(0).random((40, letters.width + 2), np.float32))
    save_checkpoint(
        tmp_path,
        head.config,
        {name: tensor.numpy() for name, tensor in head.state_dict().items()},
        step=1,
        encoders=encoders,
        parts="state",
        with_theorem=True,
        training={},
        fingerprints={"encoder": f"{letters().fingerprint()}+asking", "policy": "policy-1"},
        metrics={},
    )
    return tmp_path


class Several(Builder):
    def __init__(self, **encoders):
        super().__init__(None)
        self.encoders = encoders
        self.options = {}

    def encoder(self, name, options=None):
        self.options[name] = options
        return self.encoders[name]


def test_an_encoder_that_asks_a_policy_is_given_the_state_of_the_search_its_theorem_and_moves(
    letters, requests, beside_policy
):
    asking = Asking()
    builder = Several(letters=letters(), asking=asking)
    scorer = open_scorer(EbmConfig(path=beside_policy), builder)
    assert builder.options == {"letters": {}, "asking": {"n": 3}}
    assert scorer.reads_moves
    moves = object()
    asked = [replace(one, moves=moves) for one in [*requests(["a"]), *requests(["a", "b"], "u")]]
    values = scorer.score(asked)
    assert asking.asked == [[("t", "a", moves), ("u", "a", moves), ("u", "b", moves)]]
    assert values[0] != values[1]
    assert scorer.score(asked) == values
    assert len(asking.asked) == 1  # known
    assert not any("beside the policy" in message for message in builder.said)


def test_theorems_with_one_statement_have_rows_of_their_own(letters, requests, beside_policy):
    scorer = open_scorer(EbmConfig(path=beside_policy), Several(letters=letters(), asking=Asking()))
    [one], [other] = requests(["a"]), requests(["a"], "longer")
    same = replace(other, theorem=replace(other.theorem, statement=one.theorem.statement))
    assert scorer.score([one])[0] != scorer.score([same])[0]


def test_another_policy_is_named(letters, beside_policy):
    builder = Several(letters=letters(), asking=Asking("policy-2"))
    open_scorer(EbmConfig(path=beside_policy), builder)
    [said] = [message for message in builder.said if "beside the policy" in message]
    assert "policy-1" in said
    assert "policy-2" in said


def test_a_scorer_of_texts_reads_no_moves(head, letters):
    assert not EbmScorer(fold(head), letters(), "goals").reads_moves
