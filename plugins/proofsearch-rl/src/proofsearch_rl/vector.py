"""Many episodes at once: ``gymnasium.make_vec("proofsearch_rl.gym:proofsearch/Prove-v0", num_envs=64)``.

With a server (``url``) the steps of all of them are one message, and the server's workers make them side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from proofsearch.errors import UsageError
from proofsearch_rl.client import ServedError
from proofsearch_rl.episode import Episode
from proofsearch_rl.gym import EpisodeSource, shown
from proofsearch_rl.limits import EpisodeLimits
from proofsearch_rl.spaces import UnicodeText
from proofsearch_rl.theorems import begin_one
from proofsearch_rl.turn import Turn


class ProofVectorEnv(VectorEnv[tuple[str, ...], tuple[str, ...], np.ndarray[Any, np.dtype[Any]]]):
    """Many episodes; an episode that is over begins anew with the next step, whose action for it is ignored.

    Args:
        num_envs: how many.
        env: as for :class:`proofsearch_rl.gym.ProofEnv`, and so are the others.
        options: as there.
        split: as there.
        theorems: as there.
        min_tier: as there.
        max_steps: as there.
        max_tactic: as there.
        max_state: as there.
        url: as there.
        token: as there.

    Raises:
        ProofsearchError: the prover can't be opened, or the server isn't there.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        env: str = "metamath",
        options: Mapping[str, Mapping[str, Any]] | None = None,
        split: str = "train",
        theorems: Sequence[str] = (),
        min_tier: str = EpisodeLimits().min_tier,
        max_steps: int = EpisodeLimits().max_steps,
        max_tactic: int = EpisodeLimits().max_tactic,
        max_state: int = 16384,
        url: str | None = None,
        token: str = "",
    ) -> None:
        limits = EpisodeLimits.model_validate({"min_tier": min_tier, "max_steps": max_steps, "max_tactic": max_tactic})
        self.num_envs = num_envs
        self.single_observation_space = UnicodeText(max_state)
        self.single_action_space = UnicodeText(max_tactic)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.render_mode = None
        self._most = max_state
        self._source = EpisodeSource(env, options, split, theorems, limits, url, token)
        self._episodes = [self._source.episode(number) for number in range(num_envs)]
        self._over = [True] * num_envs

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Begins all episodes.

        Args:
            seed: of the draws of theorems.
            options: ``{"theorems": NAMES}`` for a theorem by name for each.

        Raises:
            ProofsearchError: one can't begin.
        """
        super().reset(seed=seed)
        named = (options or {}).get("theorems")
        if named is not None and len(named) != self.num_envs:
            raise UsageError(f"reset: expected {self.num_envs} theorems, one for each episode, found {len(named)}")
        turns = self._begin(range(self.num_envs), named)
        return self._shown(turns)

    def step(self, actions: Sequence[str]) -> tuple[tuple[str, ...], Any, Any, Any, dict[str, Any]]:
        """Tries a tactic in each episode; where one is over, it begins anew instead.

        Raises:
            ProofsearchError: no episodes are under way, or a server lost one.
        """
        over = [number for number, is_over in enumerate(self._over) if is_over]
        turns = self._tried({number: action for number, action in enumerate(actions) if not self._over[number]})
        turns |= self._begin(over) if over else {}
        observations, infos = self._shown(turns)
        ordered = [turns[number] for number in range(self.num_envs)]
        return (
            observations,
            np.array([turn.reward for turn in ordered]),
            np.array([turn.terminated for turn in ordered]),
            np.array([turn.truncated for turn in ordered]),
            infos,
        )

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the episodes, and closes the prover if nobody else has it."""
        for episode in self._episodes:
            if isinstance(episode, Episode):
                episode.close()
        self._source.close()

    def _begin(self, numbers: Sequence[int], named: Sequence[str] | None = None) -> dict[int, Turn]:
        client = self._source.client
        if named is not None or client is None:
            turns = {}
            for number in numbers:
                episode = self._episodes[number]
                if named is not None:
                    turns[number] = episode.reset(named[number])
                else:
                    turns[number] = begin_one(
                        episode, self._source.names, lambda most: int(self.np_random.integers(most))
                    )
            return turns
        names, turns, waiting = self._source.names, {}, list(numbers)
        while waiting:  # those that are closed at once are drawn again
            drawn = {number: {"theorem": names[int(self.np_random.integers(len(names)))]} for number in waiting}
            turns |= _all(client.many("reset", drawn))
            waiting = [number for number in waiting if turns[number].done]
        return turns

    def _tried(self, actions: Mapping[int, str]) -> dict[int, Turn]:
        client = self._source.client
        if client is None or not actions:
            return {number: self._episodes[number].step(action) for number, action in actions.items()}
        return _all(client.many("step", {number: {"tactic": action} for number, action in actions.items()}))

    def _shown(self, turns: Mapping[int, Turn]) -> tuple[tuple[str, ...], dict[str, Any]]:
        observations, infos = [], dict[str, Any]()
        for number in range(self.num_envs):
            observation, info = shown(turns[number], self._most)
            observations.append(observation)
            infos = self._add_info(infos, info, number)
            self._over[number] = turns[number].done
        return tuple(observations), infos


def _all(turns: Mapping[int, Turn | ServedError]) -> dict[int, Turn]:
    """The turns, if all are some.

    Raises:
        ServedError: one isn't.
    """
    found = {}
    for number, turn in turns.items():
        if isinstance(turn, ServedError):
            raise turn
        found[number] = turn
    return found
