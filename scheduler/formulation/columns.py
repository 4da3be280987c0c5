"""Where the variables of a context stand among the columns of its compiled model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from scheduler.formulation.context import Context
from scheduler.problem import Index


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of the variables that rows are made of without Pyomo; ``count`` where a variable has none.

    Attributes:
        count: columns of the model.
        mined_by: ``(U, T)``.
        finished: ``(U, T)``, of the completion binaries; with whole mining of the fractions mined.
        sent: ``(R, T)``.
        works: ``(T,)`` by installation.
    """

    count: int
    mined_by: Index
    finished: Index
    sent: Index
    works: dict[str, Index]

    @classmethod
    def of(cls, context: Context, variables: Sequence[Any]) -> Self:
        """Finds them among the variables of the columns, in the order of these."""
        problem, count = context.problem, len(variables)
        units, routes, periods = len(problem.unit_names), len(problem.route_parcel), problem.periods
        mined_by = np.full((units, periods), count, dtype=np.int64)
        finished = np.full((units, periods), count, dtype=np.int64)
        sent = np.full((routes, periods), count, dtype=np.int64)
        works = {i.name: np.full(periods, count, dtype=np.int64) for i in problem.installations}
        arrays = {"mined_by": mined_by, "finished": finished, "sent": sent}
        for column, variable in enumerate(variables):
            kind, index = variable.parent_component().local_name, variable.index()
            if kind in arrays:
                arrays[kind][index] = column
            elif kind == "works":
                works[index[0]][index[1]] = column
        return cls(count, mined_by, mined_by if problem.whole else finished, sent, works)
