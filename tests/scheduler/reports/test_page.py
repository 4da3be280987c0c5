"""The page says what the summary says, stands alone, has a table under every chart, and lets nothing of a mine run."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs

from scheduler.published import compare
from scheduler.reports.facts import Facts
from scheduler.reports.headline import tiles
from scheduler.reports.labels import label
from scheduler.reports.numbers import percent
from scheduler.reports.page import report_page
from tests.scheduler.reports.conftest import HOSTILE

VOID = {"meta", "link", "input", "img", "br", "hr"}
FIGURES = {
    "mined",
    "feed",
    "metal-copper",
    "stock",
    "tailings",
    "solid-figure",
    "plans",
    "sections",
    "benches",
    "grade-tonnage",
    "cut-off",
    "waterfall",
    "cash",
    "binding",
}


class Outline(HTMLParser):
    """Elements, their attributes and their text, and whether every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.words: dict[str, str] = {}
        self.parents: list[int] = []
        self.stack: list[int] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        self.parents.append(self.stack[-1] if self.stack else -1)
        if tag not in VOID:
            self.open.append(tag)
            self.stack.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        self.parents.append(self.stack[-1] if self.stack else -1)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} closes nothing"
        assert self.open.pop() == tag
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        for place in self.stack:
            self.elements[place][2].append(data)

    def of(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, "".join(words)) for name, attributes, words in self.elements if name == tag]

    def text_of(self, key: str) -> str:
        return next("".join(words) for _, attributes, words in self.elements if attributes.get("id") == key)


@pytest.fixture(scope="module")
def outline(mzo_page: str) -> Outline:
    return Outline(mzo_page)


def test_every_element_is_closed_and_every_name_is_used_once(outline: Outline):
    assert outline.open == []
    names = [attributes["id"] for _, attributes, _ in outline.elements if attributes.get("id")]
    assert len(names) == len(set(names))
    targets = [attributes["href"] for attributes, _ in outline.of("a") if attributes["href"]]
    assert targets
    assert {str(target).removeprefix("#") for target in targets} <= set(names)


