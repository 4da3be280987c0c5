"""Columns of the tables of a study, and the names that a parameter, which is a column too, cannot have for that."""

from __future__ import annotations

COLUMNS = {
    "scenario": "name",
    "title": "title, empty for none",
    "design": "name or kind of its design",
    "starts_from": "scenario whose plan it started from, empty for none",
    "<parameter>": "value of each parameter that the study varies; a list as text; empty where it is the base's",
    "status": "as in summary.json, or failed, or waiting",
    "reason": "why it stopped, what conflicts, or why it failed",
    "objective": "discounted cash before tax, the figure that is optimised and bounded, currency",
    "bound": "no plan of the scenario is worth more, currency",
    "gap": "(bound - objective) / |objective|",
    "npv": "after tax, on the optimiser's basis, currency",
    "npv_published_basis": "after tax, on the reporting basis, currency",
    "moved_mt": "moved from the pit, Mt",
    "milled_mt": "milled, Mt",
    "life_periods": "periods until the last with mining or milling",
    "strip_ratio": "waste per ore, t/t",
    "strip_ratio_peak": "largest of a period, t/t",
    "stock_peak_mt": "largest stock, Mt",
    "mining_use": "moved over capacity in the periods with mining, fraction",
    "mill_use": "milled over capacity in the periods with milling, fraction",
    "<product>_<unit>": "metal recovered",
    "<product>_<unit>_first_3": "the same in the first three periods",
    "bought": "options bought, with the period",
    "fixed_schedule": "discounted cash of the reference's plan kept as it is, currency; empty where it breaks a limit",
    "fixed_schedule_breaks": "the limit that it breaks",
    "audit_passed": "whether the audit found nothing",
    "start": "what became of the start",
    "nodes": "branch-and-bound nodes",
    "solve_s": "wall time of the engine, seconds",
    "wall_s": "wall time of the scenario's process, seconds",
    "cpu_s": "processor time of the same, seconds",
    "attempt": "which attempt gave the result",
    "folder": "of the result, as seen from the study's",
    "key": "hash over all that the result depends on",
}
"""Columns of the table of scenarios; in pointed brackets what is a column each."""
FIGURES = ("objective", "bound", "gap", "npv", "npv_published_basis", "moved_mt", "milled_mt")
"""Columns that are figures of the summary by the same name."""
TIMES = ("solve_s", "wall_s", "cpu_s", "attempt")
"""Columns that differ from one run of the same study to the next."""
BESIDE_A_PARAMETER = ("standing", "gain", "gain_least", "gain_most", "verdict")
"""Further columns of the answers in which parameters are columns: hills, and what an option is worth."""
RESERVED = frozenset({name for name in COLUMNS if not name.startswith("<")} | set(BESIDE_A_PARAMETER))
"""Names that no parameter can have, whatever the mine; see :func:`metal_columns` for those that depend on it."""


def metal_columns(product: str, unit: str) -> tuple[str, str]:
    """Columns of a product: its metal in all, and that of the first three periods."""
    return f"{product}_{unit}", f"{product}_{unit}_first_3"
