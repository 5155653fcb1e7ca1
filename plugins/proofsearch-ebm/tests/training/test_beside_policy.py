"""From searches to a checkpoint over what the policy says, and back into a search: one policy in all roles."""

from __future__ import annotations

import math
from contextlib import closing

import pytest
from proofsearch_ebm.config import EbmConfig, EbmTrainerConfig
from proofsearch_ebm.losses.depth_regression import DepthRegressionConfig, make_depth_regression
from proofsearch_ebm.losses.listwise import ListwiseConfig, make_listwise
from proofsearch_ebm.model.checkpoint import load_checkpoint
from proofsearch_ebm.scoring.scorer import open_scorer
from proofsearch_ebm.training.trainer import EbmTrainer

from proofsearch.builtins.encoders.context import ContextConfig, ContextEncoder
from proofsearch.builtins.encoders.policy import PolicyConfig, make_policy
from proofsearch.errors import UsageError
from proofsearch.protocols import PolicyStatistics, ScoreRequest, TrainingRequest
from proofsearch.testing import CountdownConfig, CountdownEnvironment, SampleBuilder
from proofsearch.testing.recordings import record
from proofsearch.types import Advanced

QUICK = {"hidden": (8,), "steps": 20, "validate_every": 10, "warmup": 2, "bootstrap": 100, "min_expansions": 1}


class Policy:
    """Says how long a state's text is; of a session's states only."""

    def __init__(self):
        self.said = 0

    def generate(self, requests, n):
        raise AssertionError("asked for candidates")

    def statistics(self, requests, n):
        assert all(type(request.state).__name__ == "State" for request in requests)
        self.said += len(requests)
        return [PolicyStatistics(entropy=math.log1p(len(request.state.text))) for request in requests]

    def fingerprint(self):
        return "policy-1"

    def close(self):
        pass


@pytest.fixture
def environment():
    with closing(CountdownEnvironment(CountdownConfig(size=30))) as environment:
        yield environment


@pytest.fixture
def recording(environment, tmp_path):
    theorems = [theorem for theorem in environment.theorems() if theorem.split == "train"]
    return record(environment, theorems, tmp_path / "searches.parquet")


@pytest.fixture
def builder(environment):
    losses = {
        "listwise": make_listwise(ListwiseConfig(), None),
        "depth_regression": make_depth_regression(DepthRegressionConfig(), None),
    }
    policy = Policy()
    with SampleBuilder(environment, generators={"": policy}, losses=losses) as builder:
        builder._encoders |= {
            "context": ContextEncoder(ContextConfig()),
            "policy": make_policy(PolicyConfig(), builder),
        }
        yield builder


@pytest.mark.parametrize("encoders", [("policy",), ("context", "policy")])
def test_it_is_trained_and_searched_with_beside_one_policy(builder, environment, recording, tmp_path, encoders):
    first, *appended = encoders
    config = EbmTrainerConfig(encoder=first, append=appended, **QUICK)
    out = EbmTrainer(config, builder).train(TrainingRequest([recording], tmp_path / "ckpt"))
    kept = load_checkpoint(out)
    assert (tuple(kept.encoders), kept.policy_fingerprint) == (encoders, "policy-1")
    policy = builder.generator()
    assert policy.said > 100
    scorer = open_scorer(EbmConfig(path=out, force=True), builder)
    theorem = environment.theorems()[24]
    with closing(environment.open(theorem)) as session:
        begun = session.initial()
        assert isinstance(begun, Advanced)
        before = policy.said
        for _ in range(2):
            [value] = scorer.score([ScoreRequest(theorem, begun.state, 0, 0.0, 0, moves=session.moves(begun.state))])
            assert math.isfinite(value)
        assert policy.said == before + 1


def test_the_policy_that_another_one_stood_in_for_is_noted_also_afterwards(builder, recording, tmp_path):
    """Folds are asked in the training, and other weights of their kind are searched with."""

    def train(**options):
        config = EbmTrainerConfig(encoder="policy", **(QUICK | options))
        resume = (tmp_path / "ckpt").exists()
        return EbmTrainer(config, builder).train(TrainingRequest([recording], tmp_path / "ckpt", resume=resume))

    def told(fingerprint):
        said = []
        builder.status = lambda message, done=None, total=None: said.append(message)
        builder.generator().fingerprint = lambda: fingerprint
        open_scorer(EbmConfig(path=tmp_path / "ckpt", force=True), builder)
        return [message for message in said if "beside the policy" in message]

    kept = load_checkpoint(train())
    assert kept.policies == {"policy-1"}
    assert not told("policy-1")
    [message] = told("policy-2")
    assert "policy-1" in message
    assert "--ebm-beside policy-2" in message
    builder.generator().fingerprint = lambda: "policy-1"
    noted = load_checkpoint(train(beside="policy-2"))
    assert noted.policies == {"policy-1", "policy-2"}
    assert noted.policy_fingerprint == "policy-1"
    assert noted.file.read_bytes() == kept.file.read_bytes()
    assert not told("policy-1")
    assert not told("policy-2")
    assert len(told("policy-3")) == 1


@pytest.mark.parametrize(("beside", "said"), [(None, 1), ("policy-2", 0)])
def test_a_start_for_the_policy_of_this_training_says_nothing(builder, recording, tmp_path, beside, said):
    config = EbmTrainerConfig(encoder="policy", beside=beside, **QUICK)
    start = EbmTrainer(config, builder).train(TrainingRequest([recording], tmp_path / "start"))
    builder.generator().fingerprint = lambda: "policy-2"
    messages = []
    request = TrainingRequest([recording], tmp_path / "ckpt", report=lambda report: messages.extend(report.messages))
    EbmTrainer(EbmTrainerConfig(encoder="policy", start=start, **QUICK), builder).train(request)
    assert sum("was trained beside the policy policy-1" in message for message in messages) == said


@pytest.mark.parametrize(
    ("options", "named"), [({"parts": "goals"}, "--ebm-parts goals"), ({"cache_embeddings": True}, "--ebm-cache-emb")]
)
def test_what_goes_with_texts_alone_is_refused(builder, recording, tmp_path, options, named):
    config = EbmTrainerConfig(encoder="policy", **(QUICK | options))
    with pytest.raises(UsageError, match=named):
        EbmTrainer(config, builder).train(TrainingRequest([recording], tmp_path / "ckpt"))


def test_an_encoder_is_appended_once():
    with pytest.raises(ValueError, match="'policy' is named twice"):
        EbmTrainerConfig(append=("policy", "policy"))
