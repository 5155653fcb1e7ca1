"""Components that do one thing wrong: a table of every kind, every method and every way.

Each is searched or trained with through the command line. What went wrong has to be said on one line that names the
component, its plugin and its method; there is no traceback unless one is asked for; and nothing else is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faultyparts
import pytest
from commands import Cli, Done
from installing import Site, proofsearch

from proofsearch.runs import RunFolder
from proofsearch.runs.results import from_line

VICTIM = "reach-2"
THEOREMS = ("reach-1", VICTIM, "reach-3")

RAISING = ("raises", "exits", "odd", "interrupts")
"""Ways to raise: an exception, ``SystemExit``, a ``BaseException`` and one that looks like Ctrl-C."""

SAID = {
    "raises": "raised RuntimeError: it is broken, in two lines",
    "exits": "raised SystemExit: 3",
    "odd": "raised OddError: it is broken, in two lines",
    "interrupts": "raised OddInterrupt",
    "none": "None",
    "dict": "a dict",
    "number": "7",
}
"""What a message says of each way; other ways have words of their own."""


def rows(kind: str, method: str, *whats: str, **words: str) -> Iterator[Any]:
    """Rows of a table: the component's kind, the method, what it does wrong, and what has to be said of it."""
    for what in whats:
        yield pytest.param(
            kind, method, what, words.get(what.replace("-", "_"), SAID.get(what, "")), id=f"{kind}-{method}-{what}"
        )


ENDING = [
    *rows("environment", "factory", *RAISING, "none", "dict"),
    *rows("environment", "theorems", *RAISING, "none", "dict", "number", "texts", texts="a list with 'wrong' in it"),
    *rows("environment", "theorem", *RAISING, "none", "dict", "number"),
    *rows("environment", "fingerprint", *RAISING, "none", "number", "empty", empty="a list"),
    *rows("environment", "proof_suffix", *RAISING, "none", "dict"),
    *rows("environment", "prepare", *RAISING),
    *rows("generator", "factory", *RAISING, "none", "dict"),
    *rows("generator", "prepare", *RAISING),
    *rows("scorer", "factory", *RAISING, "none", "dict"),
    *rows("scorer", "prepare", *RAISING),
    *rows("scorer", "calibration", *RAISING, "none", "dict", "nan-calibration", nan_calibration="value_mean is nan"),
    *rows("scorer", "follows_paths", *RAISING, "dict"),
    *rows("encoder", "factory", *RAISING, "none", "dict"),
    *rows("encoder", "width", *RAISING, "none", "dict"),
    *rows("encoder", "fingerprint", *RAISING, "none", "dict"),
    *rows("executor", "factory", *RAISING, "none", "dict"),
    *rows("executor", "run", *RAISING, "none", "number", "texts", "short", texts="'wrong'", short="without a result"),
]
"""What no search can do without."""

LOSING = [
    *rows("environment", "open", *RAISING, "none", "dict"),
    *rows("environment", "write_proof", *RAISING, "none", "dict", "number"),
    *rows("environment", "verify", *RAISING, "none", "dict", "number"),
    *rows("environment", "session.initial", *RAISING, "none", "dict", "no-state", "bare-state",
          no_state="None as a state, which has no key", bare_state="a state whose num_goals is 0"),
    *rows("environment", "session.step", *RAISING, "none", "dict", "no-state",
          no_state="None as a state, which has no key"),
    *rows("environment", "session.moves", *RAISING, "none", "dict"),
    *rows("environment", "session.listed", *RAISING, "none", "dict"),
    *rows("environment", "session.admits", *RAISING),
    *rows("environment", "session.admitted", *RAISING),
    *rows("environment", "session.parts", *RAISING, "none", "dict", "empty", "texts", empty="a list",
          texts="'wrong' as a state"),
    *rows("environment", "demonstrations", *RAISING, "none", "number", "texts", texts="'wrong'"),
    *rows("generator", "generate", *RAISING, "none", "dict", "number", "short", "empty", "texts", "tuples", "bytes",
          "nan-logprob", "inf-logprob", "number-of-tokens",
          short="returned 0 lists of candidates for 1 states", empty="returned 0 lists of candidates for 1 states",
          texts="'wrong' as a state's candidates", tuples="a tuple among the candidates",
          bytes="a bytes as its tactic", nan_logprob="log-probability nan", inf_logprob="log-probability -inf",
          number_of_tokens="num_tokens = None"),
]  # fmt: skip
"""What one theorem's search can't do without."""

