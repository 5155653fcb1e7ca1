"""Discovery: what is found, what is skipped and named, what is refused."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from installing import Site

from proofsearch.errors import PluginError
from proofsearch.plugins.discovery import Plugins

GOOD = """
from proofsearch import hookimpl

@hookimpl
def register_scorers(register):
    register({name!r}, lambda config, builder: None, help="For a test.")
"""


def names(plugins: Plugins, kind: str) -> list[str]:
    return [entry.name for entry in plugins.registry(kind)]


def test_the_cores_components_are_there_without_any_other_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {point.name for point in entry_points(group="proofsearch")}
    assert "metamath" in installed
    monkeypatch.setenv("PROOFSEARCH_DISABLE_PLUGINS", ",".join(installed))
    plugins = Plugins.discover()
    found = {kind: names(plugins, kind) for kind in ("generator", "scorer", "encoder", "executor", "environment")}
    assert found == {
        "generator": ["knn", "mixture", "demonstrated", "recorded"],
        "scorer": ["logprob", "length", "random", "demonstration", "confidence"],
        "encoder": ["context", "hashed", "policy"],
        "executor": ["local"],
        "environment": [],
    }
    assert plugins.failures == []


def test_an_installed_plugin_is_found_by_its_entry_point(site: Site) -> None:
    site.install("good-plugin", {"good": "good_plugin"}, {"good_plugin": GOOD.format(name="mine")})
    plugins = Plugins.discover()
    entry = plugins.registry("scorer")["mine"]
    assert (entry.plugin, entry.help) == ("good", "For a test.")
    assert str(plugins.info("good")) == "good-plugin 1.0"


def test_a_plugin_can_be_a_module_without_an_entry_point() -> None:
    plugins = Plugins.discover(["fakeprover"])
    assert plugins.registry("environment")["fake"].plugin == "fakeprover"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_library_at_all", "ModuleNotFoundError: No module named 'no_such_library_at_all'"),
        ("1 / 0", "ZeroDivisionError"),
        ("def broken(", "SyntaxError"),
        ("import sys; sys.exit('no licence')", "SystemExit: no licence"),
        (
            GOOD.format(name="x").replace("register_scorers", "register_scorer"),
            "no such hook: register_scorer; the hooks",
        ),
        (GOOD.format(name="x").replace("(register)", "(register, config)"), "PluginValidationError"),
    ],
)
def test_a_broken_plugin_is_named_and_skipped_and_the_others_work(site: Site, source: str, error: str) -> None:
    site.install("bad-plugin", {"bad": "bad_plugin"}, {"bad_plugin": source})
    site.install("good-plugin", {"good": "good_plugin"}, {"good_plugin": GOOD.format(name="mine")})
    plugins = Plugins.discover()
    (failure,) = plugins.failures
    assert str(failure).startswith("plugin 'bad' (bad-plugin 1.0) is broken and it was skipped: ")
    assert error in str(failure)
    assert "\n" not in str(failure)
    assert "mine" in names(plugins, "scorer")


def test_an_entry_point_to_nothing_is_named(site: Site) -> None:
    site.install("bad-plugin", {"bad": "nowhere.to_be:found"})
    (failure,) = Plugins.discover().failures
    assert failure.plugin.name == "bad"


def test_a_hook_that_raises_registers_nothing_and_other_hooks_of_the_plugin_work(site: Site) -> None:
    source = (
        GOOD.format(name="half")
        + "    raise RuntimeError('later')\n"
        + """
@hookimpl
def register_encoders(register):
    register("whole", lambda config, builder: None)
"""
    )
    site.install("bad-plugin", {"bad": "bad_plugin"}, {"bad_plugin": source})
    plugins = Plugins.discover()
    assert "half" not in names(plugins, "scorer")
    assert "whole" in names(plugins, "encoder")
    (failure,) = plugins.failures
    assert "its register_scorers was skipped: RuntimeError: later" in str(failure)


def test_two_plugins_of_one_name_are_refused_and_both_named(site: Site) -> None:
    site.install("one", {"same": "module_one"}, {"module_one": GOOD.format(name="a")})
    site.install("two", {"same": "module_two"}, {"module_two": GOOD.format(name="b")})
    with pytest.raises(PluginError, match=r"two plugins are named 'same': one from one 1\.0 and one from two 1\.0"):
        Plugins.discover()


def test_a_component_registered_twice_is_refused_and_both_plugins_named(site: Site) -> None:
    site.install("one", {"one": "module_one"}, {"module_one": GOOD.format(name="logprob")})
    with pytest.raises(PluginError, match=r"two plugins register a scorer named 'logprob': 'builtins' and 'one'"):
        Plugins.discover().registry("scorer")


def test_a_command_added_twice_is_refused(site: Site) -> None:
    source = "from proofsearch import hookimpl\n@hookimpl\ndef register_commands(register): register('do', 'x:y')\n"
    site.install("one", {"one": "module_one"}, {"module_one": source})
    site.install("two", {"two": "module_two"}, {"module_two": source})
    with pytest.raises(PluginError, match="two plugins add the command 'do': 'one' and 'two'"):
        Plugins.discover().commands()


@pytest.mark.parametrize(
    ("hook", "registration", "said"),
    [
        ("register_commands", "7, 'x:y'", "it registers a command whose name is 7; expected text"),
        ("register_commands", "'do', 'x:y', kinds=('hand',)", "it registers the command 'do' with options of ['hand']"),
        ("register_commands", "'do', print", "it registers a command whose target is"),
        ("register_diagnoses", "'mine', 7", "it registers 7 as the diagnosis 'mine'; expected a function"),
    ],
)
def test_what_is_registered_wrongly_is_named_and_skipped(site: Site, hook: str, registration: str, said: str) -> None:
    source = f"from proofsearch import hookimpl\n@hookimpl\ndef {hook}(register): register({registration})\n"
    site.install("one", {"one": "module_one"}, {"module_one": source})
    plugins = Plugins.discover()
    commands, diagnoses = plugins.commands(), plugins.diagnoses()
    assert "one" not in {entry.plugin for entry in (*commands, *diagnoses)}
    (failure,) = plugins.failures
    assert f"its {hook} was skipped: {said}" in str(failure)


@pytest.mark.parametrize("name", ["", "Mine", "my scorer", "my/scorer", "ü"])
def test_a_name_that_makes_no_option_is_refused(site: Site, name: str) -> None:
    site.install("one", {"one": "module_one"}, {"module_one": GOOD.format(name=name)})
    with pytest.raises(PluginError, match="a name is lower-case letters, digits, dashes and underscores"):
        Plugins.discover().registry("scorer")


def test_an_unknown_component_names_those_that_are_known(fake_prover: Site) -> None:
    with pytest.raises(PluginError, match=r"no scorer is named 'lenght'; known: .*did you mean 'length'\?"):
        Plugins.discover().registry("scorer")["lenght"]


@pytest.mark.parametrize("disabled", ["good", "good-plugin", "other, good"])
def test_plugins_are_switched_off_by_their_name_or_their_distributions(
    site: Site, monkeypatch: pytest.MonkeyPatch, disabled: str
) -> None:
    site.install("good-plugin", {"good": "good_plugin"}, {"good_plugin": GOOD.format(name="mine")})
    assert "mine" in names(Plugins.discover(), "scorer")
    monkeypatch.setenv("PROOFSEARCH_DISABLE_PLUGINS", disabled)
    assert "mine" not in names(Plugins.discover(), "scorer")
