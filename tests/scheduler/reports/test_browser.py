"""The page in a real browser, where there is one: no error, no request, charts that fit, a slider that works."""

from __future__ import annotations

import dataclasses
import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scheduler.reports.comparison import read_compared
from scheduler.reports.facts import Facts
from scheduler.reports.headline import tiles
from scheduler.reports.page import comparison_page, report_page
from tests.scheduler.reports.conftest import HOSTILE
from tests.scheduler.reports.looks import CROPPED, FAINT, JOSTLED, SMALL, UNTITLED, nameless, printed_pages

WIDTHS = (390, 1440)
PATIENCE_S = 120.0
SHEET_PX = 1016
"""Height of A4 within its margins."""
FILL = (0x3C, 0x87, 0xAD)
"""Colour of the second class of fill."""


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
    drawn(browser)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in asked if url != file.as_uri() and not url.startswith("data:")]


def drawn(browser: Any) -> None:
    """Waits for all charts and the pit."""
    ask = (
        "return document.documentElement.dataset.drawn === 'all'"
        "&& !document.querySelector('.scene:not([data-drawn]):not(.missing)')"
    )
    end = time.monotonic() + PATIENCE_S
    while not browser.execute_script(ask):
        assert time.monotonic() < end, "the charts were never drawn"
        time.sleep(0.05)
    settled(browser)


