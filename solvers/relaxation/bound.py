"""The upper bound that multipliers prove, by maximum closures.

For multipliers l (>= 0 on rows with an upper limit only, <= 0 on rows with a lower limit only, free on rows with both)

    UB(l) = constant + max over closures of (value - H'l) + sum(l+ upper - l- lower) + sum_j max(r_j lo_j, r_j up_j),
    r = d - G'l,

bounds the program from above: every feasible (x, s) satisfies l(Hx + Gs) <= l+ upper - l- lower. The last sum, over the
box of the continuous variables, is part of the bound. This module knows nothing of the algorithm that found l: it is
what a certificate is checked with, and it builds its graph, prices and adds by itself.

Prices and terms are added up in doubles. What that may have taken off the bound at most is added to it: a hair for
multipliers that a relaxation found, all that they claim for multipliers so large that they swallow the values.

Sources: Geoffrion (1974), "Lagrangean relaxation for integer programming"; Bienstock and Zuckerberg (2010), section 3;
for sums in floating point Higham (2002), "Accuracy and Stability of Numerical Algorithms", section 3.1; for bounds made
safe against it Neumaier and Shcherbina (2004), "Safe bounds in linear and mixed-integer linear programming",
Mathematical Programming 99:283.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from solvers.closure import PseudoflowKernel, WeightError, closure_graph, scale_up

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from solvers.closure import ClosureGraph, ClosureKernel, KernelFactory
    from solvers.relaxation.program import ClosureProgram, Floats


_EPS = float(np.finfo(np.float64).eps)
"""A sum of k terms errs by less than k times this, of the sum of their sizes."""
_NEAR = 1e-11
"""Relative; bounds this near to each other are the same but for rounding."""
_ADDED = 8
"""Sums and products that a term goes through beside those counted."""


class MultiplierError(ValueError):
    """Multipliers of the wrong length or not finite."""


def project_multipliers(program: ClosureProgram, multipliers: Floats) -> Floats:
    """Multipliers with the sign their row allows ``(M,)``: the nearest ones that give a finite bound."""
    if multipliers.shape != (program.n_rows,):
        raise MultiplierError(f"expected {program.n_rows} multipliers, got shape {multipliers.shape}")
    if not np.isfinite(multipliers).all():
        raise MultiplierError("multipliers must be finite")
    lowest = np.where(np.isfinite(program.row_lower), -np.inf, 0.0)
    highest = np.where(np.isfinite(program.row_upper), np.inf, 0.0)
    return np.clip(multipliers, lowest, highest)


def row_and_box_terms(program: ClosureProgram, multipliers: Floats, *, objective: bool = True) -> float:
    """Everything of UB(l) but the closure: constant, row terms and the box of the continuous variables.

    Args:
        program: The program.
        multipliers: Projected multipliers ``(M,)``.
        objective: False leaves out constant and d, which gives the proof of infeasibility.
    """
    rows = float(multipliers @ _limits_used(program, multipliers))
    r = -(program.extras_matrix.T @ multipliers)
    if objective:
        r = r + program.extra_value
    box = float(np.maximum(r * program.extra_lower, r * program.extra_upper).sum())
    return rows + box + (program.constant if objective else 0.0)


def step_prices(
    program: ClosureProgram, multipliers: Floats, *, objective: bool = True
) -> tuple[Floats, NDArray[np.int64]]:
    """Worth of taking each node in each step, every part by its best allowed choice.

    Returns:
        Prices ``(n, T)`` summed over the parts of a node, and the choice of every part ``(P, T)``.
    """
    shape = program.value.shape
    prices = -(program.rows_transposed @ multipliers).reshape(shape)
    if objective:
        prices += program.worth
    if program.open_choices is not None:
        prices = np.where(program.open_choices, prices, -np.inf)
    choice = prices.argmax(axis=2)
    best = np.take_along_axis(prices, choice[:, :, None], axis=2)[:, :, 0]
    started = np.arange(program.n_steps)[None, :] >= program.starts[program.part_node][:, None]
    best = np.where(started, best, 0.0)
    total = np.zeros((program.n_nodes, program.n_steps))
    for t in range(program.n_steps):
        total[:, t] = np.bincount(program.part_node, best[:, t], program.n_nodes)
    return total, choice


def cumulative_weights(prices: Floats) -> Floats:
    """Weights ``(n, T)`` of the cumulative nodes: sum_t g_t (c_t - c_{t-1}) = sum_t c_t (g_t - g_{t+1}).

    What costs more than all the rest could pay for is counted at no more than that: it is never taken either way, and
    leaves the others their digits.
    """
    weights = prices.copy()
    # What one of them pays for all of them do: most often nothing is that dear, and their sum need not be known.
    if prices.size and prices.min() < -2.0 * max(float(prices.max()), 0.0):
        np.maximum(weights, _floor(prices), out=weights)
    weights[:, :-1] -= weights[:, 1:]
    return weights


def _floor(prices: Floats) -> float:
    """Twice what all closures earn together at most, as a loss."""
    return -2.0 * float(np.maximum(prices.max(axis=1, initial=0.0), 0.0).sum())


def lost_to_rounding(program: ClosureProgram, multipliers: Floats, prices: Floats, *, objective: bool = True) -> float:
    """What rounding may have taken off UB(l) at most, but for that of the integers, which goes up.

    Args:
        program: The program.
        multipliers: Projected multipliers ``(M,)``.
        prices: Those of ``step_prices`` ``(n, T)``.
        objective: As for these.
    """
    sizes = np.abs(multipliers)
    size = (_sizes(program.rows_transposed) @ sizes).reshape(program.value.shape)
    if objective:
        size += np.abs(program.worth)
    if program.open_choices is not None:
        size = np.where(program.open_choices, size, 0.0)
    largest = size.max(axis=2, initial=0.0)
    of_node = np.zeros(prices.shape)
    for t in range(program.n_steps):
        of_node[:, t] = np.bincount(program.part_node, largest[:, t], program.n_nodes)
    of_column = np.diff(program.rows_transposed.indptr).max(initial=0)
    parts = np.bincount(program.part_node, minlength=1).max()
    error = (int(of_column) + int(parts) + _ADDED) * _EPS * of_node
    # Where the price is below the floor whatever was lost, the floor is no less than it should be.
    error[prices + error <= _floor(prices)] = 0.0
    weights = np.abs(cumulative_weights(prices))
    # A closure takes a node in one step, and is worth the prices there: the weights of its steps add up to these.
    closure = error.max(axis=1, initial=0.0).sum() + 2.0 * _EPS * weights.sum()
    limits = _limits_used(program, multipliers)
    reach = np.maximum(np.abs(program.extra_lower), np.abs(program.extra_upper))
    reduced = _sizes(program.extras_matrix).T @ sizes
    if objective:
        reduced = reduced + np.abs(program.extra_value)
    rows = (program.n_rows + _ADDED) * _EPS * np.abs(multipliers * limits).sum()
    box = (program.n_rows + program.n_extras + _ADDED) * _EPS * (reduced @ reach)
    return float(closure + rows + box + (_ADDED * _EPS * abs(program.constant) if objective else 0.0))


def _sizes(matrix: sparse.csr_array) -> sparse.csr_array:
    """The matrix without signs; itself, which may be large, where it has none."""
    return abs(matrix) if (matrix.data < 0).any() else matrix


def _limits_used(program: ClosureProgram, multipliers: Floats) -> Floats:
    """The limit that each multiplier counts ``(M,)``, 0 without one."""
    return np.where(multipliers > 0, program.row_upper, 0.0) + np.where(multipliers < 0, program.row_lower, 0.0)


def expanded_graph(program: ClosureProgram, first: int, stop: int) -> tuple[NDArray[np.int64], ClosureGraph]:
    """The graph of some consecutive steps, a node for each node of the program in each step from its first on.

    Returns:
        Number of each (node, step) ``(n, stop - first)``, -1 before its first step, and the graph: what a node needs
        ``lag`` steps before, and itself in the step after.
    """
    n, T = program.n_nodes, stop - first
    number = np.full((n, T), -1, np.int64)
    active = np.arange(first, stop)[None, :] >= program.starts[:, None]
    number[active] = np.arange(int(active.sum()))
    tails, heads = [number[:, :-1].ravel()], [number[:, 1:].ravel()]
    for lag in np.unique(program.lags):
        if lag >= T:
            continue
        arcs = program.lags == lag
        tails.append(number[program.arc_tail[arcs], lag:].ravel())
        heads.append(number[program.arc_head[arcs], : T - lag].ravel())
    tail, head = np.concatenate(tails), np.concatenate(heads)
    kept = tail >= 0
    return number, closure_graph(int(active.sum()), tail[kept], head[kept])


def bound_from_multipliers(
    program: ClosureProgram,
    multipliers: Floats,
    kernel: KernelFactory = PseudoflowKernel,
    *,
    objective: bool = True,
    enough: float = -np.inf,
) -> float:
    """UB(l): the upper bound on the program that the multipliers prove, recomputed with a closure a step.

    Closures of single steps, or of some steps together, are worth no less in all than one of all steps, and as much
    where each contains those before it. Steps that miss a node of an earlier one are taken together, until none does.

    Multipliers with a sign their row does not allow count as zero; those so large that prices or terms overflow prove
    nothing, inf. What rounding may have taken off is added (``lost_to_rounding``). With ``objective=False`` the
    objective is left out: a value below zero proves that no point satisfies the rows (see ``proves_infeasible``).

    Args:
        program: The program.
        multipliers: One a side row ``(M,)``.
        kernel: Closure kernel; a second, independent one makes the check independent.
        objective: Whether the objective counts.
        enough: A bound no larger than this, but for rounding, need not be the least that the multipliers prove: no
            further steps are taken together then.

    Raises:
        MultiplierError: Wrong length, or not finite.
    """
    used = project_multipliers(program, multipliers)
    prices = step_prices(program, used, objective=objective)[0]
    weights = cumulative_weights(prices)
    weights[np.arange(program.n_steps)[None, :] < program.starts[:, None]] = 0.0
    try:
        integers, scale = scale_up(weights)
    except WeightError:
        return np.inf
    terms = row_and_box_terms(program, used, objective=objective)
    lost = lost_to_rounding(program, used, prices, objective=objective)
    most = (within_rounding(enough) - terms - lost) * scale
    bound = _closures(program, integers, kernel, enough=most) / scale + terms + lost
    return np.inf if np.isnan(bound) else bound


def within_rounding(bound: float) -> float:
    """A bound and what sums of floating-point numbers may differ by."""
    return bound + _NEAR * max(abs(bound), 1.0) if np.isfinite(bound) else bound


def _closures(program: ClosureProgram, weights: NDArray[np.int64], kernel: KernelFactory, *, enough: float) -> int:
    """What a maximum closure of all steps is worth for integer weights ``(n, T)``, or a bound on it that is enough."""
    n, T = weights.shape
    member = np.zeros((n, T), np.bool_)
    runs = [(0, T)] if program.lags.any() else [(t, t + 1) for t in range(T)]
    worth: dict[tuple[int, int], int] = {}
    compiled: dict[bytes, tuple[NDArray[np.int64], ClosureKernel]] = {}
    while True:
        for first, stop in runs:
            if (first, stop) in worth:
                continue
            # Graphs of single steps differ only in the nodes that have begun.
            key = (program.starts <= first).tobytes() if stop == first + 1 else b""
            if not key or key not in compiled:
                number, graph = expanded_graph(program, first, stop)
                compiled = {key: (number, kernel(graph))}
            number, of_run = compiled[key]
            part = weights[:, first:stop]
            closure = of_run.solve(part[number >= 0])
            member[:, first:stop][number >= 0] = closure.member
            worth[first, stop] = closure.value
        joined = runs[:1]
        for first, stop in runs[1:]:
            if (member[:, first - 1] & ~member[:, first]).any():
                joined[-1] = (joined[-1][0], stop)
            else:
                joined.append((first, stop))
        value = sum(worth[run] for run in runs)
        if len(joined) == len(runs) or value <= enough:
            return value
        runs = joined


def proves_infeasible(program: ClosureProgram, multipliers: Floats, kernel: KernelFactory = PseudoflowKernel) -> bool:
    """Whether the multipliers prove that no point satisfies the side rows: their bound on 0 is below 0.

    Below means by more than 1e-9 of the terms that were added up, so that rounding alone never proves anything.
    """
    used = project_multipliers(program, multipliers)
    bound = bound_from_multipliers(program, used, kernel, objective=False)
    closure = bound - row_and_box_terms(program, used, objective=False)
    return bound < -1e-9 * (infeasibility_scale(program, used) + closure)


def infeasibility_scale(program: ClosureProgram, multipliers: Floats) -> float:
    """Size of the terms in the proof of infeasibility: sum of |l limit| over the limits used."""
    box = np.maximum(np.abs(program.extra_lower), np.abs(program.extra_upper))
    reach = abs(program.extras_matrix).T @ np.abs(multipliers)
    return float(np.abs(multipliers * _limits_used(program, multipliers)).sum() + reach @ box)
