"""The block table and the further precedence: faults of a column are one line, with the first rows and their count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instances.findings import BadInput
from instances.reading import read_mine
from tests.builders import tiny_blocks, tiny_data, tiny_mine, write_mine


def faults(folder: Path) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read_mine(folder)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.findings)
    return lines


def spoilt(tmp_path: Path, column: str, values: dict[int, object]) -> list[str]:
    blocks = tiny_blocks().astype({column: object})
    for row, value in values.items():
        blocks.loc[row, column] = value
    return faults(write_mine(tmp_path / "mine", blocks=blocks))


@pytest.mark.parametrize(
    ("column", "values", "line"),
    [
        (
            "tonnes",
            {0: -5, 2: "nan", 3: "", 4: 0},
            (
                "tonnes in lines 2, 4, 5 (4 lines in all) is -5, nan, empty; expected tonnes > 0 and <= 270000 "
                "(block volume x 10 t/m3)"
            ),
        ),
        (
            "tonnes",
            {1: 2_147_483_648},
            "tonnes in line 3 is 2147483648; expected tonnes > 0 and <= 270000 (block volume x 10 t/m3)",
        ),
        ("tonnes", {1: "inf"}, "tonnes in line 3 is inf; expected tonnes > 0 and <= 270000 (block volume x 10 t/m3)"),
        (
            "tonnes",
            {1: "7e4 t"},
            "tonnes in line 3 is 7e4 t; expected tonnes > 0 and <= 270000 (block volume x 10 t/m3)",
        ),
        ("cu_pct", {5: -0.1}, "cu_pct in line 7 is -0.1; expected grades from 0 to 100"),
        ("cu_pct", {5: 101}, "cu_pct in line 7 is 101; expected grades from 0 to 100"),
        ("cu_pct", {5: ""}, "cu_pct in line 7 is empty; expected grades from 0 to 100"),
        ("ix", {0: 1.5}, "ix in line 2 is 1.5; expected whole numbers from -1000000 to 1000000"),
        ("block", {1: "b0-0-1"}, "block in lines 2, 3 is b0-0-1; expected a name of its own for every block"),
        ("block", {1: " "}, "block in line 3 is empty; expected a name"),
        ("iz", {3: 1}, "ix, iy, iz in lines 2, 5 is 0, 0, 1; expected a cell of its own for every block"),
        ("phase", {2: "p2"}, "phase in line 4 is 'p2'; expected a name of the phases (nearest: p1)"),
        (
            "material",
            {0: "oer", 3: "oer"},
            "material in lines 2, 5 is 'oer'; expected a name of the materials (nearest: ore)",
        ),
    ],
)
def test_a_fault_of_a_column_is_one_line(tmp_path: Path, column: str, values: dict[int, object], line: str):
    assert spoilt(tmp_path, column, values) == [f"blocks.csv: {line}"]


def test_a_grid_too_large_for_memory_is_refused(tmp_path: Path):
    blocks = tiny_blocks()
    blocks.loc[0, ["ix", "iy", "iz"]] = [1_000_000, 1_000_000, 1_000_000]
    (line,) = faults(write_mine(tmp_path / "mine", blocks=blocks))
    assert "the grid is 1000001 x 1000001 x 1000001 cells; expected a box of at most 50,000,000 cells" in line


def test_two_hundred_thousand_bad_rows_make_one_line(tmp_path: Path):
    rows = 200_000
    cell = np.arange(rows)
    blocks = pd.DataFrame({"block": cell.astype(str), "ix": cell % 100, "iy": cell // 100 % 100, "iz": cell // 10_000})
    blocks = blocks.assign(phase="p1", material="ore", tonnes=-1.0, cu_pct=0.5)
    (line,) = faults(write_mine(tmp_path / "mine", blocks=blocks))
    assert line.startswith("blocks.csv: tonnes in lines 2, 3, 4 (200000 lines in all) is -1.0; expected")


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ({"tonnes": "tonnage"}, "expected a column tonnes (nearest: tonnage)"),
        ({"cu_pct": "Cu_pct"}, "expected a column cu_pct (nearest: Cu_pct)"),
        ({"phase": "x", "ix": "i"}, None),
    ],
)
def test_missing_columns_are_named_with_the_nearest(tmp_path: Path, names: dict[str, str], line: str | None):
    found = faults(write_mine(tmp_path / "mine", blocks=tiny_blocks().rename(columns=names)))
    assert found == [f"blocks.csv: {line}"] if line else len(found) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "blocks.csv is empty; expected the columns block, ix"),
        (
            b"block,ix,iy,iz,phase,material,tonnes,cu_pct\n",
            "blocks.csv is a table of 0 rows; expected 1 to 20,000,000 rows",
        ),
        (b"block;ix;iy;iz;phase;material;tonnes;cu_pct\n", "expected commas between the columns"),
        (
            b"block,ix,iy,iz,phase,material,tonnes,cu_pct,block\n",
            "column block is given twice; expected each column once",
        ),
        (b"block,ix,iy,iz,phase,material,tonnes,cu_pct\nb,1,1\n", "Expected 8 columns, got 3"),
        (b"block,ix,iy,iz,phase,material,tonnes,cu_pct\n\xe9,0,0,0,p1,ore,7e4,1\n", "UTF"),
        (b"\xff\xfeb\x00l\x00", "expected text in UTF-8; byte 0 is not"),
    ],
    ids=["empty", "no-rows", "semicolons", "twice", "ragged", "latin-1", "utf-16"],
)
def test_a_table_that_cannot_be_read_is_one_line(tiny_folder: Path, content: bytes, said: str):
    (tiny_folder / "blocks.csv").write_bytes(content)
    (line,) = faults(tiny_folder)
    assert line.startswith("blocks.csv")
    assert said in line


def in_parquet(folder: Path, blocks: pd.DataFrame) -> Path:
    write_mine(folder, tiny_data(changes={"blocks.file": "blocks.parquet"}))
    blocks.to_parquet(folder / "blocks.parquet", index=False)
    return folder


def test_parquet_and_csv_give_the_same_mine(tmp_path: Path):
    read = read_mine(in_parquet(tmp_path, tiny_blocks().astype({"material": "category"})))
    pd.testing.assert_frame_equal(read.blocks, tiny_mine().blocks)


def test_rows_of_parquet_count_from_one(tmp_path: Path):
    blocks = tiny_blocks()
    blocks.loc[0, "tonnes"] = np.nan
    (line,) = faults(in_parquet(tmp_path, blocks))
    assert line.startswith("blocks.parquet: tonnes in row 1 is nan; expected tonnes > 0")


@pytest.mark.parametrize("size", [0, 3, 2000])
def test_a_truncated_parquet_file_is_one_line(tmp_path: Path, size: int):
    file = in_parquet(tmp_path, tiny_blocks()) / "blocks.parquet"
    file.write_bytes(file.read_bytes()[:size])
    (line,) = faults(tmp_path)
    assert line.startswith("blocks.parquet is unreadable")
    assert line.endswith("expected a whole Parquet file")


def test_nested_columns_are_refused(tmp_path: Path):
    (line,) = faults(in_parquet(tmp_path, tiny_blocks().assign(tonnes=[[1.0]] * 6)))
    assert line == "blocks.parquet: column tonnes is nested; expected plain values"


@pytest.mark.parametrize("file", ["../blocks.csv", "/etc/passwd", ".", "a/../../blocks.csv"])
def test_the_table_may_not_lie_outside_the_folder(tmp_path: Path, file: str):
    write_mine(tmp_path)
    folder = write_mine(tmp_path / "mine", tiny_data(changes={"blocks.file": file}))
    assert faults(folder) == [f"mine.toml: blocks.file is '{file}'; expected a file in the mine's folder"]


@pytest.mark.parametrize("file", ["a\0b.csv", "a" * 1000 + ".csv"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, file: str):
    folder = write_mine(tmp_path / "mine", tiny_data(changes={"blocks.file": file}))
    (line,) = faults(folder)
    assert line.endswith("expected the name of a file")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path):
    folder = write_mine(tmp_path / "mine")
    (folder / "blocks.csv").rename(tmp_path / "blocks.csv")
    (folder / "blocks.csv").symlink_to(tmp_path / "blocks.csv")
    assert "expected a file in the mine's folder" in faults(folder)[0]


def test_a_missing_table_names_the_nearest_file(tmp_path: Path):
    folder = write_mine(tmp_path, tiny_data(changes={"blocks.file": "block.csv"}))
    assert faults(folder) == [
        "mine.toml: blocks.file is 'block.csv'; expected a file that exists in the mine's folder (nearest: blocks.csv)"
    ]


def test_other_kinds_of_file_are_refused(tmp_path: Path):
    folder = write_mine(tmp_path, tiny_data(changes={"blocks.file": "mine.toml"}))
    assert "expected a file that ends in .csv or .parquet" in faults(folder)[0]


def test_optional_columns_have_their_defaults_and_others_are_dropped(tmp_path: Path):
    blocks = read_mine(write_mine(tmp_path, blocks=tiny_blocks().assign(rock_type="granite"))).blocks
    assert list(blocks.columns) == [
        "block",
        "ix",
        "iy",
        "iz",
        "phase",
        "sector",
        "material",
        "tonnes",
        "cu_pct",
        "mined_fraction",
    ]
    assert set(blocks["sector"]) == {"all"}
    assert (blocks["mined_fraction"] == 0).all()


@pytest.mark.parametrize("value", [-0.1, 1.1, "nan", "half"])
def test_the_mined_fraction_lies_between_0_and_1(tmp_path: Path, value: object):
    (line,) = faults(write_mine(tmp_path, blocks=tiny_blocks().assign(mined_fraction=value)))
    assert "mined_fraction in lines 2, 3, 4 (6 lines in all)" in line


def test_benches_are_cut_into_sectors_by_azimuth():
    blocks = tiny_mine(nx=2, ny=2, nz=1, grades=[0.9] * 4, changes={"panels.sectors": 4}).blocks
    sector = {(x, y): name for x, y, name in blocks[["ix", "iy", "sector"]].itertuples(index=False)}
    assert sector == {(1, 1): "s1", (1, 0): "s2", (0, 0): "s3", (0, 1): "s4"}


def test_sectors_come_from_the_table_or_the_file_not_both(tmp_path: Path):
    folder = write_mine(tmp_path, tiny_data(changes={"panels.sectors": 2}), tiny_blocks().assign(sector="north"))
    assert faults(folder) == ["mine.toml: panels.sectors is 2; expected no such key, as blocks.csv has a column sector"]


def with_arcs(folder: Path, arcs: str) -> Path:
    write_mine(folder, tiny_data(changes={"precedence.file": "arcs.csv"}))
    (folder / "arcs.csv").write_text(arcs)
    return folder


def test_further_precedence_is_read(tmp_path: Path):
    mine = read_mine(with_arcs(tmp_path, "block,needs,lag_years\nb0-0-1,b1-0-1,0.5\n"))
    assert mine.precedence.to_dict("records") == [{"block": "b0-0-1", "needs": "b1-0-1", "lag_years": 0.5}]
    assert mine.hash() != tiny_mine().hash()


@pytest.mark.parametrize(
    ("arcs", "line"),
    [
        (
            "block,needs\nb0-0-1,b1-0-9\n",
            "needs in line 2 is 'b1-0-9'; expected a name of the block table (nearest: b1-0-1)",
        ),
        ("block,needs\nb0-0-1,b0-0-1\n", "block in line 2 is b0-0-1; expected a block that needs another, not itself"),
        ("block,needs,lag_years\nb0-0-1,b1-0-1,-1\n", "lag_years in line 2 is -1; expected years from 0 to 100"),
    ],
)
def test_a_fault_of_the_further_precedence_is_one_line(tmp_path: Path, arcs: str, line: str):
    assert faults(with_arcs(tmp_path, arcs)) == [f"arcs.csv: {line}"]


def test_a_missing_precedence_file_is_told(tmp_path: Path):
    folder = write_mine(tmp_path, tiny_data(changes={"precedence.file": "arcs.csv"}))
    assert "precedence.file is 'arcs.csv'; expected a file that exists" in faults(folder)[0]
