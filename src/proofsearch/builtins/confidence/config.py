"""The options of the scorer ``confidence`` and of its trainer. Nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from proofsearch.config import ComponentConfig

NAME = "confidence"
"""What the scorer and its trainer are registered as."""


REPLAY = (
    "Take recorded steps again, for the states that a session knows and what may be tried there; no: show the policy "
    "recorded texts and goals, which does where policies read nothing else and no moves are listed."
)
"""What the options of this name say of themselves."""


class ConfidenceConfig(ComponentConfig):
    """Options of the scorer ``confidence``."""

    path: Path | None = Field(
        default=None,
        description="A checkpoint of proofsearch train --plugin confidence; default: weights that need no training.",
    )
    force: bool = Field(
        default=False, description="Let the value count although no gain was shown on validation decisions."
    )


class ConfidenceTrainerConfig(ComponentConfig):
    """Options of the trainer ``confidence``."""

    generator: str | None = Field(
        default=None,
        description="The policy whose confidence is judged, with the options given here; default: the environment's.",
    )
    beside: str | None = Field(
        default=None,
        description="The fingerprint of the searches' policy, where the policy that is asked here stands in for it, as "
        "folds do; a search beside another policy says so, and names its own.",
    )
    candidates: int = Field(default=32, ge=1, description="Candidates that the policy is asked for, as in the search.")
    replay: bool = Field(default=True, description=REPLAY)
    folds: int = Field(default=5, ge=2, description="Parts of the theorems that measure in turn what the others say.")
    resamples: int = Field(default=2000, ge=1, description="Resamples of theorems for the interval of the gain.")
