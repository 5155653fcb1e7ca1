"""One HTML file about runs, for people: figures as curves, and search trees to walk through.

:func:`write_report` makes it. All figures are those of :func:`proofsearch.evaluation.evaluate`; nothing here measures.
"""

from __future__ import annotations

from proofsearch.evaluation.report.settings import ReportSettings
from proofsearch.evaluation.report.write import Written, write_report

__all__ = ["ReportSettings", "Written", "write_report"]
