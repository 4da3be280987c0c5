"""The board solves, compares and cancels; it answers nobody else and gives out no file but its own."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("dash", reason="dash is not installed: the board was not opened")
pytest.importorskip("selenium", reason="selenium is not installed: the board was not opened")

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from werkzeug.serving import make_server

from instances.reading import read_mine
from scheduler.board import child
from scheduler.board.app import Board, make_app
from scheduler.board.work import CANCELLED, DONE, Terms
from scheduler.reports.facts import read_facts
from scheduler.reports.writing import write_reports
from scheduler.runfolder import MINE, read_run
from tests.scheduler.reports.conftest import hand_plan, two_phases, write_plan
from tests.scheduler.reports.looks import FAINT, nameless

PATIENCE_S = 120.0


def waited(done: Callable[[], Any]) -> Any:
    """What a question is answered with at last; of an element not there yet, or just drawn anew, there is no answer."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with suppress(NoSuchElementException, StaleElementReferenceException):
            if answer := done():
                return answer
        time.sleep(0.05)
    pytest.fail("it never came")


def texts(browser: Any, selector: str) -> list[str]:
    """What stands in some elements, read in one go: the page may draw them anew at any time."""
    ask = "return Array.from(document.querySelectorAll(arguments[0])).map(one => one.textContent)"
    return [str(text) for text in browser.execute_script(ask, selector)]


def press(browser: Any, key: str) -> None:
    """Presses a button, wherever the page is scrolled to."""
    button = waited(lambda: browser.find_elements("id", key))[0]
    browser.execute_script("arguments[0].click()", button)


@pytest.fixture
def small_board(small_run: Path, tmp_path: Path) -> Iterator[Board]:
    board = Board.of_run(read_facts(small_run), tmp_path, gap=0.0, time_limit_s=60.0)
    yield board
    board.close()


