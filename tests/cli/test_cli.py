"""The command line: what is asked, what is refused and with which exit code, what is printed where."""

from __future__ import annotations

import codecs
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Cli
from installing import Site

from proofsearch import errors
from proofsearch.interruption import SIGNALS
from proofsearch.runs import RunFolder
from proofsearch.runs.run import resume_search
from proofsearch.testing import ConformanceError

FAKE = ("--env", "fake", "--generator", "fake", "--scorer", "small", "--local-mode", "threads", "--workers", "2")


# ---------------------------------------------------------------------------------------------------------- running


def test_a_search_from_the_command_line_to_its_verification(cli: Cli) -> None:
    done = cli("search", *FAKE, "--out", "mine")
    assert done.code == 0
    assert "proved 10 of 10 theorems (100.0%, 95% interval 72.2% to 100.0%)" in done.out
    assert "proofsearch verify mine" in done.out
    assert "(nothing was selected, so: --split test --limit 50)" in done.err
    assert "[10/10]" in done.err

    done = cli("verify", "mine")
    assert (done.code, done.err) == (0, "verifying …\n")
    assert cli("verify", "mine", "-q").err == ""
    done = cli("verify", "mine")
    assert done.out == "10 of 10 proofs accepted by fake checker 1; 10 of 10 theorems were searched\n"
    done = cli("trajectories", "summary", "mine", "--json")
    assert json.loads(done.out)["searches"] == 10


def test_json_goes_to_standard_output_and_quiet_silences_the_rest(cli: Cli) -> None:
    done = cli("search", "reach-1", "reach-2", *FAKE, "--out", "mine", "--json", "--quiet")
    result = json.loads(done.out)
    assert (result["theorems"], result["proved"], result["run"]) == (2, 2, "mine")
    assert done.err == ""


def test_the_default_folder_says_when_and_with_what(cli: Cli) -> None:
    cli("search", "reach-1", *FAKE, "--quiet")
    (folder,) = Path("runs").iterdir()
    assert folder.name.endswith("-fake-small")


def test_a_run_keeps_what_it_was_asked(cli: Cli) -> None:
    cli(
        "search",
        "--split",
        "all",
        "--limit",
        "3",
        "--seed",
        "5",
        "--max-expansions",
        "none",
        "--max-batch",
        "7",
        "--max-wait",
        "0.5",
        *FAKE,
        "--out",
        "mine",
        "-q",
    )
    config = RunFolder.open(Path("mine")).config
    assert (config.seed, config.select.limit, config.search.limit.expansions) == (5, 3, None)
    assert (config.execution.max_batch, config.execution.max_wait) == (7, 0.5)
    assert RunFolder.open(Path("mine")).environment["seed"] == 5


def test_a_run_whose_files_an_editor_marked_is_gone_on_with(cli: Cli) -> None:
    cli("search", "reach-1", "reach-2", *FAKE, "--out", "mine", "-q")
    # Of the others run.json has the hashes: any change of them is refused, with what to do.
    files = [Path("mine/run.json"), Path("mine/results.jsonl")]
    results = Path("mine/results.jsonl")
    results.write_bytes(results.read_bytes().splitlines(keepends=True)[0])
    for file in files:
        file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())
    assert "2 of 2" in cli("search", "--resume", "mine", "-q").out
    assert cli("verify", "mine").code == 0


def test_failures_are_counted_and_named(cli: Cli) -> None:
    done = cli("search", "raises", "reach-1", *FAKE, "--fake-misbehaving", "--out", "mine")
    assert done.code == 0
    assert "not proved: 1 error" in done.out
    said = "environment 'fake' of plugin 'fake': initial() of its session raised RuntimeError: a bug in the prover"
    assert f"failed: raises: error: {said}\n" in done.out


def test_a_run_in_which_nothing_could_be_searched_fails(cli: Cli) -> None:
    done = cli("search", "raises", *FAKE, "--fake-misbehaving", "--out", "mine")
    assert done.code == 1
    assert "no theorem could be searched" in done.err


