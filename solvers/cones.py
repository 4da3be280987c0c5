"""What lies above each node: sums over its cone, all that it needs directly or not, and orders cone by cone."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_BITS, _PIECE = 64, 16
"""Bits of a word of a set, and of a piece whose sum is looked up."""
_WORDS = 64
"""Words a node of the sets held at a time: of 100,000 nodes they take 50 MB."""


_MOST_COMPARED = 40_000
"""Nodes between which a middle one is looked for; cones of more take longer than they are worth."""


class CycleError(ValueError):
    """Nodes that need each other have no cones."""


def cone_sums(tail: Integers, head: Integers, weights: Floats) -> Floats:
    """Sum of the weights of all nodes in the cone of each node, itself included; shape ``(n, k)``.

    Each node counts once however many ways lead to it, so the cones have to be known as sets: of a few thousand nodes
    at a time it is noted, a bit each, who has them in its cone. Work grows with the arcs times the nodes.

    Args:
        tail: node ``(a,)`` that needs
        head: node ``(a,)``.
        weights: ``(n, k)``.

    Raises:
        CycleError: where the arcs run in a cycle.
    """
    number = len(weights)
    order = levels(tail, head, number)
    sums = np.zeros(weights.shape)
    for first in range(0, number, _BITS * _WORDS):
        members = np.arange(first, min(first + _BITS * _WORDS, number))
        place = members - first
        above = np.zeros((number, _WORDS), dtype=np.uint64)
        above[members, place // _BITS] = np.uint64(1) << (place % _BITS).astype(np.uint64)
        below = np.zeros(number, dtype=bool)
        below[members] = True
        for nodes, starts, heads in order:
            _hand_down(above, below, nodes, starts, heads)
        rows = np.flatnonzero(below)
        sums[rows] += _sums_of(above[rows].astype("<u8", copy=False), weights[members])
    return sums


def middle_node(arcs: tuple[Integers, Integers], nodes: Integers, weight: Floats, rng: np.random.Generator) -> int:
    """One of the nodes given ``(k,)``, with much of their weight above it and much below it; chance has a say in it.

    Among very many nodes, and among some that need each other, it is chance alone.

    Args:
        arcs: nodes ``(a,)`` that need, and what they need ``(a,)``.
        nodes: ascending.
        weight: of every node there is ``(n,)``.
        rng: Chance.
    """
    if nodes.size > _MOST_COMPARED:
        return int(rng.choice(nodes))
    tail, head = arcs
    number = np.full(weight.size, -1, np.int64)
    number[nodes] = np.arange(nodes.size)
    inside = (number[tail] >= 0) & (number[head] >= 0)
    tail, head, own = number[tail[inside]], number[head[inside]], weight[nodes][:, None]
    try:
        above, below = cone_sums(tail, head, own)[:, 0], cone_sums(head, tail, own)[:, 0]
    except CycleError:
        return int(rng.choice(nodes))
    return int(nodes[np.argmax(np.minimum(above, below) * np.sqrt(rng.random(nodes.size)))])


def _hand_down(
    above: NDArray[np.uint64], below: NDArray[np.bool_], nodes: Integers, starts: Integers, heads: Integers
) -> None:
    """Hands the sets of heads down to nodes, of those heads alone that have a set; ``below`` says which nodes do."""
    there = below[heads]
    count = np.add.reduceat(there, starts, dtype=np.int64)
    reached = np.flatnonzero(count)
    if reached.size:
        first = np.append(0, np.cumsum(count[reached])[:-1])
        above[nodes[reached]] |= np.bitwise_or.reduceat(above[heads[there]], first, axis=0)
        below[nodes[reached]] = True


def _sums_of(above: NDArray[np.uint64], weights: Floats) -> Floats:
    """Sums ``(n, k)`` of the weights ``(m, k)`` of the members of the sets ``(n, words)``."""
    sums = np.zeros((len(above), weights.shape[1]))
    pieces = np.ascontiguousarray(above.view("<u2").T)
    for number, piece in enumerate(pieces[: -(-len(weights) // _PIECE)]):
        inside = weights[number * _PIECE : (number + 1) * _PIECE]
        for column in np.flatnonzero((inside != 0).any(axis=0)).tolist():
            # Sums of all subsets of the piece, those with each further member after those without it.
            table = np.zeros(1)
            for weight in inside[:, column].tolist():
                table = np.concatenate([table, table + weight])
            sums[:, column] += table[piece]
    return sums


def levels(tail: Integers, head: Integers, number: int) -> list[tuple[Integers, Integers, Integers]]:
    """Nodes that need others, those that need only earlier ones first: ``(nodes, where their heads begin, heads)``."""
    order = np.argsort(tail, kind="stable")
    tail, head = tail[order], head[order]
    nodes, starts = np.unique(tail, return_index=True)
    level = np.zeros(number, dtype=np.int64)
    while tail.size:
        deeper = np.maximum.reduceat(level[head], starts) + 1
        if np.array_equal(deeper, level[nodes]):
            break
        if deeper.max() > number:
            raise CycleError("the precedence arcs run in a cycle")
        level[nodes] = deeper
    found = []
    of_arc = level[tail]
    for depth in range(1, int(level.max(initial=0)) + 1):
        at = np.flatnonzero(of_arc == depth)
        nodes, starts = np.unique(tail[at], return_index=True)
        found.append((nodes, starts, head[at]))
    return found


def heads_of(tail: Integers, head: Integers, n_nodes: int) -> list[list[int]]:
    """Heads of the arcs of every node, as lists."""
    order = np.argsort(tail, kind="stable")
    ends = np.cumsum(np.bincount(tail, minlength=n_nodes)).tolist()
    heads = head[order].tolist()
    return [heads[begin:end] for begin, end in itertools.pairwise([0, *ends])]


def cone_by_cone(first: Integers, needs: Sequence[Sequence[int]], among: NDArray[np.bool_] | None = None) -> list[int]:
    """All nodes of an order, each after those it needs: gone through in it, with what is still missing just before.

    Args:
        first: The nodes in the order in which they are wanted.
        needs: Nodes that each one needs; arcs may run in a cycle, which is then broken somewhere.
        among: Nodes that count ``(n,)``, all unless given; what is needed of the others is there already.
    """
    listed = [False] * len(needs) if among is None else (~among).tolist()
    order = []
    for top in first.tolist():
        if listed[top]:
            continue
        listed[top] = True
        path = [(top, iter(needs[top]))]
        while path:
            node, needed = path[-1]
            missing = next((other for other in needed if not listed[other]), None)
            if missing is None:
                order.append(node)
                path.pop()
            else:
                listed[missing] = True
                path.append((missing, iter(needs[missing])))
    return order
