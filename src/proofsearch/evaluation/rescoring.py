"""Values for recorded states by any scorer, without searching again.

A run along human proofs, or one ordered by chance, can so judge every value function on the same decisions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

from proofsearch.config import RunConfig
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import ResolvedRun, resolve
from proofsearch.protocols import Calibrated, Calibration, Prepares, ScoreRequest
from proofsearch.protocols.events import OnEvent, ignore_event
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import Theorem

BATCH = 4096
"""States that a scorer is handed at a time, at most."""


class Rescorer:
    """A scorer as it would have been in a recorded run; to be used with ``with``.

    Args:
        plugins: where the scorer comes from.
        config: of the recorded run: its environment, generator and seed are what the scorer may ask for.
        scorer: its name.
        options: by component name, the options of the scorer and its encoder.
        on_event: told what takes long.

    Raises:
        PluginError: no such scorer, or it can't be imported.
        UsageError: an option that doesn't fit.
    """

    def __init__(
        self,
        plugins: Plugins,
        config: RunConfig,
        scorer: str,
        options: Mapping[str, Mapping[str, Any]],
        on_event: OnEvent = ignore_event,
    ) -> None:
        self.name = scorer
        self.scored = 0
        self.unscored = 0
        self._components = Components(plugins, with_scorer(plugins, config, scorer, options), on_event)
        try:
            self._scorer = self._components.scorer()
            if isinstance(self._scorer, Prepares):
                self._scorer.prepare()
        except BaseException:
            self._components.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._components.close()

    @property
    def calibration(self) -> Calibration | None:
        """How the scorer is to be mixed with log-probability; ``None`` where it doesn't know."""
        return self._scorer.calibration() if isinstance(self._scorer, Calibrated) else None

    def score(self, theorem: Theorem, search: RecordedSearch, nodes: Sequence[int]) -> list[float]:
        """Values of some nodes of a search; ``nan`` where the scorer gives none that is finite.

        Raises:
            ComponentError: it raises, or doesn't give a value, or ``None``, for each.
        """
        values: list[float] = []
        for first in range(0, len(nodes), BATCH):
            requests = [_request(theorem, search, node) for node in nodes[first : first + BATCH]]
            found = self._scorer.score(requests)
            values += [math.nan if value is None or not math.isfinite(value) else float(value) for value in found]
        self.scored += len(values)
        self.unscored += sum(map(math.isnan, values))
        return values


def _request(theorem: Theorem, search: RecordedSearch, node: int) -> ScoreRequest:
    """What the search asked of a node, by its best path in the end."""
    edges, edge = search.edges, int(search.best_edge[node])
    return ScoreRequest(
        theorem,
        search.state(node),
        int(search.depth[node]),
        float(search.logprob[node]),
        int(search.num_tokens[node]),
        edges.tactic[edge] if edge >= 0 else None,
        float(edges.logprob[edge]) if edge >= 0 else 0.0,
        search.state(int(edges.source[edge])) if edge >= 0 else None,
    )


def with_scorer(
    plugins: Plugins, config: RunConfig, scorer: str, options: Mapping[str, Mapping[str, Any]]
) -> ResolvedRun:
    """What a run's configuration chooses with another scorer.

    Options that are not given are those of the run; those that belong to nothing that is still chosen go.

    Raises:
        PluginError: no such scorer.
        UsageError: an option that doesn't fit.
    """
    chosen: dict[str, dict[str, Any]] = {name: dict(given) for name, given in options.items()}
    while True:
        parts = resolve(plugins, config.model_copy(update={"scorer": scorer, "options": chosen, "observers": ()}))
        # What a component chooses in turn, a generator for example, shows only once the component has its options.
        added = False
        for part in parts.chosen.values():
            model = part.registration.config
            given = chosen.get(part.registration.name, {})
            for key, value in config.options.get(part.registration.name, {}).items():
                if model is not None and key in model.model_fields and key not in given:
                    chosen.setdefault(part.registration.name, {})[key] = value
                    added = True
        if not added:
            return parts
