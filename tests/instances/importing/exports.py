"""One small copper-gold model, exported in the manner of several programs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

SIZE_M = (20.0, 15.0, 10.0)
CORNER_M = (500_000.0, 6_000_000.0, 1_000.0)
CELL_M3 = 3000.0


def small_model(nx: int = 7, ny: int = 6, nz: int = 4, *, rotation_deg: float = 0.0, seed: int = 5) -> pd.DataFrame:
    """A row a block: ix, iy, iz, centre, copper in per cent, gold in g/t, density, rock (sulphide or waste)."""
    random = np.random.default_rng(seed)
    ix, iy, iz = (axis.ravel() for axis in np.meshgrid(range(nx), range(ny), range(nz), indexing="ij"))
    u, v = (ix + 0.5) * SIZE_M[0], (iy + 0.5) * SIZE_M[1]
    angle = math.radians(rotation_deg)
    cu = np.round(random.uniform(0.0, 1.2, ix.size), 3)
    return pd.DataFrame(
        {
            "ix": ix,
            "iy": iy,
            "iz": iz,
            "x": CORNER_M[0] + u * math.cos(angle) + v * math.sin(angle),
            "y": CORNER_M[1] - u * math.sin(angle) + v * math.cos(angle),
            "z": CORNER_M[2] + (iz + 0.5) * SIZE_M[2],
            "cu": cu,
            "au": np.round(random.uniform(0.05, 0.6, ix.size), 3),
            "density": np.where(cu > 0.4, 2.8, 2.65),
            "rock": np.where(cu > 0.4, "sulphide", "waste"),
        }
    )


def write_vulcan(file: Path, model: pd.DataFrame) -> Path:
    """Commas, three lines of description, sizes of blocks, -99 where there is no grade, air above the ground."""
    lines = [
        "centroid_x,centroid_y,centroid_z,dim_x,dim_y,dim_z,volume,cu,au,density,rock",
        "Variable descriptions:,,,,,,,copper grade,gold grade,,",
        "Variable types:,,,,,,,double,double,double,name",
        "Variable defaults:,,,,,,,-99,-99,-99,none",
    ]
    for row in model.itertuples():
        cu = row.cu if row.cu >= 0.1 else -99
        lines.append(
            f"{row.x:.3f},{row.y:.3f},{row.z:.3f},20.0,15.0,10.0,3000.0,{cu},{row.au},{row.density},{row.rock}"
        )
    lines.append(f"{model.x[0]:.3f},{model.y[0]:.3f},{model.z.max() + 10:.3f},20.0,15.0,10.0,3000.0,-99,-99,-99,air")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def write_datamine(file: Path, model: pd.DataFrame) -> Path:
    """Commas, a hyphen where there is no grade, numbered rocks, each block of rock 2 cut in two along x."""
    lines = ["IJK,XC,YC,ZC,XINC,YINC,ZINC,CU_PCT,AU_GPT,DENSITY,ROCKTYPE"]
    for number, row in enumerate(model.itertuples()):
        cut = 2 if row.rock == "sulphide" else 1
        for part in range(cut):
            x = row.x - SIZE_M[0] / 2 + SIZE_M[0] / cut * (part + 0.5)
            cu = row.cu if row.cu >= 0.1 else "-"
            au = row.au * (1.0 + 0.1 * (2 * part - cut + 1))
            size = f"{SIZE_M[0] / cut},15,10"
            lines.append(f"{number},{x},{row.y},{row.z},{size},{cu},{au},{row.density},{cut}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def write_surpac(file: Path, model: pd.DataFrame) -> Path:
    """Semicolons, decimal commas, blanks between thousands, y before x, units in the heading, Windows-1252."""

    def comma(value: float, digits: int = 3) -> str:
        return f"{value:,.{digits}f}".replace(",", " ").replace(".", ",")

    lines = ["Y;X;Z;cu [%];au (g/t);Tonnage (t);matériau".replace("matériau", "material")]
    for row in model.itertuples():
        cu = comma(row.cu) if row.cu >= 0.1 else "-999"
        tonnes = comma(CELL_M3 * row.density, 1)
        rock = "Sulfuré" if row.rock == "sulphide" else "Stérile"
        lines.append(f"{comma(row.y)};{comma(row.x)};{comma(row.z)};{cu};{comma(row.au)};{tonnes};{rock}")
    file.write_bytes("\r\n".join(lines).encode("cp1252"))
    return file


EXPORTS = {"vulcan": write_vulcan, "datamine": write_datamine, "surpac": write_surpac}
