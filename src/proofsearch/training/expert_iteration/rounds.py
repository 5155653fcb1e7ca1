"""The rounds of an expert iteration: each step is done unless the disk says that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsearch.config import IterateConfig, RunConfig
from proofsearch.errors import ProofsearchError
from proofsearch.hub import local
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import ResolvedTraining, resolve, resolve_training
from proofsearch.protocols import TheoremResult, TrainingRequest
from proofsearch.protocols.events import Noted, OnEvent
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import is_run_folder
from proofsearch.runs.run import resume_search, run_search
from proofsearch.training import check_beforehand, train, training_settings
from proofsearch.training.expert_iteration.plan import search_config, training_config, what_learns
from proofsearch.training.sources import refuse_useless


@dataclass(frozen=True, slots=True)
class Round:
    """What a round gained. "Base" is the search without what is learnt, "value" that with what the round learnt.

    Attributes:
        round: from 0.
        searched: training theorems searched.
        proved: of them proved.
        found: of them proved in no round before.
        checkpoint: what was learnt, relative to the iteration's folder.
        metrics: what the checkpoint says of itself.
        validation: validation theorems.
        base_proved, value_proved: of them.
        only_base, only_value: proved by one of the two alone.
        p_value: McNemar's, exact and two-sided, that the two prove equally many.
        base_expansions, value_expansions: nodes expanded in all, whether a proof came of it or not.
        both_base_expansions, both_value_expansions: nodes expanded for the theorems that both proved.
    """

    round: int
    searched: int
    proved: int
    found: int
    checkpoint: str
    metrics: Mapping[str, Any]
    validation: int
    base_proved: int
    value_proved: int
    only_base: int
    only_value: int
    p_value: float
    base_expansions: int
    value_expansions: int
    both_base_expansions: int
    both_value_expansions: int


class RoundPaths:
    """Where a round keeps what; see :mod:`proofsearch.training.expert_iteration`.

    Attributes:
        number: of the round.
        search: the run on training theorems.
        policy: the file that the policy learns from in the round after.
        checkpoint: what was learnt.
        base: the run on validation theorems without a value.
        value: the run on validation theorems with the round's value.
    """

    def __init__(self, out: Path, number: int) -> None:
        folder = out / f"round-{number}"
        self.number = number
        self.search = folder / "search"
        self.policy = folder / "policy.parquet"
        self.checkpoint = folder / "checkpoint"
        self.base = folder / "validation-base"
        self.value = folder / "validation-value"

    @property
    def learnt(self) -> bool:
        """Whether its training has ended: the search with what came of it was begun."""
        return is_run_folder(self.value)


class Rounds:
    """The rounds at work, one after another.

    Args:
        plugins: those that are installed.
        config: the checked configuration.
        out: the iteration's folder.
        on_event: told what happens.
    """

    def __init__(self, plugins: Plugins, config: IterateConfig, out: Path, on_event: OnEvent) -> None:
        self._plugins = plugins
        self._config = config
        self._out = out.absolute()
        self._on_event = on_event
        self._learns = what_learns(plugins, config.plugin)
        trainer = plugins.registry("trainer")[config.plugin].config
        self._starts = trainer is not None and "start" in trainer.model_fields

    def __iter__(self) -> Iterator[Round]:
        """Does what is left to do and gives every round's row, those that were done before included."""
        known: set[str] = set()
        for number in range(self._config.rounds):
            places = RoundPaths(self._out, number)
            searched = self._searched(places)
            self._learnt_policy(places)
            metrics = self._learnt(places)
            yield self._measured(places, searched, known, metrics)
            known |= {name for name, result in searched.items() if result.proved}

    def check(self) -> None:
        """Refuses what the next training would refuse after the searches that it is to learn from.

        Raises:
            InputError: trajectories that were given and can't be learnt from.
            ProofsearchError: as :func:`proofsearch.training.check_beforehand`.
        """
        rounds = (RoundPaths(self._out, number) for number in range(self._config.rounds))
        places = next((places for places in rounds if not places.learnt), None)
        if places is None:
            return
        given = tuple(map(local, self._config.trajectories))
        for place in given:
            refuse_useless(place, self._config.env)
        parts, resume = self._training(places)
        request = TrainingRequest(given, places.checkpoint, parts.config.seed, resume)
        check_beforehand(self._plugins, parts, request, self._on_event)

    def _searched(self, places: RoundPaths) -> Mapping[str, TheoremResult]:
        config, number = self._config, places.number
        before = RoundPaths(self._out, number - 1) if number else None
        run = search_config(
            config,
            self._learns,
            "train",
            before.checkpoint if before is not None else None,
            before.policy if before is not None else None,
            seed=config.seed + number if config.fresh else config.seed,
        )
        first = "with log-probability alone" if self._learns == "scorer" else "with the policy to begin with"
        how = f"with the {self._learnt_word} of round {number - 1}" if number else first
        return self._run(run, places.search, f"round {number}: searching training theorems {how}")

    def _learnt_policy(self, places: RoundPaths) -> None:
        """Gathers what the policy learns from: one file of the searches of all rounds so far."""
        if not self._config.train_policy or places.policy.exists():
            return
        from proofsearch.trajectory.reader import read_searches
        from proofsearch.trajectory.summary import merge

        paths = [local(path) for path in self._trajectories(places)]
        if any(search.proved for search in read_searches(paths)):
            merge(paths, places.policy)
        else:
            self._on_event(
                Noted(f"round {places.number}: no proof was found, so the policy has nothing new to learn from")
            )

    def _learnt(self, places: RoundPaths) -> Mapping[str, Any]:
        number, checkpoint = places.number, places.checkpoint
        if places.learnt:
            from proofsearch.checkpoint import read_manifest

            return read_manifest(checkpoint).metrics
        self._on_event(Noted(f"round {number}: learning from the searches of {number + 1} rounds"))
        parts, resume = self._training(places)
        summary = train(parts.config, checkpoint, resume=resume, plugins=self._plugins, on_event=self._on_event)
        return summary.metrics

    def _training(self, places: RoundPaths) -> tuple[ResolvedTraining, bool]:
        """A round's training, and whether it was begun."""
        begun = training_settings(places.checkpoint)
        before = RoundPaths(self._out, places.number - 1).checkpoint if places.number else None
        if begun is not None and begun.options.get(self._config.plugin, {}).get("start") is None:
            before = None  # begun by a version whose trainer had no such option
        config = training_config(self._config, self._trajectories(places), before, starts=self._starts)
        return resolve_training(self._plugins, config, shared=True), begun is not None

    def _measured(
        self, places: RoundPaths, searched: Mapping[str, TheoremResult], known: set[str], metrics: Mapping[str, Any]
    ) -> Round:
        # Imported here since it brings numpy, which the command's help has no need of.
        from proofsearch.measures.paired import mcnemar

        number = places.number
        base_places = places if self._config.train_policy else RoundPaths(self._out, 0)
        base = self._run(
            search_config(self._config, self._learns, "validation", None, places.policy),
            base_places.base,
            f"round {number}: searching validation theorems without what is learnt",
        )
        value = self._run(
            search_config(self._config, self._learns, "validation", places.checkpoint, places.policy),
            places.value,
            f"round {number}: searching validation theorems with the {self._learnt_word} of this round",
        )
        proved = {name for name, result in searched.items() if result.proved}
        by_base = {name for name, result in base.items() if result.proved}
        by_value = {name for name, result in value.items() if result.proved}
        return Round(
            round=number,
            searched=len(searched),
            proved=len(proved),
            found=len(proved - known),
            checkpoint=str(places.checkpoint.relative_to(self._out)),
            metrics=metrics,
            validation=len(value),
            base_proved=len(by_base),
            value_proved=len(by_value),
            only_base=len(by_base - by_value),
            only_value=len(by_value - by_base),
            p_value=mcnemar(len(by_base - by_value), len(by_value - by_base)),
            base_expansions=sum(result.expansions for result in base.values()),
            value_expansions=sum(result.expansions for result in value.values()),
            both_base_expansions=sum(base[name].expansions for name in by_base & by_value),
            both_value_expansions=sum(value[name].expansions for name in by_base & by_value),
        )

    @property
    def _learnt_word(self) -> str:
        return "value" if self._learns == "scorer" else "policy"

    def _trajectories(self, places: RoundPaths) -> tuple[str, ...]:
        """What may be learnt from in a round: what was given, and the searches of all rounds so far."""
        rounds = [str(RoundPaths(self._out, number).search) for number in range(places.number + 1)]
        return (*self._config.trajectories, *rounds)

    def _run(self, config: RunConfig, path: Path, what: str) -> Mapping[str, TheoremResult]:
        """The results of a run, which is made or resumed where they are not there yet."""
        if is_run_folder(path):
            folder = RunFolder.open(path)
            if not folder.remaining() and folder.status == "finished":
                return folder.results()
            self._on_event(Noted(f"{what}: continuing"))
            summary = resume_search(
                path,
                workers=self._config.execution.workers,
                plugins=self._plugins,
                on_event=self._on_event,
            )
        else:
            self._on_event(Noted(what))
            config = resolve(self._plugins, config, shared=True).config
            summary = run_search(config, path, plugins=self._plugins, on_event=self._on_event)
        if len(summary.failures) == summary.theorems:
            raise ProofsearchError(f"{path}: no theorem could be searched: {summary.failures[0].message}")
        return summary.results
