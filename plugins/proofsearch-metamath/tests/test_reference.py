"""Found proofs in a copy of their database, checked by the reference program ``metamath``."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from proofsearch_metamath.commands.main import app
from proofsearch_metamath.commands.splicing import splice_all
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.proofs.verifier import verify_assertion
from typer.testing import CliRunner

from proofsearch.config import RunConfig
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.types import Verdict

Open = Callable[..., MetamathEnvironment]

needs_metamath = pytest.mark.skipif(
    shutil.which("metamath") is None, reason="no reference program; apt-get install metamath"
)


def reference_accepts(path: Path) -> bool:
    """What the reference program says; its exit code tells nothing, and ``/`` in a name starts a qualifier."""
    done = subprocess.run(
        ["metamath", f"read {path.name}", "verify proof *", "exit"],
        cwd=path.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return "All proofs in the database were verified" in done.stdout and "?Error" not in done.stdout


def found_by_replay(environment: MetamathEnvironment, names: list[str]) -> dict[str, str]:
    """Proofs from the library's own, through the search's unifier and the elaboration."""
    paths: dict[str, list[str]] = {name: [] for name in names}
    for step in environment.demonstrations([environment.theorem(name) for name in names]):
        paths[step.theorem.name].append(step.tactic)
    return {name: environment.write_proof(environment.theorem(name), path) for name, path in paths.items()}


@needs_metamath
def test_the_reference_program_accepts_found_proofs(prefix: MetamathEnvironment, tmp_path: Path) -> None:
    names = [theorem.name for theorem in random.Random(5).sample(list(prefix.theorems()), 250)]
    proofs = found_by_replay(prefix, names)
    assert sum("$d" in proof for proof in proofs.values()) > 0, "none has a dummy variable"
    text = splice_all(prefix.library, proofs)
    path = tmp_path / "spliced.mm"
    path.write_text(text)
    assert reference_accepts(path)
    original = prefix.path.read_text()
    assert text != original
    for name in names[:20]:
        assert proofs[name].strip() in text


@needs_metamath
def test_the_reference_program_accepts_the_shipped_database(prefix: MetamathEnvironment, tmp_path: Path) -> None:
    """It reads marks in comments too, by which set.mm is split into files; the cut must not leave one open."""
    path = tmp_path / "prefix.mm"
    shutil.copy(prefix.path, path)
    assert reference_accepts(path)


@needs_metamath
@pytest.mark.parametrize("fault", ["wrong", "open"])
def test_the_reference_program_refuses_faults(fault: str, opened: Open, tmp_path: Path) -> None:
    """So that the test above can fail."""
    environment = opened()
    proof = "id $p |- ( ph -> ph ) $= wph wph ax-1 $." if fault == "wrong" else "id $p |- ( ph -> ph ) $= ? $."
    path = tmp_path / "spliced.mm"
    path.write_text(splice_all(environment.library, {"id": proof}))
    assert not reference_accepts(path)
    path.write_text(splice_all(environment.library, found_by_replay(environment, ["id"])))
    assert reference_accepts(path)


def test_our_own_verifier_accepts_the_spliced_database(prefix: MetamathEnvironment, tmp_path: Path) -> None:
    """Read as a database of its own: the text pastes in, with the scopes of its dummy variables."""
    names = [theorem.name for theorem in random.Random(6).sample(list(prefix.theorems()), 60)]
    path = tmp_path / "spliced.mm"
    path.write_text(splice_all(prefix.library, found_by_replay(prefix, names)))
    database = read_database(path)
    assert list(database.assertions) == list(prefix.library.frames)
    for name in names:
        verify_assertion(database, database.assertions[name])
        assert database.assertions[name].order == prefix.library.frames[name].order


def test_inclusions_are_spliced_too(opened: Open, small: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more.mm").write_text("$[ logic.mm $] $( $[ no.mm $] $) more $p |- ( ch -> ch ) $= wch id $.")
    (tmp_path / "sub" / "logic.mm").write_text(small)
    environment = opened(
        start="$( top $)\n$[ sub/more.mm $]\n$[ sub/logic.mm $]\n$[ small.mm $] th $p |- ( ps -> ps ) $= wps id $."
    )
    proofs = found_by_replay(environment, ["syl", "a2i", "th", "more"])
    proofs["th"] = proofs["th"].replace("id", "more")
    path = tmp_path / "whole.mm"
    path.write_text(splice_all(environment.library, proofs))
    database = read_database(path)
    assert [file.name for file in database.files] == ["whole.mm"]
    assert list(database.assertions) == list(environment.library.frames)
    for name in proofs:
        verify_assertion(database, database.assertions[name])
    assert "more" in database.assertions["th"].proof
    if shutil.which("metamath"):
        assert reference_accepts(path)


@pytest.fixture
def run_folder(opened: Open, tmp_path: Path) -> Path:
    """A run that proved one theorem, failed at one, and has a refused proof of one."""
    environment = opened()
    database = str(tmp_path / "small.mm")
    theorems = [environment.theorem(name) for name in ("syl", "id", "mpd")]
    config = RunConfig(options={"metamath": {"database": database}})
    with RunFolder.create(tmp_path / "run", config, {}, theorems, proof_suffix=".mm") as folder:
        path = ("mpd", "a1i", "hyp 1")
        verdict = Verdict(True, "test")
        proof = environment.write_proof(theorems[0], path)
        folder.record(TheoremResult("syl", "proved", verdict, tactics=path), proof)
        folder.record(TheoremResult("id", "limit", limit_hit="expansions"))
        folder.record(
            TheoremResult("mpd", "exhausted", Verdict(False, "test", "no")), "mpd $p |- ( ph -> ch ) $= wph mpd $."
        )
    return tmp_path / "run"


def test_the_command_splices_a_run(run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the run's own database and the proofs that were accepted."""
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(tmp_path / "cache"))
    out = tmp_path / "out.mm"
    result = CliRunner().invoke(app, ["splice", str(run_folder), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: small.mm with 1 found proofs\n"
    database = read_database(out)
    verify_assertion(database, database.assertions["syl"])
    assert out.read_text() != (tmp_path / "small.mm").read_text()


def test_a_file_that_has_gone(opened: Open, tmp_path: Path) -> None:
    environment = opened()
    library = environment.library
    (tmp_path / "small.mm").unlink()
    with pytest.raises(MetamathError, match="can't read the file"):
        splice_all(library, {})
