"""Machines with other packages are refused by name."""

from __future__ import annotations

import dataclasses

import pytest
from proofsearch_ray.versions import Machine, refuse_other_versions

from proofsearch.errors import PluginError


def test_equal_machines_are_taken() -> None:
    here = Machine.this()
    assert here.versions["proofsearch"]
    assert here.versions["proofsearch-ray"]
    refuse_other_versions(here, dataclasses.replace(Machine.this(), name="there"))


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("proofsearch-metamath", "9.9", "proofsearch-metamath is 9.9 on there, and 0.1.0 on here"),
        ("proofsearch-metamath", None, "proofsearch-metamath is not installed on there, and 0.1.0 on here"),
        ("proofsearch-mine", "2", "proofsearch-mine is 2 on there, and not installed on here"),
        ("python", "3.99", r"python is 3.99 on there, and 3\."),
    ],
)
def test_another_version_is_named_with_its_machine(name: str, version: str | None, says: str) -> None:
    here = Machine("here")
    versions = {one: of for one, of in (here.versions | {name: version}).items() if of is not None}
    with pytest.raises(PluginError, match=says):
        refuse_other_versions(here, Machine("there", versions=versions))
