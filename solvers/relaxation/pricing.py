"""Maximum closure of the time-expanded graph, put together from closures of single steps.

Leave out the chain arcs (u,t) -> (u,t+1) and the expanded graph falls into T copies of the base graph, which together
solve 3 to 4 times faster than the whole. The T closures are an optimum of the whole if each contains the one before.
Where step t+1 misses a node that step t took, the two steps are joined and solved again as one graph, and so on: lazy
arcs, each round a relaxation of the whole, the last one exact. All rounds use the same integer weights, so the sum of
the integer values is the exact integer value of the whole.

Early in a search many steps would be joined one after the other. Then the relaxed value is still a valid bound, and the
intersections (of a step with all later ones) and unions (with all earlier ones) of the closures are closures of the
whole graph: where they are worth more than the master they split the partition as well as the optimum does. So do those
that are solved again between their neighbours where they are not between them, the middle step first. The closure of a
single step, taken from that step on, is one of the whole as well; those of steps that are not nested with their
neighbours split it too, for a third fewer iterations where two capacities bind.

Steps are solved in the order of bisection, each between the closures of its neighbours where their weights allow
(``solvers/closure/bracketed.py``). Runs that are joined keep the same of their own: let J be a maximum closure of the
steps of the first run, K one of the last, and C one of them joined. Taking what J does not have out of the first run
loses nothing, as J with C is no better than J, and keeps C nested; nor does adding K to the last lose any. So the first
run has the nodes of J alone, and the last needs none of K. What brackets every step of the runs brackets them joined.

With lags the copies hang together through the base arcs, and the whole graph is solved at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.closure import (
    BracketedKernel,
    ClosureGraph,
    PseudoflowKernel,
    WeightError,
    closure_graph,
    graph_within,
    scale_up,
)
from solvers.relaxation.bound import (
    cumulative_weights,
    lost_to_rounding,
    project_multipliers,
    row_and_box_terms,
    step_prices,
    within_rounding,
)
from solvers.threads import each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from solvers.closure import KernelFactory
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_KEPT_WEIGHTS = 20_000_000
"""Weights up to which closures of three pricings are remembered."""
_LARGEST_ERROR = 1e-8
"""Of the value of all steps; beyond, each step is solved by itself."""
_DEAR = 500_000
"""Nodes times steps joined from which it pays to look again whether what is known will do, for fewer joins."""
_LEAST_FOR_THREADS = 20_000
"""Nodes from which a closure takes longer than what the interpreter has to do for it, one thread at a time."""
_Worth = tuple[int, int]
"""Integer value of a closure, and by how much it may be above that of a maximum one."""


@dataclass(frozen=True, eq=False)
class Priced:
    """Closures of the expanded graph and an upper bound on the value of any.

    Attributes:
        value: Upper bound on the value of a maximum closure (rounded-up integers divided by their scale).
        steps: For each closure found, the first step each node is a member in ``(n,)``, T where it never is.
        alone: The same for the closures of single steps, each taken from its step on, where they are not nested.
        exact: Whether the first closure is a maximum closure, with ``value`` its value.
        solves: Closures of single steps or joined steps it took.
    """

    value: float
    steps: tuple[Integers, ...]
    alone: tuple[Integers, ...]
    exact: bool
    solves: int


class StepPricer:
    """Compiled for one program: prices any number of cumulative weight matrices ``(n, T)``."""

    def __init__(
        self,
        program: ClosureProgram,
        kernel: KernelFactory = PseudoflowKernel,
        *,
        whole: bool = False,
        threads: int = 1,
    ) -> None:
        self._n, self._T = program.n_nodes, program.n_steps
        self._factory = kernel
        self._threads = threads if program.n_nodes >= _LEAST_FOR_THREADS else 1
        self._whole = whole or bool(program.lags.any())
        self._active = np.arange(self._T)[None, :] >= program.starts[:, None]
        arcs = [(int(lag), program.lags == lag) for lag in np.unique(program.lags) if lag < self._T]
        self._layers = [
            (lag, closure_graph(self._n, program.arc_tail[chosen], program.arc_head[chosen])) for lag, chosen in arcs
        ]
        self._within_a_step = self._layers[0][1] if self._layers else closure_graph(self._n, [], [])
        kept = max(self._T, min(3 * self._T, _KEPT_WEIGHTS // max(self._n, 1)))
        self._single = BracketedKernel(self._within_a_step, kernel, kept=kept)
        self._expanded: ClosureGraph | None = None
        self._joined: list[tuple[int, int]] = []

    def solve(self, weights: Floats, useful_above: float = np.inf, enough: float = -np.inf) -> Priced:
        """Maximum closure for cumulative weights ``(n, T)``, or what will do in its place.

        Args:
            weights: The weights.
            useful_above: Closures worth more than this will do.
            enough: A value no larger than this will do.

        Raises:
            WeightError: A weight is not finite.
        """
        active_weights = np.where(self._active, weights, 0.0)
        integers, scale = scale_up(active_weights)
        member = np.zeros((self._n, self._T), np.bool_)
        if self._whole:
            groups, found = [(0, self._T)], [self._solve_group((0, self._T), integers, member, {})]
        else:
            groups, found = [(t, t + 1) for t in range(self._T)], self._solve_steps(integers, member)
        solves = len(groups)
        alone, looked = _alone(member), False
        while True:
            value = sum(value for value, _ in found) / scale
            joined = _join_violated(groups, member, self._joined)
            if len(joined) == len(groups):
                self._joined = _several(groups)
                return Priced(value, (_first_steps(member),), alone, exact=True, solves=solves)
            if value <= enough:
                return Priced(value, (), alone, exact=False, solves=solves)
            known = dict(zip(groups, found, strict=True))
            new = [group for group in joined if group not in known]
            dear = self._n * sum(stop - first for first, stop in new) >= _DEAR
            if useful_above < np.inf and (dear or not looked):
                useful, looked = self._useful(active_weights, integers, member, useful_above), True
                if useful:
                    return Priced(value, useful, alone, exact=False, solves=solves)

            def solved(group: tuple[int, int], known: Mapping[tuple[int, int], _Worth] = known) -> _Worth:
                parts = {part: worth for part, worth in known.items() if group[0] <= part[0] < group[1]}
                return self._solve_group(group, integers, member, parts)

            known |= dict(zip(new, each(solved, new, self._threads), strict=True))
            solves += len(new)
            groups, found = joined, [known[group] for group in joined]
            self._joined = _several(groups)

    def _useful(
        self, weights: Floats, integers: Integers, member: NDArray[np.bool_], above: float
    ) -> tuple[Integers, ...]:
        """Closures of all steps worth more than a value, made of closures that are not nested; none where none is."""
        useful = tuple(steps for steps in _repaired(member) if _worth(weights, steps) > above)
        if useful:
            return useful
        nested = _first_steps(self._nested(integers, member))
        return (nested,) if _worth(weights, nested) > above else ()

    def _solve_steps(self, integers: Integers, member: NDArray[np.bool_]) -> list[_Worth]:
        """A closure a step; writes their membership, returns what they are worth."""
        found = [(0, 0)] * self._T
        for runs in _bisection(self._T):
            self._solve_apart([middle for _, middle, _ in runs], integers, member, found)
        if sum(error for _, error in found) > _LARGEST_ERROR * sum(value for value, _ in found):
            for step in range(self._T):
                self._single.forget()
                self._solve_apart([step], integers, member, found)
        return found

    def _solve_apart(
        self, steps: Sequence[int], integers: Integers, member: NDArray[np.bool_], found: list[_Worth]
    ) -> None:
        """Closures of some steps at the same time; writes their membership and what they are worth."""
        cases = [(np.ascontiguousarray(integers[:, step]), self._active[:, step]) for step in steps]
        for step, closure in zip(steps, self._single.solve_each(cases, self._threads), strict=True):
            member[:, step] = closure.member
            found[step] = closure.value, closure.error

    def _nested(self, integers: Integers, member: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Closures ``(n, T)`` of which each contains the one before, the middle ones as they are alone.

        In the order of bisection, those that are not between their neighbours are solved again between them.
        """
        nested, nothing, everything = member.copy(), np.zeros(self._n, np.bool_), np.ones(self._n, np.bool_)
        for runs in _bisection(self._T):
            for first, step, stop in runs:
                before = nested[:, first - 1] if first else nothing
                possible = self._active[:, step] & (nested[:, stop] if stop < self._T else everything)
                if not (before & ~nested[:, step]).any() and not (nested[:, step] & ~possible).any():
                    continue
                weights = np.ascontiguousarray(integers[:, step])
                nested[:, step] = self._single.between(weights, before & possible, possible).member
        return nested

    def _solve_group(
        self,
        group: tuple[int, int],
        integers: Integers,
        member: NDArray[np.bool_],
        parts: Mapping[tuple[int, int], _Worth],
    ) -> _Worth:
        """Closure of consecutive steps; writes their membership, returns what it is worth.

        Args:
            group: First step, and the one after the last.
            integers: Weights ``(n, T)``.
            member: Membership ``(n, T)``.
            parts: Runs that the group is joined of in their order, ``member`` a maximum closure of each but for its
                error; none where nothing is known.
        """
        first, stop = group
        sure = np.zeros((stop - first, self._n), np.bool_)
        possible = self._active[:, first:stop].T.copy()
        weights, error = np.ascontiguousarray(integers[:, first:stop].T), 0
        if parts:
            inside, outside, slack = self._single.brackets(weights.astype(np.float64), possible)
            begin, end = min(parts), max(parts)
            before, after = begin[1] - first, end[0] - first
            error = math.ceil(slack) + parts[begin][1] + parts[end][1]
            sure[after:] = member[:, first + after : stop].T
            sure |= inside
            possible &= outside
            possible[:before] &= member[:, first : first + before].T
            sure &= possible
        chosen = weights.ravel()
        taken, left = sure.ravel(), (possible & ~sure).ravel()
        value = int(chosen[taken].sum()) + error
        if left.any():
            closure = self._factory(self._graph(left.reshape(possible.shape))).solve(chosen[left])
            taken[left] = closure.member
            value += closure.value
        member[:, first:stop] = taken.reshape(stop - first, self._n).T
        return value, error

    def _graph(self, left: NDArray[np.bool_]) -> ClosureGraph:
        """Graph of some nodes of consecutive steps ``(k, n)``, a node of a step in all later ones or sure there."""
        if self._whole:
            if self._expanded is None:
                self._expanded = _expanded_graph(self._n, self._T, self._layers)
            return self._expanded if left.all() else graph_within(self._expanded, left.ravel())
        sizes = left.sum(axis=1)
        ends = np.cumsum(sizes)
        number = np.cumsum(left.ravel()).reshape(left.shape) - 1
        degrees, heads = [], []
        for step, nodes in enumerate(left):
            part = graph_within(self._within_a_step, nodes)
            degrees.append(np.diff(part.starts))
            heads.append(part.heads + ends[step] - sizes[step])
        every, counts = np.concatenate(heads), np.concatenate([[0], np.cumsum(np.concatenate(degrees))])
        within = sparse.csr_array((np.ones(every.size, np.int8), every, counts), shape=(ends[-1], ends[-1]))
        at, node = np.nonzero(left[:-1] & left[1:])
        chain = (number[at, node], number[at + 1, node])
        joined = within + sparse.csr_array((np.ones(at.size, np.int8), chain), shape=within.shape)
        return ClosureGraph(starts=joined.indptr.astype(np.int64), heads=joined.indices.astype(np.int64))


