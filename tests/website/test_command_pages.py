"""The pages of the command line say all that ``--help`` says, of the shipped packages and of no others."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType

import pytest
from command_pages import command_pages, shipped_plugins
from installing import Site
from typer.testing import CliRunner

from proofsearch.cli.main import COMMANDS, make_app
from proofsearch.cli.options import component_options
from proofsearch.errors import PluginError
from proofsearch.plugins.discovery import Plugins

ROOT = Path(__file__).parents[2]
PLUGINS = shipped_plugins(ROOT)
PAGES = MappingProxyType(dict(command_pages(PLUGINS)))


def flags(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text))


def helped(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    # Rich breaks no word of a table that is wide enough.
    for variable in ("COLUMNS", "TERMINAL_WIDTH"):
        monkeypatch.setenv(variable, "400")
    done = CliRunner().invoke(make_app(PLUGINS, arguments[0]), [*arguments, "--help"])
    assert done.exit_code == 0
    return done.output


def words(text: str) -> str:
    """Text without the marks of Markdown, frames and the places of line breaks."""
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\\", "")
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", plain).split())


def test_every_command_has_a_page() -> None:
    assert list(PAGES) == ["proofsearch", *COMMANDS, "lean", "metamath", "serve"]
    assert re.findall(r"\]\((\w+)\.md\)", PAGES["proofsearch"]) == [*COMMANDS, "lean", "metamath", "serve"]


def test_what_all_commands_share_has_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    done = CliRunner().invoke(make_app(PLUGINS), ["--help"])
    assert flags(done.output) == flags(PAGES["proofsearch"])


@pytest.mark.parametrize("name", sorted(PAGES.keys() - {"proofsearch"}))
def test_a_page_has_the_options_of_the_help_and_no_others(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = re.findall(rf"^## {name} ([\w-]+)$", PAGES[name], re.M)
    shown = [helped(monkeypatch, name, command) for command in inner] or [helped(monkeypatch, name)]
    if inner:
        listed = set(re.findall(r"^│ ([a-z][\w-]*) ", helped(monkeypatch, name), re.M))
        assert listed == set(inner)
    rows = [line.split(" | ")[0] for line in PAGES[name].splitlines() if line.startswith("| `")]
    assert set().union(*map(flags, shown)) >= flags("\n".join(rows))
    assert flags(PAGES[name]) >= set().union(*map(flags, shown))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("search", ("environment", "generator", "scorer", "encoder", "strategy", "priority", "executor")),
        ("train", ("trainer", "encoder", "loss", "environment", "generator")),
    ],
)
def test_every_field_of_every_shipped_component_is_described(name: str, kinds: tuple[str, ...]) -> None:
    rows = [words(line) for line in PAGES[name].splitlines() if line.startswith("| `")]
    options = list(component_options(PLUGINS, kinds))
    assert len(options) > 60
    for option in options:
        (row,) = (row for row in rows if row.startswith((f"| `{option.flag}`", f"| `{option.flag} /")))
        assert " ".join((option.field.description or "undescribed").split()) in row


@pytest.mark.parametrize(
    ("name", "row"),
    [
        (
            "search",
            "`--max-expansions`<br><code>INTEGER&#124;<wbr>none</code> | Nodes to expand per theorem, at most. | 256",
        ),
        (
            "search",
            "`--out`<br><code>path</code> | The run folder to make. | runs/&lt;time&gt;-&lt;env&gt;-&lt;scorer&gt;",
        ),
        (
            "evaluate",
            "`--resamples`<br><code>int range</code> | "
            "Draws of the theorems for the intervals. (100&lt;=x&lt;=1000000) | 2000",
        ),
        ("metamath", "`--out`<br><code>path</code> | The file to write. (required) | "),
    ],
)
def test_defaults_and_bounds_have_their_own_places(name: str, row: str) -> None:
    assert f"| {row} |" in PAGES[name]


def test_other_packages_have_no_place_in_the_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("stranger", {"stranger": "fakeprover"})
    assert {info.name for info in Plugins.discover().loaded} >= {"stranger", "metamath"}
    assert [info.name for info in shipped_plugins(ROOT).loaded] == [info.name for info in PLUGINS.loaded]
    assert "stranger" in {info.name for info in Plugins.discover().loaded}, "the environment is as it was before"


def test_a_package_that_is_not_installed_is_no_silent_gap(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "proofsearch-absent"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "proofsearch-absent"\n[project.entry-points.proofsearch]\nabsent = "absent.plugin"\n'
    )
    with pytest.raises(PluginError, match=r"not installed: proofsearch-absent; .* pip install"):
        shipped_plugins(tmp_path)
