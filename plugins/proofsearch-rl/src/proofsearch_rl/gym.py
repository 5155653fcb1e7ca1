"""Episodes as Gymnasium environments: ``gymnasium.make("proofsearch_rl.gym:proofsearch/Prove-v0")``.

The part before the colon has Gymnasium import this module, which registers the environment.

An observation is the state's text, an action a tactic's. The reward is 1 for a proof that the independent check
accepts, and else 0. ``info`` has all that a :class:`proofsearch_rl.turn.Turn` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
from gymnasium.envs.registration import register, registry

from proofsearch.errors import UsageError
from proofsearch_rl.client import Client, ServedEpisode
from proofsearch_rl.episode import Episode
from proofsearch_rl.limits import EpisodeLimits
from proofsearch_rl.shared import give_back, take_prover
from proofsearch_rl.spaces import UnicodeText
from proofsearch_rl.theorems import begin_one, theorem_names
from proofsearch_rl.turn import Turn

ID = "proofsearch/Prove-v0"

if ID not in registry:
    register(ID, "proofsearch_rl.gym:ProofEnv", vector_entry_point="proofsearch_rl.vector:ProofVectorEnv")


class EpisodeSource:
    """Where episodes come from, and which theorems they are about: a prover in this process, or a server.

    Args:
        env: the environment, as ``--env`` takes it. A server has its own.
        options: its options by component and field, as :func:`proofsearch.open_prover` takes them.
        split: the split of the theorems.
        theorems: theorems by name, instead of the split's.
        limits: the bounds of an episode. A server has its own.
        url: of a server, if one is to be used.
        token: the server's token.

    Raises:
        ProofsearchError: the prover can't be opened, or the server isn't there.
    """

    def __init__(
        self,
        env: str,
        options: Mapping[str, Mapping[str, Any]] | None,
        split: str,
        theorems: Sequence[str],
        limits: EpisodeLimits,
        url: str | None,
        token: str,
    ) -> None:
        self._limits = limits
        self._options = options or {}
        self.client = None if url is None else Client(url, token)
        if self.client is not None:
            self._prover = None
            self.names = tuple(theorems) or tuple(self.client.theorems(split))
        else:
            self._prover = take_prover(env, self._options, limits.min_tier)
            self.names = theorem_names(self._prover.environment, split, theorems)

    def episode(self, number: int) -> Episode | ServedEpisode:
        """A new episode; ``number`` tells those of a server apart."""
        if self.client is not None:
            return self.client.session(number)
        assert self._prover is not None
        return Episode(self._prover, self._limits)

    def close(self) -> None:
        """Closes the prover, or disconnects. Idempotent."""
        if self.client is not None:
            self.client.close()
        if self._prover is not None:
            prover, self._prover = self._prover, None
            give_back(prover, self._options)


class ProofEnv(gymnasium.Env[str, str]):
    """One episode after another, each about a theorem that is drawn, or that ``reset(options={"theorem": …})`` names.

    Args:
        env: the environment, as ``--env`` takes it.
        options: its options by component and field, as :func:`proofsearch.open_prover` takes them.
        split: the split of the theorems: ``train``, ``validation``, ``test`` or ``all``.
        theorems: theorems by name, instead of the split's.
        min_tier: the weakest check that earns the reward.
        max_steps: tactics in an episode.
        max_tactic: characters in a tactic.
        max_state: characters of an observation; longer states are cut, which ``info["cut"]`` tells.
        url: of a server (``proofsearch serve``) that plays the episodes; it has its own environment, tier and bounds.
        token: the server's token.
        render_mode: ``"ansi"``: :meth:`render` gives the theorem and the state as text.

    Raises:
        ProofsearchError: the prover can't be opened, or the server isn't there.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012

    def __init__(
        self,
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
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, "ansi"):
            raise UsageError(f"render_mode: expected 'ansi' or None, found {render_mode!r}")
        limits = EpisodeLimits.model_validate({"min_tier": min_tier, "max_steps": max_steps, "max_tactic": max_tactic})
        self.render_mode = render_mode
        self.observation_space = UnicodeText(max_state)
        self.action_space = UnicodeText(max_tactic)
        self._most = max_state
        self._source = EpisodeSource(env, options, split, theorems, limits, url, token)
        self._episode = self._source.episode(0)
        self._turn: Turn | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Begins an episode.

        Args:
            seed: of the draws of theorems.
            options: ``{"theorem": NAME}`` for a theorem by name.

        Raises:
            ProofsearchError: there is no such theorem, or none that an episode can begin with.
        """
        super().reset(seed=seed)
        named = (options or {}).get("theorem")
        if unknown := (options or {}).keys() - {"theorem"}:
            raise UsageError(f"reset has no option {sorted(unknown)[0]!r}; it has: theorem")
        if named is not None:
            self._turn = self._episode.reset(named)
        else:
            self._turn = begin_one(self._episode, self._source.names, lambda most: int(self.np_random.integers(most)))
        return shown(self._turn, self._most)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Tries a tactic.

        Raises:
            ProofsearchError: no episode is under way.
        """
        turn = self._turn = self._episode.step(action)
        observation, info = shown(turn, self._most)
        return observation, turn.reward, turn.terminated, turn.truncated, info

    def render(self) -> str | None:
        """The theorem and the state as text, with ``render_mode="ansi"``."""
        if self.render_mode is None or self._turn is None:
            return None
        turn = self._turn
        return f"{turn.theorem}: {turn.statement}\n{turn.steps} steps, {turn.outcome}\n\n{turn.state}"

    def close(self) -> None:
        """Ends the episode, and closes the prover if nobody else has it. Idempotent."""
        if self._source.client is None:
            self._episode.close()
        self._source.close()


def shown(turn: Turn, most: int) -> tuple[str, dict[str, Any]]:
    """A turn as observation and info.

    Args:
        turn: the turn.
        most: characters of an observation.
    """
    info = {key: value for key, value in turn.observation().items() if value is not None}
    info["cut"] = len(turn.state) > most
    return turn.state[:most], info
