"""Charts are what plotly takes, say what they are given, and neutralise what comes from a mine."""

from __future__ import annotations

import dataclasses
import html
import itertools
import json
import math
import re
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reports import palette
from scheduler.reports.bench_chart import bench_chart
from scheduler.reports.charts import Cell, Curve, Panel, Plot, Series, Step, by_period, curves, matrix, waterfall
from scheduler.reports.comparison_charts import Bar, Point, scatter, tornado
from scheduler.reports.facts import Facts
from scheduler.reports.figure import Figure
from scheduler.reports.labels import ISOLATE, label
from scheduler.reports.maps import cell_path
from scheduler.reports.money import binding_figure, money_figures
from scheduler.reports.numbers import money, shown, signed
from scheduler.reports.production import production_figures
from scheduler.reports.sequence import bench_shares, sequence_figures
from tests.scheduler.reports.conftest import HOSTILE

MARKUP = re.compile(r"<(?!/?b>|br>)|[\u202a-\u202e\x00-\x1f]")
"""What plotly might take for markup, or what turns text round; its bold type and its breaks are ours."""


def figures_of(facts: Facts) -> list[Figure]:
    binding = binding_figure(facts)
    found = [*production_figures(facts), *sequence_figures(facts), *money_figures(facts)]
    return [*found, *([binding] if binding else [])]


def sample_plots(words: str) -> dict[str, Plot]:
    """A chart of every kind whose every text is ``words``."""
    series = Series(words, [1.0, math.nan, 3.0], "#123456")
    dashes = Series(words, [math.nan, 2.0, 2.0], palette.LIMIT, "dashes")
    bar = Bar(words, -1.0, -2.0, 0.5, 0.3, words)
    return {
        "by period": by_period([words] * 3, (Panel(words, (series,), (dashes,)), Panel(words, lines=(series,))), words),
        "waterfall": waterfall([Step(words, 3.0), Step(words, -1.0), Step(words, 2.0, total=True)], (words, words)),
        "matrix": matrix([words] * 2, [(words, [Cell(0.4, words, words), None])], (words, words)),
        "curves": curves([(words, [Curve(words, [(0.0, 1.0), (1.0, 2.0)], "#123456", "dashes")])], words),
        "tornado": tornado([(words, [bar, bar])], (words, words)),
        "scatter": scatter([("#123456", [Point(1.0, 2.0, 3.0, words)])], (words, words)),
    }


