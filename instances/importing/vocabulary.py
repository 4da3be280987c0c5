"""What the columns of a block model mean: roles and elements by their usual headings, and the units in these."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from instances.findings import BadInput, Finding, nearest_name
from instances.importing.notes import Note, guessed, understood

ROLES: dict[str, str] = {
    "x": "xc xcentre xcenter xcentroid centroidx xworld xmid midx xcoord easting east x centrex centerx",
    "y": "yc ycentre ycenter ycentroid centroidy yworld ymid midy ycoord northing north y centrey centery",
    "z": "zc zcentre zcenter zcentroid centroidz zworld zmid midz zcoord rl elevation elev level z centrez centerz",
    "ix": "ix i xindex iindex column col idx",
    "iy": "iy j yindex jindex row jdx",
    "iz": "iz k zindex kindex bench layer kdx",
    "dx": "xinc dimx dx xlength lengthx xsize sizex blocksizex xdim xspan",
    "dy": "yinc dimy dy ylength lengthy ysize sizey blocksizey ydim yspan",
    "dz": "zinc dimz dz zlength lengthz zsize sizez blocksizez zdim zspan",
    "x_corner": "xmorig xorigin",
    "y_corner": "ymorig yorigin",
    "z_corner": "zmorig zorigin",
    "rotation": "angle1 rotation bearing azimuth",
    "tonnes": "tonnes tonnage tonne mass tons ton blocktonnes kt",
    "density": "density sg dens bulkdensity rho specificgravity bd dbd drydensity insitudensity den",
    "volume": "volume vol blockvolume",
    "fraction": "topo pcttopo topopct belowtopo pctbelow rockpct pctrock proportion insitufraction partial fraction",
    "air_fraction": "airpct pctair airfraction",
    "material": "material mat mattype materialtype rock rocktype rocktyp rockcode oretype lith lithology litho "
    "lithcode geology geol domain zone dom code",
    "phase": "phase pushback stage cutback pb",
    "slope": "slope slopedeg slopeangle overallslope",
    "mined_fraction": "minedfraction mined depleted minedpct",
}
"""Headings by role, the best first, in lower case without anything but letters and digits."""

IGNORED = frozenset({"ijk", "nx", "ny", "nz", "x0", "y0", "z0", "block", "blockid", "id", "index"})
ELEMENTS: dict[str, tuple[str, Literal["pct", "g_per_t"]]] = {
    "cu": ("copper", "pct"),
    "au": ("gold", "g_per_t"),
    "ag": ("silver", "g_per_t"),
    "mo": ("molybdenum", "pct"),
    "pb": ("lead", "pct"),
    "zn": ("zinc", "pct"),
    "ni": ("nickel", "pct"),
    "co": ("cobalt", "pct"),
    "fe": ("iron", "pct"),
    "sn": ("tin", "pct"),
    "w": ("tungsten", "pct"),
    "wo3": ("tungsten", "pct"),
    "pt": ("platinum", "g_per_t"),
    "pd": ("palladium", "g_per_t"),
    "u3o8": ("uranium", "g_per_t"),
    "li2o": ("lithium", "pct"),
    "s": ("sulphur", "pct"),
    "as": ("arsenic", "g_per_t"),
    "sb": ("antimony", "g_per_t"),
    "bi": ("bismuth", "g_per_t"),
    "hg": ("mercury", "g_per_t"),
    "cd": ("cadmium", "g_per_t"),
    "mn": ("manganese", "pct"),
    "sio2": ("silica", "pct"),
    "al2o3": ("alumina", "pct"),
    "p": ("phosphorus", "pct"),
    "mgo": ("magnesia", "pct"),
}
"""Name and usual unit of each element known."""
UNITS: dict[str, tuple[Literal["pct", "g_per_t"], float]] = {
    "%": ("pct", 1.0),
    "pct": ("pct", 1.0),
    "pc": ("pct", 1.0),
    "perc": ("pct", 1.0),
    "percent": ("pct", 1.0),
    "kgt": ("pct", 0.1),
    "kgpert": ("pct", 0.1),
    "ppm": ("g_per_t", 1.0),
    "gt": ("g_per_t", 1.0),
    "gpt": ("g_per_t", 1.0),
    "gmt": ("g_per_t", 1.0),
    "gpert": ("g_per_t", 1.0),
    "ppb": ("g_per_t", 0.001),
    "opt": ("g_per_t", 34.2857),
    "ozt": ("g_per_t", 34.2857),
}
"""Unit of the mine's file, and the factor to it, by unit of a heading. An ounce per ton is per short ton."""
ESTIMATES = r"(?:ok|id|id2|id3|ik|nn|final|fin|est|kr|krig|cut|cap|tot|total|head|grade|dil)"
GRADE = re.compile(rf"(?P<name>[a-z0-9]+?)(?:_?{ESTIMATES})?(?:_(?P<unit>[a-z_]+?))?(?:_{ESTIMATES})?")
BRACKETS = re.compile(r"[\[({]\s*(?P<unit>[^\])}]*)\s*[\])}]")
MASS = {"t": 1.0, "tonnes": 1.0, "kt": 1000.0, "mt": 1e6, "kg": 0.001}
PLACES = ("x", "y", "z")
CELLS = ("ix", "iy", "iz")


@dataclass(frozen=True)
class GradeColumn:
    """A column of grades: its heading, the unit in the mine's file, and the factor to it."""

    heading: str
    unit: Literal["pct", "g_per_t"]
    factor: float
    is_guess: bool


@dataclass(frozen=True)
class Meaning:
    """What the columns mean.

    Attributes:
        roles: heading by role.
        units: unit that a heading says, by role.
        grades: column by element.
        notes: what was understood and guessed.
    """

    roles: Mapping[str, str]
    units: Mapping[str, str]
    grades: Mapping[str, GradeColumn]
    notes: tuple[Note, ...]