def test_a_refused_proof_makes_verify_fail(cli: Cli) -> None:
    cli("search", "reach-1", "reach-2", *FAKE, "--out", "mine", "-q")
    Path("mine/proofs/reach-1.proof").write_text("dec")
    done = cli("verify", "mine")
    assert done.code == 7
    assert "1 of 2 proofs accepted" in done.out
    assert "refused: reach-1: does not reach 0" in done.err


def test_theorems_are_listed_and_filtered(cli: Cli) -> None:
    done = cli("theorems", "--env", "fake", "--split", "train", "--limit", "2")
    assert done.out == "reach-0\ttrain\t3 is 0\nreach-4\ttrain\t50 is 0\n"
    done = cli("theorems", "reach-1?", "--env", "fake", "--fake-size", "12", "--json")
    assert [json.loads(line)["name"] for line in done.out.splitlines()] == ["reach-10", "reach-11"]
    done = cli("theorems", "nothing*", "--env", "fake")
    assert (done.code, done.err) == (2, "error: no theorem matches nothing*; the environment has 20 theorems\n")


def test_an_audit_says_what_cannot_be_searched(cli: Cli) -> None:
    done = cli("theorems", "--env", "fake", "--audit")
    first, *rest = done.out.splitlines()
    assert first == "broken\tfile:7\tit has\\nno end"
    far = [f"reach-{index}" for index in range(20) if index * 37 % 101 + 3 > 90]
    assert rest == [f"{name}\tfile:1\ttoo far" for name in far]
    assert done.err == f"{20 - len(far)} of 20 theorems can be searched\n"
    done = cli("theorems", "--env", "fake", "--split", "train", "--limit", "1", "--audit", "--json")
    assert json.loads(done.out) == {"name": "broken", "source": "file:7", "reason": "it has\nno end"}
    assert done.err == "1 of 1 theorems can be searched\n"


def test_an_environment_without_an_audit_says_so(cli: Cli) -> None:
    done = cli("theorems", "--env", "metamath", "--audit", "--limit", "1")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: --audit: the environment 'metamath' can't audit theorems; leave --audit out\n"


def test_trajectories_are_shown_merged_and_checked(cli: Cli) -> None:
    # One worker: two may end in either order, and their searches are kept in the order in which they ended.
    cli("search", "reach-1", "reach-2", *FAKE[:-1], "1", "--out", "mine", "-q")
    rows = cli("trajectories", "head", "mine", "-n", "2", "--columns", "theorem,node").out.splitlines()
    assert [json.loads(row) for row in rows] == [{"theorem": "reach-1", "node": 0}, {"theorem": "reach-1", "node": 1}]
    assert cli("trajectories", "merge", "mine", "--out", "all.parquet").out == "2 searches are in all.parquet\n"
    assert cli("trajectories", "check", "mine", "all.parquet").out == "all is well\n"
    Path("all.parquet").write_bytes(b"PAR1 no more")
    done = cli("trajectories", "check", "all.parquet")
    assert done.code == 3
    assert "all.parquet" in done.err


# -------------------------------------------------------------------------------------------------- configuration


def test_a_file_says_the_same_and_the_command_line_wins(cli: Cli) -> None:
    Path("settings.toml").write_text(
        'env = "fake"\ngenerator = "fake"\nscorer = "length"\nseed = 4\n'
        '[select]\nsplit = "train"\n[search]\ncandidates = 7\n[options.length]\nunit = "tokens"\n'
        '[options.local]\nmode = "threads"\n'
    )
    cli("search", "--config", "settings.toml", "--candidates", "3", "--out", "mine", "-q")
    config = RunFolder.open(Path("mine")).config
    assert (config.scorer, config.seed, config.select.split) == ("length", 4, "train")
    assert config.search.candidates == 3
    assert config.options["length"]["unit"] == "tokens"


