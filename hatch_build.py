"""Compiles this package's C sources when it is installed; where that can't be done, leaves them out with a notice."""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

REQUIRE_VARIABLE = "PROOFSEARCH_REQUIRE_COMPILED"
"""An environment variable: where it is set and not empty, a build without the compiled part fails."""


class CompileHook(BuildHookInterface):
    """Builds the module that ``[tool.hatch.build.hooks.custom]`` names: ``module``, from the C files in ``sources``."""

    _scratch: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles before a wheel is put together; an editable one finds the result beside the sources."""
        if self.target_name != "wheel":
            return
        module = self.config["module"]
        scratch = self._scratch = Path(tempfile.mkdtemp(prefix="proofsearch-build-"))
        try:
            built = compiled(module, sorted(Path(self.root, self.config["sources"]).glob("*.c")), scratch)
        except BaseException as error:  # setuptools raises SystemExit, compilers' wrappers whatever they like
            if os.environ.get(REQUIRE_VARIABLE) or isinstance(error, KeyboardInterrupt):
                raise
            self.app.display_warning(
                f"{module} was not compiled ({error or type(error).__name__}); the package works without it, several "
                "times slower. Install a C compiler and the headers of Python, and install the package again."
            )
            return
        *package, _ = module.split(".")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        if version == "editable":
            # In one go: processes that run with the module have it mapped, and would crash if it changed under them.
            place = Path(self.root, "src", *package, built.name)
            fresh = place.with_suffix(".new")
            shutil.copy2(built, fresh)
            fresh.replace(place)
        else:
            build_data["force_include"][str(built)] = "/".join([*package, built.name])

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes what was only needed to put the wheel together."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


def compiled(module: str, sources: list[Path], scratch: Path) -> Path:
    """Compiles a module into a folder.

    Raises:
        BaseException: whatever a missing or failing compiler leads to.
    """
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    flags = ["/O2"] if sysconfig.get_platform().startswith("win") else ["-O3", "-std=c11"]
    extension = Extension(module, [str(source) for source in sources], extra_compile_args=flags)
    command = build_ext(Distribution({"name": module, "ext_modules": [extension]}))
    command.build_lib, command.build_temp = str(scratch / "lib"), str(scratch / "temp")
    command.ensure_finalized()
    command.run()
    return Path(command.get_ext_fullpath(module))
