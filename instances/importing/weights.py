"""Tonnes of each row of a block model: as given, or from density, volume and the share below topography."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from instances.findings import Finding, Words
from instances.importing.columns import Columns, Floats
from instances.importing.kinds import AIR, UNASSIGNED
from instances.importing.measures import plain_unit
from instances.importing.notes import changed, guessed

GUESSED_DENSITY = 2.7
HEAVIEST_T_PER_M3 = 10.0


def tonnes_and_air(
    columns: Columns,
    volume_m3: Floats,
    material: NDArray[np.object_] | None,
    grades: Mapping[str, Floats],
    density: float | None,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Tonnes of each row, and which rows are air.

    Args:
        columns: the columns; findings and notes are added to them.
        volume_m3: volume of each row's block.
        material: name of each row's material, where there is one.
        grades: grades by element.
        density: tonnes per cubic metre, where told, for tables with neither tonnes nor density.
    """
    share = _solid_share(columns)
    given = _given_tonnes(columns, volume_m3)
    if given is not None:
        tonnes = columns.not_negative("tonnes", given)
        if share is not None:
            columns.notes.append(guessed("tonnes are those below topography already; the fraction is left out"))
    else:
        own = columns.number("volume")
        solid = volume_m3 * (1.0 if share is None else share) if own is None else columns.not_negative("volume", own)
        if own is not None and share is not None:
            columns.notes.append(guessed("volumes are those below topography already; the fraction is left out"))
        tonnes = solid * _density(columns, material, grades, density)
    air = np.isnan(tonnes) | (tonnes <= 0)
    if material is not None:
        air |= np.isin(material, list(AIR))
    if air.all():
        columns.findings.append(Finding(columns.source.place, Words("all air"), "a block with tonnes"))
    elif air.any():
        columns.notes.append(changed(f"{int(air.sum()):,} rows of air, or without tonnes, are left out"))
    return tonnes, air


def has_no_weight(columns: Columns) -> NDArray[np.bool_]:
    """Where a table says neither tonnes nor density above 0 though it has a column for them: air, most likely."""
    found = np.zeros(columns.source.rows, dtype=bool)
    for role in ("tonnes", "density"):
        if role in columns.meaning.roles:
            values, _ = columns.source.numbers(columns.meaning.roles[role])
            found |= ~(values > 0)
            break
    return found


def _given_tonnes(columns: Columns, volume_m3: Floats) -> Floats | None:
    """Tonnes of each row, where the table gives them; ``mt`` are metric tons or million tonnes, by what rock weighs."""
    if plain_unit(columns.meaning.units.get("tonnes", "")) != "mt":
        return columns.number("tonnes")
    heading = columns.meaning.roles["tonnes"]
    values, _ = columns.source.numbers(heading)
    rock = (values > 0) & (volume_m3 > 0)
    # The two are a factor of a million apart: the one is taken that comes nearer to the density of rock.
    metric = rock.any() and float(np.median(values[rock] / volume_m3[rock])) > GUESSED_DENSITY / 1e3
    if not metric:
        return columns.number("tonnes")
    columns.notes.append(guessed(f"{heading} are metric tons: as million tonnes the blocks would be too heavy"))
    return columns.number("tonnes", "t")


def _density(
    columns: Columns, material: NDArray[np.object_] | None, grades: Mapping[str, Floats], told: float | None
) -> Floats | float:
    """Density of each row. Rock without one, by its name or its grades, gets the mean: left out it would be air."""
    given = columns.number("density")
    if given is None:
        if told is None:
            columns.notes.append(guessed(f"density {GUESSED_DENSITY} t/m3: the table has neither tonnes nor density"))
        return told or GUESSED_DENSITY
    density = columns.not_negative("density", given)
    wrong = density > HEAVIEST_T_PER_M3
    if wrong.any():
        heading = columns.meaning.roles["density"]
        columns.refuse("density", wrong, f"at most {HEAVIEST_T_PER_M3:g} t/m3 (or --column 'density[kg/m3]={heading}')")
    bare = ~(density > 0) & np.logical_or.reduce([grade > 0 for grade in grades.values()])
    if material is not None:
        bare |= (density != given) & ~np.isin(material, [*AIR, UNASSIGNED])
    if bare.any() and (density > 0).any():
        mean = float(density[density > 0].mean())
        count = int(bare.sum())
        columns.notes.append(guessed(f"density {mean:.3g} t/m3, the mean, in {count:,} rows of rock without one"))
        density = np.where(bare, mean, density)
    return density


def _solid_share(columns: Columns) -> Floats | None:
    """Share of each block below topography, where the table gives it."""
    solid = columns.share("fraction", 0.0)
    if solid is not None:
        return solid
    air = columns.share("air_fraction", 1.0)
    return None if air is None else 1 - air
