"""What a model wrote is cut into tactics, each with its share of the log-probability."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.models.scripts import best_scripts, read_script, split_lines, splitter, within_fence
from proofsearch.protocols import Script
from proofsearch.types import Candidate


def read(pieces: Sequence[str], logprobs: Sequence[float], text: str | None = None) -> Script | None:
    return read_script(
        "".join(pieces) if text is None else text, logprobs, lambda count: "".join(pieces[:count]), split_lines
    )


def shown(script: Script | None) -> list[tuple[str, float, int]]:
    assert script is not None
    return [(step.tactic, step.logprob, step.num_tokens) for step in script.steps]


def test_each_tactic_has_its_tokens_and_the_white_space_that_ends_it() -> None:
    assert shown(read(["in", "tro", "\n", "sim", "p", "\n", ""], [-1.0, -2.0, -4.0, -8.0, -16.0, -32.0, -64.0])) == [
        ("intro", -7.0, 3),
        ("simp", -120.0, 4),
    ]


def test_a_token_that_reaches_over_the_end_of_a_tactic_counts_for_it() -> None:
    assert shown(read(["a\n", "b"], [-1.0, -2.0])) == [("a", -1.0, 1), ("b", -2.0, 1)]


def test_several_tactics_in_one_token_leave_none_without_a_token() -> None:
    assert shown(read(["a\nb\nc"], [-3.0])) == [("a", 0.0, 1), ("b", 0.0, 1), ("c", -3.0, 1)]


def test_what_stands_behind_the_text_counts_for_the_last_tactic() -> None:
    assert shown(read(["a", "\n", "b", "[STATE]"], [-1.0, -1.0, -1.0, -5.0], "a\nb"))[-1] == ("b", -6.0, 2)


def test_without_a_tactic_there_is_no_script() -> None:
    assert read(["\n", " "], [-1.0, -1.0]) is None


words = st.text("ab (", min_size=1, max_size=4)


@given(st.lists(st.lists(words, min_size=1, max_size=3), min_size=1, max_size=5), st.integers(0, 2**32))
def test_the_shares_add_up_to_the_whole_and_the_tactics_are_the_lines(lines: list[list[str]], seed: int) -> None:
    pieces = [piece for line in lines for piece in [*line, "\n"]]
    logprobs = [-((seed * (place + 1)) % 97) / 7 for place in range(len(pieces))]
    script = read(pieces, logprobs)
    wanted = [line for line in ("".join(line).strip() for line in lines) if line]
    assert (script is None) == (not wanted)
    if script is not None:
        assert [step.tactic for step in script.steps] == wanted
        total = math.fsum(step.logprob for step in script.steps)
        assert total == pytest.approx(math.fsum(logprobs))
        assert all(step.num_tokens >= 1 for step in script.steps)


def test_of_equal_scripts_the_likeliest_is_kept_and_the_best_come_first() -> None:
    def script(logprob: float, *tactics: str) -> Script:
        return Script(tuple(Candidate(tactic, logprob) for tactic in tactics))

    found = best_scripts([script(-3.0, "a"), script(-1.0, "b", "c"), script(-1.5, "a"), script(-9.0, "d")], 2)
    assert [[step.tactic for step in one.steps] for one in found] == [["a"], ["b", "c"]]
    assert found[0].steps[0].logprob == -1.5


def test_a_line_is_a_tactic_unless_the_environment_says_otherwise() -> None:
    class Sentences:
        def split_script(self, script: str) -> list[str]:
            return [part.strip() for part in script.split(".") if part.strip()]

    assert splitter(object())("a\n\n  b  \n") == ["a", "b"]
    assert splitter(Sentences())("a. b.\nc") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("a\nb", "a\nb"),
        ("So:\n```lean\na\nb\n```\nand more", "a\nb\n"),
        ("```\na\n", "a\n"),
    ],
)
def test_what_stands_around_a_code_fence_is_left_out(text: str, within: str) -> None:
    assert within_fence(text) == within
