"""What holds for what an environment says of proofs: finished is not proved, and no cheat passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Unpack

from proofsearch.config import ComponentConfig
from proofsearch.errors import ProofError
from proofsearch.protocols import Builder, EnumeratesMoves, Factory, TacticGenerator
from proofsearch.testing.checking import CheckOptions, check
from proofsearch.testing.checks import (
    NotApplicable,
    Report,
    Violation,
    brief,
    expect,
    spread,
)
from proofsearch.testing.environment_case import NONSENSE, EnvironmentCase, follow
from proofsearch.testing.environments import ENVIRONMENT_CHECKS
from proofsearch.testing.samples import Walk
from proofsearch.types import Advanced, Finished, Theorem, Verdict


def _verdict(case: EnvironmentCase, theorem: Theorem, proof: str) -> Verdict:
    found = case.component.verify(theorem, proof)
    expect(isinstance(found, Verdict), f"verify returned {brief(found)}, expected a Verdict")
    return found


def _proof(case: EnvironmentCase, walk: Walk) -> str:
    """A proof that is accepted.

    Raises:
        NotApplicable: there is none; another check says so.
    """
    try:
        proof = case.component.write_proof(walk.theorem, walk.tactics)
    except ProofError:
        raise NotApplicable("a known proof can't be written: see 'a proof is accepted'") from None
    return proof


@ENVIRONMENT_CHECKS.add
def proof_suffix(case: EnvironmentCase) -> None:
    """A proof's file has a suffix with its dot."""
    suffix = case.component.proof_suffix
    fine = isinstance(suffix, str) and suffix.startswith(".") and len(suffix) > 1 and "/" not in suffix
    expect(fine, f"proof_suffix is {suffix!r}, expected one such as '.lean'")


@ENVIRONMENT_CHECKS.add
def a_proof_is_accepted(case: EnvironmentCase) -> str:
    """A finished path is written as a proof, and another instance accepts it and says who checked."""
    with case.another() as other:
        for walk in case.walks:
            proof = case.component.write_proof(walk.theorem, walk.tactics)
            expect(isinstance(proof, str) and proof, f"{walk.theorem.name!r}: the written proof is {brief(proof)}")
            again = case.component.write_proof(walk.theorem, walk.tactics)
            expect(again == proof, f"{walk.theorem.name!r}: written a second time, the proof is another")
            for environment in (case.component, other):
                verdict = environment.verify(walk.theorem, proof)
                expect(verdict.proved, f"{walk.theorem.name!r}: refused: {verdict.message}")
                expect(verdict.checker, f"{walk.theorem.name!r}: the verdict doesn't say what checked")
                expect(not verdict.message, f"{walk.theorem.name!r}: accepted, with the message {verdict.message!r}")
                rests = list(verdict.rests_on)
                expect(rests == sorted(rests), f"{walk.theorem.name!r}: rests_on is not sorted: {brief(rests)}")
    return f"{len(case.walks)} proofs"


@ENVIRONMENT_CHECKS.add
def unfinished_is_no_proof(case: EnvironmentCase) -> None:
    """No proof is written from a path that doesn't finish, or has a tactic that doesn't apply."""
    for walk in case.walks:
        for what, tactics in (
            ("that ends before the last step", walk.tactics[:-1]),
            ("with a tactic that does not apply", (*walk.tactics[:-1], NONSENSE)),
            ("that goes on after its end", (*walk.tactics, walk.tactics[0])),
        ):
            try:
                proof = case.component.write_proof(walk.theorem, tactics)
            except ProofError:
                continue
            raise Violation(f"{walk.theorem.name!r}: from a path {what} it wrote {brief(proof)}, expected a ProofError")


@ENVIRONMENT_CHECKS.add
def verify_refuses_a_cheat(case: EnvironmentCase) -> str:
    """What is no proof of the theorem is refused, and nothing is raised: verify returns a verdict."""
    tried = 0
    for walk in case.walks:
        for what, text in _cheats(case, walk):
            verdict = _verdict(case, walk.theorem, text)
            expect(not verdict.proved, f"{walk.theorem.name!r}: accepted {what}: {brief(text)}")
            expect(verdict.message, f"{walk.theorem.name!r}: refused {what} without saying why")
            tried += 1
    return f"{tried} cheats refused"


