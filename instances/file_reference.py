"""The file reference: every key of ``mine.toml``, from the schema."""

from __future__ import annotations

from pydantic_core import PydanticUndefined

from instances.schema import Mine
from instances.schema.base import Part
from instances.schema.dictionary import Spec, spec_of
from instances.schema.units import unit_of

COMMAND = "`python -m instances.documentation docs`"


def mine_toml_page() -> str:
    """The file reference: every key of ``mine.toml`` with its type, unit, default and meaning, and the tables."""
    lines = [
        "# mine.toml, key by key",
        "",
        f"Made from the schema by {COMMAND}.",
        "",
        "A mine is a folder with `mine.toml` (TOML, UTF-8) and a block table (CSV or Parquet). Units are part of the",
        "names; every amount of money is in the mine's currency unless its name says `usd`. *By period* means one",
        "number that holds for every period, or a list with one number for each. Unknown keys are refused. Names are",
        "letters, digits, `_` and `-`, a letter first. Dates are written without quotes, `2013-08-01`.",
        "",
        *part_section(Mine, "", "The whole file"),
        *BLOCK_TABLE,
    ]
    return "\n".join(lines).rstrip() + "\n"


BLOCK_TABLE = [
    "## The block table",
    "",
    "CSV (UTF-8, commas, a heading) or Parquet. Other columns are dropped.",
    "",
    *[
        "| column | type | unit | default | meaning |",
        "|---|---|---|---|---|",
        "| `block` | text | | required | name of the block, each once |",
        "| `ix`, `iy`, `iz` | whole number | blocks | required | cell, to east, north and up; iz is the bench |",
        "| `phase` | text | | required | one of `phases` |",
        "| `material` | text | | required | one of `materials` |",
        "| `tonnes` | number > 0 | t | required | in situ, dry |",
        "| `<element>_<unit>` | number >= 0 | % or g/t | required | grade of each element, `cu_pct` or `au_g_per_t` |",
        "| `sector` | text | | `all` | part of a bench that is mined as one panel; see `panels.sectors` |",
        "| `slope_deg` | number, 5 to 89 | degrees | the material's | slope of a wall in which the block stands |",
        "| `mined_fraction` | number, 0 to 1 | fraction | 0 | share mined already; what is below waits as ever |",
    ],
    "",
    "## The table of further precedence",
    "",
    "Named by `precedence.file`; CSV or Parquet.",
    "",
    *[
        "| column | type | unit | default | meaning |",
        "|---|---|---|---|---|",
        "| `block` | text | | required | block that waits |",
        "| `needs` | text | | required | block that has to be finished first |",
        "| `lag_years` | number, 0 to 100 | years | 0 | how much longer it waits |",
    ],
]


def part_section(model: type[Part], path: str, heading: str) -> list[str]:
    """Headings and tables for a part of a file and all that lies below it, as lines.

    Args:
        model: the part.
        path: its key path, empty for the whole file.
        heading: its heading.
    """
    depth = 2 + path.count(".") - path.count("<")
    lines = [f"{'#' * depth} {heading}", "", *_doc(model), ""]
    lines += ["| key | type | unit | default | meaning |", "|---|---|---|---|---|"]
    sections: list[str] = []
    for name, info in model.model_fields.items():
        spec = spec_of(info)
        default = "required" if info.is_required() else _default(info.get_default(call_default_factory=True))
        meaning = _cell(info.description or "")
        lines.append(f"| `{name}` | {_cell(_type(spec))} | {_cell(unit_of(name))} | {default} | {meaning} |")
        sections += _sections_below(spec, f"{path}.{name}" if path else name)
    return [*lines, "", *sections]


def _sections_below(spec: Spec, key: str) -> list[str]:
    listed = False
    while spec.kind in {"names", "list"} and spec.item is not None:
        listed = spec.kind == "list"
        key += "" if listed else ".<name>"
        spec = spec.item
    heading = f"`[[{key}]]`" if listed else f"`[{key}]`"
    if spec.model is not None:
        return part_section(spec.model, key, heading)
    parts = [part_section(part, key, f"{heading} of the kind {kind}") for kind, part in spec.variants.items()]
    return [line for part in parts for line in part]


def _doc(model: type[Part]) -> list[str]:
    text = (model.__doc__ or "").strip().replace("``", "`")
    first, *rest = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return [first, *[line for paragraph in rest for line in ("", paragraph)]]


def _type(spec: Spec) -> str:
    if spec.kind == "per_period" and spec.item is not None:
        return f"{_type(spec.item)}, by period"
    if spec.kind == "names" and spec.item is not None:
        inner = _type(spec.item)
        return "table of tables by name" if spec.item.kind in {"table", "variants"} else f"{inner} by name"
    if spec.kind == "list" and spec.item is not None:
        return "list of tables" if spec.item.kind == "table" else f"list of {_type(spec.item)}"
    words = {
        "variants": "table",
        "value": "as the key takes it",
        "text": "name" if spec.name else "text",
        "date": "date",
        "choice": spec.words(),
    }
    return words.get(spec.kind, spec.words()).removeprefix("a ").removeprefix("one of ")


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined or value in ({}, (), "") or isinstance(value, Part):
        return ""
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
