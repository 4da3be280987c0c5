"""A narrow, steep gold vein, exported as Datamine does: sub-blocks, hyphens for no grade, numbered rocks."""

from __future__ import annotations

import numpy as np

CELLS = (16, 20, 12)
SIZE_M = (10.0, 10.0, 5.0)
CORNER_M = (4_000.0, 8_000.0, 240.0)
PARTS = 4
THICKNESS_M = 5.0
DIP_DEG = 65.0


def vein() -> str:
    """The export: gold in g/t; rock 1 is vein, rock 2 the wall. Blocks that the vein cuts are in four along x."""
    random = np.random.default_rng(7)
    lines = ["IJK,XC,YC,ZC,XINC,YINC,ZINC,AU_GPT,DENSITY,ROCKTYPE"]
    shoots = np.exp(random.normal(0, 0.5, (CELLS[1], CELLS[2])))
    for x in range(CELLS[0]):
        for y in range(CELLS[1]):
            for z in range(CELLS[2]):
                ijk = (x * CELLS[1] + y) * CELLS[2] + z
                yc, zc = CORNER_M[1] + (y + 0.5) * SIZE_M[1], CORNER_M[2] + (z + 0.5) * SIZE_M[2]
                height = (z + 0.5 - CELLS[2]) * SIZE_M[2]
                middle = 80.0 + 6.0 * np.sin(y / 4.0) + height / np.tan(np.radians(DIP_DEG))
                width = SIZE_M[0] / PARTS
                centres = x * SIZE_M[0] + (np.arange(PARTS) + 0.5) * width
                inside = np.abs(centres - middle) <= THICKNESS_M / 2
                end = f"{SIZE_M[1]},{SIZE_M[2]}"
                if not inside.any():
                    lines.append(f"{ijk},{CORNER_M[0] + (x + 0.5) * SIZE_M[0]},{yc},{zc},{SIZE_M[0]},{end},-,2.7,2")
                    continue
                for centre, ore in zip(centres, inside, strict=True):
                    grade = f"{6.0 * shoots[y, z]:.2f}" if ore else "-"
                    rock = 1 if ore else 2
                    lines.append(
                        f"{ijk},{CORNER_M[0] + centre},{yc},{zc},{width},{end},{grade},{2.6 + 0.1 * rock:.1f},{rock}"
                    )
    return "\n".join(lines) + "\n"
