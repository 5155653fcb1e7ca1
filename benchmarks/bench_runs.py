"""What the benchmarks share: options, runs that can be gone on with, tables."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from proofsearch.config import (
    ExecutionConfig,
    LimitConfig,
    PriorityConfig,
    RunConfig,
    SearchConfig,
    SelectionConfig,
    TrainConfig,
)
from proofsearch.measures.bootstrap import Estimate
from proofsearch.measures.paired import Cost, CostRatio, PairedSolved
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols.events import Event, Preparing, Progressed, Recorded
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import is_run_folder
from proofsearch.runs.run import resume_search, run_search
from proofsearch.training import check, train, training_settings

Options = dict[str, dict[str, Any]]
"""Options of components by the component's name."""

GUIDED_EXPANSIONS = 128
"""Of a search along a known proof: half of them follow it, the others the policy."""

_SECONDS_BETWEEN_LINES = 30.0


def parse_options(texts: Iterable[str]) -> Options:
    """Reads options written as ``component.field=value``; the value is JSON or else a string.

    One that is given twice becomes a list: ``ebm.loss=info_nce:1 ebm.loss=depth_regression:0.3``.
    """
    given: dict[tuple[str, str], list[Any]] = {}
    for text in texts:
        place, equals, value = text.partition("=")
        component, dot, field = place.partition(".")
        if not (equals and dot and component and field):
            raise SystemExit(f"{text!r}: expected component.field=value, such as knn.memory=chronological")
        given.setdefault((component, field), []).append(parse_value(value))
    options: Options = {}
    for (component, field), values in given.items():
        options.setdefault(component, {})[field] = values[0] if len(values) == 1 else values
    return options


def parse_value(text: str) -> Any:
    """JSON, or else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def merged(*several: Mapping[str, Mapping[str, Any]]) -> Options:
    """Options put together; the last one that sets a field counts."""
    options: Options = {}
    for one in several:
        for component, given in one.items():
            options[component] = options.get(component, {}) | dict(given)
    return options


def scorer_options(checkpoint: Path | None, given: Mapping[str, Mapping[str, Any]]) -> Options:
    """The options of the scorer ``ebm`` for a checkpoint; ``None``: the one that is shipped."""
    options: Options = {} if checkpoint is None else {"ebm": {"path": str(checkpoint.absolute())}}
    return merged(options, given)


def guided(arguments: argparse.Namespace, options: Options, select: SelectionConfig) -> RunConfig:
    """A run along the library's own proofs, with what a policy would have tried there instead.

    Args:
        arguments: ``generator``, ``seed`` and ``workers`` of the script.
        options: of the policy and the environment.
        select: which theorems.
    """
    return RunConfig(
        generator="demonstrated",
        scorer="demonstration",
        seed=arguments.seed,
        select=select,
        search=SearchConfig(limit=LimitConfig(expansions=GUIDED_EXPANSIONS), priority=PriorityConfig(kind="split")),
        execution=ExecutionConfig(workers=arguments.workers),
        options=merged(options, {"demonstrated": {"generator": arguments.generator}}),
    )


def finished_run(config: RunConfig, out: Path) -> RunFolder:
    """The run in a folder: made, gone on with, or taken as it is where every theorem has its result.

    Raises:
        SystemExit: the folder holds a run with another configuration.
    """
    config = resolve(Plugins.discover(), config).config
    if not is_run_folder(out):
        print(f"… searching in {out}", flush=True)
        run_search(config, out, on_event=_Teller())
        return RunFolder.open(out)
    folder = RunFolder.open(out)
    found, wanted = (dict(_flat(one.model_dump(mode="json", exclude={"execution"}))) for one in (folder.config, config))
    for key, value in wanted.items():
        if found.get(key) != value:
            made = f"{out}: was made with {key} = {found.get(key)!r}, now it is {value!r}"
            raise SystemExit(f"{made}; put it back, or use another folder")
    if folder.remaining():
        print(f"… going on with {out}", flush=True)
        resume_search(out, workers=config.execution.workers, on_event=_Teller())
    return RunFolder.open(out)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def list_theorems(file: Path, options: Options, split: str, steps: tuple[int, int]) -> Path:
    """Writes the theorems of a split whose library proof has that many steps, a name a line, unless the file exists."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        parts = resolve(Plugins.discover(), RunConfig(options=options), shared=True)
        with Components(Plugins.discover(), parts) as components:
            names = [
                theorem.name
                for theorem in components.environment().theorems()
                if theorem.split == split and steps[0] <= (theorem.proof_length or 0) <= steps[1]
            ]
        file.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return file.absolute()