def texts_of(value: Any) -> list[str]:
    """Every text within plain data."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in (str(key), *texts_of(one))]
    return [text for one in value for text in texts_of(one)] if isinstance(value, list | tuple) else []


def axes_of(layout: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {key: value for key, value in layout.items() if re.fullmatch(r"[xy]axis\d*", key)}


@pytest.mark.parametrize("words", HOSTILE)
def test_no_text_of_a_mine_is_markup_in_a_chart(words: str):
    for plot in sample_plots(words).values():
        for text in texts_of(plot.spec()):
            assert not MARKUP.search(text)


def test_charts_of_a_hostile_mine_hold_no_markup(hostile: Facts):
    for figure in figures_of(hostile):
        assert figure.plot is not None
        assert not any(MARKUP.search(text) for text in texts_of(figure.plot.spec()))
        assert max(map(len, texts_of(figure.plot.spec()))) < 1_000


@given(st.text(max_size=200), st.integers(2, 60))
def test_a_label_reads_as_the_text_up_to_its_length(text: str, most: int):
    found = label(text, most)
    assert "<" not in found
    assert ">" not in found
    read = html.unescape(found).strip("\u2068\u2069")
    assert len(read) <= most
    plain = "".join(one for one in text if one.isprintable())
    if plain == text and len(text) <= most:
        assert read == text


def test_numbers_after_words_from_right_to_left_keep_their_order():
    assert label("עברית").startswith(ISOLATE)
    assert label("ore") == "ore"


def test_plotly_takes_every_kind_of_chart(mzo: Facts):
    """Its own schema knows every key and value."""
    plots = [*sample_plots("ore").values(), *(figure.plot for figure in figures_of(mzo) if figure.plot is not None)]
    assert len(plots) == 17
    for plot in plots:
        spec = json.loads(json.dumps(plot.spec(), allow_nan=False))
        assert go.Figure(data=spec["data"], layout=spec["layout"]).data
        for path in spec["narrow"]:
            go.Figure(layout=spec["layout"]).update_layout({path.replace(".", "_"): spec["narrow"][path]})


def test_every_axis_has_a_title(mzo: Facts):
    for figure in figures_of(mzo):
        assert figure.plot is not None
        for name, axis in axes_of(figure.plot.layout).items():
            assert axis["title"]["text"] or axis.get("overlaying"), f"{figure.key}: {name}"


def test_a_long_title_of_an_upright_axis_is_broken_into_lines():
    cell = Cell(0.5, "1")
    plot = matrix(["a"], [("1", [cell]), ("2", [cell])], ("x", "tailings in the old pit, factor on 8 Mt <b>"))
    title = plot.layout["yaxis"]["title"]["text"]
    assert title == "tailings<br>in the<br>old …"


def test_columns_are_the_numbers_of_the_run(mzo: Facts):
    plot = next(figure.plot for figure in production_figures(mzo) if figure.key == "mined")
    assert plot is not None
    bars = [trace for trace in plot.traces if trace["type"] == "bar"]
    colours = palette.material_colours(mzo.mine)
    assert [bar["marker"]["color"] for bar in bars] == list(colours.values())
    total = np.sum([bar["y"] for bar in bars], axis=0)
    assert total == pytest.approx(mzo.series("moved_mt"))
    assert bars[0]["hovertext"][0] == f"direct ore: {bars[0]['y'][0]:.2f}"


def test_ore_that_is_dumped_is_a_column_of_its_own_and_greyed(mzo: Facts):
    """All that is mined of one class in every other period is taken to a dump."""
    mined, dump = mzo.mined.copy(), next(iter(mzo.mine.dumps()))
    ore = (mined["material"] == "direct_ore") & (mined["period"] % 2 == 0)
    mined.loc[ore, "destination"] = dump
    assert ore.any()
    assert not ore[mined["material"] == "direct_ore"].all()
    plot = next(one.plot for one in production_figures(dataclasses.replace(mzo, mined=mined)) if one.key == "mined")
    assert plot is not None
    bars = {trace["name"]: trace for trace in plot.traces if trace["type"] == "bar"}
    kept, aside = (bars[name]["y"] for name in ("direct ore", "direct ore, dumped"))
    assert np.minimum(kept, aside) == pytest.approx(0.0)
    assert np.add(kept, aside) == pytest.approx(mzo.series("mined_direct_ore_mt"))
    assert sum(aside) == pytest.approx(mined.loc[ore, "tonnes"].sum() / 1e6)
    colour = palette.material_colours(mzo.mine)["direct_ore"]
    assert bars["direct ore, dumped"]["marker"]["color"] == palette.dumped(colour)
    assert contrast(colour, palette.dumped(colour)) > 1.35


def test_what_is_missing_leaves_a_gap_and_spans_reach_from_edge_to_edge():
    line = sample_plots("x")["by period"].traces[1]
    assert line["x"] == [0.5, 1, 2, 2.5, 2.5]
    assert line["y"] == [2.0, 2.0, 2.0, 2.0, None]
    assert line["hoverinfo"] == ["skip", "text", "text", "skip", "skip"]


def test_benches_are_as_dark_as_the_share_that_is_mined(mzo: Facts):
    shares = bench_shares(mzo)
    names = {name: name for name in mzo.mine.phases}
    plot = bench_chart(shares, mzo.labels, names, mzo.period_colours)
    told = np.concatenate([np.asarray(trace["z"], dtype=float) for trace in plot.traces])
    wanted = shares.to_numpy(float)
    periods = np.broadcast_to(np.arange(wanted.shape[1]), wanted.shape)
    mined = wanted > 5e-4
    assert (told[~mined] == -1).all()
    assert told[mined] - periods[mined] == pytest.approx(np.minimum(wanted[mined], 1.0), abs=2e-3)


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60))
def test_the_path_of_a_map_covers_just_its_cells(cells: set[tuple[int, int]]):
    columns, lines = (np.array([cell[part] for cell in cells], dtype=np.int64) for part in (0, 1))
    covered: list[tuple[int, int]] = []
    for piece in cell_path(columns, lines).split("M")[1:]:
        start, run, _ = piece.split("h")
        column, line = (int(value) for value in start.split())
        covered += [(column + place, line) for place in range(int(run.split("v")[0]))]
    assert sorted(covered) == sorted(cells)


@given(st.floats(0, 1))
def test_ink_reads_on_every_cell_of_a_matrix(share: float):
    assert contrast(palette.between(palette.PALE, share), palette.ON_PALE) >= 4.5


def test_colours_of_periods_grow_lighter_and_differ():
    colours = palette.period_colours(11)
    light = [luminance(colour) for colour in colours]
    assert len(set(colours)) == 11
    assert light == sorted(light)
    assert palette.period_colours(1) == [palette.VIRIDIS[0]]


def test_materials_of_a_chart_are_told_apart_in_grey():
    """What is stacked on each other differs in lightness, so that it survives a grey print."""
    stacked = [palette.ORE[0], palette.ORE[1], palette.WASTE[0], palette.FILL[0], palette.FILL[1]]
    for one, other in itertools.pairwise(stacked):
        assert contrast(one, other) > 1.35


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_numbers_read_as_people_write_them():
    assert shown(-0.0001, 2) == "0.00"
    assert shown(math.nan, 2) == shown(None, 2) == "–"
    assert shown(1234567.891, 1) == "1,234,567.9"
    assert signed(0.04, 1) == "0.0"
    assert signed(-3.44, 1) == "-3.4"
    assert money({"currency": "C$"}, 270_323_929.7) == "C$ 270.3 M"
    assert money({"currency": "$"}, 7_123.0) == "$ 7,123"
