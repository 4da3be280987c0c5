"""OMF files that the package ``omf`` writes give back the blocks put into them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instances.findings import BadInput
from instances.importing.folder import new_mine
from instances.importing.model import BlockModel, block_model
from instances.importing.omf_file import read_omf
from instances.importing.opening import open_source
from tests.instances.importing.exports import CELL_M3, CORNER_M, SIZE_M, small_model

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import omf

MODEL = small_model(7, 6, 4)


def quietly(make: Callable[..., Any]) -> Callable[..., Any]:
    """Without the warnings of a package that ``omf`` stands on; what reads the files has to see to that itself."""

    @functools.wraps(make)
    def made(*arguments: Any, **keys: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make(*arguments, **keys)

    return made


@quietly
def volume(name: str = "model", *, bearing: float = 0.0, swapped: bool = False, **changes: Any) -> Any:
    """A volume of the model; with ``swapped`` axes u runs north and v west, so that x falls along v."""
    angle = np.radians(bearing)
    east, north = np.array([np.cos(angle), -np.sin(angle), 0.0]), np.array([np.sin(angle), np.cos(angle), 0.0])
    model = MODEL.sort_values(["ix", "iy", "iz"])
    origin = np.asarray(CORNER_M)
    widths = [np.full(7, SIZE_M[0]), np.full(6, SIZE_M[1]), np.full(4, SIZE_M[2])]
    axes = [east, north]
    if swapped:
        model = MODEL.sort_values(["iy", "ix", "iz"], ascending=[True, False, True])
        origin = origin + 7 * SIZE_M[0] * east
        widths, axes = [widths[1], widths[0], widths[2]], [north, -east]
    keys = {"axis_u": axes[0], "axis_v": axes[1], "origin": origin - [0.0, 0.0, 50.0]} | changes
    geometry = omf.VolumeGridGeometry(tensor_u=widths[0], tensor_v=widths[1], tensor_w=widths[2], **keys)
    rocks = ["waste", "sulphide"]
    legend = omf.Legend(name="rock", values=omf.StringArray(array=rocks))
    codes = np.array([rocks.index(rock) for rock in model["rock"]])
    codes[0] = -1
    cu = model["cu"].to_numpy(copy=True)
    cu[1] = np.nan
    data = [
        omf.ScalarData(name="Cu (%)", array=cu, location="cells"),
        omf.ScalarData(name="Au ppb", array=1000 * model["au"].to_numpy(), location="cells"),
        omf.ScalarData(name="density", array=model["density"].to_numpy(), location="cells"),
        omf.MappedData(name="rock", array=codes, legends=[legend], location="cells"),
        omf.StringData(name="phase", array=["one"] * len(model), location="cells"),
        omf.ScalarData(name="corners", array=np.zeros(geometry.num_nodes), location="vertices"),
    ]
    return omf.VolumeElement(name=name, geometry=geometry, data=data)


@quietly
def written(file: Path, *volumes: Any) -> Path:
    project = omf.Project(name="test", elements=list(volumes), origin=[0.0, 0.0, 50.0])
    omf.OMFWriter(project, str(file))
    return file


def assert_is_the_model(found: BlockModel) -> None:
    blocks = found.blocks.sort_values(["ix", "iy", "iz"]).reset_index(drop=True)
    wanted = MODEL.sort_values(["ix", "iy", "iz"]).reset_index(drop=True)
    assert found.size_m == pytest.approx(SIZE_M)
    assert (blocks[["ix", "iy", "iz"]].to_numpy() == wanted[["ix", "iy", "iz"]].to_numpy()).all()
    assert blocks["tonnes"].to_numpy() == pytest.approx((CELL_M3 * wanted["density"]).to_numpy(), rel=1e-9)
    assert blocks["au_g_per_t"].to_numpy() == pytest.approx(wanted["au"].to_numpy())
    differs = ~np.isclose(blocks["cu_pct"], wanted["cu"])
    assert differs.sum() == 1
    assert blocks.loc[differs, "cu_pct"].item() == 0.0
    assert (blocks["material"] != wanted["rock"]).sum() == 1
    assert set(found.phases) == {"one"}


@pytest.mark.parametrize("swapped", [False, True], ids=["x y z", "y -x z"])
@pytest.mark.parametrize("bearing", [0.0, 25.0, -40.0])
def test_a_volume_gives_back_its_blocks(tmp_path: Path, bearing: float, swapped: bool):
    found = block_model(open_source(written(tmp_path / "m.omf", volume(bearing=bearing, swapped=swapped))))
    assert_is_the_model(found)
    assert found.rotation_deg == pytest.approx(bearing, abs=1e-5)
    angle = np.radians(bearing)
    u, v = SIZE_M[0] / 2, SIZE_M[1] / 2
    first = (
        CORNER_M[0] + u * np.cos(angle) + v * np.sin(angle),
        CORNER_M[1] - u * np.sin(angle) + v * np.cos(angle),
        CORNER_M[2] + SIZE_M[2] / 2,
    )
    assert found.origin_m == pytest.approx(first, abs=0.01)
    assert any("corners" in note.text for note in found.notes)


def test_one_of_several_volumes_has_to_be_named(tmp_path: Path):
    file = written(tmp_path / "m.omf", volume("fine"), volume("coarse"))
    with pytest.raises(BadInput, match="--element with the name of a volume: fine, coarse"):
        open_source(file)
    with pytest.raises(BadInput, match=r"nearest: coarse"):
        open_source(file, "coarce")
    assert new_mine(file, "m", element="coarse").model.blocks["tonnes"].sum() > 0


def test_a_file_of_another_kind_has_no_elements(tmp_path: Path):
    (tmp_path / "m.csv").write_text("X,Y,Z,CU\n0,0,0,1\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"ends in \.omf"):
        open_source(tmp_path / "m.csv", "fine")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda raw: b"PK\x03\x04" + raw, "OMF of version 2"),
        (lambda raw: raw[:0], "unreadable"),
        (lambda raw: raw[:40], "unreadable"),
        (lambda raw: raw[: len(raw) // 2], "unreadable"),
        (lambda raw: raw.replace(b"OMF-v0.9.0", b"OMF-v0.1.0"), "unreadable"),
        (lambda raw: raw[:70] + b"\xff" * 200 + raw[270:], "unreadable"),
        (lambda raw: raw.replace(b'"tensor_u"', b'"tensor_q"'), "expected"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, spoil: Any, said: str):
    file = written(tmp_path / "m.omf", volume())
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(BadInput) as refused:
        block_model(open_source(file))
    assert len(refused.value.findings) == 1
    assert said in str(refused.value)


def test_a_tilted_grid_is_refused(tmp_path: Path):
    tilted = volume(axis_v=[0.0, 0.8, 0.6], axis_w=[0.0, -0.6, 0.8])
    with pytest.raises(BadInput, match="a tilted grid"):
        read_omf(written(tmp_path / "m.omf", tilted))


def test_a_file_without_a_volume_is_told(tmp_path: Path):
    points = quietly(omf.PointSetElement)(name="p", geometry=omf.PointSetGeometry(vertices=[[0.0, 0.0, 0.0]]))
    with pytest.raises(BadInput, match="no block model"):
        read_omf(written(tmp_path / "m.omf", points))
