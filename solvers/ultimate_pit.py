"""The ultimate pit of a program: what lies outside of it is left out of the search.

Let every side row be a capacity (coefficients >= 0 and no lower limit), let there be no continuous variables, and let
what a node is worth fall by one factor d_t >= 0 a step, none of them rising. Take the closure P of most worth, each
part with its best choice. Then nothing outside of P is worth taking, in the relaxation, in a schedule, and at any
multipliers >= 0 of the rows.

Proof: let nodes O outside of P be taken beside others, node b by step t(b). Taking them away keeps the order, as P is a
closure and what is left within it needs nothing outside, and keeps the rows. At multipliers >= 0 they brought at most

    sum_b d_t(b) w_b = sum_t (d_t - d_{t+1}) sum (w_b: t(b) <= t),

and each inner sum is <= 0: the nodes of O taken by the end of t and P are a closure together, worth no more than P.
So the bound that multipliers prove is the same within P and for the whole program, first steps and decisions about
nodes of P included, and whoever checks it need not know of P.

Source: Lerchs, Grossmann (1965), "Optimum design of open-pit mines", CIM Bulletin 58:47, for the pit; Caccetta, Hill
(2003), "An application of branch and cut to open pit mine scheduling", Journal of Global Optimization 27:349, for
leaving out what is outside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.capacities import all_capacities
from solvers.closure import PseudoflowKernel, closure_graph, scale_up
from solvers.relaxation import solve_relaxation
from solvers.relaxation.program import ClosureProgram
from solvers.schedule import Schedule
from solvers.spread_schedule import SpreadSchedule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from solvers.relaxation import Iteration, RelaxationResult, StopRule
    from solvers.relaxation.branching import Cases
    from solvers.relaxation.leaves import Leaf
    from solvers.relaxation.program import Floats, Integers

_ALIKE = 1e-9
"""Difference of worth from one factor a step, over the largest worth of the step, that rounding leaves."""
_WORTH_WHILE = 0.98
"""Share of the nodes up to which a pit is worth the copy."""


@dataclass(frozen=True, eq=False)
class UltimatePit:
    """A program and what of it lies within its ultimate pit.

    Attributes:
        whole: The program.
        within: The program of the pit's nodes alone; its rows are those of the whole.
        nodes: Number in the whole of every node of the pit ``(k,)``, ascending.
        parts: The same of its parts.
    """

    whole: ClosureProgram
    within: ClosureProgram
    nodes: Integers
    parts: Integers

    def narrowed(self, schedule: Schedule) -> Schedule:
        """A whole schedule of the program, without what is outside."""
        return Schedule(schedule.step[self.nodes], schedule.share[self.parts], schedule.extras)

    def schedule(self, found: Schedule) -> Schedule:
        """A schedule of the pit as one of the program."""
        step = np.full(self.whole.n_nodes, self.whole.n_steps, np.int64)
        step[self.nodes] = found.step
        share = np.zeros((self.whole.n_parts, self.whole.n_choices))
        share[self.parts] = found.share
        if isinstance(found, SpreadSchedule):
            part, rest = np.divmod(found.column, self.whole.n_steps * self.whole.n_choices)
            column = self.parts[part] * (self.whole.n_steps * self.whole.n_choices) + rest
            return SpreadSchedule(step, share, found.extras, column, found.amount)
        return Schedule(step, share, found.extras)

    def program(self, tightened: ClosureProgram) -> ClosureProgram:
        """The program with the first steps that its pit was given."""
        if tightened is self.within:
            return self.whole
        first = self.whole.starts.copy()
        first[self.nodes] = tightened.first_step
        return replace(self.whole, first_step=first)

    def relaxation(self, result: RelaxationResult) -> RelaxationResult:
        """The answer of the pit's relaxation as that of the program; the classes stay those of the pit."""
        if result.x is None:
            return result
        x = np.zeros(self.whole.value.shape)
        x[self.parts] = result.x
        return replace(result, x=x)

    def leaves(self, found: Sequence[Leaf]) -> list[Leaf]:
        """Leaves of the program, whose decisions are about nodes of the pit, as those of the pit."""
        place = {node: k for k, node in enumerate(self.nodes.tolist())}
        return [
            replace(leaf, decisions=tuple(d._replace(node=place[d.node]) for d in leaf.decisions)) for leaf in found
        ]

    def cases(self, found: Cases) -> Cases:
        """Cases of the pit as those of the program, without their points."""
        leaves = tuple(
            replace(leaf, decisions=tuple(d._replace(node=int(self.nodes[d.node])) for d in leaf.decisions))
            for leaf in found.leaves
        )
        return replace(found, leaves=leaves, points=())