def trained(
    trajectories: Sequence[Path], options: Options, out: Path, *, seed: int, workers: int, trainer: str = "ebm"
) -> Path:
    """A checkpoint of a trainer: trained, gone on with, or taken as it is where it is finished.

    Raises:
        SystemExit: the folder's training has other options or learns from other runs.
    """
    config = TrainConfig(
        plugin=trainer,
        seed=seed,
        trajectories=tuple(str(path.absolute()) for path in trajectories),
        execution=ExecutionConfig(workers=workers),
        options=options,
    )
    before, wanted = training_settings(out), check(Plugins.discover(), config).config
    if before is not None and (before.options, before.trajectories) != (wanted.options, wanted.trajectories):
        raise SystemExit(f"{out}: was trained with other options or on other runs; use another folder")
    train(config, out, resume=before is not None, on_event=_tell_training)
    return out


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a Markdown table."""
    print("\n| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def points(estimate: Estimate) -> str:
    """A difference of shares in percentage points, with its interval."""
    return f"{100 * estimate.value:+.1f} ({100 * estimate.low:+.1f} to {100 * estimate.high:+.1f})"


def with_interval(estimate: Estimate) -> str:
    """A number with its interval."""
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def paired_words(paired: PairedSolved) -> str:
    """What a baseline and another run solved within a budget."""
    cut = max(paired.cut_off_first, paired.cut_off_second)
    return (
        f"{points(paired.difference)}, p = {paired.p_value:.2g}: {paired.first} → {paired.second}, "
        f"only baseline {paired.only_first}, only value {paired.only_second}"
    ) + (f"; {cut:.0%} cut off before" if cut else "")


def cost_words(costs: Mapping[Cost, CostRatio]) -> str:
    """How much more proofs cost than the baseline's."""
    kinds: tuple[Cost, ...] = ("nodes", "expansions", "seconds")
    ratios = ((kind, costs[kind].ratio) for kind in kinds)
    return ", ".join(
        f"{kind} {100 * (ratio.value - 1):+.0f}% ({100 * (ratio.low - 1):+.0f} to {100 * (ratio.high - 1):+.0f})"
        for kind, ratio in ratios
    )


def pace_words(run: RunFolder) -> str:
    """What a run's value costs beside all else."""
    results = run.results().values()
    expansions = max(sum(result.expansions for result in results), 1)
    score = sum(result.seconds_by_part["score"] for result in results)
    rest = sum(sum(result.seconds_by_part.values()) - result.seconds_by_part["accept"] for result in results) - score
    return (
        f"{sum(result.scored for result in results) / expansions:.1f} states scored an expansion, "
        f"{1e3 * score / expansions:.1f} ms for scoring and {1e3 * rest / expansions:.1f} ms for all else"
    )


def _tell_training(event: Event) -> None:
    if isinstance(event, Progressed):
        for message in event.report.messages:
            print(f"  … step {event.report.step}: {message}", flush=True)


class _Teller:
    """Prints a line now and then of how far a run is."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._done = 0

    def __call__(self, event: Event) -> None:
        self._done += isinstance(event, Recorded)
        if isinstance(event, Preparing | Recorded) and time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            what = event.message if isinstance(event, Preparing) else f"{self._done} theorems"
            print(f"  … {what}", flush=True)
