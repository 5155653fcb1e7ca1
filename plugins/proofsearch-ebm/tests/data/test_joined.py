"""Several encoders as one, and encoders that read requests."""

from __future__ import annotations

import numpy as np
import pytest
from proofsearch_ebm.data.joined import WholeState, joined, policy_fingerprint, reads_requests

from proofsearch.protocols import GenerationRequest
from proofsearch.types import Theorem


class Asking:
    """Rows that tell the theorem and the state."""

    width = 2

    def encode(self, states):
        raise AssertionError("asked about states alone")

    def encode_requests(self, requests):
        return np.array([[len(one.theorem.name), len(one.state.text)] for one in requests], np.float32)

    def fingerprint(self):
        return "asking"

    def policy_fingerprint(self):
        return "policy-1"

    def close(self):
        pass


@pytest.fixture
def whole(state):
    def make(text, theorem):
        read = state(f"{text} & theorem")
        return WholeState(read.text, read.goals, request=GenerationRequest(Theorem(theorem, "s"), state(text)))

    return make


def test_one_that_reads_states_is_itself(letters):
    encoder = letters()
    assert joined([encoder]) is encoder
    assert not reads_requests([encoder])
    assert policy_fingerprint([encoder]) == ""


def test_each_is_given_what_it_reads(letters, whole):
    states = [whole("a", "t"), whole("a & b", "long")]
    encoders = [letters(), Asking()]
    both = joined(encoders)
    rows = both.encode(states)
    assert both.width == rows.shape[1] == letters.width + 2
    assert np.array_equal(rows[:, : letters.width], letters().encode(states))
    assert rows[:, letters.width :].tolist() == [[1, 1], [4, 5]]
    assert both.fingerprint() == f"{letters().fingerprint()}+asking"
    assert reads_requests(encoders)
    assert policy_fingerprint(encoders) == "policy-1"


def test_one_that_reads_requests_is_given_them_alone_too(whole):
    assert joined([Asking()]).encode([whole("a", "t")]).tolist() == [[1, 1]]
