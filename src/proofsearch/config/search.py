"""How one search goes: its limits, its order, its strategy."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from proofsearch.config.base import FrozenModel


class LimitConfig(FrozenModel):
    """When a search stops; whichever comes first. See :class:`proofsearch.types.Limit`."""

    expansions: int | None = Field(default=256, ge=0, description="Nodes to expand per theorem, at most.")
    steps: int | None = Field(default=None, ge=0, description="Tactics to try per theorem, at most.")
    seconds: float | None = Field(default=None, gt=0, description="Wall-clock seconds per theorem, at most.")
    model_calls: int | None = Field(
        default=None, ge=0, description="States to send to the generator and the scorer for each theorem, at most."
    )


class PriorityConfig(FrozenModel):
    """How the frontier orders nodes. Higher priority is expanded first; ties by insertion.

    With L = the cumulative log-probability, v = the scorer's value, n = number of goals, d = steps to the node:

    ========== ==============================================================================================
    kind       priority
    ========== ==============================================================================================
    auto       mix where the scorer knows its calibration, logprob where that gives the value no weight, else value; so
               for the scorer ``logprob`` what logprob says
    value      v; of a scorer that follows paths (:class:`~proofsearch.protocols.FollowsPaths`) that of the best path
    logprob    L
    normalized L / max(tokens, 1) ** length_exponent
    mix        (1 − value_weight)·z(L) + value_weight·z(v), z standardising by the scorer's calibration, or, without
               one, by mean and standard deviation over the first ``warmup`` scored nodes of the search, then frozen
    reranked   the log-likelihood of the path under the policy as the value corrects it: the sum over its steps of log
               softmax of u among the live children, with u = scale·mix by the scorer's calibration, or, without one,
               L + heuristic_weight·v − goal_weight·n; once an expansion, when its children are new
    astar      L + heuristic_weight·v, for a value on the scale of log-probability, such as minus the remaining cost
    phs        L − log(d + 1 + heuristic_weight·h) with h = −v: a value that is minus the remaining steps
    phs-star   (1 + heuristic_weight·h/d)·L − log(d + 1 + heuristic_weight·h)
    split      two queues, one by L and one by v; a share ``value_share`` of expansions is taken from the second
    ========== ==============================================================================================

    Every kind but ``reranked`` and both ``phs`` then subtracts ``goal_weight``·n (for ``mix`` on the
    standardised scale). Not given, that is 1, but for ``mix`` and ``reranked`` with a calibration what was fitted
    together with the value's weight.
    A node whose value is missing is ordered by its parent's value; where that is missing too, by log-probability. One
    whose score is put off (``defer``) is ordered by the mean value of its scored siblings.
    """

    kind: str = Field(
        default="auto",
        description="value, logprob, normalized, mix, reranked, astar, phs, phs-star, split or a plugin's; "
        "auto: mix if the scorer is calibrated.",
    )
    length_exponent: float = Field(default=1.0, ge=0, description="normalized: exponent of the token count.")
    value_weight: float | None = Field(
        default=None, ge=0, le=1, description="mix: weight of the value; default: the scorer's calibration, else 0.5."
    )
    warmup: int = Field(default=64, ge=2, description="mix: scored nodes that fix the standardisation.")
    heuristic_weight: float = Field(
        default=1.0, ge=0, description="astar, reranked, phs, phs-star: weight of the value."
    )
    value_share: float = Field(default=0.5, ge=0, le=1, description="split: share of expansions ordered by value.")
    goal_weight: float | None = Field(
        default=None, ge=0, description="Subtracted for each open goal; default: 1, for mix the scorer's calibration."
    )


class SearchConfig(FrozenModel):
    """What the search loop itself needs, beside its parts."""

    strategy: str = Field(
        default="best-first",
        description="The search algorithm: best-first (whole states by priority), and-or or puct (and-or parts of "
        "states), or a plugin's.",
    )
    candidates: int = Field(
        default=32, ge=1, description="Candidates that the generator is asked for at each expansion."
    )
    batch: int = Field(default=1, ge=1, description="Nodes to expand together, with one call of the generator.")
    max_depth: int | None = Field(default=None, ge=1, description="Nodes this deep are not expanded.")
    defer: int | None = Field(
        default=None,
        ge=0,
        description="Score this many of the likeliest new siblings at once, the others when they are next; 0: each one "
        "when it is next; default: all at once.",
    )
    proposals: Literal["steps", "scripts", "both"] = Field(
        default="steps",
        description="What the generator is asked for: steps, the next tactic; scripts, whole proofs, which are "
        "replayed step by step; or both.",
    )
    scripts: int = Field(
        default=8, ge=1, description="Scripts that the generator is asked for at a state, where it is asked for any."
    )
    script_states: int = Field(
        default=1,
        ge=1,
        description="proposals = both: how many states, the first expanded, it is asked for scripts at; 1 is the "
        "theorem alone.",
    )
    limit: LimitConfig = LimitConfig()
    priority: PriorityConfig = PriorityConfig()

    @model_validator(mode="before")
    @classmethod
    def _former_names(cls, given: Any) -> Any:
        """Run folders of earlier versions call the strategy ``mode``."""
        if isinstance(given, dict) and "mode" in given and "strategy" not in given:
            return {"strategy" if key == "mode" else key: value for key, value in given.items()}
        return given

    @model_validator(mode="after")
    def _asked_for_scripts(self) -> Self:
        """Refuses to be told how scripts are asked for where none are."""
        for name, wanted in (("scripts", ("scripts", "both")), ("script_states", ("both",))):
            if self.proposals not in wanted and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name}: goes with proposals {' or '.join(wanted)}, found {self.proposals}; leave it out"
                )
        return self
