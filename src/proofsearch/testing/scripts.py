"""What holds for whole proofs: of a generator that proposes them, and of an environment that cuts them into tactics."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol, TypeVar

from proofsearch.protocols import Demonstrates, ProposesScripts, SplitsScripts
from proofsearch.testing.checks import Checks, NotApplicable, brief, expect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofsearch.protocols import GenerationRequest, Script, TacticGenerator
    from proofsearch.testing.environment_case import EnvironmentCase
    from proofsearch.testing.samples import Sample

_ROUNDING = 1e-6
"""How far above 0 a log-probability may lie; the search takes it as 0."""


class ProposalCase(Protocol):
    """What the checks of scripts need of a generator under check."""

    candidates: int

    @property
    def samples(self) -> Sequence[Sample]:
        """States to ask about."""

    @property
    def component(self) -> TacticGenerator:
        """The generator."""

    def requests(self, samples: Sequence[Sample]) -> Sequence[GenerationRequest]:
        """What it is asked about samples."""

    def close_to(self, one: float, other: float) -> bool:
        """Whether two numbers are equal as far as rounding goes."""


Case = TypeVar("Case", bound=ProposalCase)


def add_proposal_checks(checks: Checks[Case]) -> None:
    """Adds what is checked of a generator that proposes whole proofs."""

    @checks.add
    def scripts_fit(case: Case) -> str:
        """If it proposes whole proofs: no more than asked, each once, best first, of steps with log-probabilities."""
        total = 0
        for n in (1, case.candidates):
            for number, scripts in enumerate(_proposed(case, case.samples, n)):
                expect(len(scripts) <= n, f"state {number}: asked for {n}, it proposed {len(scripts)} scripts")
                for script in scripts:
                    _check_steps(script, number)
                ways = [tuple(step.tactic for step in script.steps) for script in scripts]
                expect(len(set(ways)) == len(ways), f"state {number}: a script is proposed twice: {brief(ways)}")
                sums = [math.fsum(step.logprob for step in script.steps) for script in scripts]
                ranked = all(one >= other - _ROUNDING for one, other in pairwise(sums))
                expect(ranked, f"state {number}: the log-probabilities of its scripts are {brief(sums)}")
                total += len(scripts)
        return f"{total} scripts"

    @checks.add
    def scripts_repeatable(case: Case) -> None:
        """If it proposes whole proofs, a state gets the same again, alone and beside others."""
        together = _proposed(case, case.samples, case.candidates)
        for number, (sample, scripts) in enumerate(zip(case.samples, together, strict=True)):
            (alone,) = _proposed(case, [sample], case.candidates)
            same = len(alone) == len(scripts) and all(
                [step.tactic for step in one.steps] == [step.tactic for step in other.steps]
                and all(case.close_to(a.logprob, b.logprob) for a, b in zip(one.steps, other.steps, strict=True))
                for one, other in zip(alone, scripts, strict=True)
            )
            expect(same, f"state {number}: its scripts are {brief(scripts)} in a call of many, alone {brief(alone)}")


def add_split_check(checks: Checks[EnvironmentCase]) -> None:
    """Adds what is checked of an environment that cuts scripts into tactics."""

    @checks.add
    def scripts_come_back(case: EnvironmentCase) -> str:
        """If it cuts scripts into tactics, it finds those that a proof's steps, a line each, were put together of."""
        environment = case.component
        if not isinstance(environment, SplitsScripts):
            raise NotApplicable("it leaves it at a tactic a line")
        walks = [list(walk.tactics) for walk in case.walks]
        if isinstance(environment, Demonstrates):
            for walk in case.walks:
                walks.append([step.tactic for step in environment.demonstrations([walk.theorem])])
        for tactics in walks:
            found = list(environment.split_script("\n".join(tactics)))
            expect(found == tactics, f"of {brief(tactics)} it makes {brief(found)}")
        expect(not environment.split_script(""), "it finds tactics where there is nothing")
        return f"{len(walks)} scripts"


def _proposed(case: ProposalCase, samples: Sequence[Sample], n: int) -> Sequence[Sequence[Script]]:
    """The scripts for some states, one list each.

    Raises:
        NotApplicable: it proposes none.
    """
    if not isinstance(case.component, ProposesScripts):
        raise NotApplicable("it proposes no whole proofs")
    found = case.component.propose_scripts(case.requests(samples), n)
    expect(len(found) == len(samples), f"it returned {len(found)} lists of scripts for {len(samples)} states")
    return found


def _check_steps(script: Script, number: int) -> None:
    expect(len(script.steps) >= 1, f"state {number}: a script has no steps")
    for step in script.steps:
        fits = math.isfinite(step.logprob) and step.logprob <= _ROUNDING
        expect(fits, f"state {number}: {step}: expected a finite log-probability, at most 0")
        expect(isinstance(step.tactic, str), f"state {number}: {step}: its tactic is no text")
        whole = isinstance(step.num_tokens, int) and step.num_tokens >= 1
        expect(whole, f"state {number}: {step}: it has no tokens")
