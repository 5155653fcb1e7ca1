"""What a search comes back with, put together from those who kept account of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch.protocols.results import SearchResult, SearchStatus
from proofsearch.types import OutcomeKind

if TYPE_CHECKING:
    from proofsearch.engine.acceptance import Acceptance
    from proofsearch.engine.budget import Budget
    from proofsearch.engine.generation import Generation
    from proofsearch.engine.prover_watch import ProverWatch
    from proofsearch.engine.scoring import Scoring
    from proofsearch.graph import SearchGraph


def summarize(
    theorem: str,
    status: SearchStatus,
    limit_hit: str | None,
    messages: list[str],
    *,
    graph: SearchGraph,
    budget: Budget,
    generation: Generation,
    scoring: Scoring | None,
    acceptance: Acceptance,
    watch: ProverWatch,
    prover_apart: float | None,
) -> SearchResult:
    """The result of a search that has ended.

    Args:
        theorem: the theorem's name.
        status: why it ended.
        limit_hit: the limit that ended it, if one did.
        messages: what was noted on the way.
        graph: what was found.
        budget: what was spent.
        generation: how the generator did.
        scoring: how the scorer did, where there is one.
        acceptance: how the check did.
        watch: what the prover used.
        prover_apart: processor seconds of the prover's own processes; ``None`` where it doesn't say.
    """
    seconds, worked = budget.elapsed(), budget.processor_elapsed()
    tokens = generation.tokens if generation.calls else None
    if prover_apart is None and not (watch.highest and watch.highest.processes):
        prover_apart = 0.0  # it has no processes of its own
    warnings, messages = _remarks(messages, graph, budget.expansions, generation, scoring)
    messages += watch.messages
    return SearchResult(
        theorem=theorem,
        status=status,
        limit_hit=limit_hit,
        tactics=acceptance.tactics,
        verdict=acceptance.verdict,
        proof=acceptance.proof,
        expansions=budget.expansions,
        steps=budget.steps,
        generated=budget.generated,
        scored=scoring.scored if scoring else 0,
        unscored=scoring.unscored if scoring else 0,
        scorer_failures=scoring.failures if scoring else 0,
        refused=acceptance.refused,
        nodes=graph.num_nodes,
        edges=graph.num_edges,
        messages=tuple(messages),
        seconds=seconds,
        generate_seconds=budget.generate_seconds,
        step_seconds=budget.step_seconds,
        score_seconds=budget.score_seconds,
        engine_seconds=seconds - budget.generate_seconds - budget.step_seconds - budget.score_seconds,
        accept_seconds=budget.accept_seconds,
        usage=watch.highest,
        replacements=watch.replacements,
        graph=graph,
        unsuggested=generation.unsuggested,
        misscored=scoring.misscored if scoring else 0,
        warnings=tuple(warnings),
        trace=scoring.trace if scoring else "",
        generate_calls=generation.calls,
        score_calls=scoring.calls if scoring else 0,
        tokens_in=None if tokens is None else tokens[0],
        tokens_out=None if tokens is None else tokens[1],
        processor_seconds=None if prover_apart is None else worked + prover_apart,
        prover_processor_seconds=None if prover_apart is None else budget.step_processor() + prover_apart,
    )


def _remarks(
    noted: list[str], graph: SearchGraph, expansions: int, generation: Generation, scoring: Scoring | None
) -> tuple[list[str], list[str]]:
    """What components did against their contracts; and that, with all else that a person should know."""
    warnings: list[str] = []
    messages = list(noted)
    if generation.unsuggested and generation.unsuggested == expansions:
        warnings.append(
            f"{generation.name}: {generation.asked} suggested nothing for any expanded state "
            f"({generation.unsuggested} in all); a model's answers may all be empty, cut off or unusable"
        )
        messages.append(warnings[0])
    if scoring is not None and scoring.first_failure:
        warnings.append(scoring.first_failure)
        messages.insert(0, f"the scorer failed on {scoring.misscored} states, first: {scoring.first_failure}")
    elif scoring is not None and (scoring.distrusted or 0 < scoring.unscored == scoring.scored):
        warnings.append(f"{scoring.name}: score() gave no value for {scoring.unscored} of {scoring.scored} states")
    crashed = graph.edge_outcome.find(OutcomeKind.CRASHED)
    if crashed >= 0:
        tactic, why = graph.edge_tactic[crashed], graph.edge_message.get(crashed, "no message")
        messages.append(f"the prover crashed under a tactic, first under {tactic!r}: {why}")
    return warnings, messages
