"""The doctor: what is found, what is missing by a package's own metadata, and plugins that are broken."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from installing import Site

from proofsearch import Finding, diagnosis
from proofsearch.builtins import machine
from proofsearch.diagnosis import ask_python, program, requirements
from proofsearch.errors import PluginError
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.doctor import PluginHealth, diagnose

PLUGIN = """
from proofsearch import Finding, hookimpl

@hookimpl
def register_diagnoses(register):
    register("prover", examine)
    register("broken", lambda: 1 / 0)

def examine():
    yield Finding("the prover", "found", "1.0")
    yield Finding("its library", "absent", "not built", "build it")
"""


def health(plugins: Plugins, name: str) -> PluginHealth:
    (found,) = diagnose(plugins, [name])
    return found


def lines(findings: Any) -> list[str]:
    return [f"{one.state}: {one.what}: {one.message} → {one.remedy}" for one in findings]


# ---------------------------------------------------------------------------------------------------------- plugins


def test_what_a_plugin_says_of_itself_is_found_and_what_it_raises_too(site: Site) -> None:
    site.install("mine", {"mine": "mine_plugin"}, {"mine_plugin": PLUGIN})
    found = health(Plugins.discover(), "mine")
    assert (found.plugin.name, str(found.plugin)) == ("mine", "mine 1.0")
    assert lines(found.findings) == [
        "found: the prover: 1.0 → ",
        "absent: its library: not built → build it",
        "problem: broken: could not be examined: ZeroDivisionError: division by zero → ",
    ]
    assert [finding.what for finding in found.problems] == ["broken"]


def test_components_and_commands_are_named(fake_prover: Site) -> None:
    found = health(Plugins.discover(), "fake-prover")
    assert found.components == (("environment", "fake"), ("generator", "fake"), ("scorer", "small"))
    assert ("command", "metamath") in health(Plugins.discover(), "metamath").components


def test_a_plugin_that_cannot_be_loaded_is_a_problem(site: Site) -> None:
    site.install("broken", {"broken": "broken_plugin"}, {"broken_plugin": "import no_such_library_at_all"})
    found = health(Plugins.discover(), "broken")
    assert found.components == ()
    assert found.findings[0].state == "problem"
    assert "was skipped: ModuleNotFoundError: No module named 'no_such_library_at_all'" in found.findings[0].message
    assert "PROOFSEARCH_DISABLE_PLUGINS" in found.findings[0].remedy


def test_a_plugin_that_raises_in_a_hook_is_named_once(site: Site) -> None:
    source = "from proofsearch import hookimpl\n@hookimpl\ndef register_diagnoses(register): 1 / 0\n"
    site.install("half", {"half": "half_plugin"}, {"half_plugin": source})
    (finding,) = health(Plugins.discover(), "half").findings
    assert (finding.what, finding.message) == (
        "its register_diagnoses",
        "was skipped: ZeroDivisionError: division by zero",
    )


def test_an_unknown_plugin_names_those_that_are_known(fake_prover: Site) -> None:
    with pytest.raises(PluginError, match=r"no plugin is named 'fke'; known: .*fake-prover.*; did you mean 'fake'\?"):
        diagnose(Plugins.discover(), ["fke"])


# --------------------------------------------------------------------------------------------------------- packages


def install(site: Site, *metadata: str) -> None:
    """Adds lines to the metadata of the package ``needy``."""
    site.install("needy", {})
    with (site.folder / "needy-1.0.dist-info" / "METADATA").open("a") as file:
        file.write("".join(f"{line}\n" for line in metadata))


def test_what_a_package_requires_is_looked_for(site: Site) -> None:
    install(
        site,
        "Provides-Extra: plots",
        "Provides-Extra: dev",
        "Requires-Dist: pydantic>=2",
        "Requires-Dist: numpy>=999; python_version >= '3'",
        "Requires-Dist: no-such-package[fast]>=1.5",
        "Requires-Dist: only-elsewhere; sys_platform == 'nowhere'",
        "Requires-Dist: no-plots; extra == 'plots'",
        "Requires-Dist: pydantic>=2; extra == 'plots'",
        "Requires-Dist: no-linter; extra == 'dev'",
    )
    import numpy

    assert lines(requirements("needy")) == [
        f"problem: numpy: numpy is {numpy.__version__}, needed is >=999 → pip install 'numpy>=999'",
        "problem: no-such-package: no-such-package is not installed → pip install 'no-such-package[fast]>=1.5'",
        "found: packages: 1 that it needs → ",
        "absent: extra plots: no-plots is not installed → pip install 'needy[plots]'",
    ]


def test_a_package_without_metadata_or_requirements_has_nothing_to_say(site: Site) -> None:
    install(site)
    assert lines(requirements("needy")) == lines(requirements("no-such-package")) == lines(requirements("")) == []


# ------------------------------------------------------------------------------------------ programs and processes


def test_programs_are_found_with_their_version() -> None:
    found = program("interpreter", sys.executable, "--version", remedy="install it")
    assert (found.state, found.message) == ("found", f"Python {sys.version.split()[0]} ({sys.executable})")
    assert program("interpreter", sys.executable, remedy="install it").message == sys.executable
    for needed, state in ((False, "absent"), (True, "problem")):
        missing = program("prover", "no-such-program", remedy="install it", needed=needed)
        assert missing == Finding("prover", state, "no program 'no-such-program' was found", "install it")


def test_python_is_asked_in_a_process_of_its_own() -> None:
    found = ask_python("import os\nprint('noise')\nfound = {'pid': os.getpid(), 'text': 'ü'}")
    assert isinstance(found, dict)
    assert found["text"] == "ü"
    assert found["pid"] != os.getpid()
    assert ask_python("import no_such_library") == "ModuleNotFoundError: No module named 'no_such_library'"
    assert ask_python("import os\nos._exit(3)") == "the process ended with code 3"
    assert ask_python("found = 3") == "no answer"


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "TIMEOUT", 0.5)
    assert ask_python("import time; time.sleep(100)") == "no answer within 0.5 s"


# ---------------------------------------------------------------------------------------------------------- machine


def finding(what: str) -> Finding:
    return next(one for one in machine.examine_machine() if one.what == what)


def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a program in the place of the driver's."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


def test_accelerators_are_named_as_the_driver_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, 'echo "Big GPU, 81559 MiB, 580.1"; echo "Small GPU, 8192 MiB, 580.1"')
    found = finding("accelerators")
    assert (found.state, found.message) == ("found", "Big GPU, 81559 MiB, 580.1; Small GPU, 8192 MiB, 580.1")


def test_a_driver_that_does_not_work_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, 'echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18')
    found = finding("accelerators")
    assert (found.state, found.message) == ("problem", "Failed to initialize NVML: Driver/library version mismatch")


def test_no_driver_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert finding("accelerators").state == "absent"


def test_the_cache_folder_must_be_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_folder: Path) -> None:
    assert not cache_folder.exists()
    assert (finding("cache").state, str(cache_folder) in finding("cache").message) == ("found", True)
    assert not cache_folder.exists(), "looking must not make it"
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert finding("cache").state == "problem"
    assert "PROOFSEARCH_CACHE_DIR" in finding("cache").remedy
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(cache_folder))
    monkeypatch.setattr(machine, "_SCARCE", 1e30)
    assert "GB are free" in finding("cache").message


def test_a_program_that_reads_is_not_waited_for() -> None:
    # It gets no standard input, so that it can't wait for what a person types.
    assert program("reader", sys.executable, "-c", "print(input())", remedy="").state == "found"
