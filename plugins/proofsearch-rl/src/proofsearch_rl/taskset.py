"""Theorems as a task set of verifiers: ``--env.taskset.id proofsearch-rl``.

A task is a theorem. The model sees the state and answers with a tactic; what came of it is the next message, until the
theorem is proved or the episode is over. The reward is that of the episode: 1 for a proof that the independent check
accepts. Nothing that the model writes is looked at for it.

This module needs ``pip install 'proofsearch-rl[verifiers]'``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import verifiers.v1 as vf
from pydantic import Field

from proofsearch_rl import turn as turns
from proofsearch_rl.client import Client, ServedEpisode
from proofsearch_rl.episode import Episode
from proofsearch_rl.limits import EpisodeLimits
from proofsearch_rl.shared import give_back, take_prover
from proofsearch_rl.theorems import theorem_names
from proofsearch_rl.turn import Turn

__all__ = ["ProofTaskset", "ProofTasksetConfig", "ProofTasksetEnv", "ProofTasksetEnvConfig"]

Answer = TypeVar("Answer")

SYSTEM_PROMPT = (
    "You prove theorems, one tactic a message. You are shown the state of the proof: its open goals and what may be "
    "used. Think as long as you like, then write the tactic alone, as the last block between ``` and ```, or as the "
    "last line. A tactic that fails leaves the state as it was."
)

_BLOCK = re.compile(r"```[^\n`]*\n(.*?)\n?```", re.DOTALL)

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="proofsearch prover")
"""The thread of this process's provers, whose sessions are for one alone. Rollouts wait for it and block no others."""


class ProofTasksetConfig(vf.TasksetConfig):
    """Which theorems, and where they are proved."""

    prover: str = "metamath"
    """The environment, as ``--env`` of proofsearch takes it. A server has its own."""
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Its options by component and field. A server has its own."""
    split: str = "train"
    """The split of the theorems."""
    theorems: list[str] = Field(default_factory=list)
    """Theorems by name, instead of the split's."""
    limits: dict[str, Any] = Field(default_factory=dict)
    """The bounds of an episode, as :class:`proofsearch_rl.limits.EpisodeLimits` takes them. A server has its own."""
    url: str | None = None
    """A server (``proofsearch serve``) that plays the episodes."""
    token: str = ""
    """The server's token."""


class ProofTaskData(vf.TaskData):
    """A theorem."""

    theorem: str
    """Its name."""


class ProofTask(vf.Task[ProofTaskData]):
    """Proving it."""


class ProofTaskset(vf.Taskset[ProofTask, ProofTasksetConfig]):
    """The theorems, a task each, in the library's order."""

    def load(self) -> Iterator[ProofTask]:
        """A task a theorem; its prompt is the first message of the episode, which the environment sends."""
        config = self.config
        if config.theorems:
            names = list(config.theorems)
        elif config.url is not None:
            with Client(config.url, config.token) as client:
                names = list(client.theorems(config.split))
        else:
            names = _thread.submit(_names, config).result()
        for name in names:
            yield ProofTask(ProofTaskData(name=name, theorem=name, system_prompt=SYSTEM_PROMPT), config.task)


class ProofTasksetEnvConfig(vf.EnvConfig):
    """One player."""

    player: vf.AgentConfig = vf.AgentConfig()


class ProofTasksetEnv(vf.Env[ProofTasksetEnvConfig]):
    """The prover answers the model's tactics."""

    async def run(self, task: vf.Task[Any], agents: vf.Agents) -> None:
        """Plays one episode."""
        config = self.taskset.config
        assert isinstance(config, ProofTasksetConfig)
        play = await _in_thread(partial(_Play, config))
        try:
            turn = await _in_thread(partial(play.episode.reset, task.data.theorem))
            async with agents.player.interaction(task) as interaction:
                while not turn.done:
                    segment = await interaction.turn(message(turn))
                    if segment.terminated:
                        break
                    turn = await _in_thread(partial(play.episode.step, tactic_of(segment.last_reply)))
        finally:
            await _in_thread(play.close)
        trace = interaction.trace
        trace.record_reward("proved", turn.reward)
        trace.record_metric("steps", float(turn.steps))
        trace.info["outcome"] = turn.outcome
        if turn.verdict is not None:
            trace.info["verdict"] = {"checker": turn.verdict.checker, "tier": turn.verdict.tier}


class _Play:
    """An episode with what it needs, which is closed with it."""

    def __init__(self, config: ProofTasksetConfig) -> None:
        self._options = config.options
        self._client = None if config.url is None else Client(config.url, config.token)
        limits = EpisodeLimits.model_validate(config.limits)
        self.episode: Episode | ServedEpisode
        if self._client is not None:
            self._prover = None
            self.episode = self._client.session()
        else:
            self._prover = take_prover(config.prover, config.options, limits.min_tier)
            self.episode = Episode(self._prover, limits)

    def close(self) -> None:
        self.episode.close()
        if self._client is not None:
            self._client.close()
        if self._prover is not None:
            give_back(self._prover, self._options)


def message(turn: Turn) -> str:
    """What the model is told of a turn."""
    if turn.outcome in (turns.BEGUN, turns.ADVANCED):
        return turn.state
    why = f": {turn.message}" if turn.message else ""
    return f"The tactic was {turn.outcome}{why}\n\nThe state is still:\n{turn.state}"


def tactic_of(reply: str) -> str:
    """The tactic that a reply ends with: its last block between fences, or else its last line."""
    blocks = _BLOCK.findall(reply)
    if blocks:
        return str(blocks[-1]).strip()
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    return lines[-1].strip("`") if lines else ""


def _names(config: ProofTasksetConfig) -> list[str]:
    prover = take_prover(config.prover, config.options, EpisodeLimits.model_validate(config.limits).min_tier)
    try:
        return list(theorem_names(prover.environment, config.split))
    finally:
        give_back(prover, config.options)


async def _in_thread(work: Callable[[], Answer]) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(_thread, work)