def test_naming_theorems_replaces_the_files_split(cli: Cli) -> None:
    Path("settings.toml").write_text('[select]\nsplit = "train"\n')
    assert cli("search", "reach-1", "--config", "settings.toml", *FAKE, "--out", "mine", "-q").code == 0


def test_a_runs_own_configuration_can_be_run_again(cli: Cli) -> None:
    cli("search", "--limit", "3", "--max-depth", "5", *FAKE, "--out", "a", "-q")
    cli("search", "--config", "a/config.toml", "--out", "b", "-q")
    assert RunFolder.open(Path("b")).config == RunFolder.open(Path("a")).config


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("sead = 1", 3, "settings.toml: sead: no such key; known here: env, generator"),
        ("[search.limit]\nexpansion = 1", 3, "search.limit.expansion: no such key"),
        ("[search.limit]\nexpansion = 1", 3, "did you mean 'expansions'?"),
        ("seed = 'x'", 3, "settings.toml: seed: input should be a valid integer"),
        ("seed =", 3, "settings.toml: not valid TOML"),
        ("[options.small]\nunit = 1", 2, "settings.toml: options.small.unit: 'small' has no option 'unit'"),
        ("[options.random]\nseed = 1", 2, "settings.toml: options.random.seed: the scorer 'random' is not chosen"),
        ("[options.smal]\nunit = 1", 2, "settings.toml: options.smal.unit: no component is named 'smal'"),
    ],
)
def test_a_files_faults_are_named_with_file_and_key(cli: Cli, text: str, code: int, message: str) -> None:
    Path("settings.toml").write_text(text)
    done = cli("search", "--config", "settings.toml", *FAKE, "--out", "mine")
    assert done.code == code
    assert message in done.err
    assert not Path("mine").exists()


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--env", "nowhere"), 4, "no environment is named 'nowhere'; known: "),
        (("--random-seed", "1"), 2, "--random-seed: the scorer 'random' is not chosen, 'small' is; choose it with"),
        (("--hashed-width", "8"), 2, "--hashed-width: the encoder 'hashed' is not chosen"),
        (("--fake-size", "-1"), 2, "--fake-size: input should be greater than or equal to 0, found -1"),
        (("--candidates", "0"), 2, "--candidates: input should be greater than or equal to 1, found 0"),
        (("--max-expansions", "many"), 2, "expected a whole number or none, found 'many'"),
        (
            ("--priority", "valu"),
            4,
            "no priority is named 'valu'; known: astar, auto, logprob, mix, normalized, phs, phs-star, reranked",
        ),
        (("--priority", "valu"), 4, "did you mean 'value'?"),
        (("--strategy", "beam"), 4, "no strategy is named 'beam'; known: and-or, best-first, puct"),
        (("--observe", "logg"), 4, "no observer is named 'logg'; known: log, "),
        (("--observe", "logg"), 4, "did you mean 'log'?"),
        (
            ("--log-expansions",),
            2,
            "--log-expansions: the observer 'log' is not chosen; choose it with --observe log, or",
        ),
        (("--config", "none.toml"), 3, "none.toml: can't be read: No such file or directory"),
        (("--file", "none.txt"), 3, "none.txt: can't be read: No such file or directory"),
        (("reach-x",), 2, "no theorem 'reach-x' here"),
        (("reach-1", "--split", "test"), 2, "exclude each other"),
        (("--fake-size", "1"), 2, "no theorem is in the split 'test'; this environment has: train (1)"),
        (("--retry-failures",), 2, "give it with --resume RUN"),
        (("--memory", "100"), 2, "--memory bounds a worker process"),
        (("--no-such-option",), 2, "No such option"),
    ],
)
def test_what_cant_be_done_is_one_message_and_a_code(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = cli("search", *FAKE, *arguments)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--defer", "2", "--priority", "reranked"),
            "--defer: the priority reranked needs all scores at once; leave one",
        ),
        (("--defer", "2", "--strategy", "puct"), "--defer: the strategy puct needs all scores at once; leave it out"),
        (("--batch", "2", "--strategy", "and-or"), "--batch: the strategy and-or expands one node at a time, not 2; "),
        (
            ("--priority", "value", "--strategy", "and-or"),
            "--priority value: the strategy and-or adds up",
        ),
    ],
)
def test_options_that_do_not_go_together_are_named_alone(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    done = cli("search", *FAKE, *arguments, "--out", "mine")
    assert done.code == 2
    assert done.err.startswith(f"error: {message}")
    assert done.err.count("\n") == 1
    assert not Path("mine").exists()


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_an_observer_that_fails_is_named_once_and_the_run_goes_on(cli: Cli, quiet: tuple[str, ...]) -> None:
    done = cli(
        "search", "reach-1", "reach-2", *FAKE, *quiet, "--observe", "log", "--log-path", "none/log", "--out", "a"
    )
    assert done.code == 0
    failures = [line for line in done.err.splitlines() if "observer 'log' of plugin 'builtins'" in line]
    where = [line.partition("builtins': ")[2].partition("()")[0] for line in failures]
    assert where[:2] == ["run_started", "started"]
    assert len(set(where)) == len(where), "each is said once"
    assert all(line.startswith("warning: ") for line in failures)
    assert cli("search", "reach-1", "reach-2", *FAKE, "--observe", "log", "--out", "b", "-q").err == ""
    events = [json.loads(line)["event"] for line in Path("proofsearch-log.jsonl").read_text().splitlines()]
    assert (events[0], events[-1]) == ("run started", "run finished")


def test_what_does_not_go_together_in_a_file_is_named_by_its_keys(cli: Cli) -> None:
    Path("settings.toml").write_text('[search]\nstrategy = "and-or"\nbatch = 2\n')
    done = cli("search", "--config", "settings.toml", *FAKE, "--out", "mine")
    assert done.code == 2
    assert done.err.startswith("error: settings.toml: search.batch: the strategy and-or expands one node at a time")


def test_an_error_is_one_line_and_its_place_is_shown_when_asked_for(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    done = cli("verify", "nowhere")
    assert done.code == 5
    assert done.err.startswith("error: nowhere: no such folder")
    assert done.err.count("\n") == 1
    assert "Traceback" in cli("--traceback", "verify", "nowhere").err
    monkeypatch.setenv("PROOFSEARCH_TRACEBACK", "1")
    assert "Traceback" in cli("verify", "nowhere").err


@pytest.mark.parametrize(
    "kind",
    [
        value
        for value in [*vars(errors).values(), ConformanceError]
        if isinstance(value, type) and issubclass(value, Exception)
    ],
)
def test_every_error_for_people_ends_with_its_code(cli: Cli, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    error = kind("what was found", None) if kind is ConformanceError else kind("what was found")

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("proofsearch.cli.main.make_app", fail)
    done = cli("search")
    assert (done.code, done.out, done.err) == (error.exit_code, "", "error: what was found\n")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: None, "already holds a run; resume it with --resume mine"),
        (lambda path: (path / "run.json").unlink(), "the folder is not empty"),
    ],
)
def test_a_folder_that_is_taken_is_refused(cli: Cli, prepare: Callable[[Path], None], message: str) -> None:
    cli("search", "reach-1", *FAKE, "--out", "mine", "-q")
    (Path("mine") / "notes.txt").touch()
    prepare(Path("mine"))
    done = cli("search", "reach-1", *FAKE, "--out", "mine", "-q")
    assert done.code == 5
    assert message in done.err