GOING_ON = [
    *rows("environment", "session.close", *RAISING),
    *rows("scorer", "score", *RAISING, "none", "dict", "number", "short", "texts", "nan",
          short="0 values for 1 states", texts="text among its values", nan="returned nan as a value"),
    *rows("encoder", "encode", *RAISING, "none", "dict", "number", "short", "nans",
          short="a list", nans="rows that are not finite"),
]  # fmt: skip
"""What a search can do without."""

CLOSING = [
    *rows("environment", "close", *RAISING),
    *rows("generator", "close", *RAISING),
    *rows("scorer", "close", *RAISING),
    *rows("encoder", "close", *RAISING),
    *rows("executor", "close", *RAISING),
]
"""What is only tidied up."""

TRAINING = [
    *rows("trainer", "factory", *RAISING, "none", "dict"),
    *rows("trainer", "train", *RAISING, "none", "dict"),
    *rows("loss", "factory", *RAISING, "none", "dict"),
    *rows("loss", "__call__", *RAISING, "none", "dict"),
]


@pytest.fixture(autouse=True)
def parts(fake_prover: Site) -> None:
    """The faulty components, installed beside the test prover."""
    fake_prover.install("odd-parts", {"odd-plugin": "faultyparts"})


def search(cli: Cli, kind: str, fault: str, *more: str, mode: str = "threads") -> Done:
    chosen = {"environment": "fake", "generator": "fake", "scorer": "small", "executor": "local"}
    chosen[kind] = "odd"
    if kind == "encoder":
        chosen |= {"scorer": "encoded"}
        chosen.pop("encoder")
    if ".listed" in fault or ".admit" in fault:
        chosen["generator"] = "odd"
    others: tuple[str, ...] = ()
    if "demonstrations" in fault:
        chosen["generator"] = "demonstrated"
        others = ("--demonstrated-generator", "fake")
    elif ".parts" in fault:
        others = ("--strategy", "and-or")
    flags = {of: "--env" if of == "environment" else f"--{of}" for of in chosen}
    options = [text for of, name in chosen.items() for text in (flags[of], name)]
    local = "odd" if kind == "executor" else "local"
    return cli(
        *more,
        "search",
        *THEOREMS,
        *options,
        f"--{local}-mode",
        mode,
        "--workers",
        "2",
        *(["--odd-fault", fault] if fault else []),
        *others,
        "--out",
        "mine",
    )


def named(text: str, kind: str, method: str) -> list[str]:
    """The lines that name the component and the method."""
    properties = ("proof_suffix", "width", "follows_paths")
    what = "its factory" if method == "factory" else method if method in properties else f"{method}()"
    if method.startswith("session."):
        name = method.removeprefix("session.")
        what = f"{name}() of its {'moves' if name in ('listed', 'admits', 'admitted') else 'session'}"
    start = f"{kind} 'odd' of plugin 'odd-plugin': {what} "
    return [line for line in text.splitlines() if start in line]


def test_the_parts_are_right_but_for_what_is_asked_of_them(cli: Cli) -> None:
    for number, kind in enumerate(("environment", "generator", "scorer", "encoder", "executor")):
        done = search(cli, kind, "")
        assert done.code == 0, (kind, done.err)
        assert "proved 3 of 3" in done.out
        assert "warning" not in done.out + done.err
        Path("mine").rename(f"mine-{number}")


