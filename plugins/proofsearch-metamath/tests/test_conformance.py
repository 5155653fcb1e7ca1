"""The environment against its contract, with cheats that only this prover knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.plugin import make_environment
from proofsearch_metamath.proofs.statement import ProofText, write_proof_text

from proofsearch.testing import SampleBuilder, check_environment

Open = Callable[[str], MetamathEnvironment]

NOT_APPLICABLE = [
    "a crash is a value",
    "scripts come back",
    "released states steppable",
    "usage is told",
    "processor time grows",
    "a new prover goes on",
    "an interrupt ends steps",
]
"""What is asked of provers in processes of their own, and of those that cut scripts: here a line is a tactic."""


def forged(environment: MetamathEnvironment, name: str, proof: str, *disjoint: tuple[str, str]) -> str:
    frame = environment.library.frames[name]
    return write_proof_text(ProofText(frame.label, frame.expression, tuple(proof.split()), disjoint))


def test_it_conforms_on_a_small_database(opened: Open, tmp_path: Path) -> None:
    environment = opened("th $p |- ( ps -> A. x ps ) $= ? $. later $p |- ( ph -> ph ) $= wph id $.")
    cheats = {
        "id": [forged(environment, "id", proof) for proof in ("wph id", "wph later", "?", "wph wi")],
        "th": [forged(environment, "th", "wps vx ax-5", ("x", "ps"))],
    }
    with SampleBuilder(cache=tmp_path / "cache") as builder:
        config = MetamathConfig(database=tmp_path / "small.mm")
        report = check_environment(make_environment, config, builder=builder, cheats=cheats)
    assert report.names("skipped") == NOT_APPLICABLE


def test_it_conforms_on_the_shipped_database(prefix: MetamathEnvironment) -> None:
    with SampleBuilder(cache=prefix._cache) as builder:
        report = check_environment(make_environment, MetamathConfig(), builder=builder)
    assert report.names("skipped") == [*NOT_APPLICABLE, "given cheats are refused"]