def recognised(headings: Sequence[str], told: Sequence[str] = ()) -> Meaning:
    """What the columns mean by their headings.

    Args:
        headings: the headings of the file.
        told: ``ROLE=HEADING``, where ROLE is a role or ``<element>_<unit>`` (``cu_pct``); they win over headings.

    Raises:
        BadInput: where ``told`` names no role or no column.
    """
    roles, grades, units, notes = _told(headings, told)
    spare = [name for name in headings if name not in {*roles.values(), *(g.heading for g in grades.values())}]
    for role, names in ROLES.items():
        found = [name for wanted in names.split() for name in spare if _key(name) == wanted]
        if role in roles or not found:
            continue
        roles[role] = found[0]
        spare.remove(found[0])
        if unit := _bracketed(found[0]):
            units[role] = unit
        if len(found) > 1:
            notes.append(guessed(f"{role} is the column {found[0]}, not {', '.join(found[1:])}"))
    left = []
    for heading in spare:
        element, column = _grade(heading)
        if column is None or element is None:
            left += [heading] if _key(heading) not in IGNORED else []
        elif element in grades:
            notes.append(guessed(f"{element} is the column {grades[element].heading}, not {heading}"))
        else:
            grades[element] = column
    renamed = [f"{role} is {name}" for role, name in roles.items() if _key(name) != role]
    if renamed:
        notes.append(understood(f"columns: {', '.join(renamed)}"))
    for element, column in grades.items():
        text = f"{element} is the column {column.heading}, {'per cent' if column.unit == 'pct' else 'grams per tonne'}"
        if column.factor != 1.0:
            text += f" after a factor of {column.factor:g}"
        notes.append(guessed(f"{text}: the heading says no unit") if column.is_guess else understood(text))
    if left:
        notes.append(understood(f"left out: {', '.join(name[:40] for name in left[:20])}"))
    return Meaning(roles, units, grades, tuple(notes))


def _told(
    headings: Sequence[str], told: Sequence[str]
) -> tuple[dict[str, str], dict[str, GradeColumn], dict[str, str], list[Note]]:
    roles: dict[str, str] = {}
    grades: dict[str, GradeColumn] = {}
    findings = []
    for text in told:
        role, _, heading = (part.strip() for part in text.partition("="))
        if heading not in headings:
            near = nearest_name(heading, headings)
            findings.append(Finding(f"--column {text}", None, "ROLE=HEADING with a heading of the file", near))
            continue
        element, _, unit = role.partition("_")
        if role in ROLES:
            roles[role] = heading
        elif element in ELEMENTS and _letters(unit) in UNITS:
            kind, factor = UNITS[_letters(unit)]
            grades[element] = GradeColumn(heading, kind, factor, is_guess=False)
        else:
            known = [*ROLES, *(f"{name}_{unit}" for name, (_, unit) in ELEMENTS.items())]
            expected = "a role, or an element with its unit such as cu_pct"
            findings.append(Finding(f"--column {text}", None, expected, nearest_name(role, known)))
    if findings:
        raise BadInput(findings)
    return roles, grades, {}, []


def _bracketed(heading: str) -> str:
    found = BRACKETS.search(heading)
    return found["unit"].strip().lower() if found else ""


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9%]", "", text.lower())


def _key(heading: str) -> str:
    """A heading in lower case, without its unit and anything but letters and digits."""
    return re.sub(r"[^a-z0-9]", "", BRACKETS.sub("", heading).lower())


def _grade(heading: str) -> tuple[str | None, GradeColumn | None]:
    """The element whose grades a heading promises, and how."""
    unit = _letters(_bracketed(heading))
    name = re.sub(r"[^a-z0-9]+", "_", BRACKETS.sub("", heading).lower().replace("%", "_pct")).strip("_")
    joined = re.fullmatch(r"(?P<name>[a-z0-9]+?)_?(?P<unit>pct|ppm|ppb|gpt|g_t|g_per_t|opt|oz_t|perc|percent)", name)
    if joined and joined["name"].strip("_") in _names():
        name, unit = joined["name"].strip("_"), unit or _letters(joined["unit"])
    form = GRADE.fullmatch(name)
    element = _names().get(name) or (_names().get(form["name"]) if form else None)
    if element is None:
        return None, None
    unit = unit or _letters((form["unit"] if form else None) or "")
    if unit in UNITS:
        kind, factor = UNITS[unit]
        return element, GradeColumn(heading, kind, factor, is_guess=False)
    return element, GradeColumn(heading, ELEMENTS[element][1], 1.0, is_guess=True)


def _names() -> dict[str, str]:
    """Element by symbol and by name."""
    return {name: symbol for symbol, (name, _) in reversed(ELEMENTS.items())} | {symbol: symbol for symbol in ELEMENTS}


def missing_columns(place: str, meaning: Meaning, headings: Iterable[str], *, has_grid: bool) -> list[Finding]:
    """What a block model needs and no column gives; each names the option that could say it."""
    findings = []
    spare = [name for name in headings if name not in meaning.roles.values()]
    for axis, cell in zip(PLACES, CELLS, strict=True):
        if axis not in meaning.roles and cell not in meaning.roles and not has_grid:
            expected = f"a column of block centres such as {axis.upper()}C, or --column {axis}=HEADING"
            near = nearest_name(f"{axis}c", {_key(name): name for name in spare})
            findings.append(Finding(place, None, expected, near))
    if not meaning.grades:
        findings.append(Finding(place, None, "a column of grades such as CU_PCT, or --column cu_pct=HEADING"))
    return findings