@pytest.mark.parametrize(("kind", "method", "what", "said"), ENDING)
def test_what_no_search_can_do_without_ends_the_run(cli: Cli, kind: str, method: str, what: str, said: str) -> None:
    done = search(cli, kind, f"{method}:{what}")
    assert done.code == 4, done
    lines = named(done.err, kind, method)
    assert lines == [done.err.splitlines()[-1]], done.err
    assert lines[0].startswith("error: ")
    assert said in lines[0]
    assert "Traceback" not in done.err + done.out


@pytest.mark.parametrize(("kind", "method", "what", "said"), LOSING)
def test_a_theorem_that_fails_takes_no_other_along(cli: Cli, kind: str, method: str, what: str, said: str) -> None:
    done = search(cli, kind, f"{method}:{what}")
    assert done.code == 0, done
    assert "proved 2 of 3" in done.out
    (line,) = named(done.out, kind, method)
    assert line.startswith(f"failed: {VICTIM}: error: ")
    assert said in line
    assert "Traceback" not in done.err + done.out
    results = RunFolder.open(Path("mine")).results()
    assert [name for name, result in results.items() if result.failure] == [VICTIM]
    assert "\n" not in results[VICTIM].message
    # What raised has a place, what returned nonsense was asked at one.
    assert "Traceback" in results[VICTIM].traceback


@pytest.mark.parametrize(("kind", "method", "what", "said"), GOING_ON)
def test_what_a_search_can_do_without_is_warned_of_and_counted(
    cli: Cli, kind: str, method: str, what: str, said: str
) -> None:
    done = search(cli, kind, f"{method}:{what}")
    assert done.code == 0, done
    assert "proved 3 of 3" in done.out
    (line,) = named(done.err, kind, method)
    assert line.startswith("warning: ")
    assert said in line
    (line,) = named(done.out, kind, method)
    if kind == "encoder":  # which knows of no theorem
        assert line.startswith("warning: in 3 of 3 searches")
    else:
        assert line.startswith("warning: in 1 of 3 searches")
        assert f"(in {VICTIM}; further ones are counted)" in done.err
        assert f"first in {VICTIM}" in line
    assert "Traceback" not in done.err + done.out
    result = RunFolder.open(Path("mine")).results()[VICTIM]
    (warning,) = result.warnings
    assert said in warning
    assert ("Traceback" in result.traceback) is (method.endswith("close") or what not in ("nan",))
    if method != "session.close":
        assert result.misscored == result.unscored > 0
        assert "states were left without a value" in line


@pytest.mark.parametrize(("kind", "method", "what", "said"), CLOSING)
def test_what_fails_to_close_takes_nothing_along(cli: Cli, kind: str, method: str, what: str, said: str) -> None:
    done = search(cli, kind, f"{method}:{what}")
    assert done.code == 0, done
    assert "proved 3 of 3" in done.out
    lines = named(done.err, kind, method)
    assert lines
    assert all(line.startswith("warning: ") and said in line for line in lines)
    assert "Traceback" not in done.err + done.out


@pytest.mark.parametrize(("kind", "method", "what", "said"), TRAINING)
def test_a_training_ends_with_the_name_of_what_failed(cli: Cli, kind: str, method: str, what: str, said: str) -> None:
    assert search(cli, "scorer", "").code == 0
    fault = ("--odd-fault", f"{method}:{what}")
    trainer = "odd" if kind == "trainer" else "asking"
    done = cli("train", "--plugin", trainer, "--env", "fake", "--trajectories", "mine", "--out", "ckpt", *fault)
    assert done.code == 4, done
    lines = named(done.err, kind, method)
    assert lines == [done.err.splitlines()[-1]], done.err
    assert lines[0].startswith("error: ")
    assert said in lines[0]
    assert "Traceback" not in done.err + done.out


