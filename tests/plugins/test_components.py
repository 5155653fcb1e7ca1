"""From a configuration to components: which options count, what is refused, and how things are built and closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from installing import Site

from proofsearch.config import RunConfig
from proofsearch.errors import InputError, PluginError, UsageError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols.events import Event, Preparing

TRACED = """
from pydantic import Field
from proofsearch import hookimpl
from proofsearch.config import ComponentConfig

trace = []

class Part:
    def __init__(self, name):
        self.name = name
        trace.append(f"made {name}")
    def close(self):
        trace.append(f"closed {self.name}")

class Config(ComponentConfig):
    encoder: str = Field(default="traced", description="Which encoder.")

class EncoderConfig(ComponentConfig):
    width: int = Field(default=1, ge=1, description="Columns.")

def make_scorer(config, builder):
    builder.environment()
    assert builder.encoder(config.encoder) is builder.encoder(config.encoder)
    return Part("scorer")

@hookimpl
def register_scorers(register):
    register("traced", make_scorer, config=Config)
    register("circular", lambda config, builder: builder.encoder("circular"))

@hookimpl
def register_environments(register):
    register("traced", lambda config, builder: Part("environment"))

@hookimpl
def register_encoders(register):
    register("traced", lambda config, builder: Part(f"encoder of width {config.width}"), config=EncoderConfig)
    register("circular", lambda config, builder: builder.encoder("circular"))
    register("lacking", lambda config, builder: __import__("no_such_library"))
"""


@pytest.fixture
def plugins(fake_prover: Site) -> Plugins:
    fake_prover.install("traced", {"traced": "traced_plugin"}, {"traced_plugin": TRACED})
    return Plugins.discover()


def config(**fields: Any) -> RunConfig:
    return RunConfig(**{"env": "fake", "generator": "fake", **fields})


def test_every_option_of_what_is_chosen_is_filled_in(plugins: Plugins) -> None:
    resolved = resolve(plugins, config(options={"fake": {"size": 3}})).config
    assert resolved.options["fake"]["size"] == 3
    assert resolved.options["fake"]["delay"] == 0.0
    assert resolved.options["logprob"] == {"length_exponent": 0.0}
    assert resolved.options["local"]["mode"] == "processes"
    assert "length" not in resolved.options
    assert resolve(plugins, resolved).config == resolved


def test_components_of_one_name_each_take_the_options_that_they_know(plugins: Plugins) -> None:
    parts = resolve(plugins, config(options={"fake": {"size": 3, "encoder": "hashed"}}))
    assert parts.chosen["environment", "fake"].config.size == 3
    assert parts.chosen["generator", "fake"].config.encoder == "hashed"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fake": {"sizes": 3}}, r"options.fake.sizes: 'fake' has no option 'sizes'; it has: .*did you mean 'size'\?"),
        ({"fake": {"size": -1}}, r"options.fake.size: input should be greater than or equal to 0, found -1"),
        ({"random": {"seed": 1}}, r"the scorer 'random' is not chosen, 'logprob' is; choose it with --scorer random"),
        ({"hashed": {"width": 8}}, r"the encoder 'hashed' is not chosen: no chosen component uses it"),
        ({"fakes": {"size": 1}}, r"no component is named 'fakes'; known: .*; did you mean 'fake'\?"),
    ],
)
def test_options_that_would_do_nothing_are_refused(plugins: Plugins, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve(plugins, config(options=options))


AUTO = """
from pydantic import Field
from proofsearch import hookimpl
from proofsearch.config import ComponentConfig

class Config(ComponentConfig):
    large: bool = Field(default=False, description="Whether it is large.")

    @property
    def default_generator(self):
        return "fake" if self.large else "knn"

@hookimpl
def register_environments(register):
    register("auto", lambda config, builder: None, config=Config)