def _cheats(case: EnvironmentCase, walk: Walk) -> Iterator[tuple[str, str]]:
    proof = _proof(case, walk)
    yield "an empty proof", ""
    yield "something that is no proof", NONSENSE
    yield "the first half of a proof", proof[: len(proof) // 2]
    for other in case.walks:
        if other.theorem != walk.theorem and not _finishes(case, walk.theorem, other.tactics):
            yield f"the proof of {other.theorem.name!r}", _proof(case, other)


def _finishes(case: EnvironmentCase, theorem: Theorem, tactics: Sequence[str]) -> bool:
    with closing(case.component.open(theorem)) as session:
        steps = follow(session, tactics)
    return bool(steps) and isinstance(steps[-1].outcome, Finished)


@ENVIRONMENT_CHECKS.add
def given_cheats_are_refused(case: EnvironmentCase) -> str:
    """Every cheat that its author gives is refused, for the theorem that it is for."""
    if not case.cheats:
        raise NotApplicable("no cheats of this prover's own are given")
    for name, texts in case.cheats.items():
        for text in texts:
            verdict = _verdict(case, case.component.theorem(name), text)
            expect(not verdict.proved, f"{name!r}: accepted {brief(text)}")
    return f"{sum(map(len, case.cheats.values()))} cheats refused"


@ENVIRONMENT_CHECKS.add
def a_theorem_hides_itself(case: EnvironmentCase) -> str:
    """Neither the theorem nor what comes after it can be used to prove it."""
    tried = 0
    known = {theorem.name: theorem for theorem in case.component.theorems()}
    with case.sessions() as sessions:
        for walk, session in sessions:
            for step in follow(session, walk.tactics):
                moves = session.moves(step.state).listed() if isinstance(session, EnumeratesMoves) else ()
                patterns = _citing([*spread(moves, 200), *walk.tactics], known)
                for name in _hidden(walk.theorem, step.state.text, known):
                    for tactic in {pattern.replace("\0", name) for pattern in patterns} - set(walk.tactics):
                        outcome = session.step(step.state, tactic)
                        expect(
                            not isinstance(outcome, Advanced | Finished),
                            f"{walk.theorem.name!r}: {tactic!r} applies to {brief(step.state.text)}",
                        )
                        tried += 1
    if not tried:
        raise NotApplicable("no tactic was met that cites a theorem by name")
    return f"{tried} tactics tried"


def _citing(tactics: Sequence[str], known: Mapping[str, Theorem]) -> list[str]:
    """How tactics cite theorems: some of those that do, with a NUL in place of the name."""
    found = {tactic.replace(word, "\0", 1): None for tactic in tactics for word in tactic.split() if word in known}
    return list(found)[:4]


def _hidden(theorem: Theorem, text: str, known: Mapping[str, Theorem]) -> list[str]:
    """The theorem and some that stand after it, those first that say what is to be shown."""
    later = [
        other
        for other in known.values()
        if theorem.position is not None and other.position is not None and other.position > theorem.position
    ]
    same = [other for other in later if other.statement == text]
    return [theorem.name, *(other.name for other in same[:4]), *(other.name for other in spread(later, 8))]


def check_environment(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    proofs: Mapping[str, Sequence[str]] | None = None,
    generator: TacticGenerator | None = None,
    cheats: Mapping[str, Sequence[str]] | None = None,
    crashing: str | None = None,
    endless: str | None = None,
    count: int = 4,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks an environment against its contract.

    Most checks follow known proofs: those given, else the library's own (``demonstrations``), else what a short search
    finds with the generator given or by trying the moves. Without any they are skipped, and the report says so.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        proofs: tactics from the initial state to the end, by theorem.
        generator: a policy to find proofs with.
        cheats: texts that ``verify`` must refuse, by theorem: whatever a dishonest proof looks like in this prover.
        crashing: a tactic that kills the prover; default: its processes are killed, if it has any.
        endless: a tactic that runs until it is interrupted, where sessions can be.
        count: known proofs to follow, at least 1.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of an environment that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """

    def make_case(builder: Builder, opened: ExitStack) -> EnvironmentCase:
        return EnvironmentCase(
            factory,
            config,
            builder,
            proofs=proofs,
            generator=generator,
            cheats=cheats,
            crashing=crashing,
            endless=endless,
            count=count,
        )

    return check(ENVIRONMENT_CHECKS, make_case, factory, options)
