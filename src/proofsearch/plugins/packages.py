"""The project's own packages and what each registers: for who asks for something whose package isn't there."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping

PACKAGES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "proofsearch-ebm": {
        "scorer": ("ebm",),
        "loss": ("info_nce", "depth_regression", "listwise", "margin_ranking", "ordinal_regression", "pairwise"),
        "trainer": ("ebm",),
    },
    "proofsearch-lean": {"environment": ("lean",), "command": ("lean",)},
    "proofsearch-metamath": {
        "environment": ("metamath",),
        "generator": ("metamath-ranker",),
        "trainer": ("metamath-ranker",),
        "command": ("metamath",),
    },
    "proofsearch-openai": {"generator": ("openai",), "encoder": ("openai", "embeddings")},
    "proofsearch-ray": {"executor": ("ray",)},
    "proofsearch-rl": {"command": ("serve",)},
    "proofsearch-rocq": {"environment": ("rocq",), "generator": ("rocq-tactics",)},
    "proofsearch-trackers": {"observer": ("tensorboard", "wandb", "mlflow", "trackio", "opentelemetry")},
    "proofsearch-transformers": {
        "generator": ("transformers",),
        "encoder": ("transformers", "pooled"),
        "trainer": ("lm",),
    },
}
"""By distribution, the names that its plugin registers, by kind; commands as well."""

_WITH_EXTRAS = ("proofsearch-trackers",)
"""Those whose extras are named like their components."""


def absent(name: str, kind: str | None = None) -> str:
    """What to do about a component, a command or a plugin that isn't there though a package of ours has it.

    Args:
        name: what was asked for.
        kind: of the component, or ``"command"``; ``None`` for any, and for plugins and distributions too.

    Returns:
        ``"; it is in the package proofsearch-ray: pip install proofsearch-ray"``, that its plugin was not loaded where
        the package is installed, or nothing where no package of ours has such a name.
    """
    for package, kinds in PACKAGES.items():
        names = {one for of, them in kinds.items() if kind in (None, of) for one in them}
        if kind is None:
            names |= {package, package.removeprefix("proofsearch-")}
        if name not in names:
            continue
        if _is_installed(package):
            return (
                f"; it is in the package {package}, which is installed, and whose plugin is broken or switched off: "
                f"see proofsearch doctor and PROOFSEARCH_DISABLE_PLUGINS"
            )
        wanted = f"'{package}[{name}]'" if package in _WITH_EXTRAS and name in names - {package} else package
        return f"; it is in the package {package}: pip install {wanted}"
    return ""


def absent_option(flag: str) -> str:
    """The same about an option of a component, ``--<component>-<field>``, whose package isn't installed; or nothing."""
    words = flag.lstrip("-").split("-")
    for many in range(len(words) - 1, 0, -1):
        name = "-".join(words[:many])
        for package, kinds in PACKAGES.items():
            if any(name in names for of, names in kinds.items() if of != "command") and not _is_installed(package):
                return absent(name)
    return ""


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
