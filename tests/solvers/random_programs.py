"""Small mixed-integer programs by chance."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from solvers.program import Program


def random_program(draw: np.random.Generator, *, binary: float) -> Program:
    """3 to 10 columns, a share of them within 0 and 1, most integer; 2 to 6 rows; some infeasible; either sense."""
    columns, rows = int(draw.integers(3, 11)), int(draw.integers(2, 7))
    matrix = draw.integers(-5, 8, (rows, columns)) * (draw.random((rows, columns)) < 0.7)
    upper = np.where(draw.random(columns) < binary, 1.0, draw.integers(2, 5, columns)).astype(float)
    within = matrix @ (upper * draw.random(columns))
    row_upper = np.where(draw.random(rows) < 0.8, within + draw.integers(-1, 3, rows), np.inf)
    row_lower = np.where(draw.random(rows) < 0.4, within - draw.integers(-1, 3, rows), -np.inf)
    return Program(
        cost=draw.integers(-9, 10, columns) + draw.choice([0.0, 0.25, 0.123], columns),
        lower=np.zeros(columns),
        upper=upper,
        integer=draw.random(columns) < 0.8,
        matrix=sparse.csr_array(matrix.astype(float)),
        row_lower=np.minimum(row_lower, row_upper),
        row_upper=row_upper,
        offset=float(draw.choice([0.0, 30.0, -200.0])),
        maximise=bool(draw.integers(0, 2)),
    )
