"""A first ``mine.toml`` for a block model, with every guess marked as one."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping

from instances.importing.guesses import (
    DAYS_PER_YEAR,
    LEACHED,
    LEACHING_PER_T,
    MILLING_PER_T,
    MINING_PER_T,
    TERMS,
    Scale,
    rounded,
    scale_of,
)
from instances.importing.model import BlockModel, element_title

GUESS = "# GUESS"
WASTE_WORDS = re.compile(
    r"waste|wst|overburden|\bob\b|rock$|barren|soil|alluv|gravel|dyke|dike|basement|cover|unassigned"
)
FILL_WORDS = re.compile(r"fill|tailing|dump|stockpile")
OXIDE_WORDS = re.compile(r"oxid|leach|(^|_)ox(_|$)")
BLOCKS_FILE = "blocks.parquet"


def draft(model: BlockModel, name: str, source: str, start: dt.date) -> str:
    """The text of a ``mine.toml``: what the model says as it is, what it cannot say guessed and marked ``# GUESS``.

    Args:
        model: the block model.
        name: short name of the mine.
        source: name of the file it came from.
        start: first day of the plan.
    """
    scale = scale_of(model.blocks, model.units)
    kinds = {material: kind_of(model, material) for material in model.materials}
    if "ore" not in kinds.values():
        kinds = {material: "ore" if kind == "waste" else kind for material, kind in kinds.items()}
    lines = [
        *_opening(model, name, source),
        *_calendar(scale, start),
        *_ground(model, kinds, scale),
        *_destinations(model, kinds, scale),
        *_money(model),
    ]
    return "\n".join(lines) + "\n"


def kind_of(model: BlockModel, material: str) -> str:
    """Ore, waste or fill, by the name of a material and by whether any of its blocks has a grade to sell."""
    rows = model.blocks["material"] == material
    sold = [f"{element}_{unit}" for element, unit in model.units.items() if element in TERMS]
    if FILL_WORDS.search(material):
        return "fill"
    if WASTE_WORDS.search(material) or not (model.blocks.loc[rows, sold] > 0).any(axis=None):
        return "waste"
    return "ore"


def _text(text: str) -> str:
    plain = "".join(letter for letter in text if letter.isprintable())
    return json.dumps(plain[:200], ensure_ascii=False)


def _names(names: list[str]) -> str:
    return "[" + ", ".join(_text(name) for name in names) + "]"


def _opening(model: BlockModel, name: str, source: str) -> list[str]:
    notes = [f"#   {note.kind}: {''.join(c for c in note.text if c.isprintable())}" for note in model.notes]
    size = ", ".join(f"{side!r}" for side in model.size_m)
    origin = ", ".join(f"{value!r}" for value in model.origin_m)
    return [
        f"# Made by pitwise new from {''.join(c for c in source if c.isprintable())}.",
        f"# Every line with {GUESS} is a guess: replace it by what you know, then take the mark away.",
        "# What was found in the table:",
        *notes,
        "",
        "format = 1",
        f"name = {_text(name)}",
        f"title = {_text(name)}",
        "",
        "[blocks]",
        f'file = "{BLOCKS_FILE}"',
        f"size_m = [{size}]" + (f"  {GUESS}" if model.size_is_guess else ""),
        f"origin_m = [{origin}]  # centre of the block ix = iy = iz = 0",
        f"rotation_deg = {model.rotation_deg!r}  # bearing of the model's y axis",
        "",
    ]


def _calendar(scale: Scale | None, start: dt.date) -> list[str]:
    return [
        "[calendar]",
        f"start = {start.isoformat()}  {GUESS}",
        f"periods = {scale.periods if scale else 10}  {GUESS}",
        f"discount_rate_per_year = 0.08  {GUESS}",
        "",
        "[money]",
        f'currency = "US$"  {GUESS}',
        "",
    ]


def _ground(model: BlockModel, kinds: Mapping[str, str], scale: Scale | None) -> list[str]:
    lines = []
    for element, unit in model.units.items():
        title = element_title(element)
        mark = f"{GUESS} ({title})" if element in model.guessed_units else f"# {title}"
        lines += [f"[elements.{element}]", f'unit = "{unit}"  {mark}', ""]
    for material, title in model.materials.items():
        lines += [
            f"[materials.{material}]",
            f"title = {_text(title)}",
            f'kind = "{kinds[material]}"  {GUESS}',
            f"slope_deg = 45.0  {GUESS}",
            "",
        ]
    for phase, title in model.phases.items():
        lines += [f"[phases.{phase}]", f"title = {_text(title)}", ""]
    lines += ["[precedence]", "slope_error_deg = 3.5  # walls may stand so much steeper than their slope", ""]
    if scale:
        edges = ", ".join(f"{edge!r}" for edge in scale.bins)
        lines += [
            "# Blocks of one panel, material and grade bin go the same way.",
            "[panels]",
            f"grade_bins.{scale.main} = [{edges}]  {GUESS}",
            "",
        ]
    return lines


def _destinations(model: BlockModel, kinds: Mapping[str, str], scale: Scale | None) -> list[str]:
    ore = [name for name, kind in kinds.items() if kind == "ore"]
    oxide = [name for name in ore if OXIDE_WORDS.search(name)]
    leached = oxide if len(oxide) < len(ore) and {"cu", "au"} & set(model.units) else []
    lines = _process(model, "mill", ore, MILLING_PER_T, 1.0)
    if leached:
        lines += [f"capacity_mt_per_year = {_mt_per_year(scale, 1.0)!r}  {GUESS} (Taylor's rule)", ""]
        lines += ["# A guess by the names of the materials: oxide ore may be leached.  # GUESS"]
        lines += [*_process(model, "leach", leached, LEACHING_PER_T, LEACHED), "tailings_t_per_t = 0.0"]
        lines.append(f"capacity_mt_per_year = {_mt_per_year(scale, 0.3)!r}  {GUESS}")
    waste = ["", "[destinations.waste_dump]", 'kind = "dump"', f"accepts = {_names(list(kinds))}", ""]
    limits = ["[limits]"] if scale else []
    if scale and not leached:
        limits.append(f"mill_t_per_day = {scale.mill_t_per_day!r}  {GUESS} (Taylor's rule)")
    if scale:
        limits += [f"mining_mt_per_year = {scale.mining_mt_per_year!r}  {GUESS}", ""]
    return [*lines, *waste, *limits]


def _process(model: BlockModel, name: str, accepts: list[str], cost: float, share: float) -> list[str]:
    """A process; of each element it recovers a share of what a mill would."""
    lines = [
        f"[destinations.{name}]",
        'kind = "mill"',
        f"accepts = {_names(accepts)}",
        f"cost_per_t = {cost!r}  {GUESS}",
    ]
    for element in model.units:
        recovery = rounded(TERMS[element].recovery * share) if element in TERMS else 0.0
        lines.append(f"recovery.{element} = {recovery!r}  {GUESS}")
    return lines


def _mt_per_year(scale: Scale | None, share: float) -> float:
    return rounded(share * (scale.mill_t_per_day if scale else 1000.0) * DAYS_PER_YEAR / 1e6)


def _money(model: BlockModel) -> list[str]:
    lines = []
    for element in model.units:
        if element not in TERMS:
            continue
        terms = TERMS[element]
        price = f"price_usd_per_lb = {terms.per_lb!r}" if terms.per_lb else f"price_usd_per_oz = {terms.per_oz!r}"
        title = element_title(element)
        lines += [f"[products.{title}]", f'element = "{element}"', f"{price}  {GUESS}"]
        lines += [f"{key} = {rounded(value, 4)!r}  {GUESS}" for key, value in terms.keys.items()]
        lines.append("")
    return [*lines, "[costs]", f"mining_per_t = {MINING_PER_T!r}  {GUESS}"]
