"""The column dictionary: headings that ``pitwise new`` knows, from the vocabulary itself."""

from __future__ import annotations

from collections.abc import Mapping

from instances.file_reference import COMMAND
from instances.importing.grade_units import GRADE_UNITS
from instances.importing.guesses import TERMS
from instances.importing.measures import DENSITY, LENGTH, MASS, VOLUME
from instances.importing.vocabulary import ELEMENTS, ROLES

MEANINGS = {
    "x": "centre of the block to the east, metres",
    "y": "centre to the north, metres",
    "z": "centre upwards, metres",
    "ix": "cell to the east, where there are no centres",
    "iy": "cell to the north",
    "iz": "cell upwards (downwards with `--benches-down`), or its elevation where steps exceed 1; the bench",
    "dx": "size of the block along x, metres; smaller than the largest one in sub-blocks",
    "dy": "size along y, metres",
    "dz": "size along z, metres",
    "x_corner": "corner of the model, metres",
    "y_corner": "corner of the model, metres",
    "z_corner": "corner of the model, metres",
    "rotation": "bearing of the model's y axis, degrees clockwise from north, used beside a corner",
    "tonnes": "tonnes of the block",
    "density": "tonnes per cubic metre, where there are no tonnes",
    "volume": "cubic metres, where there are no tonnes; else the size of the block",
    "fraction": "share of the block below topography, 0 to 1 or per cent",
    "air_fraction": "share of the block that is air, 0 to 1 or per cent",
    "material": "kind of rock; `air` is left out",
    "phase": "pushback",
    "slope": "overall slope of a wall in which the block stands, degrees; in place of the material's",
    "mined_fraction": "share mined already, 0 to 1 or per cent",
}


def columns_page() -> str:
    """The page of the documentation."""
    factors: dict[tuple[str, float], list[str]] = {}
    for unit, (kind, factor) in GRADE_UNITS.items():
        factors.setdefault((kind, factor), []).append(f"`{unit}`")
    lines = [
        "# Columns of a block model",
        "",
        f"Made from the vocabulary of the import by {COMMAND}. `pitwise new` compares headings without capitals,",
        "blanks, signs and units. The first heading of a list wins where a table has several; `--column ROLE=HEADING`",
        "says it otherwise, with a unit if need be (`--column 'tonnes[st]=TONS'`), and `--column ignore=HEADING`",
        "leaves a column out.",
        "",
        "| role | headings | meaning |",
        "|---|---|---|",
        *[f"| `{role}` | {', '.join(names.split())} | {MEANINGS[role]} |" for role, names in ROLES.items()],
        "",
        "## Grades",
        "",
        "A heading is the symbol or the name of an element, with or without its unit and how it was estimated: `CU`,",
        "`cu [%]`, `Cu_ppm`, `AU_GPT`, `gold (g/t)`, `cu_ok`. Without a unit, there or in a line of units, the usual",
        "one is guessed; a unit that is said and stands in no row below is refused. Of several columns of an element",
        "the plainest is taken, and the others are named; `CU_STD`, `CUEQ`, `CU_RECOVERY` or `Cu [kg]` are no grades,",
        "and `Au (cut)` or `Cu [kriged]` say how they were estimated, not their unit. Any other heading:",
        "`--column cu_pct=HEADING`, or any unit below: `--column au_oz/ton=HEADING`.",
        "",
        "| element | name | usual unit | sold |",
        "|---|---|---|---|",
        *[
            f"| `{symbol}` | {name} | {'%' if unit == 'pct' else 'g/t'} | {'yes' if symbol in TERMS else 'no'} |"
            for symbol, (name, unit) in ELEMENTS.items()
        ],
        "",
        "| unit of a heading | becomes | factor |",
        "|---|---|---|",
        *[f"| {', '.join(names)} | `{kind}` | {factor:.6g} |" for (kind, factor), names in factors.items()],
        "",
        "A ton beside ounces or pounds is the short ton of assays in the United States, 0.907185 t, and so is the `t`",
        "of `oz/t`: an ounce per ton is 34.2857 g/t. An ounce per metric tonne is `oz/tonne`. The ton of `g/ton` and",
        "the `t` of `lb/t` may be either one, so these are refused.",
        "",
        "## Other units",
        "",
        "Signs are left out: `[t/m3]` is `tm3`. Tonnes in `mt` are million tonnes, or metric tons where rock would",
        "else be far too heavy; which, is told.",
        "",
        "| of | unit of a heading | factor |",
        "|---|---|---|",
        *_factors("lengths, to metres", LENGTH),
        *_factors("masses, to tonnes", MASS),
        *_factors("volumes, to cubic metres", VOLUME),
        *_factors("densities, to t/m3", DENSITY),
    ]
    return "\n".join(lines) + "\n"


def _factors(of: str, units: Mapping[str, float]) -> list[str]:
    """A row for each factor."""
    alike: dict[float, list[str]] = {}
    for unit, factor in units.items():
        alike.setdefault(factor, []).append(f"`{unit}`")
    return [f"| {of} | {', '.join(names)} | {factor:.6g} |" for factor, names in alike.items()]