def test_a_run_of_a_newer_version_is_refused(cli: Cli) -> None:
    cli("search", "reach-1", *FAKE, "--out", "mine", "-q")
    header = json.loads(Path("mine/run.json").read_text())
    Path("mine/run.json").write_text(json.dumps(header | {"format": 99}))
    for arguments in (("search", "--resume", "mine"), ("verify", "mine")):
        done = cli(*arguments)
        assert done.code == 5
        assert "has format 99" in done.err


@pytest.mark.parametrize(
    "arguments",
    [("--candidates", "3"), ("--config", "x.toml"), ("--out", "other"), ("reach-1",), ("--fake-size", "3")],
)
def test_resuming_takes_no_option_that_changes_the_run(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli("search", "reach-1", *FAKE, "--out", "mine", "-q")
    done = cli("search", "--resume", "mine", *arguments)
    assert done.code == 2
    assert "--resume continues a run with its own settings" in done.err


def test_resuming_takes_the_number_of_workers(cli: Cli) -> None:
    cli("search", "reach-1", *FAKE, "--out", "mine", "-q")
    assert cli("search", "--resume", "mine", "--workers", "1").code == 0


# --------------------------------------------------------------------------------------------------------- plugins


def test_plugins_are_listed_with_where_they_come_from(cli: Cli) -> None:
    rows = json.loads(cli("plugins", "list", "--json").out)
    assert {
        "kind": "scorer",
        "name": "small",
        "plugin": "fake",
        "distribution": "fake-prover 1.0",
        "help": "Small numbers first.",
    } in rows
    table = cli("plugins", "list").out
    assert "fake-prover 1.0" in table
    assert "logprob" in table


def test_a_broken_plugin_is_named_and_everything_else_works(cli: Cli, fake_prover: Site) -> None:
    fake_prover.install("bad-plugin", {"bad": "bad_plugin"}, {"bad_plugin": "import no_such_library"})
    source = "from proofsearch import hookimpl\n@hookimpl\ndef register_scorers(register): 1 / 0\n"
    fake_prover.install("worse-plugin", {"worse": "worse_plugin"}, {"worse_plugin": source})
    done = cli("search", "reach-1", *FAKE, "--out", "mine", "-q")
    assert done.code == 0
    assert "warning: plugin 'bad' (bad-plugin 1.0) is broken and it was skipped: ModuleNotFoundError" in done.err
    assert "its register_scorers was skipped: ZeroDivisionError" in done.err
    done = cli("plugins", "list")
    assert "'bad'" in done.err
    assert "'worse'" in done.err


def test_two_plugins_with_one_name_are_refused(cli: Cli, fake_prover: Site) -> None:
    fake_prover.install("other", {"fake": "fakeprover"})
    done = cli("--help")
    assert done.code == 4
    assert "two plugins are named 'fake': one from fake-prover 1.0 and one from other 1.0" in done.err


def test_an_option_that_would_mean_two_things_is_refused(cli: Cli, fake_prover: Site) -> None:
    source = """
from pydantic import Field
from proofsearch import hookimpl
from proofsearch.config import ComponentConfig

class Config(ComponentConfig):
    expansions: int = Field(default=1, description="Clashes.")

@hookimpl
def register_scorers(register):
    register("max", lambda config, builder: None, config=Config)
"""
    fake_prover.install("max-plugin", {"max": "max_plugin"}, {"max_plugin": source})
    done = cli("search", "--help")
    assert done.code == 4
    assert "--max-expansions means two things" in done.err


def test_options_of_every_component_are_in_the_help_under_its_own_heading(cli: Cli) -> None:
    text = cli("search", "--help").out
    assert "Options of the environment fake (--env fake)" in text
    assert "Options of the encoder hashed" in text
    for flag in ("--fake-size", "--fake-misbehaving", "--no-fake-misbehaving", "--length-unit", "--random-seed"):
        assert flag in text
    assert "How many theorems." in text
    assert "characters|tokens" in text


def test_a_plugins_command_is_imported_only_when_it_is_used(cli: Cli, fake_prover: Site) -> None:
    plugin = """
from proofsearch import hookimpl

@hookimpl
def register_commands(register):
    register("greet", "greet_commands:app", help="Greets.")
"""
    commands = """
import typer
app = typer.Typer()

@app.callback()
def root(): pass

@app.command()
def hello(name: str): typer.echo(f"hello {name}")
"""
    fake_prover.install("greet", {"greet": "greet_plugin"}, {"greet_plugin": plugin, "greet_commands": commands})
    assert "Greets." in cli("--help").out
    assert "greet_commands" not in sys.modules
    assert cli("greet", "hello", "world").out == "hello world\n"


def test_a_plugins_function_is_a_command_with_the_options_of_components(cli: Cli, fake_prover: Site) -> None:
    plugin = """
from proofsearch import hookimpl

@hookimpl
def register_commands(register):
    register("greet", "greet_commands:greet", help="Greets.", kinds=("environment",))
    register("part", "greet_commands:part")
"""
    commands = """
import typer

def greet(name: str, loud: bool = False, *, options):
    \"\"\"Greet somebody.\"\"\"
    typer.echo(f"hello {name} {loud} {options}")

def part():
    typer.echo("bye")
"""
    fake_prover.install("greet", {"greet": "greet_plugin"}, {"greet_plugin": plugin, "greet_commands": commands})
    assert "Greet somebody." in cli("greet", "--help").out
    done = cli("greet", "world", "--loud", "--fake-size", "7")
    assert done.out == "hello world True {'fake': {'size': 7}}\n", done.err
    assert cli("greet", "world").out == "hello world False {}\n"
    assert cli("part").out == "bye\n"


def test_a_plugins_command_that_cant_be_loaded_is_named(cli: Cli, fake_prover: Site) -> None:
    plugin = (
        "from proofsearch import hookimpl\n@hookimpl\n"
        "def register_commands(register):\n    register('greet', 'nowhere:app')\n    register('sing', 'json:encoder')\n"
    )
    fake_prover.install("greet", {"greet": "greet_plugin"}, {"greet_plugin": plugin})
    done = cli("greet")
    assert done.code == 4
    assert "the command 'greet' of plugin 'greet' can't be loaded from 'nowhere:app'" in done.err
    assert "expected a typer.Typer or a function" in cli("sing").err
    assert cli("--help").code == 0


# ------------------------------------------------------------------------------------------------------ interrupting


@pytest.mark.parametrize("how", SIGNALS)
def test_a_signal_ends_soon_keeps_everything_and_says_how_to_go_on(
    how: signal.Signals, fake_prover: Site, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    arguments = (*FAKE[:6], "--workers", "2", "--split", "all", "--fake-delay", "0.02", "--out", str(path))
    process = subprocess.Popen(
        [sys.executable, "-m", "proofsearch", "search", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 600
    results = path / "results.jsonl"
    # The last line may still be on its way to the disk; interrupted there it is taken back, and searched again later.
    while time.monotonic() < end and not (results.exists() and results.read_bytes().count(b"\n") >= 3):
        time.sleep(0.01)
    # As the terminal does: to the whole process group.
    os.killpg(process.pid, how)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 128 + how
    assert out == ""
    assert f"proofsearch search --resume {path}" in err
    assert "Traceback" not in err
    assert len(RunFolder.open(path).results()) >= 2
    assert len(resume_search(path).results) == 20


@pytest.mark.parametrize("how", SIGNALS)
def test_a_command_that_does_not_see_to_it_ends_with_the_signals_code(
    how: signal.Signals, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(how)
    monkeypatch.setattr("proofsearch.cli.commands.verify.verify_run", lambda *_, **__: signal.raise_signal(how))
    done = cli("verify", "run")
    assert done.code == 128 + how
    assert "Traceback" not in done.err
    assert signal.getsignal(how) is before


def test_the_installed_command_is_this_one() -> None:
    script = Path(sys.executable).with_name("proofsearch")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout.startswith("proofsearch ")