def test_nothing_is_fetched_and_only_our_scripts_may_run(mzo_page: str, outline: Outline):
    ours = mzo_page.replace(get_plotlyjs(), "")
    assert len(ours) == len(mzo_page) - len(get_plotlyjs()), "plotly stands in the page, once"
    assert not re.search(r"""(?:src|href|action|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", ours)
    policy = next(a["content"] for a, _ in outline.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    scripts = [(a, text) for a, text in outline.of("script") if a.get("type") != "application/json"]
    assert len(scripts) == 3
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for _, text in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    assert policy is not None
    assert f"script-src {allowed};" in policy
    assert not any(mark in policy for mark in ("unsafe-eval", "blob:", "*", "http"))
    assert "default-src 'none'" in policy
    assert len(mzo_page) < 12_000_000


def test_the_headline_is_that_of_the_summary(mzo: Facts, outline: Outline):
    summary = mzo.summary
    for tile in tiles(mzo):
        assert tile.value in outline.text_of(f"tile-{tile.key}")
    told = outline.text_of("tile-objective").replace("\xa0", " ")
    assert f"C$ {summary['objective'] / 1e6:,.1f} M" in told
    assert f"gap {percent(summary['gap'])}" in told
    assert f"C$ {summary['bound'] / 1e6:,.1f} M" in told
    assert f"{summary['copper_mlb_total']:,.1f} Mlb" in outline.text_of("tile-metal-copper").replace("\xa0", " ")
    assert f"{summary['strip_ratio']:.2f} t/t" in outline.text_of("tile-strip").replace("\xa0", " ")
    assert f"C$ {summary['npv_published_basis'] / 1e6:,.1f} M" in outline.text_of("tile-npv-published").replace(
        "\xa0", " "
    )


def tables(outline: Outline) -> dict[str, list[list[str]]]:
    """Cells of the tables, row by row, by caption."""
    found: dict[str, list[list[str]]] = {}
    caption, rows = "", []
    for tag, _, words in outline.elements:
        text = "".join(words).strip()
        if tag == "caption":
            caption, rows = text, []
            found[caption] = rows
        elif tag == "tr":
            rows.append([])
        elif tag in {"td", "th"}:
            rows[-1].append(text)
    return found


def test_tables_agree_with_the_summary_to_the_last_digit(mzo: Facts, outline: Outline):
    found = tables(outline)
    metal = {row[0]: row[1] for row in found["Copper by period"][1:]}
    for period, value in mzo.summary["copper_mlb_by_period"].items():
        assert metal[period] == f"{value:,.1f}"
    assert metal["all"] == f"{mzo.summary['copper_mlb_total']:,.1f}"
    mined = found["Material mined and strip ratio"]
    assert mined[-1][-2:] == [f"{mzo.summary['moved_mt']:.2f}", f"{mzo.summary['strip_ratio']:.2f}"]
    value = found["Cash by period and value to date"]
    assert value[-2][-1] == f"{mzo.summary['npv'] / 1e6:,.1f}"
    rows = found["Published figures against this plan"][1:]
    assert [row[0] for row in rows] == [one.title for one in compare(mzo.instance, mzo.summary)]


def test_every_figure_has_its_words_and_its_numbers(outline: Outline):
    figures = {str(a["id"]): place for place, (tag, a, _) in enumerate(outline.elements) if tag == "figure"}
    assert set(figures) == FIGURES
    for key, place in figures.items():
        inside = [n for n in range(len(outline.elements)) if within(outline, n, place)]
        kinds = {outline.elements[n][0] for n in inside}
        classes = {outline.elements[n][1].get("class") for n in inside}
        assert classes & {"plot", "scene", "map"}
        assert "figcaption" in kinds
        assert "table" in kinds or key in {"plans", "sections"}
        for n in inside:
            tag, attributes, _ = outline.elements[n]
            if tag == "svg" or attributes.get("class") in {"plot", "scene"}:
                assert attributes["role"] == "img"
                assert attributes["aria-label"]


def within(outline: Outline, place: int, ancestor: int) -> bool:
    while place != -1:
        place = outline.parents[place]
        if place == ancestor:
            return True
    return False


def test_headings_go_down_one_by_one_and_tables_name_rows_and_columns(outline: Outline):
    levels = [int(tag[1]) for tag, _, _ in outline.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(a.get("scope") in {"row", "col"} for a, _ in outline.of("th"))
    labelled = [a for tag, a, _ in outline.elements if tag == "button"]
    texts = [text for a, text in outline.of("button") if not a.get("aria-label")]
    assert labelled
    assert all(text.strip().isalpha() for text in texts)


def test_no_number_is_missing_by_a_fault(mzo_page: str):
    body = re.sub(r"<script.*?</script>|<style>.*?</style>", "", mzo_page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|inf|None|Infinity)\b", body)


def test_a_hostile_mine_stays_text(hostile: Facts):
    text = report_page(hostile)
    outline = Outline(text)
    assert outline.open == []
    assert [a.get("type") for a, _ in outline.of("script")][-4:] == ["application/json", None, None, None]
    assert sum(a.get("type") is None for a, _ in outline.of("script")) == 3
    assert "onerror" not in {name for _, attributes, _ in outline.elements for name in attributes}
    assert not outline.of("img")
    assert outline.text_of("solid-data")
    data = json.loads(outline.text_of("solid-data"))
    names = [data["looks"]["material"][str(code)][0] for code in range(3)]
    assert names == [label(words) for words in (HOSTILE[3], HOSTILE[8], HOSTILE[6])]
    assert "49" not in outline.of("h1")[0][1]
    assert HOSTILE[0] in outline.of("h1")[0][1]
    shown = "".join(text for _, text in outline.of("body"))
    for words in HOSTILE[:9]:
        assert words in shown
    assert "AUDIT FAILED" in shown


def test_a_mine_without_stock_prices_or_publications_has_no_empty_figures(small: Facts):
    outline = Outline(report_page(small))
    figures = {str(a["id"]) for a, _ in outline.of("figure")}
    assert "tailings" not in figures
    assert "published" not in {a.get("id") for _, a, _ in outline.elements}