def _expanded_graph(n: int, T: int, layers: Sequence[tuple[int, ClosureGraph]]) -> ClosureGraph:
    """Steps-major graph of all steps: chain arcs to the next step, base arcs lag steps back."""
    size = T * n
    degree = np.zeros(size, np.int64)
    degree[: size - n] += 1
    for lag, base in layers:
        degree[lag * n :] += np.tile(np.diff(base.starts), T - lag)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(degree)])
    heads = np.empty(int(starts[-1]), np.int64)
    at = starts[:-1].copy()
    heads[at[: size - n]] = np.arange(n, size)
    at[: size - n] += 1
    for lag, base in layers:
        tails = base.tails
        order = np.arange(base.heads.size) - base.starts[tails]
        for step in range(lag, T):
            heads[at[step * n + tails] + order] = base.heads + (step - lag) * n
        at[lag * n :] += np.tile(np.diff(base.starts), T - lag)
    return ClosureGraph(starts=starts, heads=heads)


def bracketed_bound(
    program: ClosureProgram,
    multipliers: Floats,
    kernel: KernelFactory = PseudoflowKernel,
    *,
    enough: float = -np.inf,
) -> float:
    """What ``bound_from_multipliers`` gives, or a little more, in a fraction of the time.

    Raises:
        MultiplierError: Wrong length, or not finite.
    """
    used = project_multipliers(program, multipliers)
    prices = step_prices(program, used)[0]
    terms, lost = row_and_box_terms(program, used), lost_to_rounding(program, used, prices)
    try:
        pricer = StepPricer(program, kernel)
        priced = pricer.solve(cumulative_weights(prices), enough=within_rounding(enough) - terms - lost)
    except WeightError:
        return np.inf
    bound = priced.value + terms + lost
    return np.inf if np.isnan(bound) else bound


