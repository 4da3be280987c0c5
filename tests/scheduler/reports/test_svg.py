"""Scales hold what they are given and end on round numbers; drawings escape what comes from a mine."""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.reports import palette
from scheduler.reports.maps import cell_path
from scheduler.reports.numbers import money, shown, signed
from scheduler.reports.svg import Bands, Drawing, Linear, scale

amounts = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False)


@given(st.lists(amounts, min_size=1, max_size=20), st.booleans())
def test_a_scale_holds_every_value_and_has_few_ticks(values: list[float], zero: bool):
    found = scale(values, (0.0, 100.0), zero=zero)
    slack = 1e-6 * max(1.0, abs(found.high), abs(found.low))
    assert found.low - slack <= min(values) <= max(values) <= found.high + slack
    assert not zero or found.low <= 0 <= found.high
    ticks = found.ticks(5)
    assert 1 <= len(ticks) <= 12
    assert all(found.low - slack <= tick <= found.high + slack for tick in ticks)


@given(amounts, amounts.filter(lambda value: abs(value) > 1e-3))
def test_a_scale_is_linear(low: float, size: float):
    found = Linear(low, low + abs(size), 10.0, 20.0)
    assert math.isclose(found(low), 10.0)
    assert math.isclose(found(low + abs(size)), 20.0, rel_tol=1e-6)


def test_numbers_that_are_missing_leave_a_gap():
    drawing = Drawing(10, 10, "line")
    drawing.polyline([(0, 1), (1, 2), (2, math.nan), (3, 1), (4, 1), (5, math.nan), (6, 1)], stroke="red")
    assert str(drawing.svg()).count("<path") == 2
    assert "nan" not in str(drawing.svg())


@pytest.mark.parametrize("words", ["<b>&\"'", "</svg><script>x</script>"])
def test_text_is_escaped_wherever_it_stands(words: str):
    drawing = Drawing(10, 10, words)
    drawing.text(0, 0, words)
    drawing.turned(0, 0, words)
    drawing.rect((0, 0, 1, 1), hint=words)
    tree = ET.fromstring(str(drawing.svg()))  # noqa: S314 - made here
    assert tree.attrib["aria-label"] == words
    assert [part.text for part in tree.iter("text")] == [words, words]
    assert [part.text for part in tree.iter("title")] == [words]


def test_bands_part_an_axis():
    bands = Bands(4, 0.0, 100.0, filled=0.5)
    assert [bands.middle(place) for place in range(4)] == [12.5, 37.5, 62.5, 87.5]
    assert bands.left(0) == 6.25


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60))
def test_the_path_of_a_map_covers_just_its_cells(cells: set[tuple[int, int]]):
    columns, lines = (np.array([cell[part] for cell in cells], dtype=np.int64) for part in (0, 1))
    covered: list[tuple[int, int]] = []
    for piece in cell_path(columns, lines).split("M")[1:]:
        start, run, _ = piece.split("h")
        column, line = (int(value) for value in start.split())
        covered += [(column + place, line) for place in range(int(run.split("v")[0]))]
    assert sorted(covered) == sorted(cells)


@given(st.integers(0, 0xFFFFFF))
def test_ink_reads_on_every_colour(code: int):
    colour = f"#{code:06x}"
    assert contrast(colour, palette.ink_on(colour)) >= 4.4


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
