"""Would catch: a turned sign, a division by zero, chance that hangs on the process, the batch or the order."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from proofsearch.builtins import scorers
from proofsearch.protocols import ScoreRequest
from proofsearch.types import Goal, State, Theorem

TEXTS = ("⊢ a = a", "x y  z", "", "⊢ a = a ")


def request(text: str = "x", logprob: float = -1.0, num_tokens: int = 1) -> ScoreRequest:
    return ScoreRequest(Theorem("t", "s"), State(text, (Goal(text),)), 1, logprob, num_tokens)


def test_logprob_divides_by_a_power_of_the_tokens() -> None:
    requests = [request(logprob=-6.0, num_tokens=4), request(logprob=-6.0, num_tokens=0), request(logprob=0.0)]
    assert scorers.LogprobScorer().score(requests) == [-6.0, -6.0, 0.0]
    assert scorers.LogprobScorer(1.0).score(requests) == [-1.5, -6.0, 0.0]
    assert scorers.LogprobScorer(0.5).score(requests) == [-3.0, -6.0, 0.0]


def test_length_prefers_the_short_in_either_unit() -> None:
    requests = [request(text) for text in TEXTS]
    assert scorers.LengthScorer("characters").score(requests) == [-7.0, -6.0, 0.0, -8.0]
    assert scorers.LengthScorer("tokens").score(requests) == [-4.0, -3.0, 0.0, -4.0]


def test_chance_hangs_on_seed_and_text_alone() -> None:
    scorer = scorers.RandomScorer(3)
    together = scorer.score([request(text, -1.0) for text in TEXTS])
    alone = [scorer.score([request(text, -9.0, 5)])[0] for text in reversed(TEXTS)]
    assert together == alone[::-1]
    assert len(set(together)) == len(TEXTS)
    assert scorers.RandomScorer(4).score([request(TEXTS[0])]) != together[:1]


def test_chance_is_uniform() -> None:
    values = [
        value for value in scorers.RandomScorer().score([request(str(i)) for i in range(4000)]) if value is not None
    ]
    assert all(0 <= value < 1 for value in values)
    tenths = [sum(int(value * 10) == tenth for value in values) for tenth in range(10)]
    assert all(320 < count < 480 for count in tenths), tenths


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_chance_is_the_same_in_every_process(hash_seed: str) -> None:
    code = (
        "from proofsearch.builtins.scorers import RandomScorer\n"
        "from proofsearch.types import *\n"
        "from proofsearch.protocols import ScoreRequest\n"
        "print(RandomScorer(7).score([ScoreRequest(Theorem('t', ''), State('⊢ p', ()), 0, 0.0, 0)])[0])"
    )
    printed = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    ).stdout
    assert float(printed) == scorers.RandomScorer(7).score([request("⊢ p")])[0]


def test_factories_hand_every_option_on() -> None:
    builder = SimpleNamespace(seed=11)
    asked = [request("a b c", -6.0, 4)]
    assert scorers.make_logprob(scorers.LogprobConfig(length_exponent=1.0), builder).score(asked) == [-1.5]
    assert scorers.make_length(scorers.LengthConfig(unit="tokens"), builder).score(asked) == [-3.0]
    own = scorers.make_random(scorers.RandomConfig(seed=5), builder).score(asked)
    assert own == scorers.RandomScorer(5).score(asked)
    runs = scorers.make_random(scorers.RandomConfig(), builder).score(asked)
    assert runs == scorers.RandomScorer(11).score(asked)
    assert own != runs