def test_a_silent_generator_and_a_scorer_of_nan_are_said_everywhere(cli: Cli) -> None:
    """Catches a run that looks like any other although none of its values, or no candidate, was to be had."""
    done = search(cli, "scorer", "score:nan", "--traceback")
    assert done.code == 0
    summary = "in 1 of 3 searches"
    assert summary in done.out
    notes = json.loads(cli("evaluate", "mine", "--json", "-q").out)["runs"][0]["notes"]
    assert [note for note in notes if summary in note and "returned nan as a value" in note]
    assert "returned nan as a value" in cli("evaluate", "mine", "-q").out
    Path("mine").rename("first")

    done = search(cli, "generator", "generate:empties")
    assert "proved 2 of 3" in done.out
    assert "not proved: 1 exhausted" in done.out
    for text in (done.out, done.err):
        assert "generate() suggested nothing for any expanded state (1 in all)" in text
    assert RunFolder.open(Path("mine")).results()[VICTIM].unsuggested == 1


def test_a_programme_reads_the_counts(cli: Cli) -> None:
    done = cli(
        *(
            "search",
            *THEOREMS,
            "--env",
            "fake",
            "--generator",
            "fake",
            "--scorer",
            "odd",
            "--odd-fault",
            "score:raises",
        ),
        *("--local-mode", "threads", "--workers", "1", "--out", "mine", "--json", "--quiet"),
    )
    found = json.loads(done.out)
    assert found["misscored"] == found["unscored"] > 0
    assert found["scored"] > found["unscored"]
    assert found["unsuggested"] == 0
    (warning,) = found["warnings"]
    assert warning["source"] == "scorer 'odd' of plugin 'odd-plugin': score()"
    assert (warning["theorems"], warning["searched"], warning["first"]) == (1, 3, VICTIM)
    assert "raised RuntimeError" in warning["message"]
    # Not even --quiet is silent about it.
    assert done.err.count("\n") == 1
    assert done.err.startswith("warning: scorer 'odd'")


@pytest.mark.parametrize("mode", ["threads", "processes"])
@pytest.mark.parametrize(("kind", "fault"), [("environment", "session.step:raises"), ("scorer", "score:odd")])
def test_the_place_inside_the_component_is_shown_when_asked_for(cli: Cli, mode: str, kind: str, fault: str) -> None:
    """Catches a traceback that stays behind in the worker."""
    done = search(cli, kind, fault, "--traceback", mode=mode)
    assert done.code == 0, done
    assert "Traceback (most recent call last)" in done.out + done.err
    assert "faultyparts.py" in done.out + done.err
    assert "in misdo" in done.out + done.err


@pytest.mark.parametrize("mode", ["threads", "processes"])
def test_a_worker_that_raises_ctrl_c_has_nobody_who_pressed_it(cli: Cli, mode: str) -> None:
    """Catches a worker that dies of it, and takes its theorem for one on which the prover crashes."""
    done = search(cli, "environment", "session.step:ctrl-c", mode=mode)
    assert done.code == 0, done
    (line,) = named(done.out, "environment", "session.step")
    assert line.startswith(f"failed: {VICTIM}: error: ")
    assert line.endswith("raised KeyboardInterrupt")


def test_the_place_inside_a_factory_of_a_worker_is_shown_when_asked_for(fake_prover: Site, tmp_path: Path) -> None:
    """Catches an error of a worker's start that comes without its place: in the parent the scorer can be built."""
    source = """
import os
from proofsearch import hookimpl
from fakeprover import SmallScorer

PARENT = os.environ.setdefault("PARENT_OF_TEST", str(os.getpid()))

def make_there(config, builder):
    if str(os.getpid()) != PARENT:
        raise LookupError("only in workers")
    return SmallScorer()

@hookimpl
def register_scorers(register):
    register("there", make_there)
"""
    fake_prover.install("there", {"there": "there_plugin"}, {"there_plugin": source})
    search = ("search", "reach-1", "--env", "fake", "--generator", "fake", "--scorer", "there", "--workers", "1")
    done = proofsearch(*search, "--out", tmp_path / "a")
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == (
        "error: scorer 'there' of plugin 'there': its factory raised LookupError: only in workers"
    )
    assert "Traceback" not in done.stderr
    done = proofsearch("--traceback", *search, "--out", tmp_path / "b")
    assert "in make_there" in done.stderr


