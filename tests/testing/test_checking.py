"""Would catch: a report that is lost because a broken component still writes to a folder that is being cleared."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import ExitStack

from proofsearch.testing import SampleBuilder
from proofsearch.testing.checking import temporary_folder


def test_folders_that_cant_be_cleared_stay_behind(monkeypatch):
    def not_empty(*args, **options):
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    folders = []
    with monkeypatch.context() as patch, ExitStack() as opened:
        folders += [temporary_folder(opened), opened.enter_context(SampleBuilder()).cache]
        patch.setattr(os, "rmdir", not_empty)
        opened.close()
    for folder in folders:
        assert folder.exists()
        shutil.rmtree(folder)
