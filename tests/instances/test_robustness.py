"""Whatever the input, it is read or refused with findings: nothing else is raised."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.findings import BadInput, Finding, Words
from instances.geometry.units import scheduling_units
from instances.reading import mine_in_memory, read_mine
from instances.schema.dictionary import every_key
from tests.builders import tiny_blocks, tiny_data, write_mine

SCALARS = st.one_of(
    st.none().map(lambda _: {}),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["mill", "ore", "pile", "p1", "cu", "mid"]),
    st.dates(),
    st.just(dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
    st.just(16**3000),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner))


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path] * bool(path) + [place for key, value in below for place in places(value, (*path, key))]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_value_anywhere_is_read_or_refused(data: st.DataObject):
    contents = copy.deepcopy(tiny_data())
    for place in data.draw(st.lists(st.sampled_from(places(contents)), min_size=1, max_size=3)):
        holder: Any = contents
        with contextlib.suppress(KeyError, IndexError, TypeError):
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = data.draw(VALUES)
    with contextlib.suppress(BadInput):
        mine_in_memory(contents, tiny_blocks())


@settings(max_examples=200, deadline=None)
@given(
    path=st.sampled_from(sorted(every_key())) | st.text(max_size=20),
    change=st.sampled_from(["=", "*=", "+=", ""]),
    value=st.text(max_size=10) | st.integers().map(str) | st.floats().map(str),
)
def test_any_override_is_applied_or_refused(path: str, change: str, value: str):
    with contextlib.suppress(BadInput):
        mine_in_memory(tiny_data(), tiny_blocks(), overrides=[f"{path.replace('<name>', 'mill')}{change}{value}"])


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_block_table_is_read_or_refused(data: st.DataObject):
    blocks = tiny_blocks().astype(object)
    for column in data.draw(st.lists(st.sampled_from(list(blocks.columns)), min_size=1, max_size=3)):
        blocks.loc[data.draw(st.integers(0, 5)), column] = data.draw(SCALARS.filter(lambda value: value != {}))
    with contextlib.suppress(BadInput):
        scheduling_units(mine_in_memory(tiny_data(), blocks), "panel")


@settings(max_examples=100, deadline=None)
@given(start=st.integers(0, 1000), junk=st.binary(max_size=6), name=st.sampled_from(["mine.toml", "blocks.csv"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: Any, start: int, junk: bytes, name: str):
    folder = write_mine(tmp_path_factory.mktemp("mine"))
    file: Path = folder / name
    content = file.read_bytes()
    at = start % len(content)
    file.write_bytes(content[:at] + junk + content[at + len(junk) :])
    with contextlib.suppress(BadInput):
        read_mine(folder)


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(0, 10_000), junk=st.binary(max_size=6))
def test_any_parquet_file_is_read_or_refused(tmp_path_factory: Any, cut: int, junk: bytes):
    folder = write_mine(tmp_path_factory.mktemp("mine"), tiny_data(changes={"blocks.file": "blocks.parquet"}))
    tiny_blocks().to_parquet(folder / "blocks.parquet", index=False)
    content = (folder / "blocks.parquet").read_bytes()
    at = cut % len(content)
    (folder / "blocks.parquet").write_bytes(content[:at] + junk + content[at + len(junk) :])
    with contextlib.suppress(BadInput):
        read_mine(folder)


def test_a_finding_is_one_short_line():
    finding = Finding("mine.toml: title", "a\nb" * 500, "a text\nof one line", "x")
    assert "\n" not in str(finding)
    assert len(str(finding)) < 300
    assert str(Finding("x", Words("missing"), "it")) == "x is missing; expected it"
    assert str(Finding("x", 16**6000, "less")) == "x is a number of thousands of digits; expected less"


def test_a_table_without_rows_is_refused():
    with contextlib.suppress(BadInput):
        mine_in_memory(tiny_data(), pd.DataFrame())
        raise AssertionError("an empty table was read")
