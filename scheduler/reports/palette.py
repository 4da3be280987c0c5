"""The colours of every report: the same colour for the same thing everywhere, told apart by colour-blind eyes.

Classes of ore go from dark copper to pale gold, waste is grey, fill is blue, metal the green of weathered copper,
tailings from the mill are violet; periods run through viridis (van der Walt
and Smith 2015), whose lightness rises evenly. Gains are blue and costs are vermilion (Okabe and Ito 2008).
"""

from __future__ import annotations

from collections.abc import Sequence

from instances.schema import Mine

ORE = ("#a63c12", "#e8973a", "#f2cf7a", "#7d2a52")
WASTE = ("#868d98", "#b3b8c0", "#616770")
FILL = ("#9ccbdc", "#3c87ad", "#1f5c7d")
STOCK = ("#f0b64f", "#c98a2b", "#8a6a1f", "#f7dca1", "#5d4a1c")
METAL = ("#3f8f6b", "#b8860b", "#6f7d8c")
NEW_TAILINGS = ("#8a7bb0", "#54487d")
GAIN, COST, TOTAL = "#1f77b4", "#d1622b", "#3b4a5a"
NOT_MINED = "#c9ced6"
PALE, ON_PALE = ("#e3eef7", "#62a8d6"), "#10161d"
"""From what is worth little to what is worth most, and the ink that reads on all of it."""
UNDECIDED, DOMINATED = "#8fb8d8", "#c3c9d1"
"""Scenarios that may be as good as the best, and those that are proven worse."""
RUNS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9")
"""Runs set side by side (Okabe and Ito 2008, the yellow darkened for print)."""
_GREYED = 0.7
INK, SOFT, PAPER, GRID, AXIS, BED, LIMIT = (
    f"var(--{name})" for name in ("ink", "soft", "paper", "grid", "axis", "bed", "limit")
)
"""Colours of the style sheet, which differ in light, in dark and on paper; a page's script puts them in."""
VIRIDIS = (
    "#440154",
    "#482475",
    "#414487",
    "#355f8d",
    "#2a788e",
    "#21918c",
    "#22a884",
    "#44bf70",
    "#7ad151",
    "#bddf26",
    "#fde725",
)


def material_colours(mine: Mine) -> dict[str, str]:
    """Colour of each material, by its kind and its place among those of the kind."""
    families = {"ore": ORE, "waste": WASTE, "fill": FILL}
    seen = dict.fromkeys(families, 0)
    colours = {}
    for name, material in mine.materials.items():
        family = families[material.kind]
        colours[name] = family[seen[material.kind] % len(family)]
        seen[material.kind] += 1
    return colours


def dumped(colour: str) -> str:
    """The colour of a class of ore where it goes to a dump: greyed, as all that is waste."""
    return between((colour, WASTE[1]), _GREYED)


def store_colours(mine: Mine) -> dict[tuple[str, str], str]:
    """Colour of each bin of each stockpile."""
    bins = [(pile, store) for pile, place in mine.stockpiles().items() for store in place.bins]
    return {one: STOCK[number % len(STOCK)] for number, one in enumerate(bins)}


def period_colours(periods: int) -> list[str]:
    """A colour for each period, from dark to light."""
    return [between(VIRIDIS, number / max(periods - 1, 1)) for number in range(periods)]


def between(ramp: Sequence[str], place: float) -> str:
    """The colour at a place from 0 to 1 along a ramp."""
    along = min(max(place, 0.0), 1.0) * (len(ramp) - 1)
    first = min(int(along), len(ramp) - 2)
    low, high = (_channels(ramp[number]) for number in (first, first + 1))
    mixed = [round(a + (b - a) * (along - first)) for a, b in zip(low, high, strict=True)]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def faint(colour: str, share: float) -> str:
    """A colour of which only a share covers what lies under it."""
    red, green, blue = _channels(colour)
    return f"rgba({red},{green},{blue},{share:g})"
