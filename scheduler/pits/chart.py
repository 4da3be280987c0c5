"""The chart of pit by pit: worth against the factor on the price, with tonnes below."""

from __future__ import annotations

from pathlib import Path

from instances.findings import BadInput, Finding
from scheduler.pits.nested import NestedPits

KINDS = ("svg", "png", "pdf")


def draw(pits: NestedPits, file: Path, kind: str, *, title: str, currency: str) -> None:
    """Draws the pits to a file.

    Args:
        pits: the pits.
        file: where.
        kind: ``svg``, ``png`` or ``pdf``.
        title: title of the chart.
        currency: symbol of the money.

    Raises:
        BadInput: where Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise BadInput([Finding("--chart", None, "Matplotlib, as pip install matplotlib gives it")]) from error
    table = pits.table
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    worth, tonnes = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for column, label in (("value", "undiscounted"), ("npv_best", "NPV, best case"), ("npv_worst", "NPV, worst case")):
        worth.plot(table["factor"], table[column] / 1e6, marker=".", label=label)
    worth.axvline(1.0, color="0.7", linewidth=1)
    worth.set_ylabel(f"{currency} M")
    worth.set_title(title)
    worth.legend(frameon=False)
    tonnes.stackplot(table["factor"], table["ore_t"] / 1e6, table["waste_t"] / 1e6, labels=("ore", "waste"))
    tonnes.set_ylabel("Mt")
    tonnes.set_xlabel("factor on the price")
    tonnes.legend(frameon=False, loc="upper left")
    figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
