"""``proofsearch plugins new``: what is written, what is said, and which names are taken."""

from __future__ import annotations

from pathlib import Path

from commands import Cli


def test_a_package_is_written_and_the_next_steps_are_said(cli: Cli) -> None:
    done = cli("plugins", "new", "my-idea", "--kind", "scorer")
    assert (done.code, done.err) == (0, "")
    assert "proofsearch-my-idea/src/proofsearch_my_idea/scorer.py" in done.out.splitlines()
    assert "proofsearch plugins check my-idea --kind scorer" in done.out
    assert Path("proofsearch-my-idea/pyproject.toml").is_file()
    done = cli("plugins", "new", "my-idea", "--kind", "scorer")
    assert (done.code, "proofsearch-my-idea: the folder is not empty" in done.err) == (2, True)
    assert cli("plugins", "new", "my-idea", "--kind", "encoder", "--out", "elsewhere/mine").code == 0
    assert Path("elsewhere/mine/src/proofsearch_my_idea/encoder.py").is_file()


def test_a_name_that_could_not_be_installed_is_refused(cli: Cli) -> None:
    for name, kind, message in (
        ("small", "scorer", "there is a scorer 'small' already, of the plugin 'fake'; choose another name"),
        ("small", "trainer", "there is a scorer 'small' already"),
        ("fake", "loss", "a plugin 'fake' is installed already; choose another name"),
        ("Mine", "loss", "'Mine' is no name for a plugin"),
    ):
        done = cli("plugins", "new", name, "--kind", kind)
        assert (done.code, message in done.err) == (2, True), done.err
    assert list(Path().iterdir()) == []


def test_a_kind_must_be_said_and_known(cli: Cli) -> None:
    assert cli("plugins", "new", "mine").code == 2
    done = cli("plugins", "new", "mine", "--kind", "prover")
    assert done.code == 2
    assert "'prover' is not one of" in done.err
