"""An evaluation as tables for people: what matters most, and on request everything."""

from __future__ import annotations

import math

from rich import box
from rich.console import RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table

from proofsearch.cli.output.console import console, escape
from proofsearch.evaluation import Comparison, Evaluation, RunEvaluation
from proofsearch.measures.bootstrap import Estimate
from proofsearch.measures.intervals import percentage, wilson
from proofsearch.measures.sequential import Sequential
from proofsearch.runs.tiers import tiers_in_words

WIDTH = 100
"""Columns of text, unless the terminal is narrower. Where there is no terminal tables may be wider."""

_NAMES = {
    "value": "value",
    "combined": "combined",
    "logprob": "log-prob",
    "normalized": "log-prob / length",
    "goals": "fewest goals",
    "length": "shortest text",
    "logprob_goals": "log-prob − goals",
    "value_over_random": "value over random",
    "value_over_logprob": "value over {best}",
    "value_over_logprob_goals": "value over log-prob − goals",
    "combined_over_logprob": "combined over {best}",
    "combined_over_logprob_goals": "combined over log-prob − goals",
}


def show(evaluation: Evaluation, *, details: bool = False) -> None:
    """Prints an evaluation on standard output.

    Args:
        evaluation: what was found.
        details: print every table; else what each run solved and what is to be noted, comparisons at the largest
            budgets, and rankings where a value was scored now, since that was asked for.
    """
    parts: list[RenderableType] = []
    for run in evaluation.runs:
        parts += _run(run)
        if details:
            parts += [_compute(run), _solved(run)]
        if (details or run.offline) and run.ranking["all"].decisions:
            parts += [_ranking(run), _differences(run)]
        if details:
            parts += _states(run)
    for number, comparison in enumerate(evaluation.comparisons, start=2):
        parts += _comparison(comparison, number, details)
    parts.append(
        f"[dim]Intervals are 95%: Wilson's for what one run solved, else by a bootstrap over theorems "
        f"({evaluation.resamples} draws, seed {evaluation.seed}).[/]"
    )
    if not details:
        parts.append("[dim]Every budget, processor time, tokens, rankings by depth, states and costs: --details[/]")
    out = console(width=WIDTH)
    for part in parts:
        out.print(part if isinstance(part, Table) else Constrain(part, WIDTH))


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _run(run: RunEvaluation) -> list[RenderableType]:
    limits = ", ".join(f"{value:,g} {name.replace('_', ' ')}" for name, value in run.limit.items() if value is not None)
    parts: list[RenderableType] = [
        f"[bold]{escape(str(run.run))}[/]: {run.environment}, {run.generator}, scorer {run.scorer}, priority "
        f"{run.priority}; at most {limits or 'anything'}; {run.proved} of {run.theorems} theorems proved"
        f"{f', {_wilson(run.proved, run.theorems)}' if run.theorems else ''}"
        f"{f'; checked: {tiers}' if (tiers := tiers_in_words(run.checked)) else ''}"
    ]
    judged = f"values of {run.value_of}, scored now" if run.offline else f"recorded values of {run.value_of}"
    colour = {"above chance": "green", "looks inverted": "bold red"}.get(run.sign.verdict, "yellow")
    parts.append(Padding.indent(f"{escape(judged)}: [{colour}]{escape(run.sign.words)}[/]", 2))
    parts += [Padding.indent(f"[yellow]note:[/] {escape(note)}", 2) for note in run.notes]
    return parts


def _states(run: RunEvaluation) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if any(measured.positives + measured.negatives for measured in run.separation.values()):
        parts.append(_separation(run))
    rates = run.rates
    if not rates.states:
        return parts
    facts = [
        f"{rates.states:,} states",
        f"{_part(rates.unscored)} of {rates.scored:,} scored states without a value",
        f"{_part(rates.duplicates)} of the steps led to a state already known",
        f"{rates.conflicting} states with contradicting labels",
    ]
    if not math.isnan(run.calibration.error):
        facts.append(f"calibration error of the value {run.calibration.error:.3f}")
    parts.append(Padding("; ".join(facts), (0, 0, 1, 2), expand=False))
    return parts


def _compute(run: RunEvaluation) -> RenderableType:
    """What the searches took in calls, tokens and processor time, as far as it was counted."""
    of = run.compute
    facts = []
    for whom, states, calls in (("policy", of.generated, of.generate_calls), ("value", of.scored, of.score_calls)):
        if states:
            facts.append(f"{whom}: {states:,} states" + (f" in {calls:,} calls" if calls is not None else ""))
    if of.tokens_in is not None:
        facts.append(f"{of.tokens_in:,} tokens read, {of.tokens_out:,} written")
    if of.processor_seconds is not None and of.prover_processor_seconds is not None:
        facts.append(
            f"{of.processor_seconds:,.3g} s of processors, {of.prover_processor_seconds:,.3g} s of that in steps"
        )
    return Padding("; ".join(facts), (0, 0, 1, 2), expand=False)


