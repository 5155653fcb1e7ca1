"""Whole proofs beside steps: the policy is asked for scripts, and they are replayed into the graph step by step.

What a script's first step is goes among the candidates of the node that it was proposed at. Its further steps are tried
at the states that it reaches, as far as it goes; where another script, or the search, took the same step before, that
one is followed. So a script that fails in the middle leaves the states that it has reached, to be expanded like any
others, and one that is whole ends the search as a finished path does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from proofsearch.engine.candidates import candidate_columns
from proofsearch.engine.generation import Generation
from proofsearch.errors import PluginError, UsageError
from proofsearch.guards import described
from proofsearch.guards.answers import scripts as complaint_about
from proofsearch.protocols import ProposesScripts

if TYPE_CHECKING:
    from proofsearch.config import SearchConfig
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Choice, Expansion, Script, Session, TacticGenerator
    from proofsearch.types import Candidate, Theorem

Columns = tuple[list[str], list[float], list[int]]
"""Tactics, log-probabilities and token counts."""

Try = Callable[[int, Columns], "Expansion"]
"""Tries tactics at a node, which is not expanded by that, and puts what came of them into the graph."""


def generation_of(
    generator: TacticGenerator, theorem: Theorem, session: Session, config: SearchConfig, seed: int
) -> Generation:
    """What asks the policy of a search for what its configuration wants.

    Raises:
        UsageError: it wants scripts, and the policy proposes none.
    """
    check_proposals(generator, config)
    kind = Generation if config.proposals == "steps" else ScriptGeneration
    return kind(generator, theorem, session, config, seed)


def check_proposals(generator: TacticGenerator, config: SearchConfig) -> None:
    """Refuses to search for what the policy can't propose.

    Raises:
        UsageError: scripts are wanted, and it proposes none.
    """
    if config.proposals != "steps" and not isinstance(generator, ProposesScripts):
        raise UsageError(
            f"--proposals {config.proposals}: {described(generator, 'generator')} proposes no whole proofs; choose "
            f"--proposals steps, or another --generator, such as transformers, openai or recorded"
        )


class ScriptGeneration(Generation):
    """The generator of one search that is asked for scripts, beside steps or alone; its arguments are the same."""

    def __init__(
        self, generator: TacticGenerator, theorem: Theorem, session: Session, config: SearchConfig, seed: int
    ) -> None:
        super().__init__(generator, theorem, session, config, seed)
        self._proposer = generator
        self._steps = config.proposals == "both"
        self.asked = "generate() and propose_scripts()" if self._steps else "propose_scripts()"
        self._count = config.scripts
        # Where nothing else is proposed, every state is asked about.
        self._states_left = config.script_states if self._steps else None
        self._scripts: dict[int, Sequence[Script]] = {}
        self._places: dict[int, int] = {}

    def suggestions(self, graph: SearchGraph, choices: Sequence[Choice]) -> Sequence[Sequence[Candidate]]:
        """The steps for each choice; the scripts of those that are asked for any are kept for :meth:`columns`."""
        asked = choices if self._states_left is None else choices[: self._states_left]
        if self._states_left is not None:
            self._states_left -= len(asked)
        self._scripts = self._propose(graph, asked) if asked else {}
        self._places = {}
        return super().suggestions(graph, choices) if self._steps else [()] * len(choices)

    def columns(self, graph: SearchGraph, choice: Choice, candidates: Sequence[Candidate]) -> Columns:
        """The steps, and behind them the first steps of scripts that are none of these."""
        steps = self._checked(candidates, self._wanted(choice))
        begun = [script.steps[0] for script in self._scripts.get(choice.node, ())]
        firsts = self._checked(begun, len(begun))
        known = set(steps[0])
        new = [place for place, tactic in enumerate(firsts[0]) if tactic not in known]
        self.unsuggested += not (steps[0] or new)
        kept = graph.untried(choice.node, *steps)
        added = graph.untried(choice.node, *([column[place] for place in new] for column in firsts))  # type: ignore[arg-type]
        self._places[choice.node] = len(kept[0])
        return kept[0] + added[0], kept[1] + added[1], kept[2] + added[2]

    def replayed(
        self, graph: SearchGraph, expansions: Sequence[Expansion], deepest: float, step: Try, ended: Callable[[], bool]
    ) -> Iterator[Expansion]:
        """Replays the scripts of nodes that were just expanded, as far as they go.

        Args:
            graph: of the search.
            expansions: of these nodes.
            deepest: at nodes so deep nothing is tried.
            step: tries a tactic at a node.
            ended: whether nothing more is to be tried; asked before each step.
        """
        for expansion in expansions:
            scripts, place = self._scripts.get(expansion.node, ()), graph.expanded_at[expansion.node]
            begun = expansion.edges[self._places.get(expansion.node, 0) :] if scripts else ()
            graph.edge_script.update(dict.fromkeys(begun, place))
            for script in scripts:
                node = expansion.node
                for candidate in script.steps:
                    edge = graph.edge_by(node, candidate.tactic)
                    if edge is None:
                        if graph.depth[node] >= deepest or ended():
                            break
                        tried = step(node, self._checked((candidate,), 1))
                        graph.edge_script.update(dict.fromkeys(tried.edges, place))
                        yield tried
                        edge = graph.edge_by(node, candidate.tactic)
                    if edge is None or (node := graph.edge_target[edge]) < 0:
                        break

    def _propose(self, graph: SearchGraph, choices: Sequence[Choice]) -> dict[int, Sequence[Script]]:
        """The scripts that the generator proposes for each node.

        Raises:
            PluginError: it broke its contract; the message says how.
        """
        assert isinstance(self._proposer, ProposesScripts)
        requests = self._requests(graph, choices)
        found = self._proposer.propose_scripts(requests, self._count)
        if complaint := complaint_about(found, requests, self._count):
            raise PluginError(f"{self.name} {complaint}")
        self._note(requests, found)
        return {choice.node: scripts for choice, scripts in zip(choices, found, strict=True)}

    def _checked(self, candidates: Sequence[Candidate], limit: int) -> Columns:
        return candidate_columns(candidates, limit, self.name)
