"""``proofsearch evaluate``: says whether values and searches are better than others, and by how much."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proofsearch.cli.options import Given, component_options, with_options
from proofsearch.cli.output.run import display
from proofsearch.cli.shared_options import DrawSeed, Limit, Overwrite, Quiet, Resamples, Runs, Split, number_between
from proofsearch.config.bounds import LARGEST
from proofsearch.errors import UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.runs.layout import own_files
from proofsearch.storage.outputs import check_folder

if TYPE_CHECKING:
    from proofsearch.evaluation import Evaluation

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
_StopEarly = Annotated[
    bool,
    typer.Option(
        "--stop-early", help="Say whether a comparison under way is decided: a test that is valid at every look."
    ),
]
_Details = Annotated[bool, typer.Option("--details", help="Print every table, not only the summary.")]


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command, with the options of every installed scorer and encoder."""
    options = component_options(plugins, ("scorer", "encoder"))
    app.command("evaluate")(with_options(_command(plugins), options))


def _command(plugins: Plugins) -> Callable[..., None]:
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
        stop_early: _StopEarly = False,
        details: _Details = False,
        quiet: Quiet = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
        *,
        given: Given,
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
            options=_scorer_options(scorer, given),
            min_expansions=min_expansions,
            split=split,
            limit=limit,
            seed=seed,
            resamples=resamples,
            value_weight=value_weight,
            goal_weight=goal_weight,
            stop_early=stop_early,
        )
        if plots is not None:
            from proofsearch.measures.plots import require_matplotlib

            require_matplotlib()
            check_folder(plots, overwrite=overwrite)
        with display(quiet) as shown:
            found = evaluate_runs(runs, settings, plugins=plugins, on_event=shown.show)
        if as_json:
            streams.output(json.dumps(to_json(found), indent=2, allow_nan=False))
        else:
            show(found, details=details)
        if plots is not None:
            _draw(found, runs, plots, overwrite)

    return evaluate


def _draw(found: Evaluation, runs: Sequence[Path], plots: Path, overwrite: bool) -> None:
    from proofsearch.evaluation.figures import write_plots

    for file in write_plots(found, plots, inputs=own_files(runs), overwrite=overwrite):
        streams.message(f"wrote {file}")


def _scorer_options(scorer: str | None, given: Given) -> dict[str, dict[str, Any]]:
    if given.places and scorer is None:
        raise UsageError(
            f"{given.flags()[0]} is an option of a scorer that is to score the recorded states; say which with "
            f"--scorer, or leave it out"
        )
    return given.component_options()
