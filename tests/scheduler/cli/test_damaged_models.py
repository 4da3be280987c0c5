"""Damaged block models and mines: a line a fault, exit code 2, no traceback, nothing written, nothing lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.builders import tiny_blocks, tiny_data, write_mine
from tests.instances.importing.exports import small_model, write_datamine
from tests.scheduler.cli.conftest import Pitwise

Damage = Callable[[Path], None]


def model() -> pd.DataFrame:
    return small_model()[["x", "y", "z", "cu", "density", "rock"]]


def table(**columns: object) -> Damage:
    """The model with columns changed; a callable gets the column."""

    def write(file: Path) -> None:
        frame = model()
        for name, value in columns.items():
            frame[name] = value(frame[name].astype(object)) if callable(value) else value
        frame.to_csv(file, index=False)

    return write


def first(value: object) -> Callable[[pd.Series], pd.Series]:
    return lambda column: column.where(column.index > 0, value)


def without(*names: str) -> Damage:
    return lambda file: model().drop(columns=list(names)).to_csv(file, index=False)


def text(change: Callable[[str], str], encoding: str = "utf-8") -> Damage:
    return lambda file: file.write_bytes(change(model().to_csv(index=False)).encode(encoding))


def raw(content: bytes) -> Damage:
    return lambda file: file.write_bytes(content)


def every_third(value: object) -> Callable[[pd.Series], pd.Series]:
    return lambda column: column.where(column.index % 5 > 1, value)


def sizes(value: float) -> Damage:
    def write(file: Path) -> None:
        model().assign(dx=20.0, dy=15.0, dz=10.0).assign(dx=[value] + [20.0] * 167).to_csv(file, index=False)

    return write


def overlapping(file: Path) -> None:
    write_datamine(file, small_model())
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines, lines[-1]]), encoding="utf-8")


def scattered(file: Path) -> None:
    places = np.random.default_rng(3).uniform(0, 500, (168, 3)).round(2)
    model().assign(x=places[:, 0], y=places[:, 1], z=places[:, 2]).to_csv(file, index=False)


MODELS: dict[str, tuple[Damage, str]] = {
    "no column of places": (without("x"), "--column x=HEADING"),
    "no column of grades": (without("cu"), "--column cu_pct=HEADING"),
    "nothing that is sold": (lambda file: model().rename(columns={"cu": "as"}).to_csv(file, index=False), "sold"),
    "empty": (raw(b""), "empty"),
    "blank lines only": (raw(b"\n\n  \n"), "empty"),
    "a heading only": (raw(b"x,y,z,cu\n"), "at least one row"),
    "no heading": (text(lambda said: said.partition("\n")[2]), "a heading"),
    "mixed separators": (text(lambda said: said.replace(",", ";", 1200).replace(";", ",", 300)), "values"),
    "half a row": (text(lambda said: said[: said.rindex(",", 0, -20)]), "a row of"),
    "a row too long": (text(lambda said: said.replace("\n", ",9\n", 2).replace(",9\n", "\n", 1)), "a row of"),
    "a column twice": (text(lambda said: said.replace("density", "cu", 1)), "given twice"),
    "binary": (raw(b"x,y,z,cu\n1,2,3,\0\0\n"), "binary"),
    "UTF-16 broken": (raw(b"\xff\xfex\x00,\x00y\x00\n\xd8"), "UTF-16"),
    "text in a grade": (table(cu=first("rich")), "rich"),
    "text in a coordinate": (table(x=first("12m")), "12m"),
    "no coordinate": (table(y=first("")), "y in line 2 is empty"),
    "an infinite grade": (table(cu=first("1e999")), "numbers"),
    "a formula in a grade": (table(cu=first("=1+1")), "=1+1"),
    "a formula as a rock": (table(rock=first("=cmd|' /C calc'!A0")), "no formulas"),
    "a rock of 100 letters": (table(rock=first("r" * 100)), "60 characters"),
    "more rocks than blocks deserve": (table(rock=[f"r{n}" for n in range(168)]), "at most 60 names"),
    "a grade over 100 %": (table(cu=first(250.0)), "100 per cent"),
    "a negative grade": (table(cu=first(-0.3)), "-0.3"),
    "40 % of the grades missing": (table(cu=every_third("")), "--empty-is-barren"),
    "a density of 28": (table(density=first(28.0)), "10 t/m3"),
    "a negative density": (table(density=first(-2.7)), "density of 0 or more"),
    "duplicate coordinates": (text(lambda said: said + said.splitlines()[-1]), "same place"),
    "a negative block size": (sizes(-20.0), "sizes above 0"),
    "a block size of zero": (sizes(0.0), "sizes above 0"),
    "sub-blocks that overlap": (overlapping, "overlap"),
    "scattered blocks": (scattered, "grid"),
    "one block beside the grid": (table(x=first(500013.7), dx=20.0, dy=15.0, dz=10.0), "beside the grid"),
    "air alone": (table(rock="air"), "all air"),
    "a Parquet file that is none": (raw(b"PAR1 nothing"), "Parquet"),
}


@pytest.mark.parametrize("damage", MODELS)
def test_a_damaged_model_is_one_line_and_nothing_is_written(pitwise: Pitwise, elsewhere: Path, damage: str):
    write, said = MODELS[damage]
    file = elsewhere / ("model.parquet" if "Parquet" in damage else "model.csv")
    write(file)
    before = file.read_bytes()
    result = pitwise("new", "mine", "--blocks", file)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "expected" in result.stderr
    assert said in result.stderr
    assert list(elsewhere.iterdir()) == [file]
    assert file.read_bytes() == before


def mine(**changes: object) -> Damage:
    dotted = {path.replace("__", "."): value for path, value in changes.items()}
    return lambda folder: write_mine(folder, tiny_data(changes=dotted)) and None


def linked_outside(folder: Path) -> None:
    (folder / "blocks.csv").rename(folder.parent / "elsewhere.csv")
    (folder / "blocks.csv").symlink_to(folder.parent / "elsewhere.csv")


MINES: dict[str, tuple[Damage, str]] = {
    "a slope of 0": (mine(materials__ore__slope_deg=0.0), ">= 5"),
    "a slope of 95": (mine(materials__ore__slope_deg=95.0), "< 90"),
    "a block size below 0": (mine(blocks__size_m=[30.0, -30.0, 30.0]), "> 0"),
    "a path above the folder": (mine(blocks__file="../../etc/passwd.csv"), "in the mine's folder"),
    "an absolute path": (mine(blocks__file="/etc/passwd"), "in the mine's folder"),
    "the folder itself": (mine(blocks__file="."), "in the mine's folder"),
    "a path with a NUL": (mine(blocks__file="a\0b.csv"), "the name of a file"),
    "a link out of the folder": (linked_outside, "in the mine's folder"),
    "an unknown material": (lambda f: write_mine(f, None, tiny_blocks().assign(material="gold")) and None, "gold"),
    "a grade missing": (lambda f: write_mine(f, None, tiny_blocks().assign(cu_pct=[np.nan] * 6)) and None, "cu_pct"),
    "a name of 100 letters": (mine(name="n" * 100), "60 letters"),
    "UTF-16": (lambda f: (f / "blocks.csv").write_bytes("block,ix".encode("utf-16")) and None, "UTF-8"),
}


@pytest.mark.parametrize("damage", MINES)
def test_a_damaged_mine_is_told_and_nothing_is_written(pitwise: Pitwise, tiny: Path, damage: str):
    spoil, said = MINES[damage]
    spoil(tiny)
    before = sorted(tiny.parent.rglob("*"))
    result = pitwise("validate", tiny)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert all("expected" in line for line in result.stderr.splitlines())
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(tiny.parent.rglob("*")) == before


def test_a_table_outside_the_folder_is_read_only_when_allowed(pitwise: Pitwise, tiny: Path):
    shutil.move(tiny / "blocks.csv", tiny.parent / "shared.csv")
    write_mine(tiny, tiny_data(changes={"blocks.file": "../shared.csv"}))
    (tiny / "blocks.csv").unlink()
    assert pitwise("validate", tiny).exit_code == 2
    allowed = pitwise("--allow-outside", "validate", tiny)
    assert allowed.exit_code == 0, allowed.stderr
    assert pitwise("validate", tiny).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new", "mine", "--blocks", "nowhere.csv"), "a file that exists"),
        (("new", "mine", "--blocks", "model.xlsx"), "ends in .parquet"),
        (("new", "mine", "--blocks", "model.csv", "--size", "20,20"), "--size"),
        (("new", "mine", "--blocks", "model.csv", "--density", "99"), "--density"),
        (("new", "mine", "--blocks", "model.csv", "--column", "cu_pct=copper"), "--column cu_pct=copper"),
        (("new", "mine", "--blocks", "model.csv", "--column", "nickle=cu"), "a role"),
        (("new", "no/such/mine", "--blocks", "model.csv"), "in one that exists"),
        (("new", "full", "--blocks", "model.csv"), "holds something"),
        (("new", "model.csv", "--blocks", "model.csv"), "a file of this name"),
    ],
)
def test_a_wrong_command_line_is_one_line(pitwise: Pitwise, elsewhere: Path, arguments: tuple[str, ...], said: str):
    model().to_csv("model.csv", index=False)
    Path("model.xlsx").write_bytes(b"PK")
    Path("full").mkdir()
    Path("full/note.txt").write_text("mine", encoding="utf-8")
    before = sorted(elsewhere.rglob("*"))
    result = pitwise(*arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr
    assert sorted(elsewhere.rglob("*")) == before