@pytest.mark.parametrize("mode", ["threads", "processes"])
@pytest.mark.parametrize(
    ("kind", "method"), [("scorer", "score"), ("environment", "session.step"), ("environment", "theorems")]
)
def test_a_component_that_forks_is_named_and_the_child_ended(
    fake_prover: Site, tmp_path: Path, kind: str, method: str, mode: str
) -> None:
    """Catches two processes that answer for one: results twice, or two runs in one folder."""
    chosen = {"environment": "fake", "generator": "fake", "scorer": "small"} | {kind: "odd"}
    done = proofsearch(
        *("search", *THEOREMS, "--env", chosen["environment"], "--generator", chosen["generator"]),
        *("--scorer", chosen["scorer"], "--odd-fault", f"{method}:forks", "--workers", "1"),
        *("--local-mode", mode, "--out", tmp_path / "mine"),
    )
    assert done.returncode == 0, done.stderr
    assert "proved 3 of 3" in done.stdout
    assert done.stdout.count("proved 3 of 3") == 1
    lines = named(done.stderr, kind, method)
    assert lines
    assert all("forked, and came back in the new process too, which was ended" in line for line in lines)


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Odd(BaseException): pass\nraise Odd('in two\\nlines')", "Odd: in two lines"),
        ("class Stop(KeyboardInterrupt): pass\nraise Stop", "Stop"),
        ("raise GeneratorExit", "GeneratorExit"),
    ],
)
def test_a_plugin_that_raises_anything_on_import_is_named_and_the_others_work(
    cli: Cli, fake_prover: Site, ending: str, said: str
) -> None:
    """Catches a broken plugin that takes even the help along."""
    fake_prover.install("bad", {"bad": "bad_plugin"}, {"bad_plugin": ending})
    line = f"warning: plugin 'bad' (bad 1.0) is broken and it was skipped: {said}\n"
    for arguments in (("--help",), ("plugins", "list"), ("search", "reach-1", "--env", "fake", "--generator", "fake")):
        done = cli(*arguments)
        assert done.code == 0, done
        assert done.err.startswith(line)
    assert "bad_plugin.py" in cli("--traceback", "theorems", "--env", "fake").err


@pytest.mark.parametrize(
    ("registration", "said"),
    [
        (
            "'wrong', make, config=dict",
            "it registers the scorer 'wrong' with config=<class 'dict'>; expected a subclass",
        ),
        ("'wrong', make, config=make", "expected a subclass of proofsearch.config.ComponentConfig"),
        ("'wrong', make, config=Defaulting", "the default of its option 'size' raised OSError: no disk"),
        ("'wrong', None", "with None as its factory"),
        ("7, make", "with 7 as its name; expected text"),
        ("'wrong', make, help=7", "with 7 as its help; expected text"),
    ],
)
def test_a_wrong_registration_is_named_and_skipped(cli: Cli, fake_prover: Site, registration: str, said: str) -> None:
    source = f"""
from pydantic import Field
from proofsearch import hookimpl
from proofsearch.config import ComponentConfig

def fail():
    raise OSError("no disk")

class Defaulting(ComponentConfig):
    size: int = Field(default_factory=fail)

def make(config, builder):
    raise AssertionError

@hookimpl
def register_scorers(register):
    register({registration})
"""
    fake_prover.install("bad", {"bad": "bad_plugin"}, {"bad_plugin": source})
    search = ("search", "reach-1", "--env", "fake", "--generator", "fake", "--local-mode", "threads")
    done = cli(*search)
    assert done.code == 0, done
    (line,) = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert line.startswith(
        "warning: plugin 'bad' (bad 1.0) is broken and its register_scorers was skipped: it registers"
    )
    assert said in line
    done = cli(*search, "--scorer", "wrong")
    assert done.code == 4
    assert done.err.splitlines()[-1].startswith("error: no scorer is named 'wrong'")


