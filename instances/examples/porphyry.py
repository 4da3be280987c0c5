"""A copper-gold porphyry with an oxide cap, exported as Vulcan does: comments, block sizes, a rotated grid, air."""

from __future__ import annotations

import math

import numpy as np

CELLS = (22, 20, 12)
SIZE_M = (20.0, 20.0, 15.0)
CORNER_M = (512_400.0, 6_148_200.0, 820.0)
BEARING_DEG = 35.0
OXIDE_BENCHES = 4


def porphyry() -> str:
    """The export: copper in per cent and gold in g/t, highest in a core under the middle; no grade is -99."""
    random = np.random.default_rng(20)
    x, y, z = (axis.ravel() for axis in np.meshgrid(*map(np.arange, CELLS), indexing="ij"))
    u, v = (x + 0.5) * SIZE_M[0], (y + 0.5) * SIZE_M[1]
    away = np.hypot((x - 10.5) / 6.0, (y - 9.5) / 5.0)
    depth = (z - 5.0) / 5.5
    core = np.exp(-(away**2) - depth**2)
    cu = np.round(0.85 * core * np.exp(random.normal(0, 0.25, x.size)), 3)
    au = np.round(0.45 * core * np.exp(random.normal(0, 0.35, x.size)), 3)
    ground = CELLS[2] - 1 - (np.sin(x / 5.0) > 0.6).astype(int)
    oxide = z >= CELLS[2] - OXIDE_BENCHES
    rock = np.select([z > ground, cu < 0.1, oxide], ["air", "waste", "oxide"], "sulphide")
    angle = math.radians(BEARING_DEG)
    east = CORNER_M[0] + u * math.cos(angle) + v * math.sin(angle)
    north = CORNER_M[1] - u * math.sin(angle) + v * math.cos(angle)
    up = CORNER_M[2] + (z + 0.5) * SIZE_M[2]
    lines = [
        "centroid_x,centroid_y,centroid_z,dim_x,dim_y,dim_z,volume,density,cu,au,rock",
        "Variable descriptions:,,,,,,,bulk density,copper,gold,rock type",
        "Variable types:,,,,,,,double,double,double,name",
        "Variable defaults:,,,,,,,-99.0,-99.0,-99.0,none",
    ]
    for n in range(x.size):
        place = f"{east[n]:.3f},{north[n]:.3f},{up[n]:.3f},20.0,20.0,15.0,6000.0"
        if rock[n] == "air":
            lines.append(f"{place},-99.0,-99.0,-99.0,air")
        elif rock[n] == "waste":
            lines.append(f"{place},2.65,{cu[n] if cu[n] >= 0.02 else -99.0},{au[n]},waste")
        else:
            lines.append(f"{place},{2.55 if oxide[n] else 2.75},{cu[n]},{au[n]},{rock[n]}")
    return "\n".join(lines) + "\n"
