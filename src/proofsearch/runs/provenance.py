"""What a run ran on: versions, plugins, seeds, fingerprints and the command, without secrets."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

REDACTED = "***"
"""What stands in place of a secret."""

_OF_A_MACHINE = ("command", "python", "implementation", "platform", "machine", "processors", "hash_seed")

_SECRET_NAME = re.compile(
    r"(?:^|[-_.])(?:api-?key|key|token|secret|password|passwd|credentials?|auth)(?:$|[-_.])", re.I
)
_METADATA_FIELD = re.compile(r"^(Name|Version): *(.*?) *$", re.M)
_URL_USER = re.compile(r"(://)[^/@\s]+@")
_URL_SECRET = re.compile(r"([?&][^=&\s]*(?:key|token|secret|password|auth)[^=&\s]*=)[^&\s]+", re.I)


def collect(seed: int, fingerprint: Mapping[str, str], used: Sequence[str] = ()) -> dict[str, Any]:
    """What ``environment.json`` holds.

    Args:
        seed: the run's seed.
        fingerprint: what the environment's results depend on, :meth:`proofsearch.protocols.Environment.fingerprint`.
        used: the distributions whose components the run chose.

    Returns:
        Plain JSON: ``command`` (that of this process, without secrets), ``seed``, ``fingerprint``, ``python``,
        ``implementation``, ``platform``, ``machine``, ``processors``, ``plugins`` (distribution to version), ``used``
        (those of them whose components the run chose) and ``packages`` (every installed one, with its version).
    """
    return {
        "command": redact(sys.argv),
        "seed": seed,
        "fingerprint": dict(fingerprint),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "hash_seed": os.environ.get("PYTHONHASHSEED", "random") if sys.flags.hash_randomization else "0",
        "plugins": plugin_versions(),
        "used": list(used),
        "packages": package_versions(),
    }


def merged(runs: Iterable[tuple[str, str, Mapping[str, Any]]]) -> dict[str, Any]:
    """What ``environment.json`` of a run holds that was joined from others.

    Args:
        runs: of each its id, its shard, and its own ``environment.json``.

    Returns:
        The first one's, with the key ``merged``: an object for each run, with its ``run_id``, ``shard``, ``command``,
        the machine that it ran on, and of the ``packages`` those whose version was another than the first one's.
    """
    first: dict[str, Any] = {}
    parts: list[Any] = []
    for run_id, shard, environment in runs:
        first = first or dict(environment)
        packages, ours = environment.get("packages", {}), first.get("packages", {})
        parts += environment.get("merged") or [
            {"run_id": run_id, "shard": shard}
            | {key: environment.get(key) for key in _OF_A_MACHINE}
            | {"packages": {name: packages.get(name) for name in differing(ours, packages)}}
        ]
    return first | {"merged": parts}


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The entries in which two fingerprints of an environment differ, sorted."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def plugin_versions() -> dict[str, str]:
    """The version of every distribution that has an entry point in the group ``proofsearch``."""
    found = importlib.metadata.entry_points(group="proofsearch")
    return dict(sorted({(point.dist.name, point.dist.version) for point in found if point.dist is not None}))


def package_versions() -> dict[str, str]:
    """The version of every installed distribution."""
    versions: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        # A broken installation can lack its metadata.
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        # Read by hand: the standard library parses each description as an e-mail, which takes many times as long.
        fields = dict(_METADATA_FIELD.findall(text.partition("\n\n")[0]))
        if fields.get("Name"):
            # The first of two with one name is what imports find.
            versions.setdefault(fields["Name"].lower(), fields.get("Version", ""))
    return dict(sorted(versions.items()))


def redact(argv: Sequence[str]) -> list[str]:
    """The command without secrets.

    The value of every option with ``key``, ``token``, ``secret``, ``password``, ``credential`` or ``auth`` as a word
    of its name becomes ``***``, and so do user names, passwords and such parameters in addresses.
    """
    redacted: list[str] = []
    secret_follows = False
    for argument in argv:
        if secret_follows and not argument.startswith("--"):
            redacted.append(REDACTED)
            secret_follows = False
            continue
        secret_follows = False
        name, equals, value = argument.partition("=")
        if name.startswith("-") and _SECRET_NAME.search(name.lstrip("-")):
            secret_follows = not equals
            redacted.append(f"{name}={REDACTED}" if equals and value else argument)
            continue
        redacted.append(_URL_SECRET.sub(rf"\1{REDACTED}", _URL_USER.sub(rf"\1{REDACTED}@", argument)))
    return redacted