def faults(browser: Any) -> list[str]:
    """What the browser complains of; that plotly could be faster is no fault."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def settled(browser: Any) -> None:
    """Waits for two frames to be drawn."""
    frames = "requestAnimationFrame(() => requestAnimationFrame(arguments[arguments.length - 1]))"
    browser.execute_async_script(frames)


def pixels(browser: Any) -> NDArray[np.uint8]:
    """What is seen of the pit, shape ``(height, width, 3)``."""
    settled(browser)
    shot = browser.find_element("id", "solid").screenshot_as_png
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_opens_alone_and_fits(browser: Any, page_file: Path, mzo: Facts, width: int):
    assert opened(browser, page_file, width) == []
    assert faults(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for tile in tiles(mzo):
        assert browser.find_element("css selector", f"#tile-{tile.key} dd").text == tile.value.replace("\xa0", " ")
    charts = browser.find_elements("css selector", ".plot")
    assert len(charts) == 11
    assert all(chart.is_displayed() and chart.size["width"] > 250 for chart in charts)
    assert browser.execute_script(SMALL) == []
    assert browser.execute_script(UNTITLED) == []
    assert browser.execute_script(CROPPED) == []
    scene = browser.execute_script("return document.getElementById('solid').layout.scene")
    assert [scene[f"{one}axis"]["title"]["text"] for one in "xyz"] == ["easting, m", "northing, m", "elevation, m"]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_slider_moves_the_year_and_the_pit(browser: Any, page_file: Path, mzo: Facts, width: int):
    opened(browser, page_file, width)
    slider, told = (browser.find_element("id", name) for name in ("solid-year", "solid-told"))
    pictures: set[bytes] = set()
    moved = mzo.series("moved_mt")
    for year in (0, 1, len(mzo.labels)):
        set_slider(browser, slider, year)
        pictures.add(pixels(browser).tobytes())
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
    before = pixels(browser)
    browser.execute_script("document.getElementById('solid').focus()")
    browser.switch_to.active_element.send_keys("\ue012")
    turned = pixels(browser)
    assert (turned != before).any()
    browser.find_element("css selector", "input[value=material]").click()
    assert (pixels(browser) != turned).any()
    assert browser.find_element("id", "solid-materials").is_displayed()
    assert not browser.find_element("id", "solid-periods").is_displayed()


def test_the_old_pit_is_seen_where_its_fill_is_dug(browser: Any, page_file: Path, mzo: Facts):
    """Before mining the fill covers part of the picture in its own colour; at the end none is left."""
    opened(browser, page_file, 1440)
    browser.find_element("css selector", "input[value=material]").click()
    slider = browser.find_element("id", "solid-year")

    def fill() -> int:
        return int((np.abs(pixels(browser).astype(int) - FILL).max(axis=2) <= 2).sum())

    set_slider(browser, slider, 0)
    assert fill() > 2_000
    set_slider(browser, slider, len(mzo.labels))
    assert fill() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_the_whole_pit_is_in_the_picture(browser: Any, page_file: Path, mzo: Facts, width: int):
    """Turned all the way round, nothing of it touches an edge."""
    opened(browser, page_file, width)
    set_slider(browser, browser.find_element("id", "solid-year"), len(mzo.labels))
    for _ in range(4):
        seen = pixels(browser)
        paper = seen[0, seen.shape[1] // 2]
        edges = np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]]).astype(int)
        assert (np.abs(edges - paper).max(axis=1) <= 3).mean() > 0.98
        assert (np.abs(seen.astype(int) - paper).max(axis=2) > 12).mean() > 0.1
        for _ in range(10):
            browser.execute_script("document.querySelector('[data-turn=ArrowLeft]').click()")


def test_arrow_keys_tell_the_values_of_a_chart(browser: Any, page_file: Path, mzo: Facts):
    opened(browser, page_file, 1440)
    starts = {"mined": f"{mzo.labels[1]}; direct ore: ", "binding": "mill capacity, ", "waterfall": "by-products: "}
    starts["benches"] = mzo.mine.phases[next(iter(mzo.mine.phases))].title or ""
    for key, words in starts.items():
        browser.execute_script("document.getElementById(arguments[0]).focus()", f"plot-{key}")
        browser.switch_to.active_element.send_keys("\ue014\ue014")
        assert browser.find_element("id", "told").get_attribute("textContent").startswith(words)
        assert browser.find_elements("css selector", f"#plot-{key} .hoverlayer text")
    browser.switch_to.active_element.send_keys("\ue00c")
    assert browser.find_element("id", "told").get_attribute("textContent") == ""


def test_charts_are_drawn_anew_for_paper(browser: Any, page_file: Path):
    """In its width and with dark ink, also where the screen is dark; and back."""
    opened(browser, page_file, 1440, "dark")
    ask = (
        "const one = document.querySelector('#plot-mined .xtick text');"
        "return [getComputedStyle(one).fill, one.closest('svg').clientWidth]"
    )
    ink, wide = browser.execute_script(ask)
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    paper_ink, paper_wide = browser.execute_script(ask)
    assert paper_ink != ink
    assert paper_wide <= 680 < wide
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(ask) == [ink, wide]


PRICES = "return Array.from(document.querySelectorAll('#plot-binding .heatmap-label text'), one => one.textContent)"


@pytest.mark.parametrize("width", [*WIDTHS, "paper"])
def test_no_words_of_a_chart_are_cut_or_lie_over_each_other(
    browser: Any, page_file: Path, mzo: Facts, width: int | str
):
    """On a wide page, on a telephone and on paper; and each price of a limit is written in its cell on all of them."""
    opened(browser, page_file, width if isinstance(width, int) else 1440)
    if width == "paper":
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(CROPPED) == []
    assert browser.execute_script(JOSTLED) == []
    prices = [one["value"] for one in mzo.summary["shadow_prices"]]
    assert sorted(browser.execute_script(PRICES)) == sorted(f"{price:.1f}" for price in prices)
    browser.execute_script("dispatchEvent(new Event('afterprint'))")


MANY_LIMITS = (
    "limits.mill_t_per_day",
    "limits.mining_mt_per_year",
    "limits.strip_ratio_max",
    *(f"destinations.{place}.capacity_mt" for place in ("stockpile", "tmf2", "tmf3", "dump")),
)


@pytest.mark.parametrize("width", [390, 1440])
def test_prices_of_many_limits_are_written_in_their_cells(browser: Any, mzo: Facts, tmp_path: Path, width: int):
    labels = mzo.labels
    prices = [
        {"key": key, "period": label, "unit": "t", "value": 1.5 + 10 * number + place}
        for number, key in enumerate(MANY_LIMITS)
        for place, label in enumerate(labels)
    ]
    run = dataclasses.replace(mzo.run, summary={**mzo.summary, "shadow_prices": prices})
    file = tmp_path / "report.html"
    file.write_text(report_page(dataclasses.replace(mzo, run=run)), encoding="utf-8")
    opened(browser, file, width)
    told = browser.execute_script(PRICES)
    assert sorted(map(float, told)) == sorted(one["value"] for one in prices)
    assert [words for words in browser.execute_script(JOSTLED) if "binding" in words] == []
    assert [words for words in browser.execute_script(CROPPED) if "binding" in words] == []
    browser.execute_script("document.getElementById('plot-binding').focus()")
    browser.switch_to.active_element.send_keys("\ue013")
    assert browser.find_element("id", "told").get_attribute("textContent").endswith("C$/t")


CELLS = """return Array.from(document.querySelectorAll(arguments[0] + ' tr'), row =>
  Array.from(row.cells, cell => cell.innerText.trim()))"""


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_are_those_of_the_summary_to_the_last_digit(browser: Any, page_file: Path, mzo: Facts, width: int):
    """As they are seen: opened in the page, and read from it."""
    opened(browser, page_file, width)
    browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    summary = mzo.summary
    metal = {row[0]: row[1] for row in browser.execute_script(CELLS, "#metal-copper table")}
    assert {
        period: f"{value:,.1f}" for period, value in summary["copper_mlb_by_period"].items()
    }.items() <= metal.items()
    assert metal["all"] == f"{summary['copper_mlb_total']:,.1f}"
    mined = browser.execute_script(CELLS, "#mined table")[-1]
    assert mined[-2:] == [f"{summary['moved_mt']:.2f}", f"{summary['strip_ratio']:.2f}"]
    cash = {row[0]: row[-1] for row in browser.execute_script(CELLS, "#cash-table table")}
    assert cash["discounted, before tax"] == f"{summary['objective'] / 1e6:,.1f}"
    assert cash["discounted, after tax"] == f"{summary['npv'] / 1e6:,.1f}"
    assert cash["cash flow after tax"] == f"{mzo.cash.undiscounted_after_tax / 1e6:,.1f}"
    tile = browser.find_element("css selector", "#tile-objective dd").text
    assert tile == f"C$ {summary['objective'] / 1e6:,.1f} M"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_lies_behind_it(browser: Any, page_file: Path, scheme: str):
    opened(browser, page_file, 1440, scheme)
    seen, faint = browser.execute_script(FAINT)
    assert seen > 1_000
    assert faint == []


def test_what_takes_the_keyboard_has_a_name(browser: Any, page_file: Path):
    opened(browser, page_file, 1440)
    assert nameless(browser) == []


def test_a_report_is_printed_on_few_pages_and_no_chart_is_cut(browser: Any, page_file: Path):
    """Every figure finds room on a sheet and asks not to be broken."""
    opened(browser, page_file, 1440)
    assert 5 < printed_pages(browser) <= 10
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    ask = (
        "return Array.from(document.querySelectorAll('figure'), one => [one.id, getComputedStyle(one).breakInside,"
        "one.getBoundingClientRect().height])"
    )
    figures = browser.execute_script(ask)
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert len(figures) == 14
    for key, inside, height in figures:
        assert inside == "avoid", key
        assert 50 < height < SHEET_PX, key


def test_where_the_numbers_come_from_stands_on_paper_too(browser: Any, page_file: Path):
    opened(browser, page_file, 1440)
    table = browser.find_element("css selector", "#assumptions-table table")
    assert not table.is_displayed()
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert table.is_displayed()
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not table.is_displayed()


def test_sentences_in_a_table_have_room_on_a_telephone(browser: Any, page_file: Path):
    """Reasons are read by scrolling aside, not as a column of single words."""
    opened(browser, page_file, 390)
    cells = browser.find_elements("css selector", "#published ~ .scroll td.long")
    assert cells
    assert min(cell.size["width"] for cell in cells) > 180


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


OUTSIDE = """return Array.from(document.querySelectorAll('.plot image'), one => one.href.baseVal)
  .filter(one => !one.startsWith('data:image/png'))"""
FORBIDDEN = (".plot a[href]", ".scene a[href]", ".plot img", ".plot script", ".plot foreignObject", ".plot iframe")
"""Elements that no chart has; cells of a matrix are one image, which plotly makes itself."""


def test_a_hostile_mine_runs_nothing(browser: Any, hostile: Facts, tmp_path: Path):
    file = tmp_path / "report.html"
    file.write_text(report_page(hostile), encoding="utf-8")
    assert opened(browser, file, 390) == []
    assert faults(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert browser.execute_script("return Array.from(document.scripts).filter(one => !one.type).length") == 3
    for selector in FORBIDDEN:
        assert browser.find_elements("css selector", selector) == [], selector
    assert browser.execute_script(OUTSIDE) == []
    browser.execute_script("document.getElementById('plot-mined').focus()")
    for _ in range(4):
        browser.switch_to.active_element.send_keys("\ue014")
        for selector in FORBIDDEN:
            assert browser.find_elements("css selector", selector) == [], selector
    told = browser.find_element("id", "told").get_attribute("textContent")
    assert HOSTILE[3] in told


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
    for width, scheme in zip(WIDTHS, ("dark", "light"), strict=True):
        assert opened(browser, file, width, scheme) == []
        assert faults(browser) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        for question in (SMALL, UNTITLED, CROPPED, JOSTLED):
            assert browser.execute_script(question) == []
        seen, faint = browser.execute_script(FAINT)
        assert seen > 100
        assert faint == []
        assert nameless(browser) == []
