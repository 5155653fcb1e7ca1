"""``proofsearch metamath``: what is printed, and what it exits with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from proofsearch_metamath.commands.found import FoundProof, verify_found
from proofsearch_metamath.commands.main import app
from proofsearch_metamath.environment import MetamathEnvironment
from typer.testing import CliRunner, Result

from proofsearch.errors import InputError, ProofsearchError, UsageError, VerificationError
from proofsearch.types import Theorem, Verdict

Write = Callable[[str], Path]
Open = Callable[..., MetamathEnvironment]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(tmp_path / "cache"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def failure(kind: type[ProofsearchError], *arguments: object) -> str:
    """The message of an error that the core's command line shows."""
    result = run(*arguments)
    assert isinstance(result.exception, kind), result.exception
    return str(result.exception)


def test_check_counts(write: Write, small: str) -> None:
    path = write(small)
    result = run("check", path)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{path}: 7 theorems verified in ")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("AAACAECD $.", "AAACAEC $.", ":29:"),  # leaves too much on the stack
        ("a2i $p", "a2j $p", ":26:"),  # where a2i was cited
        ("$v ph", "$v ( ph", ":3:"),
    ],
)
def test_check_names_the_first_fault(old: str, new: str, place: str, write: Write, small: str) -> None:
    path = write(small.replace(old, new))
    result = run("check", path, "--jobs", 1)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{path}{place}")
    assert not result.stdout


def test_check_without_a_file(tmp_path: Path) -> None:
    """The exit code of what can't be read, as for every other command, and not that of a wrong proof."""
    assert "none.mm: can't read the file: no such file" in failure(InputError, "check", tmp_path / "none.mm")
    assert f"{tmp_path}: can't read the file: it is a folder" in failure(InputError, "check", tmp_path)


def test_prepare(write: Write, small: str, tmp_path: Path) -> None:
    path = write(small)
    result = run("prepare", path)
    assert result.exit_code == 0, result.output
    assert f"{path}: 15 assertions ready for search in " in result.stdout
    assert list((tmp_path / "cache" / "metamath").glob("small-*/manifest.json"))
    path.write_text(small + "$( $c $)")
    assert run("prepare", path).exit_code == 0
    message = failure(InputError, "prepare", write(small + "\nbad $a |- ph ph $."))
    assert f":{small.count(chr(10)) + 2}:1: bad: " in message


def test_show(write: Write, small: str, tmp_path: Path, opened: Open) -> None:
    path = write(small)
    result = run("show", "syl", "--database", path)
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "$e 1  |- ( ph -> ps )\n$e 2  |- ( ps -> ch )\n$p |- ( ph -> ch )\n\n"
        "1       syl.1  |- ( ph -> ps )\n"
        "2       syl.2  |- ( ps -> ch )\n"
        "3  2    a1i    |- ( ph -> ( ps -> ch ) )\n"
        "4  1,3  mpd    |- ( ph -> ch )\n"
    )
    environment = opened()
    proof = tmp_path / "id.mm"
    proof.write_text(environment.write_proof(environment.theorem("id"), ("mpd", "ax-1", "ax-1")))
    shown = run("show", "id", "--database", path, "--proof", proof)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[-1].endswith("mpd   |- ( ph -> ph )")
    assert "did you mean 'syl'?" in failure(UsageError, "show", "sylx", "--database", path)
    assert "can't be read" in failure(InputError, "show", "id", "--database", path, "--proof", tmp_path / "none.mm")


def test_show_a_theorem_of_the_shipped_database() -> None:
    result = run("show", "syl")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].endswith("|- ( ph -> ch )")


def test_splice_refuses_what_does_not_verify(write: Write, small: str, tmp_path: Path) -> None:
    path = write(small)
    proof = tmp_path / "proof.mm"
    out = tmp_path / "out.mm"
    for text, kind, message in (
        ("id $p |- ( ph -> ph ) $= wph id $.", VerificationError, "the theorem itself"),
        ("nothing $p |- ( ph -> ph ) $= wph id $.", UsageError, "no theorem 'nothing'"),
        ("id $p |- ( ph -> ph ) $= wph", InputError, "truncated"),
    ):
        proof.write_text(text)
        assert message in failure(kind, "splice", proof, "--out", out, "--database", path)
        assert not out.exists()


def test_splice_takes_the_first_of_several_proofs(write: Write, small: str, tmp_path: Path) -> None:
    path = write(small)
    first, second = tmp_path / "1.mm", tmp_path / "2.mm"
    first.write_text("id $p |- ( ph -> ph ) $= ( wi ax-1 mpd ) AAABZAAACAECD $.")
    second.write_text("id $p |- ( ph -> ph ) $= wph wph wph wi wph wph wph ax-1 wph wph wph wi ax-1 mpd $.")
    out = tmp_path / "sub" / "out.mm"
    result = run("splice", second, first, "--out", out, "--database", path)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: small.mm with 1 found proofs\n"
    assert out.read_text() == small.replace(
        "id $p |- ( ph -> ph ) $= ( wi ax-1 mpd ) AAABZAAACAECD $.", second.read_text().strip()
    )
    assert run("check", out).exit_code == 0


ID = "id $p |- ( ph -> ph ) $= ( wi ax-1 mpd ) AAABZAAACAECD $."


@pytest.mark.parametrize("jobs", [1, 3])
def test_found_proofs_are_verified_in_any_number_of_processes(
    jobs: int, write: Write, small: str, opened: Open
) -> None:
    environment = opened()
    proofs = [FoundProof(f"proof {number}", ID) for number in range(170)]
    shown: list[tuple[int, int]] = []
    chosen = verify_found(environment, proofs, jobs=jobs, progress=lambda *what: shown.append(what))
    assert chosen == {"id": ID}
    assert shown == [(50, 170), (100, 170), (150, 170), (170, 170)]
    for number in (160, 120, 70):
        proofs[number] = FoundProof(f"proof {number}", ID.replace("AAABZAAACAECD", "AAABZAAACAECDD"))
        with pytest.raises(VerificationError, match=f"^proof {number}: "):
            verify_found(environment, proofs, jobs=jobs)


def test_a_process_that_is_killed_is_said(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    environment, parent = opened(), os.getpid()
    verify = MetamathEnvironment.verify

    def dies(self: MetamathEnvironment, theorem: Theorem, proof: str) -> Verdict:
        if os.getpid() != parent:
            os._exit(9)
        return verify(self, theorem, proof)

    monkeypatch.setattr(MetamathEnvironment, "verify", dies)
    with pytest.raises(ProofsearchError, match="a process that verified proofs was killed"):
        verify_found(environment, [FoundProof("proof", ID)] * 200, jobs=2)


def test_a_proof_that_is_a_pipe_is_not_waited_for(write: Write, small: str, tmp_path: Path) -> None:
    path = write(small)
    os.mkfifo(tmp_path / "proof.mm")
    for command in (("splice", tmp_path / "proof.mm", "--out", tmp_path / "out.mm"), ("show", "id", "--proof")):
        arguments = command if command[0] == "splice" else (*command, tmp_path / "proof.mm")
        assert "it is a FIFO, not a file" in failure(InputError, *arguments, "--database", path)
