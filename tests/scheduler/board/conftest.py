"""The runs and the browser of the tests of the reports."""

from __future__ import annotations

from tests.scheduler.reports.conftest import browser, mzo_run, small_run

__all__ = ["browser", "mzo_run", "small_run"]
