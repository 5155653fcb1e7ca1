"""The checks of encoders: a sound one passes, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conforming import failed
from numpy.typing import NDArray
from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.plugins.discovery import Plugins
from proofsearch.testing import CountdownConfig, CountdownEnvironment, SampleEncoder, Samples, check_encoder
from proofsearch.types import ProofState

Rows = NDArray[np.float32]


class Config(ComponentConfig):
    scale: float = Field(default=1.0, description="Rows are multiplied by it.")
    bias: bool = Field(default=True, description="Whether the last column is 1 or 2.")


class Sound(SampleEncoder):
    def __init__(self, config: Config, builder: object) -> None:
        self.config = config
        self.open = True

    def encode(self, states: Sequence[ProofState]) -> Rows:
        rows = super().encode(states) * np.float32(self.config.scale)
        rows[:, -1] = 1 if self.config.bias else 2
        return rows

    def fingerprint(self) -> str:
        return f"sound {self.config.scale} {self.config.bias}"

    def close(self) -> None:
        self.open = False


class Double(Sound):
    def encode(self, states: Sequence[ProofState]) -> Any:
        return super().encode(states).astype(np.float64)


class Wider(Sound):
    width = 17

    def encode(self, states: Sequence[ProofState]) -> Any:
        self.width = 16
        rows = super().encode(states)
        self.width = 17
        return rows


class Flat(Sound):
    """Forgets the columns of no row."""

    def encode(self, states: Sequence[ProofState]) -> Any:
        return super().encode(states) if states else np.zeros(0, np.float32)


class Overflowing(Sound):
    def encode(self, states: Sequence[ProofState]) -> Rows:
        rows = super().encode(states)
        rows[[len(state.text) > 200 for state in states]] = np.inf
        return rows


class Giving(Sound):
    """Returns nothing for a failure."""

    def encode(self, states: Sequence[ProofState]) -> Rows:
        rows = super().encode(states)
        rows[["⊢" in state.text for state in states]] = 0
        return rows


class Blind(Sound):
    def encode(self, states: Sequence[ProofState]) -> Rows:
        rows = super().encode(states)
        rows[:] = self.config.scale + self.config.bias
        return rows


class Choosy(Sound):
    def encode(self, states: Sequence[ProofState]) -> Rows:
        if any("# theorem" in state.text for state in states):
            raise ValueError("can't parse the last line")
        return super().encode(states)


class Restless(Sound):
    """Another fingerprint each time it is made."""

    made = 0

    def __init__(self, config: Config, builder: object) -> None:
        super().__init__(config, builder)
        Restless.made += 1
        self.number = Restless.made

    def fingerprint(self) -> str:
        return f"restless {self.number}"


class Silent(Sound):
    """Its fingerprint doesn't tell of an option."""

    def fingerprint(self) -> str:
        return f"silent {self.config.scale}"


class Averaging(Sound):
    def encode(self, states: Sequence[ProofState]) -> Rows:
        rows = super().encode(states)
        return rows - rows[:, :-1].mean() if len(rows) else rows


class ClosedOnce(Sound):
    def close(self) -> None:
        assert self.open
        super().close()


def test_a_sound_encoder_passes() -> None:
    report = check_encoder(Sound, Config(), shared=True)
    assert report.names("skipped") == report.names("failed") == []


@pytest.mark.parametrize(
    ("encoder", "check"),
    [
        (Double, "shape and type"),
        (Wider, "shape and type"),
        (Flat, "shape and type"),
        (Overflowing, "finite"),
        (Giving, "no row of zeros"),
        (Blind, "reads the state"),
        (Choosy, "goals and theorem lines"),
        (Restless, "steady fingerprint"),
        (Silent, "telling fingerprint"),
        (Averaging, "batch equals singles"),
        (ClosedOnce, "idempotent close"),
    ],
)
def test_a_broken_encoder_fails_that_check_alone(encoder: type[Sound], check: str) -> None:
    assert failed(check_encoder, encoder, Config()) == [check]


def test_an_encoder_that_needs_the_live_state_is_found() -> None:
    class Live:
        """A prover's own state, of which a trajectory keeps the text and the goals."""

        def __init__(self, state: ProofState) -> None:
            self.key, self.num_goals, self.goals, self.text = state.key, state.num_goals, state.goals, state.text

    class NeedsLive(Sound):
        def encode(self, states: Sequence[ProofState]) -> Rows:
            rows = super().encode(states)
            rows[:, 0] += [isinstance(state, Live) for state in states]
            return rows

    found = Samples(CountdownEnvironment(CountdownConfig())).states
    samples = [replace(sample, state=Live(sample.state)) for sample in found]
    assert check_encoder(Sound, Config(), samples=samples).conforms
    assert failed(check_encoder, NeedsLive, Config(), samples=samples) == ["recorded states encode alike"]


def test_the_encoders_that_come_along_pass() -> None:
    registry = Plugins.discover().registry("encoder")
    for name in ("hashed", "context"):
        entry = registry[name]
        assert entry.config is not None
        report = check_encoder(entry.factory, entry.config())
        assert "telling fingerprint" in report.names("passed")
