"""For all tests: no example of hypothesis fails for the time it takes, which on a busy machine says nothing."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")
