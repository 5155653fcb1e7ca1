"""``proofsearch evaluate``: says whether values and searches are better than others, and by how much."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from proofsearch.cli.options import (
    ConfigOption,
    DrawSeed,
    Limit,
    Overwrite,
    Resamples,
    Runs,
    Split,
    component_options,
    number_between,
    overrides,
    with_options,
)
from proofsearch.cli.output.run import display
from proofsearch.config.bounds import LARGEST
from proofsearch.errors import UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.runs.layout import own_files
from proofsearch.runs.run import Preparing
from proofsearch.storage.outputs import check_folder

_OFFLINE = "The value to judge"

_MinExpansions = Annotated[
    int | None,
    typer.Option(
        "--min-expansions",
        min=1,
        max=LARGEST,
        help="Set labels anew: a state is negative after this many expansions at or below it without a proof.",
        show_default="the recorded labels",
    ),
]
_Scorer = Annotated[
    str | None,
    typer.Option(
        "--scorer",
        help="Score the recorded states of runs along known proofs with this scorer, and judge its values.",
        show_default="no value",
        rich_help_panel=_OFFLINE,
    ),
]
_ValueWeight = Annotated[
    float | None,
    typer.Option(
        "--value-weight",
        parser=number_between(0, 1),
        metavar="FLOAT",
        help="Weight of the value in the combined ranking.",
        show_default="the scorer's calibration, else 0.5",
        rich_help_panel=_OFFLINE,
    ),
]
_GoalWeight = Annotated[
    float | None,
    typer.Option(
        "--goal-weight",
        parser=number_between(0, LARGEST),
        metavar="FLOAT",
        help="What each open goal costs in the combined ranking.",
        show_default="the scorer's calibration, else 1",
        rich_help_panel=_OFFLINE,
    ),
]
_Plots = Annotated[Path | None, typer.Option("--plots", metavar="DIR", help="Write plots as SVG into this folder.")]
_Details = Annotated[bool, typer.Option("--details", help="Print every table, not only the summary.")]


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command, with the options of every installed scorer and encoder."""
    options = list(component_options(plugins, ("scorer", "encoder")))
    app.command("evaluate")(with_options(_command(plugins, options), options))


def _command(plugins: Plugins, options: list[ConfigOption]) -> Callable[..., None]:
    def evaluate(
        runs: Runs,
        split: Split = None,
        limit: Limit = None,
        min_expansions: _MinExpansions = None,
        scorer: _Scorer = None,
        value_weight: _ValueWeight = None,
        goal_weight: _GoalWeight = None,
        seed: DrawSeed = 0,
        resamples: Resamples = 2000,
        plots: _Plots = None,
        overwrite: Overwrite = False,
        details: _Details = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
        **given: Any,
    ) -> None:
        """Measure what runs solved, compare each with the first, and judge a value along known proofs.

        At decisions, where a search had to choose among states of which some led to a proof, the value of --scorer is
        ranked against log-probability, length, goal count and chance, if neither a value nor log-probability made the
        run: at its own decisions every order looks good. All intervals are 95 % and by theorem.
        """
        # What reads trajectories takes long to import; --help need not wait for it.
        from proofsearch.cli.output.evaluation import show
        from proofsearch.evaluation import EvaluationSettings, to_json
        from proofsearch.evaluation import evaluate as evaluate_runs

        settings = EvaluationSettings(
            scorer=scorer,
            options=_options(scorer, options, given),
            min_expansions=min_expansions,
            split=split,
            limit=limit,
            seed=seed,
            resamples=resamples,
            value_weight=value_weight,
            goal_weight=goal_weight,
        )
        if plots is not None:
            from proofsearch.measures.plots import require_matplotlib

            require_matplotlib()
            check_folder(plots, overwrite=overwrite)
        with display(quiet) as shown:
            found = evaluate_runs(runs, settings, plugins=plugins, on_status=lambda *what: shown.show(Preparing(*what)))
        if as_json:
            streams.output(json.dumps(to_json(found), indent=2, allow_nan=False))
        else:
            show(found, details=details)
        if plots is not None:
            from proofsearch.evaluation.figures import write_plots

            for file in write_plots(found, plots, inputs=own_files(runs), overwrite=overwrite):
                streams.message(f"wrote {file}")

    return evaluate


def _options(scorer: str | None, options: list[ConfigOption], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of components that were given, by component and name."""
    said = overrides(options, given)
    if said and scorer is None:
        flags = {entry.place: entry.flag for entry in options}
        raise UsageError(
            f"{flags[next(iter(said))]} is an option of a scorer that is to score the recorded states; say which with "
            f"--scorer, or leave it out"
        )
    chosen: dict[str, dict[str, Any]] = {}
    for (_, component, name), value in said.items():
        chosen.setdefault(component, {})[name] = value
    return chosen