def _solved(run: RunEvaluation) -> RenderableType:
    table = _table("Solved", "within", "solved", "part (interval)", "within", "solved", "part (interval)", "cut off")
    for index in range(max(len(run.solved_expansions), len(run.solved_seconds))):
        cells = []
        if index < len(run.solved_expansions):
            at = run.solved_expansions[index]
            cells += [f"{at.budget:,.0f} expansions", str(at.solved), _wilson(at.solved, at.theorems)]
        else:
            cells += [""] * 3
        if index < len(run.solved_seconds):
            at = run.solved_seconds[index]
            cells += [f"{at.budget:.3g} s", str(at.solved), _wilson(at.solved, at.theorems)]
            cells.append(_part(at.cut_off))
        table.add_row(*cells)
    return table


def _ranking(run: RunEvaluation) -> RenderableType:
    depths = [(label, measured) for label, measured in run.ranking.items() if measured.decisions]
    table = _table(
        "Ranking at decisions: % in which the best-ranked child leads to a proof, by depth; and MRR",
        "ranking",
        *(label.replace("-", "–") for label, _ in depths),
        "MRR",
    )
    every = run.ranking["all"]
    table.add_row("decisions", *(f"{measured.decisions:,}" for _, measured in depths), "", style="dim")
    table.add_row("theorems", *(f"{measured.theorems:,}" for _, measured in depths), "", style="dim")
    table.add_row(
        "random",
        *(f"{100 * measured.random.rank1.value:.1f}" for _, measured in depths),
        f"{every.random.mrr.value:.3f}",
        style="dim",
    )
    for name in every.rankings:
        cells = [_points(measured.rankings[name].rank1) for _, measured in depths]
        table.add_row(_NAMES[name], *cells, f"{every.rankings[name].mrr.value:.3f}")
    return table


def _differences(run: RunEvaluation) -> RenderableType:
    every = run.ranking["all"]
    if not every.differences:
        return Padding.indent("no value is judged: nothing to compare with the rankings above", 2)
    table = _table("Paired differences, all depths", "", "rank-1, points", "MRR")
    best = _NAMES[run.best_logprob]
    for name, difference in every.differences.items():
        style = "green" if difference.rank1.above_zero else "red" if difference.rank1.below_zero else ""
        table.add_row(
            _NAMES[name].format(best=best),
            _signed(difference.rank1, 100, 1),
            _signed(difference.mrr, 1, 3),
            style=style,
        )
    table.caption = f"combined: {run.combined}"
    table.caption_justify = "left"
    return table


def _separation(run: RunEvaluation) -> RenderableType:
    table = _table(
        "Labelled states",
        "score",
        "AUROC",
        "within theorem",
        "theorems",
        "gap",
        "Spearman",
        "theorems",
        "pooled",
    )
    for name, measured in run.separation.items():
        table.add_row(
            _NAMES[name],
            _number(measured.auroc, 3),
            _interval(measured.auroc_within),
            str(measured.auroc_theorems),
            _number(measured.gap, 2),
            _interval(measured.spearman),
            str(measured.spearman_theorems),
            _number(measured.spearman_pooled, 3),
        )
    first = next(iter(run.separation.values()))
    table.caption = (
        f"{first.positives:,} positive and {first.negatives:,} negative states; Spearman: of the score with minus the "
        f"remaining steps"
    )
    table.caption_justify = "left"
    return table


