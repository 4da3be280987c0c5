"""Maximum closure of the time-expanded graph, put together from closures of single steps.

Leave out the chain arcs (u,t) -> (u,t+1) and the expanded graph falls into T copies of the base graph, which together
solve 3 to 4 times faster than the whole. The T closures are an optimum of the whole if each contains the one before.
Where step t+1 misses a node that step t took, the two steps are joined and solved again as one graph, and so on: lazy
arcs, each round a relaxation of the whole, the last one exact. All rounds use the same integer weights, so the sum of
the integer values is the exact integer value of the whole.

Early in a search many steps would be joined one after the other. Then the relaxed value is still a valid bound, and the
intersections (of a step with all later ones) and unions (with all earlier ones) of the closures are closures of the
whole graph: where they are worth more than the master they split the partition as well as the optimum does.

With lags the copies hang together through the base arcs, and the whole graph is solved at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.closure import ClosureGraph, PseudoflowKernel, closure_graph, scale_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.closure import ClosureKernel, KernelFactory
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_KEPT_KERNELS = 64
_KEPT_GRAPHS = 3.0
"""Size of all kernels kept, in expanded graphs: a compiled graph takes several times the memory of its arcs."""
_FEW_MISSED = 0.01


@dataclass(frozen=True, eq=False)
class Priced:
    """Closures of the expanded graph and an upper bound on the value of any.

    Attributes:
        value: Upper bound on the value of a maximum closure (rounded-up integers divided by their scale).
        steps: For each closure found, the first step each node is a member in ``(n,)``, T where it never is.
        exact: Whether the one closure found is a maximum closure, with ``value`` its value.
        solves: Closures of single steps or joined steps it took.
    """

    value: float
    steps: tuple[Integers, ...]
    exact: bool
    solves: int


class StepPricer:
    """Compiled for one program: prices any number of cumulative weight matrices ``(n, T)``."""

    def __init__(
        self, program: ClosureProgram, kernel: KernelFactory = PseudoflowKernel, *, whole: bool = False
    ) -> None:
        self._n, self._T = program.n_nodes, program.n_steps
        self._factory = kernel
        self._whole = whole or bool(program.lags.any())
        self._active = np.arange(self._T)[None, :] >= program.starts[:, None]
        arcs = [(int(lag), program.lags == lag) for lag in np.unique(program.lags) if lag < self._T]
        self._layers = [
            (lag, closure_graph(self._n, program.arc_tail[chosen], program.arc_head[chosen])) for lag, chosen in arcs
        ]
        self._kernels: dict[bytes, tuple[int, ClosureKernel]] = {}
        self._joined: list[tuple[int, int]] = []

    def solve(self, weights: Floats, useful_above: float = np.inf) -> Priced:
        """Maximum closure for cumulative weights ``(n, T)``, or closures worth more than ``useful_above``.

        Raises:
            WeightError: A weight is not finite.
        """
        active_weights = np.where(self._active, weights, 0.0)
        integers, scale = scale_up(active_weights)
        member = np.zeros((self._n, self._T), np.bool_)
        groups = [(0, self._T)] if self._whole else [(t, t + 1) for t in range(self._T)]
        values = [self._solve_group(group, integers, member) for group in groups]
        solves = len(groups)
        missed = int((member[:, :-1] & ~member[:, 1:]).sum())
        if missed > _FEW_MISSED * self._n:
            repaired = [steps for steps in _repaired(member) if _worth(active_weights, steps) > useful_above]
            if repaired:
                return Priced(sum(values) / scale, tuple(repaired), exact=False, solves=solves)
        while True:
            joined = _join_violated(groups, member, self._joined)
            if len(joined) == len(groups):
                break
            known = dict(zip(groups, values, strict=True))
            fresh = [group for group in joined if group not in known]
            known.update({group: self._solve_group(group, integers, member) for group in fresh})
            groups, values = joined, [known[group] for group in joined]
            solves += len(fresh)
        self._joined = [(first, stop) for first, stop in groups if stop - first > 1]
        return Priced(sum(values) / scale, (_first_steps(member),), exact=True, solves=solves)

    def _solve_group(self, group: tuple[int, int], integers: Integers, member: NDArray[np.bool_]) -> int:
        """Closure of consecutive steps; writes their membership, returns the integer value."""
        first, stop = group
        active = self._active[:, first:stop].T.ravel()
        everything = bool(active.all())
        chosen = integers[:, first:stop].T.ravel()
        closure = self._kernel(stop - first, active, everything=everything).solve(
            chosen if everything else chosen[active]
        )
        taken = np.zeros(active.size, np.bool_)
        taken[active] = closure.member
        member[:, first:stop] = taken.reshape(stop - first, self._n).T
        return closure.value

    def _kernel(self, steps: int, active: NDArray[np.bool_], *, everything: bool) -> ClosureKernel:
        """Kernel of a run of steps: runs of one length share it unless nodes start within."""
        key = steps.to_bytes(4, "little") + (b"" if everything else np.packbits(active).tobytes())
        kept = self._kernels.pop(key, None)
        if kept is None:
            held = steps + sum(size for size, _ in self._kernels.values())
            while self._kernels and (held > _KEPT_GRAPHS * self._T or len(self._kernels) >= _KEPT_KERNELS):
                held -= self._kernels.pop(next(iter(self._kernels)))[0]
            kept = steps, self._factory(self._graph(steps, active, everything=everything))
        # Last in the order: the one used longest ago is the first to go.
        self._kernels[key] = kept
        return kept[1]

    def _graph(self, steps: int, active: NDArray[np.bool_], *, everything: bool) -> ClosureGraph:
        """Steps-major graph of a run: chain arcs to the next step, base arcs within each step (lag steps back)."""
        n, size = self._n, steps * self._n
        degree = np.zeros(size, np.int64)
        degree[: size - n] += 1
        for lag, base in self._layers:
            if lag < steps:
                degree[lag * n :] += np.tile(np.diff(base.starts), steps - lag)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(degree)])
        heads = np.empty(int(starts[-1]), np.int64)
        at = starts[:-1].copy()
        heads[at[: size - n]] = np.arange(n, size)
        at[: size - n] += 1
        for lag, base in self._layers:
            tails = base.tails
            order = np.arange(base.heads.size) - base.starts[tails]
            for step in range(lag, steps):
                heads[at[step * n + tails] + order] = base.heads + (step - lag) * n
            if lag < steps:
                at[lag * n :] += np.tile(np.diff(base.starts), steps - lag)
        if everything:
            return ClosureGraph(starts=starts, heads=heads)
        # What an active node needs is active: a tail starts no earlier than its head.
        number = np.cumsum(active) - 1
        kept = np.repeat(active, degree)
        counts = np.concatenate([np.zeros(1, np.int64), np.cumsum(degree[active])])
        return ClosureGraph(starts=counts, heads=number[heads[kept]])


def _first_steps(member: NDArray[np.bool_]) -> Integers:
    """First step of every node ``(n,)`` from a membership nondecreasing in the step ``(n, T)``."""
    return np.asarray(member.shape[1] - member.sum(axis=1), dtype=np.int64)


def _repaired(member: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """First steps of the intersections with all later steps, and of the unions with all earlier ones."""
    later = np.logical_and.accumulate(member[:, ::-1], axis=1)[:, ::-1]
    earlier = np.logical_or.accumulate(member, axis=1)
    return _first_steps(later), _first_steps(earlier)


def _worth(weights: Floats, steps: Integers) -> float:
    """Value of a closure given by its first steps."""
    return float(weights[np.arange(weights.shape[1])[None, :] >= steps[:, None]].sum())


def _join_violated(
    groups: list[tuple[int, int]], member: NDArray[np.bool_], before: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Runs of groups in which a step misses a node of the step before, each joined into one group.

    A run that had to be joined ``before`` is joined at once where any of its steps misses a node: one step at a time
    would come to the same, solved again and again.
    """
    missed = np.zeros(member.shape[1], np.bool_)
    for first, _ in groups[1:]:
        missed[first] = bool((member[:, first - 1] & ~member[:, first]).any())
    for first, stop in before:
        missed[first + 1 : stop] |= missed[first + 1 : stop].any()
    joined = [groups[0]]
    for first, stop in groups[1:]:
        if missed[first]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((first, stop))
    return joined