@contextmanager
def serving(board: Board) -> Iterator[str]:
    """The address of a board while it is open."""
    server = make_server("127.0.0.1", 0, make_app(board).server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        board.close()


@pytest.fixture
def served(small_board: Board) -> Iterator[str]:
    """The address of the board of the small mine."""
    with serving(small_board) as address:
        yield address


def test_a_slider_moved_is_solved_and_set_beside_the_base(browser: Any, served: str, small_board: Board):
    browser.get(served)
    slider = waited(lambda: browser.find_elements("id", "lever-price-copper"))[0]
    slider.send_keys("\ue012")
    waited(lambda: browser.find_element("id", "lever-price-copper-told").text.startswith("95 % of the base"))
    press(browser, "solve")
    cells = waited(lambda: texts(browser, "#worth-1 tbody tr:first-child td"))
    found = read_run(small_board.works[0].out)
    assert found.instance.overrides == ("products.copper.price_usd_per_lb*=0.95",)
    assert small_board.base is not None
    base = small_board.base.summary["objective"]
    assert cells[1] != cells[0]
    assert cells[2] == f"$ {(found.summary['objective'] - base) / 1e6:+,.3f} M"
    waited(lambda: len(browser.find_elements("css selector", "#answer .js-plotly-plot .ytitle")) == 2)
    titles = texts(browser, "#answer .ytitle")
    assert titles == ["Cash after tax, $ M", "NPV to date, $ M"]
    assert texts(browser, "#answer .xtitle") == ["period", "period"]
    assert len(texts(browser, "#cash-1 tbody tr")) == len(small_board.base.labels)
    assert nameless(browser) == []
    for scheme in ("dark", "light"):
        wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
        seen, faint = browser.execute_script(FAINT)
        assert seen > 60
        assert faint == []
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []
    links = browser.execute_script("return Array.from(document.querySelectorAll('#answer a')).map(one => one.href)")
    assert links == [f"{served}files/1/{name}" for name in ("report.html", "report.xlsx", "compare.html")]


def test_what_is_read_stays_as_it_is_while_nothing_changes(browser: Any, served: str):
    """The page asks twice a second how far it is; only what is new is drawn."""
    browser.get(served)
    press(browser, "solve")
    waited(lambda: browser.find_elements("id", "worth-1"))
    waited(lambda: browser.find_element("id", "state").text.startswith("done"))
    browser.execute_script(
        "window.drawn = 0; window.polls = 0;"
        "new MutationObserver(() => { window.drawn += 1; })"
        ".observe(document.getElementById('answer'), {childList: true});"
        "new MutationObserver(() => { window.drawn += 1; })"
        ".observe(document.getElementById('state'), {childList: true, characterData: true, subtree: true});"
        "const asked = window.fetch; window.fetch = (...all) => { window.polls += 1; return asked(...all); };"
    )
    waited(lambda: browser.execute_script("return window.polls") >= 4)
    assert browser.execute_script("return window.drawn") == 0


def test_a_running_solve_is_cancelled(browser: Any, mzo_run: Path, tmp_path: Path):
    """With a gap of nought the bundled mine is not solved within the patience of a test."""
    board = Board.of_run(read_facts(mzo_run), tmp_path, gap=0.0, time_limit_s=600.0)
    with serving(board) as address:
        browser.get(address)
        press(browser, "solve")
        waited(lambda: browser.find_element("id", "state").text.startswith("solving"))
        waited(lambda: board.works[0].told.get("stage") in {"model", "solve", "search"})
        waited(lambda: not browser.find_element("id", "solve").is_enabled())
        press(browser, "cancel")
        waited(lambda: "cancel again to give it up" in browser.find_element("id", "state").text)
        press(browser, "cancel")
        # A search may come to its end just before it is given up.
        waited(lambda: browser.find_element("id", "state").text.startswith(("cancelled", "done: feasible")))
        assert board.works[0].process.poll() is not None
        assert board.works[0].state in {CANCELLED, DONE}
        assert board.works[0].out.exists() == (board.works[0].state == DONE)


def test_a_mine_is_solved_first_and_then_compared_with(browser: Any, small_run: Path, tmp_path: Path):
    """The base comes from the mine as it is; an earlier board's runs in the same folder stay."""
    mine = Path(shutil.copytree(small_run / MINE, tmp_path / "mine"))
    out = tmp_path / "out"
    (out / "base").mkdir(parents=True)
    (out / "base" / "kept").touch()
    board = Board(None, mine, read_mine(mine).mine, out, gap=0.0, time_limit_s=60.0)
    with serving(board) as address:
        browser.get(address)
        waited(lambda: browser.find_element("id", "state").text == "the base, done: optimal within the gap")
        base = read_run(out / "base-2")
        assert base.instance.overrides == ()
        assert [path.name for path in (out / "base").iterdir()] == ["kept"]
        slider = waited(lambda: browser.find_elements("id", "lever-discount"))[0]
        slider.send_keys("\ue014")
        lever = next(one for one in board.levers if one.key == "discount")
        moved = lever.told(lever.base + lever.step)
        waited(lambda: browser.find_element("id", "lever-discount-told").text == moved)
        press(browser, "solve")
        npv = next(row for row in waited(lambda: texts(browser, "#worth-1 tr")) if row.startswith("NPV after tax"))
        then = read_run(out / "what-if-1")
        assert npv.endswith(f"$ {(then.summary['npv'] - base.summary['npv']) / 1e6:+,.3f} M")
        assert then.summary["npv"] < base.summary["npv"]
        assert texts(browser, "#answer h2")[0] == f"What-if 1: discount rate {moved}"
        assert texts(browser, "a[href='/files/0/report.xlsx']") == ["workbook"]


def test_a_base_that_is_given_up_is_begun_again(small_run: Path, tmp_path: Path):
    board = Board(None, small_run / MINE, read_mine(small_run / MINE).mine, tmp_path, gap=0.0, time_limit_s=60.0)
    first = board.current
    assert first is not None
    first.cancel()
    first.cancel()
    first.process.wait(PATIENCE_S)
    values = [lever.base for lever in board.levers]
    if first.state == CANCELLED:
        assert board.base is None
        board.solve(values)
        assert board.works == []
        assert board.current is not first
    waited(lambda: board.base)
    board.close()


def test_only_this_machine_is_answered(small_board: Board):
    client = make_app(small_board).server.test_client()
    assert client.get("/", headers={"Host": "127.0.0.1:8321"}).status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
    page = {"Host": "127.0.0.1:8321", "Origin": "http://evil.example"}
    assert client.post("/_dash-update-component", headers=page, json={}).status_code == 403


def test_other_machines_are_answered_where_that_was_asked_for(small_board: Board):
    """By whatever name they call this one, but never for a page of another site."""
    client = make_app(small_board, None).server.test_client()
    assert client.get("/", headers={"Host": "192.168.1.5:8321"}).status_code == 200
    page = {"Host": "192.168.1.5:8321", "Origin": "http://evil.example"}
    assert client.post("/_dash-update-component", headers=page, json={}).status_code == 403


def test_no_file_but_those_of_a_what_if_is_given_out(small_board: Board, tmp_path: Path):
    client = make_app(small_board).server.test_client()
    out = tmp_path / "what-if-1"
    assert small_board.base is not None
    shutil.copytree(small_board.base.run.folder, out)
    write_reports(read_facts(out))
    done: Any = SimpleNamespace(out=out, state=DONE, end=lambda: None)
    small_board.works.append(done)
    for name in ("report.html", "report.xlsx", "compare.html"):
        answer = client.get(f"/files/1/{name}", headers={"Host": "localhost"})
        assert answer.status_code == 200
        answer.close()
    secret = (out / "run.json").read_bytes()
    for path in (
        "1/run.json",
        "2/report.html",
        "0/report.html",
        "1/..%2frun.json",
        "1/../1/run.json",
        "1/%2e%2e/run.json",
    ):
        answer = client.get(f"/files/{path}", headers={"Host": "localhost"})
        assert answer.status_code == 404 or secret not in answer.data
        answer.close()


def test_a_second_solve_waits_and_a_value_off_the_slider_is_refused(small_board: Board):
    values = [lever.base for lever in small_board.levers]
    with pytest.raises(ValueError, match="is not from"):
        small_board.solve([1e9, *values[1:]])
    assert small_board.works == []
    small_board.solve(values)
    small_board.solve(values)
    assert len(small_board.works) == 1


def test_a_what_if_of_a_plan_by_blocks_is_solved_by_blocks(tmp_path: Path):
    """With nothing moved it is the base again, by the same engine and mined in the same way."""
    instance = two_phases(**{"blocks.mining": "whole"})
    base = write_plan(tmp_path / "run", instance, hand_plan(instance, "block"), engine="block", mining="whole")
    board = Board.of_run(read_facts(base), tmp_path / "out", gap=0.01, time_limit_s=20.0)
    board.solve([lever.base for lever in board.levers])
    waited(lambda: board.works[0].state == DONE)
    found = read_run(board.works[0].out)
    board.close()
    assert found.plan.resolution == "block"
    assert (found.summary["engine"], found.summary["mining"]) == ("block", "whole")


def test_what_was_changed_in_the_base_is_told_of_its_what_ifs_too(tmp_path: Path):
    """Its copy of the mine has the change already: a discount rate of 9 %, and 10 % in the what-if."""
    rate = "calendar.discount_rate_per_year"
    instance = replace(two_phases(**{rate: 0.09}), overrides=(f"{rate}=0.09",))
    base = write_plan(tmp_path / "run", instance, hand_plan(instance))
    board = Board.of_run(read_facts(base), tmp_path / "out", gap=0.01, time_limit_s=20.0)
    assert f"In the base already: {rate}=0.09" in str(make_app(board).layout)
    board.solve([10.0 if lever.path == rate else lever.base for lever in board.levers])
    waited(lambda: board.works[0].state == DONE)
    found = read_run(board.works[0].out)
    board.close()
    assert found.instance.overrides == (f"{rate}=0.09", f"{rate}=0.1")
    assert found.instance.mine.calendar.discount_rate_per_year == 0.1


def test_a_mine_that_cannot_be_read_ends_in_words(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    asked = {
        "mine": str(small_run / MINE),
        "changes": ["limits.mil_t_per_day=1"],
        "before": [],
        "out": str(tmp_path / "run"),
    }
    child.main(json.dumps({**asked, **asdict(Terms(0.0, 60.0))}))
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["written"] is False
    assert "nearest: limits.mill_t_per_day" in told["findings"][0]
    assert not (tmp_path / "run").exists()
