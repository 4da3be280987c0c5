"""Random closure programs with every kind of side row, and the whole linear program for HiGHS to solve."""

from collections.abc import Iterable, Iterator

import highspy
import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from solvers.relaxation import ClosureProgram, solve_relaxation


def whole_optimum(program: ClosureProgram, *, integer: bool = False, spread: bool = False) -> float | None:
    """Optimum of the program written out over c[u,t], x[p,t,d], s; None where it is infeasible.

    With ``integer`` every node is taken whole in one step; with ``spread`` over several, begun once what it needs is
    finished, and a binary w[u,t] <= c[u,t] beside each c says so.
    """
    n_c, n_x = program.n_nodes * program.n_steps, program.value.size
    if spread:
        return _spread_optimum(program)
    structure, lower, upper = _structure(program)
    side = sparse.hstack([sparse.csr_array((program.n_rows, n_c)), program.rows, program.extras_matrix])
    matrix = sparse.csr_array(sparse.vstack([structure, side]))
    most = np.ones((program.n_nodes, program.n_steps))
    if program.first_step.size:
        most[np.arange(program.n_steps)[None, :] < program.first_step[:, None]] = 0.0
    allowed = np.ones(program.value.shape) if program.allowed is None else program.allowed.astype(float)
    lp = highspy.HighsLp()
    lp.sense_, lp.offset_ = highspy.ObjSense.kMaximize, program.constant
    lp.num_col_, lp.num_row_ = matrix.shape[1], matrix.shape[0]
    lp.col_cost_ = np.concatenate([np.zeros(n_c), program.worth.ravel(), program.extra_value])
    lp.col_lower_ = np.concatenate([np.zeros(n_c + n_x), program.extra_lower])
    lp.col_upper_ = np.concatenate([most.ravel(), allowed.ravel(), program.extra_upper])
    lp.row_lower_ = np.concatenate([lower, program.row_lower])
    lp.row_upper_ = np.concatenate([upper, program.row_upper])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if integer:
        lp.integrality_ = _kinds([True] * n_c + [False] * n_x + program.whole_extras.tolist())
    highs = highspy._core._Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.passModel(lp)
    highs.resetGlobalScheduler(True)
    highs.run()
    if highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value)


def _spread_optimum(program):
    """Partial integrality with a column for everything, by SciPy's interface to HiGHS."""
    n, T, P, D = program.n_nodes, program.n_steps, program.n_parts, program.n_choices
    n_c, n_x, S = n * T, P * T * D, program.n_extras
    total = 2 * n_c + n_x + S
    rows, low, high = [], [], []

    def add(entries, least, most):
        row = np.zeros(total)
        for column, value in entries:
            row[column] += value
        rows.append(row)
        low.append(least)
        high.append(most)

    for u in range(n):
        for t in range(T):
            add([(n_c + u * T + t, 1.0), (u * T + t, -1.0)], -np.inf, 0.0)
            if t:
                add([(u * T + t - 1, 1.0), (u * T + t, -1.0)], -np.inf, 0.0)
                add([(n_c + u * T + t - 1, 1.0), (n_c + u * T + t, -1.0)], -np.inf, 0.0)
    for v, u, lag in zip(program.arc_tail, program.arc_head, program.lags, strict=True):
        for t in range(T):
            add([(v * T + t, 1.0), *([(n_c + u * T + t - lag, -1.0)] if t >= lag else [])], -np.inf, 0.0)
    for p, u in enumerate(program.part_node):
        for t in range(T):
            sent = [(2 * n_c + (p * T + t) * D + d, 1.0) for d in range(D)]
            add([*sent, (u * T + t, -1.0), *([(u * T + t - 1, 1.0)] if t else [])], 0.0, 0.0)
    side = sparse.hstack([sparse.csr_array((program.n_rows, 2 * n_c)), program.rows, program.extras_matrix]).toarray()
    matrix = np.vstack([*rows, side])
    most = np.ones((n, T))
    if program.first_step.size:
        most[np.arange(T)[None, :] < program.first_step[:, None]] = 0.0
    allowed = np.ones(n_x) if program.allowed is None else program.allowed.astype(float).ravel()
    found = milp(
        -np.concatenate([np.zeros(2 * n_c), program.worth.ravel(), program.extra_value]),
        constraints=LinearConstraint(
            matrix, np.concatenate([low, program.row_lower]), np.concatenate([high, program.row_upper])
        ),
        bounds=Bounds(
            np.concatenate([np.zeros(2 * n_c + n_x), program.extra_lower]),
            np.concatenate([most.ravel(), most.ravel(), allowed, program.extra_upper]),
        ),
        integrality=np.concatenate([np.zeros(n_c), np.ones(n_c), np.zeros(n_x), program.whole_extras.astype(float)]),
        options={"mip_rel_gap": 0.0},
    )
    assert found.status in {0, 2}
    return None if found.status == 2 else program.constant - float(found.fun)


