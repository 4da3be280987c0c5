"""The schedule on pages of any width: nothing is cut off, and every table names its periods."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from scheduler.cashflow import cash_flow
from scheduler.cli.schedule_view import schedule_views, view_columns
from scheduler.schedule import schedule_table
from tests.scheduler.test_cashflow import hand_plan
from tests.scheduler.test_schedule import hand_with_published


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 110, 200])
def test_a_schedule_fits_its_page(width: int) -> None:
    """Periods and totals stand beside every column, headings and figures are whole, and no line is too long."""
    instance = hand_with_published()
    plan = hand_plan(instance)
    schedule = schedule_table(instance, plan, cash_flow(instance, plan))
    columns = view_columns(instance.mine, schedule)
    console = Console(file=io.StringIO(), width=width, color_system=None)
    printed = []
    for table in schedule_views(console, instance, schedule):
        with console.capture() as captured:
            console.print(table)
        lines = captured.get().splitlines()
        assert max(len(line.rstrip()) for line in lines) <= width
        for first in ("all", *schedule.index.astype(str)):
            assert any(re.match(rf"{first}\b", line) for line in lines)
        printed.append(captured.get())
    whole = "\n".join(printed)
    assert "…" not in whole
    for heading, values, digits, _ in columns:
        for word in heading.split():
            assert word in whole
        assert f"{values.max():,.{digits}f}" in whole
    assert ("phases" in whole) == (width >= 110)
    assert (len(printed) == 1) == (width >= 100)
