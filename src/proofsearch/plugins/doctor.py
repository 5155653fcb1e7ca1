"""What is installed and what is missing: every plugin, by its metadata and by what it says of itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from proofsearch.diagnosis import requirements
from proofsearch.errors import PluginError, near, one_line
from proofsearch.plugins.discovery import DISABLE_VARIABLE, PluginInfo, Plugins
from proofsearch.plugins.packages import absent
from proofsearch.plugins.registry import DiagnosisRegistration
from proofsearch.types import Finding


@dataclass(frozen=True, slots=True)
class PluginHealth:
    """How a plugin is.

    Attributes:
        plugin: which.
        components: kind and name of what it registers.
        findings: what was found out.
    """

    plugin: PluginInfo
    components: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> list[Finding]:
        """What has to be put right."""
        return [finding for finding in self.findings if finding.state == "problem"]


def diagnose(plugins: Plugins, names: Sequence[str] = ()) -> list[PluginHealth]:
    """Finds out how plugins are.

    Args:
        plugins: those that are installed, the broken ones too.
        names: of plugins or of their distributions; empty for all.

    Raises:
        PluginError: there is no plugin of a name, or two register the same component.
    """
    components = [(entry.plugin, entry.kind, entry.name) for entry in plugins.components()]
    components += [(command.plugin, "command", command.name) for command in plugins.commands()]
    diagnoses = plugins.diagnoses()
    # After the hooks were called: those that raised are among them.
    infos = list(dict.fromkeys([*plugins.loaded, *(failure.plugin for failure in plugins.failures)]))
    chosen = [info for info in infos if not names or info.name in names or info.distribution in names]
    known = [name for info in infos for name in (info.name, info.distribution) if name]
    for name in names:
        if name not in known:
            hint = absent(name) or near(name, known)
            raise PluginError(f"no plugin is named {name!r}; known: {', '.join(sorted(set(known)))}{hint}")
    wanted = [diagnosis for diagnosis in diagnoses if any(diagnosis.plugin == info.name for info in chosen)]
    # Most of the time is waiting for other processes.
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
        examined = dict(zip(map(id, wanted), pool.map(_examined, wanted), strict=True))
    return [
        PluginHealth(
            info,
            tuple((kind, name) for plugin, kind, name in components if plugin == info.name),
            (
                *(_broken(failure.error, failure.hook) for failure in plugins.failures if failure.plugin == info),
                *requirements(info.distribution),
                *(found for diagnosis in wanted if diagnosis.plugin == info.name for found in examined[id(diagnosis)]),
            ),
        )
        for info in chosen
    ]


def _broken(error: str, hook: str) -> Finding:
    what = f"its {hook}" if hook else "the plugin"
    return Finding(what, "problem", f"was skipped: {error}", f"put it right, or switch it off with {DISABLE_VARIABLE}")


def _examined(diagnosis: DiagnosisRegistration) -> list[Finding]:
    try:
        return list(diagnosis.examine())
    # Foreign code: that it can't even be examined is a finding.
    except BaseException as error:
        return [Finding(diagnosis.name, "problem", f"could not be examined: {one_line(error)}")]


def switched_off() -> list[str]:
    """The plugins that the user has switched off."""
    return sorted({name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",")} - {""})
