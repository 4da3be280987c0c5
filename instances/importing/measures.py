"""Units that headings give to lengths, masses, volumes and densities, and the factors to metres and tonnes."""

from __future__ import annotations

import re
import unicodedata

from instances.importing.notes import Note, guessed, understood

FOOT_M = 0.3048
SHORT_TON_T = 0.90718474
POUND_T = 0.00045359237
LENGTH = {
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("ft", "feet", "foot"), FOOT_M),
}
MASS = {
    **dict.fromkeys(("t", "te", "tonne", "tonnes", "metrictons"), 1.0),
    **dict.fromkeys(("st", "ston", "stons", "shortton", "shorttons"), SHORT_TON_T),
    "kt": 1e3,
    "mt": 1e6,
    "kg": 1e-3,
    "lb": POUND_T,
    "lbs": POUND_T,
}
VOLUME = {**dict.fromkeys(("m3", "bcm", "cum"), 1.0), **dict.fromkeys(("ft3", "cuft"), FOOT_M**3)}
DENSITY = {
    **dict.fromkeys(("tm3", "tperm3", "tbcm", "gcm3", "gcc", "kgl"), 1.0),
    "kgm3": 1e-3,
    "lbft3": POUND_T / FOOT_M**3,
    "stft3": SHORT_TON_T / FOOT_M**3,
}
LENGTHS = ("x", "y", "z", "dx", "dy", "dz", "x_corner", "y_corner", "z_corner")
MEASURES: dict[str, tuple[str, dict[str, float]]] = {
    **dict.fromkeys(LENGTHS, ("metres", LENGTH)),
    "tonnes": ("tonnes", MASS),
    "volume": ("cubic metres", VOLUME),
    "density": ("tonnes per cubic metre", DENSITY),
}
"""What a role is measured in, and the factor to it by the unit of a heading."""
TONS = re.compile(r"(?:^|[^a-z])tons?(?:[^a-z]|$)")


def plain_unit(unit: str) -> str:
    """A unit in lower case, nothing but letters and digits: ``t/m³`` is ``tm3``."""
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", unit).lower())


def factor_of(role: str, heading: str, unit: str) -> tuple[float, Note | None]:
    """The factor that a column's numbers have to be multiplied by, and what is to be told of it.

    Args:
        role: what the column is.
        heading: its heading.
        unit: the unit that its heading, or who imports it, gives; empty where none does.
    """
    if role not in MEASURES:
        return 1.0, None
    name, factors = MEASURES[role]
    plain = plain_unit(unit)
    if not plain and role == "tonnes" and heading.lower() in factors:
        plain = heading.lower()
    if not plain and role == "tonnes" and TONS.search(heading.lower()):
        return 1.0, guessed(f"{heading} are metric tonnes, not short tons (else --column 'tonnes[st]={heading}')")
    if not plain or factors.get(plain) == 1.0:
        return 1.0, None
    if plain not in factors:
        return 1.0, guessed(f"{heading} is in {name}: the unit {unit[:20]} is not known")
    return factors[plain], understood(f"{heading} is in {unit[:20]}: times {factors[plain]:.6g} to {name}")
