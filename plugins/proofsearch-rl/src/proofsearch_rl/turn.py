"""What an episode answers, and its form as JSON, which is that of OpenEnv's messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofsearch.types import Verdict

BEGUN = "begun"
CLOSED = "closed"
ADVANCED = "advanced"
PROVED = "proved"
REFUSED = "refused"
REJECTED = "rejected"
TIMED_OUT = "timed out"
CRASHED = "crashed"

OUTCOMES = (BEGUN, CLOSED, ADVANCED, PROVED, REFUSED, REJECTED, TIMED_OUT, CRASHED)
"""What can have come of a tactic, or before the first: ``begun``, or ``closed`` where nothing is left to prove.

Only ``advanced`` and ``proved`` change the state.
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """What an episode answers to a reset or a tactic.

    Attributes:
        theorem: whose episode it is.
        statement: of the theorem, as its environment writes it.
        state: the open proof, as models read it; empty once it is proved.
        goals: how many goals are open.
        steps: tactics tried so far, those that were rejected too.
        outcome: what came of the tactic, one of :data:`OUTCOMES`.
        message: why, where it didn't advance.
        reward: 1 where an independent check of at least the wanted tier accepted the whole proof, else 0.
        terminated: whether the theorem is proved.
        truncated: whether the episode is over without a proof: it may have no more steps, or the environment closes the
            theorem at once.
        verdict: what the check said, where a path was finished and checked.
    """

    theorem: str
    statement: str
    state: str
    goals: int
    steps: int
    outcome: str
    message: str = ""
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    verdict: Verdict | None = None

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return self.terminated or self.truncated

    def observation(self) -> dict[str, Any]:
        """Everything but the reward and whether it is over, as plain data."""
        return {
            "theorem": self.theorem,
            "statement": self.statement,
            "state": self.state,
            "goals": self.goals,
            "steps": self.steps,
            "outcome": self.outcome,
            "message": self.message,
            "truncated": self.truncated,
            "verdict": None if self.verdict is None else dataclasses.asdict(self.verdict),
        }

    def to_json(self) -> dict[str, Any]:
        """The data of an OpenEnv observation message."""
        return {"observation": self.observation(), "reward": self.reward, "done": self.done}


def from_json(data: Mapping[str, Any]) -> Turn:
    """A turn from the data of an OpenEnv observation message.

    Raises:
        KeyError: something is missing.
        TypeError: something is there that no turn has.
    """
    fields = dict(data["observation"])
    said = fields.pop("verdict")
    truncated = bool(fields["truncated"])
    verdict = None if said is None else Verdict(**{**said, "rests_on": tuple(said["rests_on"])})
    return Turn(
        **fields, reward=float(data["reward"]), terminated=bool(data["done"]) and not truncated, verdict=verdict
    )
