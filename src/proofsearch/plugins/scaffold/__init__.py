"""New plugin packages, written from templates: ``proofsearch plugins new``."""

from __future__ import annotations

from proofsearch.plugins.scaffold.package import Names, names_for, write_package

__all__ = ["Names", "names_for", "write_package"]
