"""Tables of the board: those of the page, as elements of Dash."""

from __future__ import annotations

from dash import html

from scheduler.reports.figure import Table


def html_table(table: Table, key: str) -> html.Div:
    """A table that scrolls aside; ``key`` names it within the page."""
    heads = html.Thead(html.Tr([html.Th(one, scope="col") for one in table.heads]))
    rows = [_row(row) for row in table.rows]
    foot = [html.Tfoot(_row(table.foot))] if table.foot else []
    return html.Div(html.Table([heads, html.Tbody(rows), *foot], id=key), className="scroll")


def _row(cells: tuple[str, ...]) -> html.Tr:
    return html.Tr([html.Th(cells[0], scope="row"), *(html.Td(cell) for cell in cells[1:])])
