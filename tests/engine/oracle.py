"""Best-first search done slowly: every rule as it is documented, everything computed anew before each expansion."""

from __future__ import annotations

import math
import statistics

from proofsearch.config import SearchConfig
from proofsearch.protocols import Calibration

from .fake import CRASH, FINISH, REJECT, TIME_OUT, FakeScorer, World


class Oracle:
    """Runs a search through a world in which every finished path is refused."""

    def __init__(
        self, world: World, config: SearchConfig, scorer: FakeScorer | None, calibration: Calibration | None
    ) -> None:
        self.world, self.config, self.calibration = world, config, calibration
        self.values = None if scorer is None else scorer.values
        self.nodes = [world.root]
        self.edges: list[tuple[str, str, float, int]] = []
        self.value: dict[str, float | None] = {world.root: None}
        self.scored: list[tuple[str, float | None, float]] = []
        self.order: list[str] = []
        self.trusts = scorer is not None
        self.pops = 0

    def best(self) -> dict[str, tuple[float, int, int, str]]:
        """Of each node: log-probability, tokens and depth on its best path, and its parent there."""
        best = {self.world.root: (0.0, 0, 0, "")}
        changing = True
        while changing:
            changing = False
            for source, target, logprob, num_tokens in self.edges:
                if source not in best:
                    continue
                so_far, tokens, depth, _ = best[source]
                if target not in best or so_far + logprob > best[target][0]:
                    best[target] = (so_far + logprob, tokens + num_tokens, depth + 1, source)
                    changing = True
        return best

    def scale(self) -> tuple[float, float, float, float] | None:
        """Mean and standard deviation of value and of log-probability, for ``mix``."""
        if self.calibration is not None:
            c = self.calibration
            return c.value_mean, c.value_std, c.logprob_mean, c.logprob_std
        known = [(value, logprob) for _, value, logprob in self.scored if value is not None]
        count = self.estimated_from(len(known))
        if count < 2:
            return None
        values, logprobs = zip(*known[:count], strict=True)
        return (
            statistics.fmean(values),
            statistics.pstdev(values),
            statistics.fmean(logprobs),
            statistics.pstdev(logprobs),
        )

    def estimated_from(self, known: int) -> int:
        """How many scored nodes the present estimate rests on; batches of nodes are scored at once."""
        warmup, done, at = self.config.priority.warmup, 0, 2
        for count in [*self.batches, known] if known else []:
            if done < warmup and count >= at:
                done = min(count, warmup)
                while at <= done:
                    at *= 2
                at = min(at, warmup)
        return done

    batches: list[int]
    """How many nodes had a value after each batch."""

    def priority(self, node: str, queue: int, best: dict[str, tuple[float, int, int, str]]) -> float:
        """The table of PriorityConfig."""
        config = self.config.priority
        logprob, num_tokens, _, parent = best[node]
        value = self.value[node]
        if value is None and parent:
            value = self.value[parent]
        kind = config.kind
        if kind == "auto":
            kind = "value" if self.calibration is None else "mix"
        goal_weight = 1.0 if config.goal_weight is None else config.goal_weight
        if config.goal_weight is None and kind == "mix" and self.calibration is not None and self.trusts:
            goal_weight = self.calibration.goal_weight
        if kind == "split":
            kind = "value" if queue else "logprob"
        if not self.trusts and kind != "normalized":
            kind = "logprob"
        raw = logprob
        if kind == "normalized":
            raw = logprob / max(num_tokens, 1) ** config.length_exponent
        elif kind == "mix":
            scale = self.scale()
            if scale is None:
                return logprob
            value_mean, value_std, logprob_mean, logprob_std = scale
            raw = (logprob - logprob_mean) / logprob_std if logprob_std else 0.0
            weight = config.value_weight
            if weight is None:
                weight = 0.5 if self.calibration is None else self.calibration.value_weight
            if value is not None:
                z = (value - value_mean) / value_std if value_std else 0.0
                raw = (1 - weight) * raw + weight * z
            raw = round(raw, 9)
        elif kind == "value" and value is not None:
            raw = value
        elif kind == "astar" and value is not None:
            raw = -(-logprob + config.heuristic_weight * -value)
        return raw - goal_weight * self.world.goals.get(node, 1)

    def run(self) -> list[str]:
        """The expanded states in order."""
        config = self.config
        assert config.limit.expansions is not None
        self.batches = []
        while len(self.order) < config.limit.expansions:
            chosen: list[str] = []
            best = self.best()
            room = min(config.batch, config.limit.expansions - len(self.order))
            while len(chosen) < room:
                waiting = [
                    node
                    for node in self.nodes
                    if node not in self.order
                    and node not in chosen
                    and (config.max_depth is None or best[node][2] < config.max_depth)
                ]
                if not waiting:
                    break
                queue = 0
                if config.priority.kind == "split" and self.values is not None:
                    share = config.priority.value_share
                    queue = math.floor((self.pops + 1) * share) - math.floor(self.pops * share)
                    self.pops += 1
                if waiting == [self.world.root]:
                    chosen.append(self.world.root)
                else:
                    chosen.append(max(waiting, key=lambda node: self.priority(node, queue, best)))
            if not chosen:
                break
            self.expand(chosen)
        return self.order

    def expand(self, chosen: list[str]) -> None:
        new = []
        for node in chosen:
            self.order.append(node)
            for candidate in self.world.policy.get(node, [])[: self.config.candidates]:
                target = self.world.steps[node, candidate.tactic]
                if target in (FINISH, REJECT, TIME_OUT, CRASH):
                    continue
                self.edges.append((node, target, candidate.logprob, candidate.num_tokens))
                if target not in self.nodes:
                    self.nodes.append(target)
                    self.value[target] = None
                    new.append(target)
        if self.trusts and self.values is not None and new:
            best = self.best()
            for node in new:
                self.value[node] = self.values.get(node)
                self.scored.append((node, self.value[node], best[node][0]))
            missing = sum(value is None for _, value, _ in self.scored)
            self.batches.append(len(self.scored) - missing)
            if len(self.scored) >= 20 and missing > 0.05 * len(self.scored):
                self.trusts = False
