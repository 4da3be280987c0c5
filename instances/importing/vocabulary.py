"""What the columns of a block model mean: roles and elements by their usual headings, and the units in these."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from instances.findings import BadInput, Finding, nearest_name
from instances.importing.grade_units import GRADE_UNITS, SHOWN, unit_key, unit_words
from instances.importing.measures import MEASURES, plain_unit
from instances.importing.notes import Note, guessed, understood
from instances.importing.numbers import NOTHING


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ROLES: dict[str, str] = {
    "x": "xworld xc xcentre xcenter xcentroid centroidx xmid midx xcoord xcoordinate easting east x centrex centerx",
    "y": "yworld yc ycentre ycenter ycentroid centroidy ymid midy ycoord ycoordinate northing north y centrey centery",
    "z": "zworld zc zcentre zcenter zcentroid centroidz zmid midz zcoord zcoordinate rl elevation elev level z centrez "
    "centerz",
    "ix": "ix i xindex iindex column col idx",
    "iy": "iy j yindex jindex row jdx",
    "iz": "iz k zindex kindex bench layer kdx",
    "dx": "xinc dimx dx xlength lengthx xsize sizex blocksizex xdim xspan sizeeast",
    "dy": "yinc dimy dy ylength lengthy ysize sizey blocksizey ydim yspan sizenorth",
    "dz": "zinc dimz dz zlength lengthz zsize sizez blocksizez zdim zspan sizerl",
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
    "lithcode geology geol domain zone dom code minzone rtype facies formation weathering oxidation",
    "phase": "phase pushback stage cutback",
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
ESTIMATES = _words(
    "ok id id2 id3 idw ik lik final fin est estimate kr krig cut cap capped top tot total head grade dil"
)
NOT_GRADES = _words(
    "std sd stdev stddev var variance kv kvar se err error ns n nsamp nsam samples comps ndh holes pass "
    "dist distance flag class cat rec recov recovery eq equiv price rev revenue val value nsr min max "
    "lith dom domain zone code conf confidence metal content kg lb oz factor ratio"
)
"""Words after the symbol of an element that make a heading something else than its grade."""
DESCRIPTIONS = ESTIMATES | _words("nn sk uk kriged kriging ordinary estimated uncut topcut raw diluted composite")
"""Words in brackets that say how a grade was estimated, not its unit."""
JOINED = re.compile(r"(?P<name>[a-z0-9]+?)(?P<unit>pct|ppm|ppb|gpt|opt|perc|percent)?")
BRACKETS = re.compile(r"[\[({]\s*(?P<unit>[^\])}]*)\s*[\])}]")
IGNORE = "ignore"
PLACES = ("x", "y", "z")
CELLS = ("ix", "iy", "iz")


@dataclass(frozen=True)
class GradeColumn:
    """A column of grades: its heading, the unit in the mine's file, and the factor to it.

    Attributes:
        heading: of the column.
        unit: in the mine's file.
        factor: to that unit.
        is_guess: whether nothing says the unit.
        unknown: the unit that is said and not known; empty where there is none such.
    """

    heading: str
    unit: Literal["pct", "g_per_t"]
    factor: float
    is_guess: bool
    unknown: str = ""


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


def recognised(
    headings: Sequence[str], told: Sequence[str] = (), units_said: Mapping[str, str] | None = None
) -> Meaning:
    """What the columns mean by their headings.

    Args:
        headings: the headings of the file.
        told: ``ROLE=HEADING``, where ROLE is a role, with a unit if need be (``tonnes[st]``), ``<element>_<unit>``
            (``cu_pct``) or ``ignore``; they win over headings.
        units_said: unit by heading, where a line of the file gives them.

    Raises:
        BadInput: where ``told`` names no role or no column.
    """
    said = units_said or {}
    found = _told(headings, told)
    roles, units, notes = dict(found.roles), dict(found.units), []
    taken = {*roles.values(), *(column.heading for column in found.grades.values()), *found.ignored}
    spare = [name for name in headings if name not in taken]
    for role, names in ROLES.items():
        alike = [name for wanted in names.split() for name in spare if _key(name) == wanted]
        if role in roles or not alike:
            continue
        roles[role] = alike[0]
        spare.remove(alike[0])
        if unit := _bracketed(alike[0]) or said.get(alike[0], ""):
            units[role] = unit
        if len(alike) > 1:
            notes.append(guessed(f"{role} is the column {alike[0]}, not {', '.join(alike[1:])}"))
    grades, left, choices = _grades(spare, said)
    grades = {**grades, **found.grades}
    renamed = [f"{role} is {name}" for role, name in roles.items() if _key(name) != role]
    if renamed:
        notes.append(understood(f"columns: {', '.join(renamed)}"))
    notes += [note for element, note in choices if element not in found.grades]
    for element, column in grades.items():
        text = f"{element} is the column {column.heading}, {'per cent' if column.unit == 'pct' else 'grams per tonne'}"
        if column.factor != 1.0:
            text += f" after a factor of {column.factor:g}"
        if not column.unknown:
            notes.append(guessed(f"{text}: the heading says no unit") if column.is_guess else understood(text))
    if left:
        more = f" and {len(left) - 20} more" if len(left) > 20 else ""
        notes.append(understood(f"left out: {', '.join(name[:40] for name in left[:20])}{more}"))
    return Meaning(roles, units, grades, tuple(notes))


def _grades(
    spare: Sequence[str], said: Mapping[str, str]
) -> tuple[dict[str, GradeColumn], list[str], list[tuple[str, Note]]]:
    """The column of each element, the headings left over, and what was chosen where there were several."""
    found: dict[str, list[tuple[int, GradeColumn]]] = {}
    left = []
    for heading in spare:
        candidate = _grade(heading, said.get(heading, ""))
        if candidate is None:
            left += [heading] if _key(heading) not in IGNORED else []
        else:
            element, rank, column = candidate
            found.setdefault(element, []).append((rank, column))
    grades, choices = {}, []
    for element, candidates in found.items():
        rank, best = min(candidates, key=lambda candidate: candidate[0])
        grades[element] = best
        others = [column.heading for _, column in candidates if column is not best]
        if others or rank > 1:
            but = f", not {', '.join(others)}" if others else ""
            choices.append((element, guessed(f"{element} is the column {best.heading}{but}")))
    return grades, left, choices


@dataclass(frozen=True)
class _Told:
    roles: dict[str, str]
    units: dict[str, str]
    grades: dict[str, GradeColumn]
    ignored: tuple[str, ...]


def _told(headings: Sequence[str], told: Sequence[str]) -> _Told:
    roles: dict[str, str] = {}
    units: dict[str, str] = {}
    grades: dict[str, GradeColumn] = {}
    ignored, findings = [], []
    for text in told:
        said, _, heading = (part.strip() for part in text.partition("="))
        role, in_brackets = BRACKETS.sub("", said).strip(), _bracketed(said)
        if heading not in headings:
            near = nearest_name(heading, headings)
            findings.append(Finding(f"--column {text}", None, "ROLE=HEADING with a heading of the file", near))
            continue
        element, _, unit = role.partition("_")
        if role == IGNORE:
            ignored.append(heading)
        elif role in ROLES:
            roles[role] = heading
            if unit := in_brackets or _bracketed(heading):
                units[role] = unit
        elif element in ELEMENTS and unit_key(unit) in GRADE_UNITS:
            kind, factor = GRADE_UNITS[unit_key(unit)]
            grades[element] = GradeColumn(heading, kind, factor, is_guess=False)
        else:
            known = [*ROLES, IGNORE, *(f"{name}_{unit}" for name, (_, unit) in ELEMENTS.items())]
            expected = "a role, or an element with its unit such as cu_pct"
            findings.append(Finding(f"--column {text}", None, expected, nearest_name(role, known)))
    if findings:
        raise BadInput(findings)
    return _Told(roles, units, grades, tuple(ignored))


def is_unit(text: str) -> bool:
    """Whether a text is the unit of a grade, a length, a mass, a volume or a density."""
    plain = text.strip().strip("[](){}")
    return unit_key(plain) in GRADE_UNITS or any(plain_unit(plain) in factors for _, factors in MEASURES.values())


def _bracketed(heading: str) -> str:
    found = BRACKETS.search(heading)
    return found["unit"].strip().lower() if found else ""


def _named(heading: str) -> str:
    """A heading without its unit, and without what Leapfrog puts before the name: ``GM: Lithology``."""
    return BRACKETS.sub("", heading).rpartition(":")[2]


def _key(heading: str) -> str:
    """A heading in lower case, without its unit and anything but letters and digits.

    Micromine puts an underscore before the sizes of a block: ``EAST`` is a centre, ``_EAST`` a size.
    """
    plain = re.sub(r"[^a-z0-9]", "", _named(heading).lower())
    return f"size{plain}" if heading.startswith("_") and plain in {"east", "north", "rl"} else plain


def _grade(heading: str, unit_said: str = "") -> tuple[str, int, GradeColumn] | None:
    """The element whose grades a heading promises, how plainly, and how.

    Plainly: 0 for the symbol or name and a unit alone, 1 for an estimate of it, 2 with words unknown, 3 with a unit
    unknown.
    """
    words = re.findall(r"[a-z0-9]+", _named(heading).lower().replace("%", "_pct"))
    first = next((number for number, word in enumerate(words) if word not in ESTIMATES), None)
    if first is None:
        return None
    name, rest = words[first], words[first + 1 :]
    element, rank, unit = _names().get(name), min(first, 1), ""
    if element is None:
        for estimate in sorted((word for word in ESTIMATES if name.endswith(word)), key=len, reverse=True):
            if element is None and name.removesuffix(estimate) in _names():
                element, rank = _names()[name.removesuffix(estimate)], 1
    if element is None and (joined := JOINED.fullmatch(name)):
        element, unit = _names().get(joined["name"]), joined["unit"] or ""
    if element is None:
        return None
    for length in (3, 2, 1):
        for start in range(len(rest) - length + 1):
            if unit_key(" ".join(rest[start : start + length])) in GRADE_UNITS:
                unit = unit or unit_key(" ".join(rest[start : start + length]))
                rest = [*rest[:start], *rest[start + length :]]
                break
    brackets = [_in_brackets(found["unit"], element) for found in BRACKETS.finditer(heading)]
    in_line = _in_brackets(unit_said, element)
    unit = next((key for key, _, _ in (*brackets, in_line) if key), unit)
    rest += [word for _, more, _ in (*brackets, in_line) for word in more]
    if NOT_GRADES & set(rest):
        return None
    rank = max(rank, 2 if set(rest) - ESTIMATES else int(bool(rest)))
    if unit:
        kind, factor = GRADE_UNITS[unit]
        return element, rank, GradeColumn(heading, kind, factor, is_guess=False)
    unknown = next((text for _, _, text in (*brackets, in_line) if text), "")
    column = GradeColumn(heading, ELEMENTS[element][1], 1.0, is_guess=True, unknown=unknown)
    return element, 3 if unknown else rank, column


def _in_brackets(text: str, element: str) -> tuple[str, list[str], str]:
    """What a text beside the name of an element says: the key of a unit, words of another kind, or a unit unknown.

    ``g/t Au`` and ``OK, g/t`` say a unit, ``cut`` and ``kriged`` how the grade was estimated, ``kg`` that it is none.
    """
    if text.strip().lower() in NOTHING:
        return "", [], ""
    if (key := unit_key(text)) in GRADE_UNITS:
        return key, [], ""
    own = {element, ELEMENTS[element][0]}
    words = [word for word in unit_words(text) if word not in own]
    more = [word for word in words if word in DESCRIPTIONS | NOT_GRADES or word.isdigit()]
    if (key := unit_key(" ".join(word for word in words if word not in DESCRIPTIONS))) in GRADE_UNITS:
        return key, [word for word in words if word in DESCRIPTIONS], ""
    if words == more:
        return "", more, "" if words or unit_words(text) else text.strip()
    return "", [], text.strip()


def _names() -> dict[str, str]:
    """Element by symbol and by name."""
    return {name: symbol for symbol, (name, _) in reversed(ELEMENTS.items())} | {symbol: symbol for symbol in ELEMENTS}


def unknown_units(place: str, meaning: Meaning) -> list[Finding]:
    """Columns of grades in a unit that is not known: taken for another one they may be wrong by orders of magnitude."""
    findings = []
    for element, column in meaning.grades.items():
        if column.unknown:
            told = f"--column '{element}_{ELEMENTS[element][1]}={column.heading}' or its like"
            expected = f"one of {SHOWN}; {told} says it otherwise"
            near = nearest_name(column.unknown.lower(), SHOWN.split(", "))
            findings.append(Finding(f"{place}: unit of {column.heading}", column.unknown[:20], expected, near))
    return findings


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
