"""Made-up files in the style of many programs give the blocks they were made from, or say what is wrong in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instances.findings import BadInput
from instances.importing.model import BlockModel, Told, block_model
from instances.importing.opening import open_source
from tests.instances.importing.exports import CELL_M3, SIZE_M, small_model

MODEL = small_model(8, 7, 4)
TURNED = small_model(12, 11, 4, rotation_deg=30)


def lines(row: Callable[[object], str], model: pd.DataFrame = MODEL) -> str:
    return "\n".join(row(block) for block in model.itertuples()) + "\n"


def comma(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def points(value: float) -> str:
    return f"{value:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def leapfrog() -> str:
    opening = "# Leapfrog block model\n# base point: 500000, 6000000, 1040\n# block size: 20 15 10\n\n"
    heading = "X,Y,Z,dX,dY,dZ,Cu (%),Au (g/t),Density (g/cm3),GM: Lithology\n"
    return opening + heading + lines(lambda b: f"{b.x},{b.y},{b.z},20,15,10,{b.cu},{b.au},{b.density},{b.rock}")


def micromine() -> str:
    heading = '"EAST","NORTH","RL","_EAST","_NORTH","_RL","CU %","AU ppm","SG","ROCK TYPE"\r\n'
    return heading + lines(lambda b: f'{b.x},{b.y},{b.z},20,15,10,{b.cu},{b.au},{b.density},"{b.rock}"\r')


def datamine(angle: float | None) -> Callable[[], str]:
    """Centres with the corner of the model; with its angle, which may mean another direction than it seems to."""
    model = MODEL if angle is None else TURNED
    said = "" if angle is None else f",{angle}"

    def write() -> str:
        heading = f"IJK,XC,YC,ZC,XINC,YINC,ZINC,XMORIG,YMORIG,ZMORIG,CU,AU,DENSITY{',ANGLE1' if said else ''}\n"
        corner = "500000,6000000,1000"
        return heading + lines(
            lambda b: f"0,{b.x:.3f},{b.y:.3f},{b.z},20,15,10,{corner},{b.cu},{b.au},{b.density}{said}", model
        )

    return write


STYLES: dict[str, tuple[Callable[[], str], str, pd.DataFrame]] = {
    "leapfrog": (leapfrog, "utf-8", MODEL),
    "a heading in a comment": (
        lambda: "# by me\n# X,Y,Z,Cu,Au,Density\n" + lines(lambda b: f"{b.x},{b.y},{b.z},{b.cu},{b.au},{b.density}"),
        "utf-8",
        MODEL,
    ),
    "micromine": (micromine, "utf-8", MODEL),
    "datamine": (datamine(None), "utf-8", MODEL),
    "datamine, rotated": (datamine(30.0), "utf-8", TURNED),
    "datamine, rotated the other way round": (datamine(-30.0), "utf-8", TURNED),
    "surpac, blanks before the commas": (
        lambda: (
            "Y ,X ,Z ,cu ,au ,sg\n" + lines(lambda b: f"{b.y:.3f} ,{b.x:.3f} ,{b.z:.3f} ,{b.cu} ,{b.au} ,{b.density}")
        ),
        "utf-8",
        MODEL,
    ),
    "geo-eas": (
        lambda: (
            "a model\n6\nX\nY\nZ\nCu_pct\nAu_ppm\nSG\n"
            + lines(lambda b: f" {b.x:12.2f} {b.y:12.2f} {b.z:9.2f} {b.cu} {b.au} {b.density}")
        ),
        "utf-8",
        MODEL,
    ),
    "decimal commas, Windows-1252, points in names": (
        lambda: (
            "X;Y;Z;Cu;Au;Density;Matériau;rock\n"
            + lines(
                lambda b: (
                    f"{comma(b.x)};{comma(b.y)};{comma(b.z)};{comma(b.cu)};{comma(b.au)};{comma(b.density)};é;v1.0"
                )
            )
        ),
        "cp1252",
        MODEL,
    ),
    "decimal commas and points between thousands": (
        lambda: (
            "sep=;\nX;Y;Z;Cu;Au;SG\n"
            + lines(
                lambda b: f"{points(b.x)};{points(b.y)};{points(b.z)};{comma(b.cu)};{comma(b.au)};{comma(b.density)}"
            )
        ),
        "utf-8",
        MODEL,
    ),
    "decimal commas in quotes between commas": (
        lambda: (
            "X,Y,Z,Cu,Au,SG\n"
            + lines(
                lambda b: ",".join(f'"{comma(value)}"' for value in (b.x, b.y, b.z, b.cu, b.au, b.density)),
            )
        ),
        "utf-8",
        MODEL,
    ),
    "UTF-16 without its mark": (
        lambda: "XC\tYC\tZC\tCU\tAU\tSG\n" + lines(lambda b: f"{b.x}\t{b.y}\t{b.z}\t{b.cu}\t{b.au}\t{b.density}"),
        "utf-16-le",
        MODEL,
    ),
    "a line of units": (
        lambda: (
            "XC,YC,ZC,CU,AU,SG\nm,m,m,%,ppb,kg/m3\n"
            + lines(lambda b: f"{b.x},{b.y},{b.z},{b.cu},{b.au * 1000:.3f},{b.density * 1000}")
        ),
        "utf-8",
        MODEL,
    ),
    "feet and short tons": (
        lambda: (
            "X (ft),Y (ft),Z (ft),CU,AU (opt),TONS [st]\n"
            + lines(
                lambda b: (
                    f"{b.x / 0.3048:.4f},{b.y / 0.3048:.4f},{b.z / 0.3048:.4f},{b.cu},{b.au / 34.2857:.12f},"
                    f"{b.density * CELL_M3 / 0.90718474:.9f}"
                )
            )
        ),
        "utf-8",
        MODEL,
    ),
    "standard deviations and recoveries beside the grade": (
        lambda: (
            "XC,YC,ZC,CU_STD,CU_RECOVERY,CUEQ,CU_NN,CU_OK,AU_N,AU,SG\n"
            + lines(lambda b: f"{b.x},{b.y},{b.z},9,88,7,8,{b.cu},12,{b.au},{b.density}")
        ),
        "utf-8",
        MODEL,
    ),
    "tabs, the last column empty at the end": (
        lambda: (
            "XC\tYC\tZC\tCU\tAU\tSG\tNOTE\n"
            + lines(lambda b: f"{b.x}\t{b.y}\t{b.z}\t{b.cu}\t{b.au}\t{b.density}\t").rstrip("\n")
            + "\n\n"
        ),
        "utf-8",
        MODEL,
    ),
    "benches by their elevation": (
        lambda: (
            "EAST,NORTH,BENCH,CU,AU,SG\n" + lines(lambda b: f"{b.x},{b.y},{1000 + 10 * b.iz},{b.cu},{b.au},{b.density}")
        ),
        "utf-8",
        MODEL,
    ),
    "centres, and numbers of benches": (
        lambda: "EAST,NORTH,IZ,CU,AU,SG\n" + lines(lambda b: f"{b.x},{b.y},{b.iz + 1},{b.cu},{b.au},{b.density}"),
        "utf-8",
        MODEL,
    ),
}


def read(tmp_path: Path, text: str, encoding: str = "utf-8", told: Told | None = None) -> BlockModel:
    file = tmp_path / "model.csv"
    file.write_bytes(text.encode(encoding))
    return block_model(open_source(file), told)


def in_order(blocks: pd.DataFrame) -> pd.DataFrame:
    return blocks.sort_values(["ix", "iy", "iz"]).reset_index(drop=True)


@pytest.mark.parametrize("style", STYLES)
def test_a_style_gives_back_its_blocks(tmp_path: Path, style: str):
    write, encoding, model = STYLES[style]
    found = read(tmp_path, write(), encoding)
    blocks, wanted = in_order(found.blocks), in_order(model)
    assert found.size_m == pytest.approx(SIZE_M, abs=0.01)
    assert abs(found.rotation_deg) == pytest.approx(30.0 if model is TURNED else 0.0, abs=0.01)
    assert (blocks[["ix", "iy", "iz"]].to_numpy() == wanted[["ix", "iy", "iz"]].to_numpy()).all()
    assert blocks["tonnes"].to_numpy() == pytest.approx((CELL_M3 * wanted["density"]).to_numpy(), rel=1e-6)
    assert blocks["cu_pct"].to_numpy() == pytest.approx(wanted["cu"].to_numpy(), abs=1e-9)
    assert blocks["au_g_per_t"].to_numpy() == pytest.approx(wanted["au"].to_numpy(), abs=1e-6)


def told_of(found: BlockModel, kind: str) -> str:
    return "\n".join(note.text for note in found.notes if note.kind == kind)


def test_centres_in_the_axes_of_a_rotated_model_keep_their_bearing(tmp_path: Path):
    rows = lines(lambda b: f"{b.x},{b.y},{b.z},20,15,10,500000,6000000,1000,30,{b.cu},{b.density}")
    found = read(tmp_path, "XC,YC,ZC,XINC,YINC,ZINC,XMORIG,YMORIG,ZMORIG,ANGLE1,CU,SG\n" + rows)
    assert found.rotation_deg == 30.0
    assert "the model's own axes" in told_of(found, "guessed")
    assert (in_order(found.blocks)[["ix", "iy", "iz"]] == in_order(MODEL)[["ix", "iy", "iz"]]).all(axis=None)


def test_benches_that_count_downwards_are_turned_over_when_told(tmp_path: Path):
    text = "IX,IY,IZ,CU,SG\n" + lines(lambda b: f"{b.ix},{b.iy},{4 - b.iz},{b.cu},{b.density}")
    as_given, told = read(tmp_path, text), read(tmp_path, text, told=Told(benches_down=True))
    assert "IZ counts upwards (else --benches-down)" in told_of(as_given, "guessed")
    assert in_order(told.blocks)["cu_pct"].to_numpy() == pytest.approx(in_order(MODEL)["cu"].to_numpy())
    assert not np.allclose(in_order(as_given.blocks)["cu_pct"], in_order(MODEL)["cu"])


def test_numbers_that_may_be_decimals_or_thousands_are_a_guess(tmp_path: Path):
    rows = lines(lambda b: f"{b.x:.0f};{b.y - 0.5:.0f};{b.z:.0f};{comma(b.cu + 1)};{comma(b.density)}")
    found = read(tmp_path, "X;Y;Z;Cu;SG\n" + rows)
    assert "a comma separates the decimals, not thousands" in told_of(found, "guessed")
    assert in_order(found.blocks)["cu_pct"].max() < 3


def test_a_column_can_be_ignored_and_a_unit_be_said(tmp_path: Path):
    rows = lines(lambda b: f"{b.x},{b.y},{b.z},{b.cu},{CELL_M3 * b.density / 0.90718474},1032.5")
    told = Told(("ignore=TOPO", "tonnes[st]=TONS"))
    found = read(tmp_path, "X,Y,Z,CU,TONS,TOPO\n" + rows, told=told)
    assert found.blocks["tonnes"].sum() == pytest.approx((CELL_M3 * MODEL["density"]).sum())
    as_given = read(tmp_path, "X,Y,Z,CU,TONS\n" + rows.replace(",1032.5", ""))
    assert "TONS are metric tonnes" in told_of(as_given, "guessed")


ROWS = "0,0,0,{0},2.7\n0,0,10,{0},2.7\n0,10,0,{0},2.7\n10,0,0,{0},2.7\n"


@pytest.mark.parametrize(
    ("heading", "value", "column", "grade"),
    [
        ("Au (oz/ton)", 0.05, "au_g_per_t", 1.714285),
        ("Au [oz/st]", 0.05, "au_g_per_t", 1.714285),
        ("AU_OZ_PER_TON", 0.05, "au_g_per_t", 1.714285),
        ("Au oz per t", 0.05, "au_g_per_t", 1.714285),
        ("Au (oz/tonne)", 0.05, "au_g_per_t", 1.5551738),
        ("Au (ug/kg)", 500, "au_g_per_t", 0.5),
        ("Au (\u00b5g/kg)", 500, "au_g_per_t", 0.5),
        ("Au (g/t Au)", 0.5, "au_g_per_t", 0.5),
        ("Au (cut, oz/ton)", 0.05, "au_g_per_t", 1.714285),
        ("Au (cut) [ppb]", 500, "au_g_per_t", 0.5),
        ("Cu (lb/st)", 8, "cu_pct", 0.4),
        ("Cu (lb/tonne)", 8, "cu_pct", 0.362873896),
        ("Cu (fraction)", 0.005, "cu_pct", 0.5),
        ("Cu (wt. %)", 0.5, "cu_pct", 0.5),
        ("Cu (g/kg)", 5, "cu_pct", 0.5),
        ("Cu (mg/kg)", 5000, "cu_g_per_t", 5000),
    ],
)
def test_units_of_grades_are_converted(tmp_path: Path, heading: str, value: float, column: str, grade: float):
    found = read(tmp_path, f"X,Y,Z,{heading.replace(',', ' ')},SG\n" + ROWS.format(value))
    assert found.blocks[column].to_numpy() == pytest.approx(grade, rel=1e-6)
    assert "says no unit" not in told_of(found, "guessed")


@pytest.mark.parametrize("heading", ["Au (oz/lt)", "Au [lb/t]", "Au (grains)", "Au (\u2030)", "Au (g/ton)"])
def test_a_unit_of_a_grade_that_is_not_known_is_refused(tmp_path: Path, heading: str):
    unit = heading[4:-1]
    with pytest.raises(BadInput) as refused:
        read(tmp_path, f"X,Y,Z,{heading},SG\n" + ROWS.format(1))
    (finding,) = map(str, refused.value.findings)
    assert f"unit of {heading} is '{unit}'; expected one of %, fraction, ppm" in finding
    assert f"--column 'au_g_per_t={heading}'" in finding
    with pytest.raises(BadInput, match="unit of AU is 'grains'"):
        read(tmp_path, "X,Y,Z,AU,SG\nm,m,m,grains,t/m3\n" + ROWS.format(1))
    told = read(tmp_path, f"X,Y,Z,{heading},SG\n" + ROWS.format(1), told=Told((f"au_oz/ton={heading}",)))
    assert told.blocks["au_g_per_t"].to_numpy() == pytest.approx(34.2857)
    beside = read(tmp_path, f"X,Y,Z,SG,{heading},AU\n" + lines(lambda b: f"{b.x},{b.y},{b.z},2.7,9,{b.au}"))
    assert beside.blocks["au_g_per_t"].max() < 1


@pytest.mark.parametrize(
    "heading", ["Au (cut)", "Au [kriged]", "Au (OK)", "Au (ID2)", "Au (total)", "Au (2)", "Au [-]"]
)
def test_words_in_brackets_that_are_no_unit_leave_the_unit_a_guess(tmp_path: Path, heading: str):
    found = read(tmp_path, f"X,Y,Z,{heading},SG\n" + ROWS.format(1))
    assert found.blocks["au_g_per_t"].tolist() == [1.0] * 4
    assert "the heading says no unit" in told_of(found, "guessed")


def test_metal_or_a_deviation_in_brackets_is_no_grade(tmp_path: Path):
    found = read(tmp_path, "X,Y,Z,Au (oz),Cu (std),Cu (%),SG\n" + ROWS.format("7,7,1"))
    assert dict(found.units) == {"cu": "pct"}
    in_line = read(tmp_path, "X,Y,Z,AU,CU,SG\nm,m,m,oz,%,t/m3\n" + ROWS.format("7,1"))
    assert dict(in_line.units) == {"cu": "pct"}
    assert found.blocks["cu_pct"].tolist() == [1.0] * 4


def shares(tmp_path: Path, heading: str, *values: float) -> BlockModel:
    """Four blocks of 1000 m3 and 2.7 t/m3 with shares below topography."""
    rows = "".join(f"{x},{y},{z},1,2.7,{value}\n" for (x, y, z), value in zip(PLACES_M, values, strict=True))
    return read(tmp_path, f"X,Y,Z,CU,SG,{heading}\n{rows}", told=Told(size_m=(10, 10, 10)))


PLACES_M = ((0, 0, 0), (0, 0, 10), (0, 10, 0), (10, 0, 0))


def test_a_share_a_little_above_1_is_1_and_leaves_the_others_as_they_are(tmp_path: Path):
    found = shares(tmp_path, "TOPO", 1.0001, 1.0, 0.5, 1.0)
    assert found.blocks["tonnes"].sum() == pytest.approx(3.5 * 2700)
    assert "TOPO is 1 in 1 rows where it is up to 1.0001" in told_of(found, "changed")
    assert "TOPO is in" not in told_of(found, "guessed")


def test_shares_in_per_cent_are_known_by_most_of_them_or_by_their_unit(tmp_path: Path):
    most = shares(tmp_path, "TOPO", 100.02, 0.4, 50, 0)
    assert most.blocks["tonnes"].sum() == pytest.approx(1.504 * 2700)
    assert "TOPO is in per cent" in told_of(most, "guessed")
    said = shares(tmp_path, "TOPO [%]", 30, 0.4, 0.5, 0.1)
    assert said.blocks["tonnes"].sum() == pytest.approx(0.31 * 2700)
    assert "TOPO [%] is in per cent" in told_of(said, "understood")
    below = shares(tmp_path, "TOPO [%]", 1, 1, 0.5, 1)
    assert below.blocks["tonnes"].sum() == pytest.approx(3.5 * 2700)
    assert "none is above 1" in told_of(below, "guessed")


@pytest.mark.parametrize("odd", [1.2, 2.0, 100.0])
def test_a_single_share_well_above_1_is_refused(tmp_path: Path, odd: float):
    with pytest.raises(BadInput, match=r"TOPO in line 3 is .*; expected shares from 0 to 1.*fraction\[%\]=TOPO"):
        shares(tmp_path, "TOPO", 1.0, odd, 0.5, 1.0)


@pytest.mark.parametrize(("per_block", "is_guess"), [(8100.0, True), (0.0081, False)])
def test_mt_are_metric_tons_or_million_tonnes_by_what_rock_weighs(tmp_path: Path, per_block: float, is_guess: bool):
    rows = lines(lambda b: f"{b.x},{b.y},{b.z},{b.cu},{per_block}")
    found = read(tmp_path, "X,Y,Z,CU,TONNES [mt]\n" + rows)
    assert found.blocks["tonnes"].to_numpy() == pytest.approx(8100.0)
    assert ("TONNES [mt] are metric tons" in told_of(found, "guessed")) == is_guess
    assert ("TONNES [mt] is in mt: times 1e+06 to tonnes" in told_of(found, "understood")) != is_guess


def test_rock_without_density_is_no_air(tmp_path: Path):
    rows = lines(lambda b: f"{b.x},{b.y},{b.z},{b.cu},{-99 if b.rock == 'waste' else b.density},{b.rock}")
    found = read(
        tmp_path, "X,Y,Z,CU,SG,ROCK\n" + rows + f"{MODEL.x[0]},{MODEL.y[0]},{MODEL.z.max() + 10},-99,-99,air\n"
    )
    assert len(found.blocks) == len(MODEL)
    assert "rows of rock without one" in told_of(found, "guessed")


def test_lead_is_no_pushback(tmp_path: Path):
    found = read(tmp_path, "X,Y,Z,PB,ZN,AG,SG\n" + lines(lambda b: f"{b.x},{b.y},{b.z},{b.cu},{b.au},{b.iz},2.9"))
    assert dict(found.units) == {"pb": "pct", "zn": "pct", "ag": "g_per_t"}
    assert set(found.phases) == {"p1"}


def test_air_does_not_count_among_missing_grades(tmp_path: Path):
    high = MODEL["iz"] > 0
    table = MODEL[["x", "y", "z", "cu", "density"]].assign(density=MODEL["density"].where(~high))
    table["cu"] = table["cu"].where(~high)
    found = read(tmp_path, table.to_csv(index=False))
    assert len(found.blocks) == (~high).sum()


def sub_blocks(*more: str) -> str:
    """Half of each block along x, with its size, and further rows."""
    rows = lines(lambda b: f"{b.x - 5},{b.y},{b.z},10,15,10,{b.cu},{b.density}")
    whole = f"{MODEL.x[0]},{MODEL.y[0]},{MODEL.z.max() + 10},20,15,10,0,2.7\n"
    return "X,Y,Z,DX,DY,DZ,CU,SG\n" + rows + whole + "".join(f"{row}\n" for row in more)


def test_sub_blocks_that_share_ground_are_refused_though_their_cell_is_not_full(tmp_path: Path):
    assert len(read(tmp_path, sub_blocks()).blocks) == len(MODEL) + 1
    first = MODEL.iloc[0]
    for x, dx in ((first.x - 5, 10), (first.x - 4, 4), (first.x - 2.5, 5)):
        with pytest.raises(BadInput, match="lines 2, 227 is blocks that overlap"):
            read(tmp_path, sub_blocks(f"{x},{first.y},{first.z},{dx},15,10,1,2.7"))
    beside = read(tmp_path, sub_blocks(f"{first.x + 5},{first.y},{first.z},10,15,10,1,2.7"))
    assert len(beside.blocks) == len(MODEL) + 1


def test_sub_blocks_without_sizes_are_no_grid(tmp_path: Path):
    rows = []
    for block in MODEL.itertuples():
        parts = (0.0,) if block.rock == "waste" else (-5.0, 5.0)
        rows += [f"{block.x + part},{block.y},{block.z},{block.cu},{block.density}\n" for part in parts]
    with pytest.raises(BadInput, match="most without a next one along x; expected whole blocks, or sub-blocks with"):
        read(tmp_path, "X,Y,Z,CU,SG\n" + "".join(rows))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m\n5\nX\nY\nZ\nCu\nCu\n1 2 3 4 5\n", "Cu is given twice"),
        ("# a\n# b\n", "nothing but comments"),
        ("X,Y,Z,CU\n0,0,0,1\n0.3,90000000,0,1\n90000000,0.3,0,1\n1,1,9000000,1\n", "grid"),
        ("X,Y,Z,CU,SG [kg/m3]\n0,0,0,1,2.7e5\n0,0,10,1,2700\n0,10,0,1,2700\n10,0,0,1,2700\n", "at most 10 t/m3"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, text: str, said: str):
    with pytest.raises(BadInput) as refused:
        read(tmp_path, text)
    assert [said in str(finding) for finding in refused.value.findings] == [True]