def _comparison(comparison: Comparison, number: int, details: bool) -> list[RenderableType]:
    parts: list[RenderableType] = [
        f"[bold]{escape(str(comparison.second))}[/] (run {number}) against [bold]{escape(str(comparison.first))}[/] "
        f"(run 1), {comparison.theorems} theorems"
    ]
    parts += [Padding.indent(f"[yellow]note:[/] {escape(note)}", 2) for note in comparison.notes]
    columns = ("run 1", f"run {number}", "only 1", f"only {number}", "difference, points", "McNemar p")
    for title, rows, unit, wanted in (
        ("Solved at equal expansions", comparison.expansions, "expansions", True),
        ("Solved at equal wall time a theorem", comparison.seconds, "s", True),
        ("Solved at equal processor time a theorem", comparison.processor_seconds, "s", details),
        ("Solved at equal tokens a theorem", comparison.tokens, "tokens", details),
    ):
        if not (rows and wanted):
            continue
        timed = unit != "expansions"
        table = _table(title, "within", *columns, *(("cut off",) if timed else ()))
        for at in rows if details else rows[-1:]:
            style = "green" if at.difference.above_zero else "red" if at.difference.below_zero else ""
            table.add_row(
                f"{at.budget:,.0f} {unit}" if unit in ("expansions", "tokens") else f"{at.budget:.3g} {unit}",
                str(at.first),
                str(at.second),
                str(at.only_first),
                str(at.only_second),
                _signed(at.difference, 100, 1),
                f"{at.p_value:.3g}",
                *((f"{_part(at.cut_off_first)}, {_part(at.cut_off_second)}",) if timed else ()),
                style=style,
            )
        if timed:
            table.caption = (
                "cut off: searches of either run that another limit stopped earlier, without a proof; "
                "if there are many, compare a smaller budget"
            )
            table.caption_justify = "left"
        parts.append(table)
    if comparison.sequential is not None:
        parts.append(Padding.indent(_decided(comparison.sequential, number), 2))
    if details and comparison.costs["expansions"].theorems:
        parts.append(_costs(comparison, number))
    return parts


def _decided(test: Sequential, number: int) -> str:
    """Whether it is worth going on, in a sentence."""
    looked = f"of the first {test.looked:,} of {test.planned:,} theorems {test.only_first} only 1, "
    looked += f"{test.only_second} only {number}; p ≤ {test.p_value:g}, valid at every look"
    if test.decided_at is not None:
        better = number if test.only_second > test.only_first else 1
        return (
            f"[green]enough: stop.[/] Run {better} proves more, decided after {test.decided_at:,} theorems ({looked})"
        )
    if test.looked == test.planned:
        return f"[yellow]all searched, not decided[/] ({looked})"
    return f"[yellow]not decided: go on[/] ({looked}; chance that the rest decides it: {test.chance:.0%})"


def _costs(comparison: Comparison, number: int) -> Table:
    """What a proof costs either run, on the theorems that both solve."""
    costs = _table(
        f"Cost of a proof, on the {comparison.costs['expansions'].theorems} theorems that both solve",
        "",
        "run 1, mean",
        f"run {number}, mean",
        "ratio (interval)",
        "medians",
    )
    for name, cost in comparison.costs.items():
        if cost.theorems:
            ratio = cost.ratio
            style = "green" if ratio.high < 1 else "red" if ratio.low > 1 else ""
            costs.add_row(
                name.replace("_", " "),
                f"{cost.first:.3g}",
                f"{cost.second:.3g}",
                f"{ratio.value:.2f}{_ends(ratio, 1, 2)}",
                f"{cost.median_first:.3g}, {cost.median_second:.3g}",
                style=style,
            )
    costs.caption = "means are geometric; a ratio below 1 means that the later run is cheaper"
    costs.caption_justify = "left"
    return costs


def _ends(estimate: Estimate, scale: float, digits: int, *, sign: bool = False) -> str:
    if math.isnan(estimate.low):
        return ""
    form = f"{'+' if sign else ''}.{digits}f"
    return f" ({scale * estimate.low:{form}} to {scale * estimate.high:{form}})"


def _signed(estimate: Estimate, scale: float, digits: int) -> str:
    if math.isnan(estimate.value):
        return "–"
    return f"{scale * estimate.value:+.{digits}f}{_ends(estimate, scale, digits, sign=True)}"


def _points(estimate: Estimate) -> str:
    """A part as a percentage with a short interval: five of them stand side by side."""
    if math.isnan(estimate.value):
        return "–"
    low, value, high = percentage(estimate.low, 0)[:-1], percentage(estimate.value)[:-1], percentage(estimate.high, 0)
    ends = "" if math.isnan(estimate.low) else f" {low}–{high[:-1]}"
    return f"{'100' if value == '100.0' else value}{ends}"


def _interval(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "–"
    ends = "" if math.isnan(estimate.low) else f" {estimate.low:.2f}–{estimate.high:.2f}"
    return f"{estimate.value:.3f}{ends}"


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _part(value: float) -> str:
    return "–" if math.isnan(value) else percentage(value)


def _wilson(solved: int, theorems: int) -> str:
    if not theorems:
        return "–"
    low, high = (percentage(end)[:-1] for end in wilson(solved, theorems))
    return f"{percentage(solved / theorems)} ({low}–{high})"
