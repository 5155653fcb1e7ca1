"""What actions, observations and states look like, as JSON schemas: what OpenEnv's ``/schema`` answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from proofsearch_rl.turn import OUTCOMES


class ProofAction(BaseModel):
    """One tactic."""

    tactic: str = Field(description="The tactic, as the prover's language writes it.")


class ProofObservation(BaseModel):
    """What came of a tactic; the fields are those of :class:`proofsearch_rl.turn.Turn`."""

    theorem: str = Field(description="The theorem's name.")
    statement: str = Field(description="What is to be proved.")
    state: str = Field(description="The open proof; empty once it is proved.")
    goals: int = Field(description="How many goals are open.")
    steps: int = Field(description="Tactics tried so far.")
    outcome: str = Field(description=f"What came of the tactic: {', '.join(OUTCOMES)}.")
    message: str = Field(default="", description="Why it didn't advance.")
    truncated: bool = Field(default=False, description="Whether the episode ended without a proof.")
    verdict: dict[str, Any] | None = Field(default=None, description="What the independent check said.")


class ProofState(BaseModel):
    """Which episode a session has."""

    episode_id: str | None = Field(default=None, description="The theorem's name.")
    step_count: int = Field(default=0, description="Tactics tried so far.")
    theorem: str | None = Field(default=None, description="The theorem's name.")


def schemas() -> dict[str, Any]:
    """The three of them."""
    return {
        "action": ProofAction.model_json_schema(),
        "observation": ProofObservation.model_json_schema(),
        "state": ProofState.model_json_schema(),
    }
