"""Episodes for OpenEnv: its typed client for ``proofsearch serve``, and an environment for OpenEnv's own server.

``proofsearch serve`` speaks OpenEnv's protocol itself, without the package, and is what to serve with: it has a token,
bounds, and several processes. This module needs ``pip install 'proofsearch-rl[openenv]'``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from random import Random
from typing import Any

from openenv.core import EnvClient
from openenv.core.client_types import StepResult
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, EnvironmentMetadata, Observation, State
from pydantic import Field

from proofsearch_rl.episode import Episode
from proofsearch_rl.limits import EpisodeLimits
from proofsearch_rl.shared import give_back, take_prover
from proofsearch_rl.theorems import begin_one, theorem_names
from proofsearch_rl.turn import Turn


class ProofAction(Action):
    """One tactic."""

    tactic: str = Field(description="The tactic, as the prover's language writes it.")


class ProofObservation(Observation):
    """What came of a tactic; the fields are those of :class:`proofsearch_rl.turn.Turn`."""

    theorem: str
    statement: str
    state: str
    goals: int
    steps: int
    outcome: str
    message: str = ""
    truncated: bool = False
    verdict: dict[str, Any] | None = None


class ProofState(State):
    """Which episode a session has."""

    theorem: str | None = None


class ProofClient(EnvClient[ProofAction, ProofObservation, ProofState]):
    """OpenEnv's client for ``proofsearch serve``, or for OpenEnv's server with :class:`ProofEnvironment`.

    The token goes into its ``headers``: ``{"Authorization": "Bearer TOKEN"}``. ``reset`` takes ``theorem``, or ``seed``
    and ``split``.
    """

    def _step_payload(self, action: ProofAction) -> dict[str, Any]:
        return {"tactic": action.tactic}

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[ProofObservation]:
        reward, done = payload.get("reward"), bool(payload.get("done"))
        observation = ProofObservation(**payload["observation"], reward=reward, done=done)
        return StepResult(observation=observation, reward=reward, done=done)

    def _parse_state(self, payload: dict[str, Any]) -> ProofState:
        return ProofState(**payload)


_ONE = threading.RLock()
"""Held while a prover works: OpenEnv's server has a thread for each session, and they share the prover."""


class ProofEnvironment(Environment[ProofAction, ProofObservation, ProofState]):
    """Episodes for OpenEnv's own server: ``create_app(ProofEnvironment, ProofAction, ProofObservation)``.

    Args:
        env: the environment, as ``--env`` takes it.
        options: its options by component and field, as :func:`proofsearch.open_prover` takes them.
        split: the split that theorems are drawn from.
        limits: the bounds of an episode, and the weakest check that earns the reward.

    Raises:
        ProofsearchError: the prover can't be opened.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(
        self,
        env: str = "metamath",
        options: Mapping[str, Mapping[str, Any]] | None = None,
        split: str = "train",
        limits: EpisodeLimits | None = None,
    ) -> None:
        super().__init__()
        self._options = options or {}
        self._split = split
        limits = limits or EpisodeLimits()
        with _ONE:
            self._prover = take_prover(env, self._options, limits.min_tier)
            self._episode = Episode(self._prover, limits)
        self._turn: Turn | None = None
        self._closed = False

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        theorem: str | None = None,
        split: str | None = None,
    ) -> ProofObservation:
        """Begins an episode with the theorem that is named, or with one that is drawn.

        Raises:
            ProofsearchError: it can't begin.
        """
        with _ONE:
            if theorem is not None:
                self._turn = self._episode.reset(theorem)
            else:
                names = theorem_names(self._prover.environment, split or self._split)
                self._turn = begin_one(self._episode, names, Random(seed).randrange)
            return _observation(self._turn)

    def step(self, action: ProofAction, timeout_s: float | None = None) -> ProofObservation:
        """Tries a tactic. The environment's own time-out counts, not ``timeout_s``.

        Raises:
            ProofsearchError: no episode is under way.
        """
        with _ONE:
            self._turn = self._episode.step(action.tactic)
            return _observation(self._turn)

    @property
    def state(self) -> ProofState:
        """Which episode it is, and how far."""
        name = None if self._turn is None else self._turn.theorem
        return ProofState(episode_id=name, step_count=0 if self._turn is None else self._turn.steps, theorem=name)

    def get_metadata(self) -> EnvironmentMetadata:
        """What it is."""
        about = f"Theorem proving in {self._prover.name}, tactic by tactic."
        return EnvironmentMetadata(name="proofsearch", description=about)

    def close(self) -> None:
        """Ends the episode, and closes the prover if nobody else has it. Idempotent."""
        with _ONE:
            if not self._closed:
                self._closed = True
                self._episode.close()
                give_back(self._prover, self._options)


def _observation(turn: Turn) -> ProofObservation:
    return ProofObservation(**turn.observation(), reward=turn.reward, done=turn.done)
