"""The page in a real browser, where there is one: no error, no request, charts that fit, a slider that works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scheduler.reports.comparison import read_compared
from scheduler.reports.facts import Facts
from scheduler.reports.headline import tiles
from scheduler.reports.page import comparison_page, report_page

WIDTHS = (390, 1440)


@pytest.fixture(scope="module")
def page_file(mzo_page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(mzo_page, encoding="utf-8")
    return file


def opened(browser: Any, file: Path, width: int, scheme: str = "light") -> list[str]:
    """Opens a page at a width; gives the addresses that it asked for beside its own."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    media = {"features": [{"name": name, "value": value} for name, value in wanted.items()]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    for log in ("performance", "browser"):
        browser.get_log(log)
    browser.get(file.as_uri())
    settled(browser)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in asked if url != file.as_uri() and not url.startswith("data:")]


def settled(browser: Any) -> None:
    """Waits for two frames to be drawn."""
    frames = "requestAnimationFrame(() => requestAnimationFrame(arguments[arguments.length - 1]))"
    browser.execute_async_script(frames)


def pixels(browser: Any) -> str:
    return str(browser.execute_script("return document.getElementById('solid').toDataURL()"))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_opens_alone_and_fits(browser: Any, page_file: Path, mzo: Facts, width: int):
    assert opened(browser, page_file, width) == []
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for tile in tiles(mzo):
        assert browser.find_element("css selector", f"#tile-{tile.key} dd").text == tile.value.replace("\xa0", " ")
    kind, other = ("narrow", "wide") if width < 600 else ("wide", "narrow")
    charts = browser.find_elements("css selector", f"figure .at-{kind} svg.chart")
    assert len(charts) == 11
    assert all(chart.is_displayed() and chart.size["width"] > 250 for chart in charts)
    hidden = browser.find_elements("css selector", f"figure .at-{other} svg.chart")
    assert not any(chart.is_displayed() for chart in hidden)
    small = browser.execute_script(
        "return Array.from(document.querySelectorAll('svg.chart text'))"
        ".filter(t => t.getBoundingClientRect().height > 0).map(t => 12 * t.getScreenCTM().a)"
        ".filter(size => size > 0 && size < 9).length"
    )
    assert small == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_the_slider_moves_the_year_and_the_pit(browser: Any, page_file: Path, mzo: Facts, width: int):
    opened(browser, page_file, width)
    slider, told = (browser.find_element("id", name) for name in ("solid-year", "solid-told"))
    pictures = set()
    moved = mzo.series("moved_mt")
    for year in (0, 1, len(mzo.labels)):
        set_slider(browser, slider, year)
        pictures.add(pixels(browser))
        when = f"End of {mzo.labels[year - 1]}" if year else "Before mining begins"
        assert told.text == f"{when}: {moved[:year].sum():.1f} of {moved.sum():.1f} Mt moved"
    assert len(pictures) == 3
    slider.send_keys("\ue012")
    settled(browser)
    assert told.text.startswith(f"End of {mzo.labels[-2]}")


def set_slider(browser: Any, slider: Any, value: int) -> None:
    browser.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", slider, str(value)
    )
    settled(browser)


def test_the_pit_turns_by_keys_and_shows_its_materials(browser: Any, page_file: Path):
    opened(browser, page_file, 1440)
    canvas = browser.find_element("id", "solid")
    before = pixels(browser)
    canvas.send_keys("\ue012")
    settled(browser)
    turned = pixels(browser)
    assert turned != before
    browser.find_element("css selector", "input[value=material]").click()
    settled(browser)
    assert pixels(browser) != turned
    assert browser.find_element("id", "solid-materials").is_displayed()
    assert not browser.find_element("id", "solid-periods").is_displayed()


def test_the_old_pit_is_seen_where_its_fill_is_dug(browser: Any, page_file: Path, mzo: Facts):
    """Before mining the fill covers part of the picture in its own colour; at the end none is left."""
    opened(browser, page_file, 1440)
    browser.find_element("css selector", "input[value=material]").click()
    slider = browser.find_element("id", "solid-year")
    count = (
        "const c = document.getElementById('solid'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 0; i < d.length; i += 4) {"
        "if (d[i] === 0x3c && d[i + 1] === 0x87 && d[i + 2] === 0xad) { n += 1; } } return n;"
    )
    set_slider(browser, slider, 0)
    assert browser.execute_script(count) > 2_000
    set_slider(browser, slider, len(mzo.labels))
    assert browser.execute_script(count) == 0


def test_tables_open_by_keyboard(browser: Any, page_file: Path):
    opened(browser, page_file, 390)
    summary = browser.find_element("css selector", "#mined summary")
    browser.execute_script("arguments[0].focus()", summary)
    summary.send_keys("\ue007")
    table = browser.find_element("css selector", "#mined table")
    assert table.is_displayed()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_dark_paper_is_dark_and_text_on_it_light(browser: Any, page_file: Path):
    ask = (
        "const s = getComputedStyle(document.body);"
        "return [s.backgroundColor, s.color].map(c => c.match(/\\d+/g).map(Number))"
    )
    for scheme, sign in (("light", 1), ("dark", -1)):
        opened(browser, page_file, 1440, scheme)
        paper, ink = browser.execute_script(ask)
        assert sign * (sum(paper[:3]) - sum(ink[:3])) > 400


def test_a_hostile_mine_runs_nothing(browser: Any, hostile: Facts, tmp_path: Path):
    file = tmp_path / "report.html"
    file.write_text(report_page(hostile), encoding="utf-8")
    assert opened(browser, file, 390) == []
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert browser.execute_script("return document.scripts.length") == 2


def test_a_script_that_got_into_the_page_would_not_run(browser: Any, mzo_page: str, tmp_path: Path):
    """The second lock: what the page allows holds even where escaping had failed."""
    file = tmp_path / "report.html"
    file.write_text(mzo_page.replace("<main>", "<script>window.broken = 1</script><main>"), encoding="utf-8")
    opened(browser, file, 1440)
    assert browser.execute_script("return window.broken") is None
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


def test_the_page_of_a_comparison_opens_alone(browser: Any, mzo_run: Path, tmp_path: Path):
    file = tmp_path / "compare.html"
    file.write_text(comparison_page(read_compared([mzo_run, mzo_run])), encoding="utf-8")
    for width in WIDTHS:
        assert opened(browser, file, width) == []
        assert browser.get_log("browser") == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
