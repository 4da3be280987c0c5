"""Plain tables for the terminal and for pipes."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

NO_VALUE = "-"
"""What stands where there is no number."""


def new_table(first: str, texts: Sequence[str] = (), numbers: Sequence[str] = (), *, footer: bool = False) -> Table:
    """A table without frame.

    Args:
        first: heading of the first column, which may be broken over lines.
        texts: headings of further columns of text.
        numbers: headings of columns of numbers.
        footer: whether there is a last row set apart.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_footer=footer, title_justify="left")
    table.add_column(first)
    for name in texts:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def grade_heading(column: str) -> str:
    """Heading of a column of grades, ``cu %`` of ``cu_pct``."""
    element, _, unit = column.partition("_")
    return f"{element} {'%' if unit == 'pct' else 'g/t'}"
