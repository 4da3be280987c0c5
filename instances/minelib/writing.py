"""Writers of the files of MineLib; what they write, the readers read back equal, digit for digit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from instances.minelib.model import Blocks, Constrained, Limits, Precedence, ScheduleRows, UltimatePit

_FORBIDDEN = "-1E+19"


def write_blocks(blocks: Blocks, path: Path) -> None:
    """Write a ``.blocks`` file."""
    pairs = zip(blocks.coordinates.tolist(), blocks.attributes, strict=True)
    _write(path, (_join(i, *place, *rest) for i, (place, rest) in enumerate(pairs)))


def write_precedence(precedence: Precedence, path: Path) -> None:
    """Write a ``.prec`` file: every block, the number of blocks it needs, and these."""
    order = np.argsort(precedence.block, kind="stable")
    ends = np.cumsum(np.bincount(precedence.block, minlength=precedence.n_blocks))
    needed = np.split(precedence.needed[order], ends[:-1])
    _write(path, (_join(block, len(others), *others.tolist()) for block, others in enumerate(needed)))


def write_schedule(schedule: ScheduleRows, path: Path) -> None:
    """Write a ``.sol`` file: block, destination, period, share."""
    columns = (schedule.block, schedule.destination, schedule.period, schedule.share)
    _write(path, (_join(*row) for row in zip(*(column.tolist() for column in columns), strict=True)))


def write_upit(pit: UltimatePit, path: Path) -> None:
    """Write a ``.upit`` file."""
    heading = [f"NAME: {pit.name}", "TYPE: UPIT", f"NBLOCKS: {pit.value.size}", "OBJECTIVE_FUNCTION:"]
    values = [_join(block, value) for block, value in enumerate(pit.value.tolist())]
    _write(path, [*heading, *values, "EOF"])


def write_problem(problem: Constrained, path: Path) -> None:
    """Write a ``.cpit`` or ``.pcpsp`` file, by the kind of the problem."""
    whole = problem.kind == "CPIT"
    lines = [f"NAME: {problem.name}", f"TYPE: {problem.kind}", f"NBLOCKS: {problem.n_blocks}"]
    lines.append(f"NPERIODS: {problem.n_periods}")
    if not whole:
        lines.append(f"NDESTINATIONS: {problem.n_destinations}")
    lines.append(f"NRESOURCE_SIDE_CONSTRAINTS: {problem.resource_limits.lower.shape[0]}")
    if not whole or problem.general_limits.lower.size:
        lines.append(f"NGENERAL_SIDE_CONSTRAINTS: {problem.general_limits.lower.size}")
    lines.append(f"DISCOUNT_RATE: {problem.discount_rate!r}")
    lines += ["RESOURCE_CONSTRAINT_LIMITS:", *_limit_lines(problem.resource_limits), "OBJECTIVE_FUNCTION:"]
    for block, (values, barred) in enumerate(zip(problem.value.tolist(), problem.forbidden.tolist(), strict=True)):
        lines.append(_join(block, *(_FORBIDDEN if no else value for value, no in zip(values, barred, strict=True))))
    used = problem.resources
    columns = (
        [used.block, used.resource, used.amount]
        if whole
        else [used.block, used.destination, used.resource, used.amount]
    )
    lines.append("RESOURCE_CONSTRAINT_COEFFICIENTS:")
    lines += [_join(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    if problem.general_limits.lower.size:
        general = problem.general
        cells = (general.block, general.destination, general.period, general.row, general.coefficient)
        lines.append("GENERAL_CONSTRAINT_COEFFICIENTS:")
        lines += [_join(*row) for row in zip(*(column.tolist() for column in cells), strict=True)]
        lines += ["GENERAL_CONSTRAINT_LIMITS:", *_limit_lines(problem.general_limits)]
    _write(path, [*lines, "EOF"])


def _limit_lines(limits: Limits) -> list[str]:
    lines = []
    for place in np.ndindex(limits.lower.shape):
        low, high = float(limits.lower[place]), float(limits.upper[place])
        if np.isfinite(low) and np.isfinite(high):
            lines.append(_join(*place, "I", low, high))
        elif np.isfinite(low):
            lines.append(_join(*place, "G", low))
        else:
            lines.append(_join(*place, "L", high))
    return lines


def _join(*fields: object) -> str:
    return " ".join(repr(field) if isinstance(field, float) else str(field) for field in fields)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
