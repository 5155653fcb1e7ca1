"""How a test shows that a check finds what it is for: what breaks one rule fails that check and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from proofsearch.testing import ConformanceError, Report


def failed(check: Callable[..., Report], *arguments: Any, **options: Any) -> list[str]:
    """The names of the checks that a component fails; there is at least one."""
    with pytest.raises(ConformanceError) as error:
        check(*arguments, **options)
    report = error.value.report
    for name in report.names("failed"):
        assert name in str(error.value)
    return report.names("failed")