def ultimate_pit(program: ClosureProgram) -> UltimatePit | None:
    """The program within its ultimate pit; None where that may leave out something, or too little to be worth while."""
    if not program.n_nodes or program.n_extras or not all_capacities(program):
        return None
    worth = _falling_worth(program)
    if worth is None:
        return None
    weights = np.asarray(np.bincount(program.part_node, worth, program.n_nodes), dtype=np.float64)
    graph = closure_graph(program.n_nodes, program.arc_tail, program.arc_head)
    inside = PseudoflowKernel(graph).solve(scale_up(weights)[0]).member
    if not 0 < inside.sum() <= _WORTH_WHILE * program.n_nodes:
        return None
    return _cut_out(program, inside)


def relaxation_within(
    program: ClosureProgram,
    rule: StopRule,
    *,
    threads: int = 1,
    on_program: Callable[[ClosureProgram], None] | None = None,
    on_iteration: Callable[[Iteration], None] | None = None,
) -> RelaxationResult:
    """``solve_relaxation``, within the ultimate pit where there is one; its multipliers prove the same of the whole.

    ``on_program`` is told first, of the program that is worked on; ``threads`` as for ``solve_relaxation``.
    """
    pit = ultimate_pit(program)
    if on_program is not None:
        on_program(program if pit is None else pit.within)
    if pit is None:
        return solve_relaxation(program, rule, threads=threads, on_iteration=on_iteration)
    return pit.relaxation(solve_relaxation(pit.within, rule, threads=threads, on_iteration=on_iteration))


def _falling_worth(program: ClosureProgram) -> Floats | None:
    """Worth of every part in the first step ``(P,)``, if in the others it is that times factors that never rise.

    None where it is not, or where a choice is open in some steps only.
    """
    if program.open_choices is not None and (program.open_choices != program.open_choices[:, :1]).any():
        return None
    best = np.where(program.open_choices, program.worth, -np.inf) if program.open_choices is not None else program.worth
    best = best.max(axis=2)
    if not np.isfinite(best).all():
        return None
    first = best[:, 0]
    if not first.any():
        return None
    factor = np.abs(best).max(axis=0) / np.abs(first).max()
    even = np.abs(best - factor * first[:, None]).max(axis=0) <= _ALIKE * np.abs(best).max(axis=0)
    falling = factor[1:] <= factor[:-1] * (1.0 + _ALIKE)
    return first if bool(even.all() and falling.all()) else None


def _cut_out(program: ClosureProgram, inside: NDArray[np.bool_]) -> UltimatePit:
    """The program of the nodes inside a closure."""
    nodes = np.flatnonzero(inside)
    parts = np.flatnonzero(inside[program.part_node])
    number, place = np.cumsum(inside) - 1, np.full(program.n_parts, -1, np.int64)
    place[parts] = np.arange(parts.size)
    kept = inside[program.arc_tail]
    within = ClosureProgram(
        n_nodes=nodes.size,
        n_steps=program.n_steps,
        arc_tail=number[program.arc_tail[kept]],
        arc_head=number[program.arc_head[kept]],
        part_node=number[program.part_node[parts]],
        value=program.value[parts],
        rows=_of_parts(program, place, parts.size),
        row_lower=program.row_lower,
        row_upper=program.row_upper,
        arc_lag=program.arc_lag[kept] if program.arc_lag.size else program.arc_lag,
        first_step=program.first_step[nodes] if program.first_step.size else program.first_step,
        allowed=None if program.allowed is None else program.allowed[parts],
        constant=program.constant,
    )
    return UltimatePit(program, within, nodes, parts)


def _of_parts(program: ClosureProgram, place: Integers, count: int) -> sparse.csr_array:
    """The side rows over the columns of some parts; ``place`` is the new number of every part, -1 for none."""
    rows, cells = program.rows, program.n_steps * program.n_choices
    part, rest = np.divmod(rows.indices.astype(np.int64), cells)
    kept = place[part] >= 0
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])[rows.indptr]
    column = place[part[kept]] * cells + rest[kept]
    return sparse.csr_array((rows.data[kept], column, ends), shape=(program.n_rows, count * cells))
