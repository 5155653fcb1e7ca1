"""For all tests: what a busy machine must not change.

No example of hypothesis fails for the time it takes. And numerical libraries take one thread unless the environment
says otherwise: the models of tests are tiny, and threads that wait for each other on a busy machine take many times
as long as one.
"""

from __future__ import annotations

import os

from hypothesis import settings

for _size in ("COLUMNS", "LINES"):  # those of whoever runs the tests, or of pytest-xdist's workers, are no test's
    os.environ.pop(_size, None)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read once, when torch or numpy is first imported

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")
