"""A flat nickel laterite in layers, exported as Surpac does: semicolons, decimal commas, units in the heading."""

from __future__ import annotations

import numpy as np

CELLS = (18, 16, 9)
SIZE_M = (25.0, 25.0, 3.0)
CORNER_M = (20_000.0, 35_000.0, 90.0)


def layered() -> str:
    """The export: nickel and cobalt to sell, magnesia that a plant takes little of; tonnes of each block."""
    random = np.random.default_rng(11)
    lines = ["Y;X;Z;ni [%];co [%];mgo [%];tonnes (t);material"]
    x, y = np.meshgrid(np.arange(CELLS[0]), np.arange(CELLS[1]), indexing="ij")
    cover = 2 + (np.sin(x / 6.0) + np.cos(y / 5.0) > 0.3).astype(int)
    rich = 1.0 + 0.25 * np.sin(x / 4.0) * np.cos(y / 3.0)
    for column in np.ndindex(CELLS[0], CELLS[1]):
        for z in range(CELLS[2]):
            depth = CELLS[2] - 1 - z
            layer = depth - cover[column]
            name, ni, co, mgo, density = _rock(int(layer))
            spread = np.exp(random.normal(0, 0.12))
            values = (
                CORNER_M[1] + (column[1] + 0.5) * SIZE_M[1],
                CORNER_M[0] + (column[0] + 0.5) * SIZE_M[0],
                CORNER_M[2] + (z + 0.5) * SIZE_M[2],
            )
            grades = (ni * rich[column] * spread, co * spread, mgo / spread)
            place = ";".join(f"{value:.2f}" for value in values)
            shown = ";".join(f"{grade:.3f}" if ni else "-99" for grade in grades)
            tonnes = f"{np.prod(SIZE_M) * density:,.1f}".replace(",", " ")
            lines.append(f"{place};{shown};{tonnes};{name}".replace(".", ","))
    return "\n".join(lines) + "\n"


def _rock(layer: int) -> tuple[str, float, float, float, float]:
    """Name, nickel, cobalt and magnesia in per cent and density of a layer, counted from the top of the ore."""
    if layer < 0:
        return "Overburden", 0.0, 0.0, 0.0, 1.5
    if layer < 2:
        return "Limonite", 1.3, 0.13, 2.0, 1.4
    if layer < 4:
        return "Saprolite", 1.9, 0.05, 16.0, 1.5
    return "Bedrock", 0.0, 0.0, 0.0, 2.6
