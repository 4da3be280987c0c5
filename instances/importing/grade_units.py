"""Units that headings give to grades, and the factors to those of the mine's file."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Kind = Literal["pct", "g_per_t"]
G_PER_OZ = 31.1034768
OZ_PER_SHORT_TON_G_PER_T = 34.2857
LB_PER_TONNE_PCT = 0.045359237
GRADE_UNITS: dict[str, tuple[Kind, float]] = {
    **dict.fromkeys(("%", "pct", "pc", "perc", "percent", "percents"), ("pct", 1.0)),
    **dict.fromkeys(("wt%", "%wt", "wtpct", "wtpercent", "weight%", "mass%"), ("pct", 1.0)),
    **dict.fromkeys(("fraction", "frac", "kgkg"), ("pct", 100.0)),
    **dict.fromkeys(("kgt", "kgpert", "kgtonne", "gkg", "mgg"), ("pct", 0.1)),
    **dict.fromkeys(("lbton", "lbston", "lbst", "lbshortton", "lbsst", "lbsshortton"), ("pct", 0.05)),
    **dict.fromkeys(("lbtonne", "lbmt", "lbstonne", "lbsmt"), ("pct", LB_PER_TONNE_PCT)),
    **dict.fromkeys(("ppm", "gt", "gpt", "gmt", "gpert", "gtonne", "gramstonne", "gramst"), ("g_per_t", 1.0)),
    **dict.fromkeys(("gramtonne", "gramt", "mgkg", "ugg"), ("g_per_t", 1.0)),
    **dict.fromkeys(("ppb", "ugkg", "mgt", "mgtonne", "ngg"), ("g_per_t", 0.001)),
    **dict.fromkeys(("opt", "ozt", "ozton", "ozst", "ozston", "ozshortton"), ("g_per_t", OZ_PER_SHORT_TON_G_PER_T)),
    **dict.fromkeys(("oztonne", "ozmt", "ozmetricton"), ("g_per_t", G_PER_OZ)),
}
"""Unit of the mine's file, and the factor to it, by the key of a unit.

A ton beside ounces or pounds is the short ton of assays in the United States, and so is the t of oz/t.
"""
SHOWN = "%, fraction, ppm, ppb, g/t, kg/t, mg/kg, ug/kg, oz/ton, oz/st, oz/tonne, lb/ton, lb/st, lb/tonne"
"""The units as they are told to who gives another."""


def unit_words(text: str) -> list[str]:
    """The words of a unit in lower case; a micro sign is a ``u``."""
    plain = unicodedata.normalize("NFKD", text).replace("\u03bc", "u").lower()
    return re.findall(r"[a-z0-9]+|[%\u2030]", plain)


def unit_key(text: str) -> str:
    """The key of a unit: its letters, ``g per t`` like ``g/t``; a key that is not known where the unit is not."""
    words = unit_words(text)
    joined = "".join(words)
    return joined if joined in GRADE_UNITS else "".join(word for word in words if word != "per")