def _structure(program):
    """Chains, arcs and shares over c, x and s, with their limits."""
    n, T, P, D = program.n_nodes, program.n_steps, program.n_parts, program.n_choices
    n_c, n_x, S = n * T, P * T * D, program.n_extras
    rows, lower, upper = [], [], []

    def add(entries, low, high):
        rows.append(entries)
        lower.append(low)
        upper.append(high)

    for u in range(n):
        for t in range(1, T):
            add({u * T + t - 1: 1.0, u * T + t: -1.0}, -np.inf, 0.0)
    for v, u, lag in zip(program.arc_tail, program.arc_head, program.lags, strict=True):
        for t in range(T):
            entries = {v * T + t: 1.0}
            if t >= lag:
                entries[u * T + t - lag] = entries.get(u * T + t - lag, 0.0) - 1.0
            add(entries, -np.inf, 0.0)
    for p, u in enumerate(program.part_node):
        for t in range(T):
            entries = {n_c + (p * T + t) * D + d: 1.0 for d in range(D)} | {u * T + t: -1.0}
            if t:
                entries[u * T + t - 1] = 1.0
            add(entries, 0.0, 0.0)
    place = [(r, c, v) for r, entries in enumerate(rows) for c, v in entries.items()]
    r, c, v = (np.array(column) for column in zip(*place, strict=True)) if place else (np.zeros(0),) * 3
    structure = sparse.csr_array((v, (r.astype(int), c.astype(int))), shape=(len(rows), n_c + n_x + S))
    return structure, lower, upper


def _kinds(integer):
    kinds = {True: highspy.HighsVarType.kInteger, False: highspy.HighsVarType.kContinuous}
    return [kinds[whole] for whole in integer]


def random_program(seed: int) -> ClosureProgram:
    """Lags, late starts, several parts a node, bare nodes, closed choices; capacities and rows of every kind."""
    rng = np.random.default_rng(seed)
    n, T, D = (int(rng.integers(1, most)) for most in (14, 6, 4))
    ends = rng.integers(0, n, (2, int(rng.integers(0, 2 * n))))
    tail, head = ends[:, ends[0] > ends[1]]
    none = np.zeros(0, np.int64)
    part = np.arange(n)
    if rng.random() < 0.5:
        part = np.concatenate([part, rng.integers(0, n, int(rng.integers(0, n + 1)))])
    if rng.random() < 0.1:
        part = part[part != 0]
    shape = (part.size, T, D)
    value = rng.normal(1, 6, (part.size, 1, D)) * (0.9 ** np.arange(T))[None, :, None]
    if rng.random() < 0.3:
        value = value + rng.normal(0, 1, shape)
    allowed = None
    if rng.random() < 0.4:
        allowed = rng.random(shape) < 0.7
        kept = rng.integers(0, D, shape[:2])
        allowed[np.arange(part.size)[:, None], np.arange(T)[None, :], kept] = True
        value = np.where(allowed, value, np.nan)
    rows, lower, upper = _random_rows(rng, shape)
    S = int(rng.integers(0, 4))
    G = np.where(rng.random((len(rows), S)) < 0.5, rng.normal(0, 1, (len(rows), S)), 0.0)
    extra_lower = rng.normal(-1, 2, S)
    return ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=tail,
        arc_head=head,
        arc_lag=rng.integers(0, 3, tail.size) if rng.random() < 0.3 else none,
        first_step=rng.integers(0, T + 2, n) if rng.random() < 0.3 else none,
        part_node=part,
        value=value,
        allowed=allowed,
        rows=sparse.csr_array(np.array(rows)),
        row_lower=np.array(lower),
        row_upper=np.array(upper),
        extra_value=rng.normal(0, 1, S),
        extra_lower=extra_lower,
        extra_upper=extra_lower + rng.uniform(0, 4, S),
        extra_rows=sparse.csr_array(G) if S else None,
        constant=float(rng.normal(0, 5)),
    )


def _random_rows(rng, shape):
    """A capacity in every step, some with a minimum, and up to four rows with coefficients of either sign."""
    P, T, D = shape
    rows, lower, upper = [], [], []
    use = rng.uniform(0.5, 3, (P, D))
    for t in range(T):
        row = np.zeros(shape)
        row[:, t, :] = use
        rows.append(row.ravel())
        upper.append(use.sum() / D / T * rng.uniform(0.4, 1.2))
        lower.append(0.3 * upper[-1] if rng.random() < 0.2 else -np.inf)
    for _ in range(int(rng.integers(0, 5))):
        rows.append(np.where(rng.random(shape) < 0.4, rng.normal(0, 2, shape), 0.0).ravel())
        x = abs(rng.normal(0, 3))
        limits = [(-np.inf, x), (-x, np.inf), (-x, x), (0.0, 0.0), (0.2 * x, 0.2 * x), (0.3 * x, np.inf)]
        low, high = limits[int(rng.integers(0, len(limits)))]
        lower.append(low)
        upper.append(high)
    return rows, lower, upper


def solvable(seeds: Iterable[int]) -> Iterator[tuple[ClosureProgram, float]]:
    """Programs that have a schedule worth more than nothing, with their optima."""
    for seed in seeds:
        program = random_program(seed)
        optimum = whole_optimum(program, integer=True)
        if optimum is not None and solve_relaxation(program).x is not None:
            yield program, optimum
