"""The board's page, by Dash: controls and callbacks without a line of script, and all its parts from this machine.

It answers on 127.0.0.1 unless told otherwise, to a browser that calls it by that name, and gives out only the files of
what-ifs that it solved itself, by their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dash
from dash import dcc, html
from dash.dependencies import Input, Output, State
from flask import Response, abort, request, send_file

from scheduler.board.levers import Lever, levers_of, overrides_of
from scheduler.board.work import DONE, RUNNING, Work
from scheduler.reports.comparison import Compared, worth_table
from scheduler.reports.facts import Facts, read_facts
from scheduler.reports.page import comparison_page, own_file
from scheduler.runfolder import MINE

POLL_MS = 500
FILES = {"report.html": "page", "report.xlsx": "workbook", "compare.html": "comparison with the base"}
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HEAD = """<!DOCTYPE html><html lang="en"><head>{%metas%}<title>{%title%}</title>{%css%}<style>STYLE</style></head>
<body>{%app_entry%}<div>{%config%}{%scripts%}{%renderer%}</div></body></html>"""
OWN_STYLE = """
.lever { margin: 14px 0; max-width: 560px; }
.lever label { display: block; font-weight: 600; } .lever input { width: 100%; }
.board button { padding: 8px 18px; margin: 8px 10px 8px 0; font-weight: 600; }
.board button:disabled { opacity: .5; }
"""


class Board:
    """The what-ifs of one base run.

    Args:
        base: the run that they are compared with.
        folder: where their runs go.
        gap: relative gap of each solve.
        time_limit_s: seconds of each solve at most.
    """

    def __init__(self, base: Facts, folder: Path, gap: float, time_limit_s: float) -> None:
        self.base, self.folder, self.gap, self.time_limit_s = base, folder, gap, time_limit_s
        self.levers = levers_of(base.mine)
        self.works: list[Work] = []
        self.answers: dict[int, Facts] = {}

    def solve(self, values: Sequence[float]) -> None:
        """Begins a solve, unless one is under way.

        Raises:
            ValueError: where a value is not on its slider.
        """
        if self.works and self.works[-1].state == RUNNING:
            return
        given = {lever.key: value for lever, value in zip(self.levers, values, strict=True)}
        changes = overrides_of(self.levers, given)
        number = len(self.works) + 1
        out = self.folder / f"what-if-{number}"
        self.works.append(Work(number, self.base.run.folder / MINE, changes, out, self.gap, self.time_limit_s))

    def answer(self, number: int) -> Facts | None:
        """The run of a what-if that is done."""
        if number not in self.answers and 1 <= number <= len(self.works) and self.works[number - 1].state == DONE:
            self.answers[number] = read_facts(self.works[number - 1].out)
        return self.answers.get(number)

    def compared(self, number: int) -> Compared | None:
        """The base and a what-if side by side."""
        found = self.answer(number)
        return None if found is None else Compared(("base", f"what-if {number}"), (self.base, found))

    def close(self) -> None:
        """Ends what is still being solved."""
        for work in self.works:
            work.end()


def make_app(board: Board, hosts: frozenset[str] = LOOPBACK) -> dash.Dash:
    """The application.

    Args:
        board: what it shows.
        hosts: names by which a browser may call it.
    """
    app = dash.Dash(__name__, title=f"{board.base.title}: board", update_title=None, assets_folder="no-assets")
    app.index_string = HEAD.replace("STYLE", str(own_file("report.css")) + OWN_STYLE)
    app.layout = _layout(board)
    _guard(app, hosts)
    _serve_files(app, board)
    _answer_clicks(app, board)
    return app


def _layout(board: Board) -> html.Main:
    return html.Main(
        [
            html.P("What if", className="kind"),
            html.H1(board.base.title),
            html.P("Move what you would change, solve, and see it beside the base run."),
            *(_control(lever) for lever in board.levers),
            html.Button("Solve", id="solve", n_clicks=0),
            html.Button("Cancel", id="cancel", n_clicks=0, disabled=True),
            html.Div("nothing solved yet", id="state", role="status"),
            html.Div(id="answer"),
            dcc.Interval(id="tick", interval=POLL_MS),
        ],
        className="page board",
    )


def _control(lever: Lever) -> html.Div:
    key = f"lever-{lever.key}"
    slider = dcc.Input(id=key, type="range", min=lever.low, max=lever.high, step=lever.step, value=lever.base)
    told = html.Span(id=f"{key}-told")
    return html.Div([html.Label([f"{lever.title}: ", told, f" {lever.unit}"], htmlFor=key), slider], className="lever")


def _guard(app: dash.Dash, hosts: frozenset[str]) -> None:
    """Refuses browsers that call this machine by another name, and requests that another site's page makes."""

    def known_name() -> None:
        names = [urlsplit(f"//{request.host}").hostname]
        origin = request.headers.get("Origin")
        names += [urlsplit(origin).hostname] if origin else []
        if any(name not in hosts for name in names):
            abort(403)

    app.server.before_request(known_name)


def _serve_files(app: dash.Dash, board: Board) -> None:
    def file(number: int, name: str) -> Response:
        found = board.compared(number)
        if found is None or name not in FILES:
            abort(404)
        if name == "compare.html":
            return Response(comparison_page(found), mimetype="text/html")
        return send_file((board.works[number - 1].out / name).resolve())

    app.server.add_url_rule("/files/<int:number>/<name>", "file", file)


def _answer_clicks(app: dash.Dash, board: Board) -> None:
    sliders = [f"lever-{lever.key}" for lever in board.levers]

    def told(value: float) -> str:
        return f"{float(value):g}"

    for key in sliders:
        app.callback(Output(f"{key}-told", "children"), Input(key, "value"))(told)

    def moved(_ticks: int, _solves: int, _cancels: int, *values: float) -> tuple[Any, Any, bool, bool]:
        words = ""
        if dash.ctx.triggered_id == "solve":
            try:
                board.solve([float(value) for value in values])
            except ValueError as error:
                words = str(error)
        elif dash.ctx.triggered_id == "cancel" and board.works:
            board.works[-1].cancel()
        running = bool(board.works) and board.works[-1].state == RUNNING
        state = words or (board.works[-1].words() if board.works else "nothing solved yet")
        return state, [_shown(board, work) for work in reversed(board.works)], running, not running

    app.callback(
        Output("state", "children"),
        Output("answer", "children"),
        Output("solve", "disabled"),
        Output("cancel", "disabled"),
        Input("tick", "n_intervals"),
        Input("solve", "n_clicks"),
        Input("cancel", "n_clicks"),
        *(State(key, "value") for key in sliders),
    )(moved)


def _shown(board: Board, work: Work) -> html.Section:
    """A what-if: what was changed, what it is worth beside the base, and its files."""
    changes = "; ".join(work.changes) or "nothing changed"
    found = board.compared(work.number)
    head = html.H2(f"What-if {work.number}: {changes}")
    if found is None:
        return html.Section([head, html.P(work.words())])
    table = worth_table(found)
    rows = [html.Tr([html.Th(row[0], scope="row"), *(html.Td(cell) for cell in row[1:])]) for row in table.rows]
    links = [
        html.A(words, href=f"/files/{work.number}/{name}", target="_blank", style={"marginRight": "16px"})
        for name, words in FILES.items()
    ]
    heads = html.Thead(html.Tr([html.Th(one, scope="col") for one in table.heads]))
    return html.Section([head, html.Table([heads, html.Tbody(rows)], id=f"worth-{work.number}"), html.P(links)])
