"""A block model as a block table: places, tonnes, grades and kinds from a table of another program."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.findings import BadInput, Finding, Words
from instances.importing.columns import Columns, Floats
from instances.importing.kinds import kinds_of
from instances.importing.lattice import AXES, FEWEST_NEIGHBOURS, Lattice, NoLatticeError, lattice_of, neighboured
from instances.importing.notes import Note, changed, guessed, understood
from instances.importing.numbers import sentinels
from instances.importing.regularising import overlapping, regularised
from instances.importing.source import Source
from instances.importing.vocabulary import (
    CELLS,
    ELEMENTS,
    PLACES,
    GradeColumn,
    Meaning,
    missing_columns,
    recognised,
    unknown_units,
)
from instances.importing.weights import has_no_weight, tonnes_and_air
from instances.table import LARGEST_GRADE, SLOPES_DEG, told_rows

SIZES = ("dx", "dy", "dz")
CORNERS = ("x_corner", "y_corner", "z_corner")
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
        benches_down: whether the numbers of benches count downwards, from 1 or 0 at the top.
    """

    columns: Sequence[str] = ()
    size_m: tuple[float, float, float] | None = None
    rotation_deg: float | None = None
    density: float | None = None
    empty_is_barren: bool = False
    benches_down: bool = False


@dataclass(frozen=True)
class BlockModel:
    """A block model read.

    Attributes:
        blocks: a row a cell: block, ix, iy, iz, phase, material, tonnes, one column a grade, and mined_fraction and
            slope_deg where the table says them.
        units: unit by element, ``pct`` or ``g_per_t``.
        guessed_units: elements whose unit is a guess.
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
    guessed_units: frozenset[str]
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
    meaning = recognised(list(source.columns), told.columns, source.units_said)
    faults = missing_columns(source.place, meaning, source.columns, has_grid=source.grid is not None)
    faults += unknown_units(source.place, meaning)
    if faults:
        raise BadInput(faults)
    return _Import(source, meaning, told).model()


class _Import:
    """One import: reads column by column and gathers what is wrong and what is to be told."""

    def __init__(self, source: Source, meaning: Meaning, told: Told) -> None:
        self.source, self.meaning, self.told = source, meaning, told
        self.columns = Columns(source, meaning)
        self.notes, self.findings = self.columns.notes, self.columns.findings
        self.size_is_guess = False

    def model(self) -> BlockModel:
        lattice = self._lattice()
        grades = {name: self._grade(name, column) for name, column in self.meaning.grades.items()}
        rows = pd.DataFrame({name: lattice.cells[:, axis] for axis, name in enumerate(CELLS)})
        rows["volume_m3"] = lattice.volume_m3()
        material, materials = self._kinds("material")
        phase, phases = self._kinds("phase")
        volume = rows["volume_m3"].to_numpy(float)
        rows["tonnes"], air = tonnes_and_air(self.columns, volume, material, grades, self.told.density)
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
        mined = self.columns.share("mined_fraction", 0.0)
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
            guessed_units=frozenset(name for name, column in self.meaning.grades.items() if column.is_guess),
            size_m=lattice.size_m,
            origin_m=lattice.origin_m,
            rotation_deg=lattice.rotation_deg,
            size_is_guess=self.size_is_guess,
            materials={name: materials.get(name, name) for name in sorted(set(blocks["material"]))},
            phases={name: phases.get(name, name) for name in sorted(set(blocks["phase"]))},
            notes=tuple(self.notes),
        )

    def _lattice(self) -> Lattice:
        centres = self._centres()
        sizes = self._sizes()
        corner = _first([self.columns.number(role) for role in CORNERS])
        rotation = self.columns.number("rotation") if "x_corner" in self.meaning.roles else None
        if self.findings:
            raise BadInput(self.findings)
        bearing = self.source.rotation_deg if self.told.rotation_deg is None else self.told.rotation_deg
        if bearing is None and "x" not in self.meaning.roles:
            bearing = 0.0
        given = None if rotation is None else float(rotation[0])
        size_m = self.told.size_m or self._grid_size()
        try:
            if bearing is None and given and math.isfinite(given):
                lattice = self._as_given(centres, sizes, size_m, corner, given)
            else:
                lattice = lattice_of(centres, sizes, size_m=size_m, corner=corner, rotation_deg=bearing)
        except NoLatticeError as error:
            expected = f"blocks on a regular grid; {error} (see --size, --rotation)"
            raise BadInput([Finding(self.source.place, None, expected)]) from error
        size = " x ".join(f"{side:g}" for side in lattice.size_m)
        origin = ", ".join(f"{value:g}" if abs(value) < 1e5 else f"{value:.2f}" for value in lattice.origin_m)
        text = f"blocks of {size} m, centre of the first at {origin}, rotated {lattice.rotation_deg:g} degrees"
        from_steps = sizes is None and size_m is None
        self.notes.append(guessed(text) if from_steps else understood(text))
        if from_steps:
            self._refuse_sub_blocks(lattice, size)
        return lattice

    def _refuse_sub_blocks(self, lattice: Lattice, size: str) -> None:
        """Refuses a grid worked out from steps in which most cells stand alone.

        Raises:
            BadInput: where it does.
        """
        alone = [
            axis for axis, share in zip(AXES, neighboured(lattice.cells), strict=True) if share < FEWEST_NEIGHBOURS
        ]
        if alone and len(lattice.cells) > 1:
            shown = Words(f"blocks of {size} m by their least steps, most without a next one along {', '.join(alone)}")
            expected = "whole blocks, or sub-blocks with columns of their sizes (see --size)"
            raise BadInput([Finding(self.source.place, shown, expected)])

    def _as_given(
        self,
        centres: Floats,
        sizes: Floats | None,
        size_m: tuple[float, float, float] | None,
        corner: tuple[float, float, float] | None,
        bearing: float,
    ) -> Lattice:
        """The lattice of a table that says its rotation: its centres may be in world axes or in the model's own.

        Raises:
            NoLatticeError: where no regular grid fits.
        """
        for own in (False, True):
            try:
                turned = 0.0 if own else bearing
                lattice = lattice_of(centres, sizes, size_m=size_m, corner=corner, rotation_deg=turned)
            except NoLatticeError:
                continue
            if not lattice.off.any():
                break
        else:
            # The column may mean another angle, or another axis: the centres tell their own.
            return lattice_of(centres, sizes, size_m=size_m)
        if not own:
            return lattice
        self.notes.append(
            guessed(f"centres in the model's own axes, which are rotated {bearing:g} degrees (--rotation)")
        )
        return replace(lattice, rotation_deg=bearing)

    def _grid_size(self) -> tuple[float, float, float] | None:
        return None if self.source.grid is None else self.source.grid.size_m

    def _centres(self) -> Floats:
        """Centres of the rows: as given, from cell numbers, or in the order of a GSLIB grid."""
        roles, grid = self.meaning.roles, self.source.grid
        if all(role in roles for role in PLACES):
            given = [self.columns.finite(role) for role in PLACES]
            return np.column_stack([values for values in given if values is not None])
        if grid is not None and not any(role in roles for role in PLACES):
            if np.prod(grid.cells) != self.source.rows:
                shown = Words(f"{self.source.rows} rows")
                expected = f"{' x '.join(map(str, grid.cells))} rows, as its second line says"
                raise BadInput([Finding(self.source.place, shown, expected)])
            order = np.unravel_index(np.arange(self.source.rows), tuple(reversed(grid.cells)))
            return np.column_stack([grid.first_m[a] + order[2 - a] * grid.size_m[a] for a in range(3)])
        return self._from_cells()

    def _from_cells(self) -> Floats:
        """Centres from cell numbers, along axes without a column of places."""
        roles, size = self.meaning.roles, self.told.size_m
        if size is None:
            size = _first([self.columns.number(role) for role in SIZES])
            self.size_is_guess = size is None
        if size is None:
            size = GUESSED_SIZE_M
            self.notes.append(guessed("cells of 10 m along axes with cell numbers only (see --size)"))
        found, numbered = [], 0
        for axis, (place, cell) in enumerate(zip(PLACES, CELLS, strict=True)):
            values = self.columns.finite(place if place in roles else cell)
            values = np.zeros(self.source.rows) if values is None else values
            if place in roles or (cell == "iz" and self._is_elevation(values)):
                found.append(values)
                continue
            numbered += 1
            down = cell == "iz" and self.told.benches_down
            found.append(values * (-size[axis] if down else size[axis]))
            if cell == "iz" and not down:
                self.notes.append(guessed(f"{roles.get(cell, cell)} counts upwards (else --benches-down)"))
        if numbered == len(CELLS):
            self.told = replace(self.told, size_m=size, rotation_deg=0.0)
        return np.column_stack(found)

    def _is_elevation(self, benches: Floats) -> bool:
        """Whether the numbers of benches go in steps of more than one: they are elevations then, metres."""
        levels = np.unique(benches[np.isfinite(benches)])
        if len(levels) < 2 or np.diff(levels).min() < 1.5:
            return False
        self.notes.append(guessed(f"{self.meaning.roles['iz']} gives elevations, metres, not numbers of benches"))
        return True

    def _sizes(self) -> Floats | None:
        """Sizes of the blocks, ``(rows, 3)``, where the table gives all three."""
        if not all(role in self.meaning.roles for role in SIZES):
            return None
        found = []
        for role in SIZES:
            values = self.columns.finite(role)
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
        rock = ~has_no_weight(self.columns)
        share = float(empty[rock].mean()) if rock.any() else 0.0
        if share > MOST_EMPTY and not self.told.empty_is_barren:
            expected = f"a grade, or --empty-is-barren ({share:.0%} of the rows of rock have none)"
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

    def _slope(self) -> Floats | None:
        """Slope of each row's block to whole degrees, where the table gives it."""
        values = self.columns.number("slope")
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
        over = joined.overfull
        if lattice.span is not None and not over.any():
            over = overlapping(lattice.cells[kept], lattice.steps[kept], lattice.span[kept])
        if over.any():
            raise BadInput([self._over_each_other("blocks that overlap", over, kept)])
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