"""


def test_a_run_that_names_no_generator_takes_the_environments_own(fake_prover: Site) -> None:
    fake_prover.install("auto", {"auto": "auto_plugin"}, {"auto_plugin": AUTO})
    plugins = Plugins.discover()

    def generator(**fields: Any) -> str:
        return resolve(plugins, RunConfig(**fields)).config.generator

    assert generator(env="auto", options={"auto": {"large": True}}) == "fake"
    assert generator(env="auto") == "knn"
    assert generator(env="auto", generator="demonstrated", options={"auto": {"large": True}}) == "demonstrated"
    assert generator(env="fake") == "knn", "it names none"


def test_all_policies_of_a_mixture_are_chosen_with_their_options(plugins: Plugins) -> None:
    options = {"mixture": {"of": ["fake:2", "knn"]}, "knn": {"power": 1.5}}
    parts = resolve(plugins, config(generator="mixture", options=options))
    assert {("generator", "fake"), ("generator", "knn")} <= parts.chosen.keys()
    with pytest.raises(PluginError, match=r"no generator is named 'kn'; known: .*did you mean 'knn'"):
        resolve(plugins, config(generator="mixture", options={"mixture": {"of": ["kn"]}}))


def test_an_encoders_options_count_where_a_chosen_component_names_it(plugins: Plugins) -> None:
    resolved = resolve(plugins, config(options={"fake": {"encoder": "hashed"}, "hashed": {"width": 64}})).config
    assert resolved.options["hashed"]["width"] == 64
    with pytest.raises(PluginError, match=r"no encoder is named 'hash'; known: .*did you mean 'hashed'"):
        resolve(plugins, config(options={"fake": {"encoder": "hash"}}))


def test_paths_are_kept_whole(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    resolved = resolve(plugins, config(options={"fake": {"log": "searches.log"}})).config
    assert resolved.options["fake"]["log"] == str(tmp_path / "searches.log")


def test_each_component_is_built_once_with_its_options_and_closed_in_reverse(plugins: Plugins) -> None:
    import traced_plugin

    traced_plugin.trace.clear()
    chosen = config(env="traced", scorer="traced", options={"traced": {"width": 5}})
    with Components(plugins, resolve(plugins, chosen)) as components:
        assert components.scorer() is components.scorer()
        components.environment()
    components.close()
    assert traced_plugin.trace == [
        "made environment",
        "made encoder of width 5",
        "made scorer",
        "closed scorer",
        "closed encoder of width 5",
        "closed environment",
    ]


def test_components_that_ask_for_each_other_are_named(plugins: Plugins) -> None:
    with (
        Components(plugins, resolve(plugins, config(scorer="circular"))) as components,
        pytest.raises(PluginError, match="scorer 'circular' → encoder 'circular' → encoder 'circular'"),
    ):
        components.scorer()


def test_a_component_whose_library_is_missing_says_so(plugins: Plugins) -> None:
    with (
        Components(plugins, resolve(plugins, config())) as components,
        pytest.raises(PluginError, match=r"encoder 'lacking' of plugin 'traced' needs a package.*no_such_library"),
    ):
        components.encoder("lacking")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 64}, r"kept for the encoder 'hashed': widht: 'hashed' has no option 'widht'; .*did you mean"),
        ({"width": 1}, r"kept for the encoder 'hashed': width: input should be greater than or equal to 16, found 1"),
    ],
)
def test_options_that_a_checkpoint_kept_are_refused_where_the_encoder_has_none_such(
    plugins: Plugins, options: Any, message: str
) -> None:
    """Catches an encoder built with its defaults in place of what was kept."""
    with Components(plugins, resolve(plugins, config())) as components:
        with pytest.raises(InputError, match=message):
            components.encoder("hashed", options)
        assert components.encoder("hashed", {"width": 64}).width == 64


def test_factories_get_the_runs_seed_cache_and_execution(plugins: Plugins, cache_folder: Path) -> None:
    told: list[Event] = []
    parts = resolve(plugins, config(seed=7, execution={"workers": 3}))
    with Components(plugins, parts, told.append) as components:
        assert (components.seed, components.cache, components.execution.workers) == (7, cache_folder, 3)
        components.status("reading", 1, 2)
    assert told == [Preparing("reading", 1, 2)]