def test_options_that_raise_are_named(cli: Cli, fake_prover: Site) -> None:
    source = """
from pydantic import field_validator
from proofsearch import hookimpl
from proofsearch.config import ComponentConfig

class Raising(ComponentConfig):
    size: int = 1

    @field_validator("size")
    @classmethod
    def _check(cls, value):
        if value == 7:
            raise LookupError("no such size")
        return value

@hookimpl
def register_scorers(register):
    register("raising", lambda config, builder: None, config=Raising)
"""
    fake_prover.install("raising", {"raising": "raising_plugin"}, {"raising_plugin": source})
    done = cli("search", "reach-1", "--env", "fake", "--scorer", "raising", "--raising-size", "7")
    assert done.code == 4
    assert done.err == ("error: scorer 'raising' of plugin 'raising': its options raised LookupError: no such size\n")


@pytest.mark.parametrize("ability", ["default_generator", "encoder", "generators"])
def test_what_options_say_of_themselves_is_named_where_it_raises(cli: Cli, fake_prover: Site, ability: str) -> None:
    source = f"""
from proofsearch import hookimpl
from proofsearch.config import ComponentConfig

class Saying(ComponentConfig):
    @property
    def {ability}(self):
        raise LookupError("nobody knows")

@hookimpl
def register_environments(register):
    register("saying", lambda config, builder: None, config=Saying)
"""
    fake_prover.install("saying", {"saying": "saying_plugin"}, {"saying_plugin": source})
    done = cli("search", "reach-1", "--env", "saying")
    assert done.code == 4
    said = f"environment 'saying' of plugin 'saying': {ability} of its options raised LookupError: nobody knows"
    assert done.err == f"error: {said}\n"


def test_a_command_of_a_plugin_that_raises_is_named(cli: Cli, fake_prover: Site) -> None:
    source = (
        "from proofsearch import hookimpl\n@hookimpl\ndef register_commands(register): register('do', 'bad_do:app')\n"
    )
    fake_prover.install("bad", {"bad": "bad_plugin"}, {"bad_plugin": source, "bad_do": "raise SystemExit(3)"})
    done = cli("do")
    assert (done.code, done.err) == (
        4,
        "error: the command 'do' of plugin 'bad' can't be loaded from 'bad_do:app': SystemExit: 3\n",
    )
    assert cli("plugins", "list").code == 0


def test_a_proof_that_cant_be_checked_again_leaves_the_others_checked(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert search(cli, "environment", "").code == 0
    kept = faultyparts.FaultyEnvironment.__init__
    monkeypatch.setattr(
        faultyparts.FaultyEnvironment, "__init__", lambda self, part, fault: kept(self, part, "verify:raises")
    )
    done = cli("verify", "mine")
    assert done.code == 7
    assert "2 of 3 proofs accepted" in done.out
    (line,) = named(done.err, "environment", "verify")
    assert line.startswith(f"refused: {VICTIM}: ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("what", RAISING)
def test_other_commands_name_what_failed_too(cli: Cli, what: str) -> None:
    done = cli("theorems", "--env", "odd", "--odd-fault", f"theorems:{what}")
    assert done.code == 4
    (line,) = named(done.err, "environment", "theorems")
    assert done.err == f"{line}\n"
    assert SAID[what] in line

    done = cli("plugins", "check", "odd", "--kind", "scorer", "--odd-fault", f"score:{what}")
    assert done.code == 9
    assert SAID[what].removeprefix("raised ") in done.out.replace("\n", " ")
    assert "Traceback" not in done.out + done.err


def test_an_older_result_has_no_warnings() -> None:
    """Catches results of earlier versions that can't be read any more."""
    old = b'{"theorem": "a", "status": "exhausted", "verdict": null, "messages": ["x"], "proved": false}\n'
    result = from_line(old)
    assert (result.warnings, result.unsuggested, result.misscored, result.traceback) == ((), 0, 0, "")