def _bisection(count: int) -> list[list[tuple[int, int, int]]]:
    """Runs of 0..count-1, each with its middle: the whole, then what is left of and right of it, and so on.

    Returns:
        Levels of runs, each of its first number, its middle, and the one after its last.
    """
    levels, runs = [], [(0, count)]
    while runs:
        levels.append([(first, (first + stop) // 2, stop) for first, stop in runs])
        halves = [half for first, middle, stop in levels[-1] for half in ((first, middle), (middle + 1, stop))]
        runs = [(first, stop) for first, stop in halves if first < stop]
    return levels


def _first_steps(member: NDArray[np.bool_]) -> Integers:
    """First step of every node ``(n,)`` from a membership nondecreasing in the step ``(n, T)``."""
    return np.asarray(member.shape[1] - member.sum(axis=1), dtype=np.int64)


def _repaired(member: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """First steps of the intersections with all later steps, and of the unions with all earlier ones."""
    later = np.logical_and.accumulate(member[:, ::-1], axis=1)[:, ::-1]
    earlier = np.logical_or.accumulate(member, axis=1)
    return _first_steps(later), _first_steps(earlier)


def _alone(member: NDArray[np.bool_]) -> tuple[Integers, ...]:
    """First steps where one step's closure alone is taken, for each step that is not nested with its neighbours."""
    T = member.shape[1]
    missed = (member[:, :-1] & ~member[:, 1:]).any(axis=0)
    apart = np.append(missed, False) | np.append(False, missed)
    return tuple(np.where(member[:, step], step, T) for step in np.flatnonzero(apart))


def _worth(weights: Floats, steps: Integers) -> float:
    """Value of a closure given by its first steps."""
    return float(weights[np.arange(weights.shape[1])[None, :] >= steps[:, None]].sum())


def _several(groups: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of more than one step."""
    return [(first, stop) for first, stop in groups if stop - first > 1]


def _join_violated(
    groups: list[tuple[int, int]], member: NDArray[np.bool_], before: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Runs of groups in which a step misses a node of the step before, each joined into one group.

    A run that had to be joined ``before`` is joined at once where any of its steps misses a node, and a group of
    several steps with as many more: one step at a time would come to the same, solved again and again.
    """
    missed = np.zeros(member.shape[1], np.bool_)
    for (begin, first), (_, stop) in pairwise(groups):
        if (member[:, first - 1] & ~member[:, first]).any():
            missed[max(2 * first - stop + 1, 1) : 2 * first - begin] = True
    for first, stop in before:
        missed[first + 1 : stop] |= missed[first + 1 : stop].any()
    joined = [groups[0]]
    for first, stop in groups[1:]:
        if missed[first]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((first, stop))
    return joined
