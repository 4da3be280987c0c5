"""The board's page, by Dash: controls and callbacks without a line of script, and all its parts from this machine.

It answers on 127.0.0.1 unless told otherwise, to a browser that calls it by that name, and gives out only the files of
what-ifs that it solved itself, by their numbers.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dash
from dash import dcc, html
from dash.dependencies import Input, Output, State
from dash.exceptions import PreventUpdate
from flask import Response, abort, request, send_file

from instances.schema import Mine
from scheduler.board.charts import comparison_charts
from scheduler.board.levers import Lever, changes_told, levers_of, overrides_of
from scheduler.board.tables import html_table
from scheduler.board.work import DONE, RUNNING, Terms, Work
from scheduler.reports import changes
from scheduler.reports.comparison import Compared, worth_table
from scheduler.reports.facts import Facts, read_facts
from scheduler.reports.page import comparison_page, own_file
from scheduler.runfolder import MINE

POLL_MS = 500
ENGINES = ("exact", "block")
FILES = {"report.html": "page", "report.xlsx": "workbook", "compare.html": "comparison with the base"}
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HEAD = """<!DOCTYPE html><html lang="en"><head>{%metas%}<title>{%title%}</title>{%css%}<style>STYLE</style></head>
<body>{%app_entry%}<div>{%config%}{%scripts%}{%renderer%}</div></body></html>"""
OWN_STYLE = """
.sides { display: grid; grid-template-columns: minmax(0, 340px) minmax(0, 1fr); gap: 8px 44px; align-items: start; }
.sides h2:first-child, #answer section:first-child h2 { margin-top: 14px; }
@media (max-width: 900px) { .sides { grid-template-columns: minmax(0, 1fr); } }
.lever { margin: 14px 0; }
.lever label { display: block; font-weight: 600; font-size: .95rem; }
.lever .dash-input-container, .lever input { border: 0; box-shadow: none; background: none; padding: 0; }
.lever input { width: 100%; accent-color: #1f77b4; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 8px 24px; }
#state { font-weight: 600; margin-top: 6px; } #answer h2 { font-size: 1.1rem; }
.board button { padding: 8px 18px; margin: 8px 10px 8px 0; font-weight: 600; }
.board button:disabled { opacity: .5; }
.board .js-plotly-plot :is(.xtick text, .ytick text, .xtitle, .ytitle) { fill: var(--soft) !important; }
"""


class Board:
    """The what-ifs of a mine, compared with a base run.

    Args:
        base: the run that they are compared with; ``None`` where the mine is solved first.
        source: folder or name of the mine that is solved; with a base, that run's own copy of it is.
        mine: contents of its ``mine.toml``.
        folder: where the runs go.
        gap: relative gap of each solve.
        time_limit_s: seconds of each solve at most.

    What-ifs are solved by what the base was: by blocks where it is a plan by blocks, and by the same engine. Whether
    blocks or panels are mined whole is said by the base's copy of the mine.
    """

    def __init__(
        self, base: Facts | None, source: str | Path, mine: Mine, folder: Path, *, gap: float, time_limit_s: float
    ) -> None:
        self.folder = folder
        self.terms = Terms(gap, time_limit_s)
        if base is not None:
            engine = base.summary.get("engine")
            self.terms = replace(self.terms, resolution=base.plan.resolution)
            if engine in ENGINES:
                self.terms = replace(self.terms, engine=engine)
        self.title = mine.title or mine.name
        self.source, self.levers = str(source), levers_of(mine)
        self.works: list[Work] = []
        self.changes: list[str] = []
        self.answers: dict[int, Facts] = {}
        self.base_work: Work | None = None
        self.before = () if base is None else base.instance.overrides
        self._base, self._lock = base, threading.Lock()
        if base is None:
            self._solve_base()

    @classmethod
    def of_run(cls, base: Facts, folder: Path, *, gap: float, time_limit_s: float) -> Board:
        """The board of a run, compared with it."""
        return cls(base, base.run.folder / MINE, base.mine, folder, gap=gap, time_limit_s=time_limit_s)

    @property
    def base(self) -> Facts | None:
        """The run that what-ifs are compared with, once it is there."""
        if self._base is None and self.base_work is not None and self.base_work.state == DONE:
            self._base = read_facts(self.base_work.out)
            # What was solved is kept there, whatever becomes of the mine's own file.
            self.source = str(self._base.run.folder / MINE)
        return self._base

    @property
    def current(self) -> Work | None:
        """What is being solved, or was last."""
        if self.base_work is not None and (self.base is None or not self.works):
            return self.base_work
        return self.works[-1] if self.works else None

    def solve(self, values: Sequence[float]) -> None:
        """Begins a solve, unless one is under way; where there is no base yet, that of the base.

        Raises:
            ValueError: where a value is not on its slider.
        """
        given = {lever.key: value for lever, value in zip(self.levers, values, strict=True)}
        overrides = overrides_of(self.levers, given)
        with self._lock:
            if self.current is not None and self.current.state == RUNNING:
                return
            if self.base is None:
                self._solve_base()
                return
            number = len(self.works) + 1
            self.changes.append(changes_told(self.levers, given))
            self.works.append(self._work(number, overrides, f"what-if-{number}"))

    def answer(self, number: int) -> Facts | None:
        """The run of a what-if that is done, by its number; of the base where it was solved here, by nought."""
        if number == 0:
            return self.base if self.base_work is not None else None
        if number not in self.answers and 1 <= number <= len(self.works) and self.works[number - 1].state == DONE:
            self.answers[number] = read_facts(self.works[number - 1].out)
        return self.answers.get(number)

    def compared(self, number: int) -> Compared | None:
        """The base and a what-if side by side."""
        found, base = self.answer(number), self.base
        if number < 1 or found is None or base is None:
            return None
        return Compared(("base", f"what-if {number}"), (base, found))

    def close(self) -> None:
        """Ends what is still being solved."""
        for work in [*self.works, *([self.base_work] if self.base_work is not None else [])]:
            work.end()

    def _solve_base(self) -> None:
        self.base_work = self._work(0, [], "base")

    def _work(self, number: int, overrides: Sequence[str], name: str) -> Work:
        out, again = self.folder / name, 2
        while out.exists():  # kept from an earlier board
            out, again = self.folder / f"{name}-{again}", again + 1
        return Work(number, self.source, overrides, out, terms=self.terms, before=self.before)


def make_app(board: Board, hosts: frozenset[str] | None = LOOPBACK) -> dash.Dash:
    """The application.

    Args:
        board: what it shows.
        hosts: names by which a browser may call it; ``None`` where it answers on every address of the machine.
    """
    app = dash.Dash(__name__, title=f"{board.title}: board", update_title=None, assets_folder="no-assets")
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
            html.H1(board.title),
            html.P("Move what you would change, solve, and see it beside the base run."),
            *(html.P(f"In the base already: {change}") for change in changes.changes_told(board.before)),
            html.Div(
                [
                    html.Section(
                        [
                            *(_control(lever) for lever in board.levers),
                            html.Button("Solve", id="solve", n_clicks=0),
                            html.Button("Cancel", id="cancel", n_clicks=0, disabled=True),
                            html.Div("nothing solved yet", id="state", role="status"),
                        ],
                        **{"aria-label": "What to change"},
                    ),
                    html.Div(id="answer"),
                ],
                className="sides",
            ),
            dcc.Interval(id="tick", interval=POLL_MS),
            dcc.Store(id="seen", data=""),
        ],
        className="page board",
    )


def _control(lever: Lever) -> html.Div:
    key = f"lever-{lever.key}"
    slider = dcc.Input(id=key, type="range", min=lever.low, max=lever.high, step=lever.step, value=lever.base)
    told = html.Span(id=f"{key}-told")
    return html.Div([html.Label([f"{lever.title}: ", told], htmlFor=key), slider], className="lever")


def _guard(app: dash.Dash, hosts: frozenset[str] | None) -> None:
    """Refuses browsers that call this machine by another name, and requests that another site's page makes."""

    def known_name() -> None:
        called = urlsplit(f"//{request.host}").hostname
        origin = request.headers.get("Origin")
        asking = urlsplit(origin).hostname if origin else called
        known = {called} if hosts is None else hosts
        if called not in known or asking not in known:
            abort(403)

    app.server.before_request(known_name)


def _serve_files(app: dash.Dash, board: Board) -> None:
    def file(number: int, name: str) -> Response:
        run, found = board.answer(number), board.compared(number)
        if run is None or name not in FILES:
            abort(404)
        if name != "compare.html":
            return send_file((run.run.folder / name).resolve())
        if found is None:
            abort(404)
        return Response(comparison_page(found), mimetype="text/html")

    app.server.add_url_rule("/files/<int:number>/<name>", "file", file)


def _answer_clicks(app: dash.Dash, board: Board) -> None:
    sliders = [f"lever-{lever.key}" for lever in board.levers]

    def told(lever: Lever) -> Callable[[float], str]:
        return lambda value: lever.told(float(value))

    for key, lever in zip(sliders, board.levers, strict=True):
        app.callback(Output(f"{key}-told", "children"), Input(key, "value"))(told(lever))

    def moved(
        _ticks: int, _solves: int, _cancels: int, told: str, seen: str, *values: float
    ) -> tuple[Any, Any, Any, bool, bool]:
        words = ""
        if dash.ctx.triggered_id == "solve":
            try:
                board.solve([float(value) for value in values])
            except ValueError as error:
                words = str(error)
        elif dash.ctx.triggered_id == "cancel" and board.current is not None:
            board.current.cancel()
        running = board.current is not None and board.current.state == RUNNING
        words, now = words or _state(board), _answers_key(board)
        if dash.ctx.triggered_id == "tick" and words == told and now == seen:
            raise PreventUpdate  # what is read, marked or scrolled to in the page stays as it is
        answers = dash.no_update if now == seen else _answers(board)
        return words, answers, now, running, not running

    app.callback(
        Output("state", "children"),
        Output("answer", "children"),
        Output("seen", "data"),
        Output("solve", "disabled"),
        Output("cancel", "disabled"),
        Input("tick", "n_intervals"),
        Input("solve", "n_clicks"),
        Input("cancel", "n_clicks"),
        State("state", "children"),
        State("seen", "data"),
        *(State(key, "value") for key in sliders),
    )(moved)


def _state(board: Board) -> str:
    """How far the board is, in words."""
    current = board.current
    if current is None:
        return "nothing solved yet"
    if current is not board.base_work:
        return current.words()
    again = "" if board.base is not None or current.state == RUNNING else "; Solve begins it again"
    return f"the base, {current.words()}{again}"


def _answers_key(board: Board) -> str:
    """What the answers depend on: as long as it is the same they are not drawn again."""
    told = [DONE if board.compared(work.number) is not None else work.words() for work in board.works]
    return json.dumps([board.answer(0) is not None, *told])


def _answers(board: Board) -> list[html.Section]:
    """What was solved, the latest first, and the base last where it was solved here."""
    found = [_shown(board, work) for work in reversed(board.works)]
    if board.answer(0) is not None:
        found.append(html.Section([html.H2("Base: the mine as it is"), _links(0, ("report.html", "report.xlsx"))]))
    return found


def _shown(board: Board, work: Work) -> html.Section:
    """A what-if: what was changed, what it is worth beside the base, and its files."""
    found = board.compared(work.number)
    head = html.H2(f"What-if {work.number}: {board.changes[work.number - 1]}")
    if found is None:
        return html.Section([head, html.P(work.words())])
    told = html_table(worth_table(found), f"worth-{work.number}")
    return html.Section([head, told, _links(work.number, tuple(FILES)), comparison_charts(found, work.number)])


def _links(number: int, names: Sequence[str]) -> html.P:
    """The files of a run."""
    style = {"marginRight": "16px"}
    return html.P([html.A(FILES[n], href=f"/files/{number}/{n}", target="_blank", style=style) for n in names])
