"""What needs OpenEnv or verifiers, which can't be installed together: CI runs each file where its library is."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDS = {"test_openenv.py": "openenv", "test_taskset.py": "verifiers"}

collect_ignore = [file for file, library in _NEEDS.items() if find_spec(library) is None]
