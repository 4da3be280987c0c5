"""A block model as a block table: places, tonnes, grades and kinds from a table of another program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.findings import BadInput, Finding, Words
from instances.importing.kinds import AIR, kinds_of
from instances.importing.lattice import FARTHEST_M, Lattice, NoLatticeError, lattice_of
from instances.importing.notes import Note, changed, guessed, understood
from instances.importing.numbers import sentinels
from instances.importing.regularising import regularised
from instances.importing.source import Source
from instances.importing.vocabulary import (
    CELLS,
    ELEMENTS,
    MASS,
    PLACES,
    GradeColumn,
    Meaning,
    missing_columns,
    recognised,
)
from instances.table import LARGEST_GRADE, SLOPES_DEG, told_rows

Floats = NDArray[np.float64]
SIZES = ("dx", "dy", "dz")
CORNERS = ("x_corner", "y_corner", "z_corner")
GUESSED_DENSITY = 2.7
GUESSED_SIZE_M = (10.0, 10.0, 10.0)
MOST_EMPTY = 0.2
"""Share of empty grades above which they are taken for damage, unless told that empty means barren."""


@dataclass(frozen=True)
class Told:
    """What is told about a model rather than read from it.

    Attributes:
        columns: ``ROLE=HEADING``, see :func:`instances.importing.vocabulary.recognised`.
        size_m: size of a cell, metres.
        rotation_deg: bearing of the model's y axis, degrees clockwise from north.
        density: tonnes per cubic metre where the table has neither tonnes nor density.
        empty_is_barren: whether an empty grade is no grade, however many there are.
    """

    columns: Sequence[str] = ()
    size_m: tuple[float, float, float] | None = None
    rotation_deg: float | None = None
    density: float | None = None
    empty_is_barren: bool = False


@dataclass(frozen=True)
class BlockModel:
    """A block model read.

    Attributes:
        blocks: a row a cell: block, ix, iy, iz, phase, material, tonnes, one column a grade, and mined_fraction and
            slope_deg where the table says them.
        units: unit by element, ``pct`` or ``g_per_t``.
        size_m: size of a cell in x, y, z of the model, metres.
        origin_m: centre of the cell 0, 0, 0, metres.
        rotation_deg: bearing of the model's y axis, degrees clockwise from north.
        size_is_guess: whether the size is a guess.
        materials: title by material, as the table spells it.
        phases: title by phase.
        notes: what was understood, guessed and changed.
    """

    blocks: pd.DataFrame
    units: Mapping[str, str]
    size_m: tuple[float, float, float]
    origin_m: tuple[float, float, float]
    rotation_deg: float
    size_is_guess: bool
    materials: Mapping[str, str]
    phases: Mapping[str, str]
    notes: tuple[Note, ...]


def block_model(source: Source, told: Told | None = None) -> BlockModel:
    """Makes sense of a table.

    Raises:
        BadInput: with every fault found.
    """
    told = told or Told()
    meaning = recognised(list(source.columns), told.columns)
    missing = missing_columns(source.place, meaning, source.columns, has_grid=source.grid is not None)
    if missing:
        raise BadInput(missing)
    return _Import(source, meaning, told).model()


class _Import:
    """One import: reads column by column and gathers what is wrong and what is to be told."""

    def __init__(self, source: Source, meaning: Meaning, told: Told) -> None:
        self.source, self.meaning, self.told = source, meaning, told
        self.notes: list[Note] = [*source.notes, *meaning.notes]
        self.findings: list[Finding] = []
        self.size_is_guess = False

    def model(self) -> BlockModel:
        lattice = self._lattice()
        grades = {name: self._grade(name, column) for name, column in self.meaning.grades.items()}
        rows = pd.DataFrame({name: lattice.cells[:, axis] for axis, name in enumerate(CELLS)})
        rows["volume_m3"] = lattice.volume_m3()
        material, materials = self._kinds("material")
        phase, phases = self._kinds("phase")
        rows["tonnes"], air = self._tonnes(rows["volume_m3"].to_numpy(float), material, grades)
        rows["phase"] = phase if phase is not None else "p1"
        if material is None:
            barren = np.logical_and.reduce([grade <= 0 for grade in grades.values()])
            material, materials = np.where(barren, "barren", "mineralised").astype(object), {}
            self.notes.append(guessed("material: mineralised where any grade is above 0, barren elsewhere"))
        rows["material"] = material
        names = {element: f"{element}_{column.unit}" for element, column in self.meaning.grades.items()}
        for element, values in grades.items():
            rows[names[element]] = values
        slope = self._slope()
        if slope is not None:
            rows["slope_deg"] = slope
        mined = self._mined()
        if mined is not None:
            rows["mined_fraction"] = mined
        self._off_grid(lattice, air)
        if self.findings:
            raise BadInput(self.findings)
        blocks = self._cells(rows[~air].reset_index(drop=True), lattice, ~air, list(names.values()))
        blocks.insert(0, "block", _block_names(blocks))
        return BlockModel(
            blocks=blocks,
            units={name: column.unit for name, column in self.meaning.grades.items()},
            size_m=lattice.size_m,
            origin_m=lattice.origin_m,
            rotation_deg=lattice.rotation_deg,
            size_is_guess=self.size_is_guess,
            materials={name: materials.get(name, name) for name in sorted(set(blocks["material"]))},
            phases={name: phases.get(name, name) for name in sorted(set(blocks["phase"]))},
            notes=tuple(self.notes),
        )

    def _number(self, role: str) -> Floats | None:
        """The numbers of a role's column; faults are gathered. None where there is no such column."""
        if role not in self.meaning.roles:
            return None
        values, findings = self.source.numbers(self.meaning.roles[role])
        self.findings += findings
        return values

    def _finite(self, role: str) -> Floats | None:
        """The numbers of a role that every row has to have."""
        before = len(self.findings)
        values = self._number(role)
        if values is not None and len(self.findings) == before and np.isnan(values).any():
            self.findings.append(self.source.finding(self.meaning.roles[role], np.isnan(values), "a number"))
        if values is not None and len(self.findings) == before and (np.abs(values) > FARTHEST_M).any():
            beyond = np.abs(values) > FARTHEST_M
            expected = f"numbers within {FARTHEST_M:,.0f} of 0"
            self.findings.append(self.source.finding(self.meaning.roles[role], beyond, expected))
        return values

    def _lattice(self) -> Lattice:
        centres = self._centres()
        sizes = self._sizes()
        corner = [self._number(role) for role in CORNERS]
        rotation = self._number("rotation")
        if self.findings:
            raise BadInput(self.findings)
        bearing = self.told.rotation_deg
        if bearing is None and rotation is not None and "x_corner" in self.meaning.roles:
            bearing = float(rotation[0])
        try:
            lattice = lattice_of(
                centres,
                sizes,
                size_m=self.told.size_m or self._grid_size(),
                corner=_first(corner),
                rotation_deg=0.0 if bearing is None and "x" not in self.meaning.roles else bearing,
            )
        except NoLatticeError as error:
            expected = f"blocks on a regular grid; {error} (see --size, --rotation)"
            raise BadInput([Finding(self.source.place, None, expected)]) from error
        size = " x ".join(f"{side:g}" for side in lattice.size_m)
        origin = ", ".join(f"{value:g}" if abs(value) < 1e5 else f"{value:.2f}" for value in lattice.origin_m)
        text = f"blocks of {size} m, centre of the first at {origin}, rotated {lattice.rotation_deg:g} degrees"
        from_steps = sizes is None and self.told.size_m is None and self._grid_size() is None
        self.notes.append(guessed(text) if from_steps else understood(text))
        return lattice

    def _grid_size(self) -> tuple[float, float, float] | None:
        return None if self.source.grid is None else self.source.grid.size_m

    def _centres(self) -> Floats:
        """Centres of the rows: as given, from cell numbers, or in the order of a GSLIB grid."""
        roles, grid = self.meaning.roles, self.source.grid
        if all(role in roles for role in PLACES):
            given = [self._finite(role) for role in PLACES]
            return np.column_stack([values for values in given if values is not None])
        if grid is not None and not any(role in roles for role in PLACES):
            if np.prod(grid.cells) != self.source.rows:
                shown = Words(f"{self.source.rows} rows")
                expected = f"{' x '.join(map(str, grid.cells))} rows, as its second line says"
                raise BadInput([Finding(self.source.place, shown, expected)])
            order = np.unravel_index(np.arange(self.source.rows), tuple(reversed(grid.cells)))
            return np.column_stack([grid.first_m[a] + order[2 - a] * grid.size_m[a] for a in range(3)])
        size = self.told.size_m
        if size is None:
            sizes = [self._number(role) for role in SIZES]
            size = _first(sizes) or GUESSED_SIZE_M
            self.size_is_guess = _first(sizes) is None
            if self.size_is_guess:
                self.notes.append(guessed("blocks of 10 x 10 x 10 m: the table has cell numbers only (see --size)"))
        found = []
        for axis, (place, cell) in enumerate(zip(PLACES, CELLS, strict=True)):
            values = self._finite(place if place in roles else cell)
            found.append(np.zeros(self.source.rows) if values is None else values)
            if place not in roles:
                found[-1] = found[-1] * size[axis]
        self.told = replace(self.told, size_m=size, rotation_deg=0.0)
        return np.column_stack(found)

    def _sizes(self) -> Floats | None:
        """Sizes of the blocks, ``(rows, 3)``, where the table gives all three."""
        if not all(role in self.meaning.roles for role in SIZES):
            return None
        found = []
        for role in SIZES:
            values = self._finite(role)
            if values is not None and (values <= 0).any():
                self.findings.append(self.source.finding(self.meaning.roles[role], values <= 0, "sizes above 0 m"))
            found.append(values)
        return np.column_stack([values for values in found if values is not None])

    def _grade(self, element: str, column: GradeColumn) -> Floats:
        """Grades in the unit of the mine's file; marks for nothing become 0."""
        values, findings = self.source.numbers(column.heading)
        self.findings += findings
        if findings:
            return values
        marked, marks = sentinels(values)
        empty = np.isnan(values) & self.source.empty(column.heading)
        unsaid = np.isnan(values) & ~empty
        marked |= unsaid
        if marked.any():
            shown = ", ".join([*(f"{mark:g}" for mark in marks), *(["as nothing"] if unsaid.any() else [])])
            self.notes.append(changed(f"{element} is 0 in {int(marked.sum()):,} rows marked {shown}"))
        if empty.mean() > MOST_EMPTY and not self.told.empty_is_barren:
            expected = f"a grade, or --empty-is-barren ({empty.mean():.0%} of the rows have none)"
            self.findings.append(self.source.finding(column.heading, empty, expected))
        elif empty.any():
            self.notes.append(changed(f"{element} is 0 in {int(empty.sum()):,} rows where it is empty"))
        values = np.where(marked | empty, 0.0, values * column.factor)
        most = LARGEST_GRADE[column.unit]
        wrong = (values < 0) | (values > most)
        if wrong.any():
            unit = "per cent" if column.unit == "pct" else "g/t"
            other = "g_per_t" if column.unit == "pct" else "pct"
            near = f", or --column {element}_{other}={column.heading}" if column.is_guess else ""
            self.findings.append(
                self.source.finding(column.heading, wrong, f"grades from 0 to {most:g} {unit}, or -99 for none{near}")
            )
        return values

    def _kinds(self, role: str) -> tuple[NDArray[np.object_] | None, dict[str, str]]:
        """Names of a column of kinds, and the title of each, as the table spells it."""
        if role not in self.meaning.roles:
            if role == "phase":
                self.notes.append(guessed("one phase, p1: the table has no column of phases (see pitwise pits)"))
            return None, {}
        heading = self.meaning.roles[role]
        found = kinds_of(self.source.text(heading), role)
        for bad, expected in found.faults:
            self.findings.append(self.source.finding(heading, bad, expected))
        renamed = [f"{title} is {name}" for name, title in found.titles.items() if name != title]
        if renamed:
            self.notes.append(changed(f"names of the column {heading}: {', '.join(renamed[:12])}"))
        return found.names, found.titles

    def _tonnes(
        self, volume: Floats, material: NDArray[np.object_] | None, grades: Mapping[str, Floats]
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Tonnes of each row, and which rows are air."""
        share = self._share()
        given = self._number("tonnes")
        if given is not None:
            unit = self.meaning.units.get("tonnes", "kt" if self.meaning.roles["tonnes"].lower() == "kt" else "t")
            tonnes = self._not_negative("tonnes", given) * MASS.get(unit, 1.0)
            if share is not None:
                self.notes.append(guessed("tonnes are those below topography already; the fraction is left out"))
        else:
            own = self._number("volume")
            solid = volume * (1.0 if share is None else share) if own is None else self._not_negative("volume", own)
            tonnes = solid * self._density(grades)
        air = np.isnan(tonnes) | (tonnes <= 0)
        if material is not None:
            air |= np.isin(material, list(AIR))
        if air.all():
            self.findings.append(Finding(self.source.place, Words("all air"), "a block with tonnes"))
        elif air.any():
            self.notes.append(changed(f"{int(air.sum()):,} rows of air, or without tonnes, are left out"))
        return tonnes, air

    def _density(self, grades: Mapping[str, Floats]) -> Floats | float:
        density = self._number("density")
        if density is None:
            if self.told.density is None:
                self.notes.append(guessed(f"density {GUESSED_DENSITY} t/m3: the table has neither tonnes nor density"))
            return self.told.density or GUESSED_DENSITY
        density = self._not_negative("density", density)
        bare = ~(density > 0) & np.logical_or.reduce([grade > 0 for grade in grades.values()])
        if bare.any() and not bare.all():
            mean = float(density[density > 0].mean()) if (density > 0).any() else GUESSED_DENSITY
            self.notes.append(
                guessed(f"density {mean:.3g} t/m3, the mean, in {int(bare.sum()):,} rows with a grade only")
            )
            density = np.where(bare, mean, density)
        wrong = density > 10
        if wrong.any():
            self.findings.append(self.source.finding(self.meaning.roles["density"], wrong, "at most 10 t/m3"))
        return density

    def _share(self) -> Floats | None:
        """Share of each block below topography, where the table gives it."""
        for role, solid in (("fraction", True), ("air_fraction", False)):
            values = self._number(role)
            if values is None:
                continue
            values = np.where(np.isnan(values) | sentinels(values)[0], 0.0 if solid else 1.0, values)
            if values.max(initial=0.0) > 1.0:
                values = values / 100
                self.notes.append(guessed(f"{self.meaning.roles[role]} is in per cent"))
            wrong = (values < 0) | (values > 1)
            if wrong.any():
                self.findings.append(
                    self.source.finding(self.meaning.roles[role], wrong, "shares from 0 to 1, or 0 to 100")
                )
            return values if solid else 1 - values
        return None

    def _not_negative(self, role: str, values: Floats) -> Floats:
        """The values without marks for nothing; a finding where others are below 0."""
        marked, _ = sentinels(values)
        values = np.where(marked | np.isnan(values), 0.0, values)
        if (values < 0).any():
            self.findings.append(self.source.finding(self.meaning.roles[role], values < 0, f"{role} of 0 or more"))
        return values

    def _mined(self) -> Floats | None:
        values = self._number("mined_fraction")
        if values is None:
            return None
        values = np.where(np.isnan(values) | (values < 0), 0.0, values)
        values = values / 100 if values.max(initial=0.0) > 1 else values
        wrong = values > 1
        if wrong.any():
            self.findings.append(self.source.finding(self.meaning.roles["mined_fraction"], wrong, "shares from 0 to 1"))
        return values

    def _slope(self) -> Floats | None:
        """Slope of each row's block to whole degrees, where the table gives it."""
        values = self._number("slope")
        if values is None:
            return None
        values = np.round(values)
        wrong = ~((values >= SLOPES_DEG[0]) & (values <= SLOPES_DEG[1]))
        if wrong.any():
            self.findings.append(self.source.finding(self.meaning.roles["slope"], wrong, "slopes from 5 to 89 degrees"))
        elif (values != self.source.numbers(self.meaning.roles["slope"])[0]).any():
            self.notes.append(changed("slopes rounded to whole degrees"))
        return values

    def _off_grid(self, lattice: Lattice, air: NDArray[np.bool_]) -> None:
        off = lattice.off & ~air
        if off.any():
            size = " x ".join(f"{side:g}" for side in lattice.size_m)
            where = f"{self.source.place}: centre in {told_rows(off, self.source.first, self.source.word)}"
            shown = Words("beside the grid")
            self.findings.append(Finding(where, shown, f"blocks within cells of {size} m (see --size, --rotation)"))

    def _cells(self, rows: pd.DataFrame, lattice: Lattice, kept: NDArray[np.bool_], grades: list[str]) -> pd.DataFrame:
        """The rows as cells, sub-blocks joined.

        Raises:
            BadInput: where rows lie over each other.
        """
        weighted = [*grades, *(["mined_fraction"] if "mined_fraction" in rows else [])]
        repeated = rows.duplicated(list(CELLS), keep=False).to_numpy(dtype=bool)
        if repeated.any() and lattice.span is None:
            raise BadInput([self._over_each_other("rows at the same place", repeated, kept)])
        if not repeated.any():
            return rows.drop(columns="volume_m3")
        cell_m3 = float(np.prod(lattice.size_m))
        kinds = ["material", "phase", *(["slope_deg"] if "slope_deg" in rows else [])]
        joined = regularised(rows, weighted, kinds, cell_m3)
        if "slope_deg" in rows:
            joined.blocks["slope_deg"] = joined.blocks["slope_deg"].astype(np.float64)
        if joined.overfull.any():
            raise BadInput([self._over_each_other("blocks that overlap", joined.overfull, kept)])
        before, after = rows["tonnes"].sum(), joined.blocks["tonnes"].sum()
        self.notes.append(
            changed(
                f"{len(rows):,} blocks joined to {len(joined.blocks):,} cells, {joined.split:,} of them of more "
                f"than one: {before:,.0f} t before, {after:,.0f} t after"
            )
        )
        for kind, tonnes in joined.reassigned_t.items():
            if tonnes > 0:
                share = tonnes / before
                self.notes.append(changed(f"{tonnes:,.0f} t ({share:.1%}) stand under the larger {kind} of their cell"))
        for name in grades:
            mean = float((joined.blocks["tonnes"] * joined.blocks[name]).sum()) / after
            self.notes.append(
                understood(
                    f"{name}: mean {float((rows['tonnes'] * rows[name]).sum()) / before:.4g} before, {mean:.4g} after"
                )
            )
        return joined.blocks.drop(columns="volume_m3")

    def _over_each_other(self, shown: str, bad: NDArray[np.bool_], kept: NDArray[np.bool_]) -> Finding:
        where = np.zeros(self.source.rows, dtype=bool)
        where[np.flatnonzero(kept)[bad]] = True
        told = told_rows(where, self.source.first, self.source.word)
        return Finding(f"{self.source.place}: {told}", Words(shown), "a place of its own for every block")


def _first(columns: Sequence[Floats | None]) -> tuple[float, float, float] | None:
    """The first row of three columns; None where one is not there."""
    values = [float(values[0]) for values in columns if values is not None]
    return (values[0], values[1], values[2]) if len(values) == 3 else None


def _block_names(blocks: pd.DataFrame) -> Any:  # noqa: ANN401
    text = [blocks[axis].astype("str") for axis in CELLS]
    return text[0] + "-" + text[1] + "-" + text[2]


def element_title(element: str) -> str:
    """The name of an element."""
    return ELEMENTS[element][0]
