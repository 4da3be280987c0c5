"""The partition of the cumulative variables that the master problem lives on.

The cumulative variable of part p up to (step t, choice d) is a member of a closure from the step the closure takes the
part's node, and from the choice it makes there. Variables that were members of the same closures so far form a class.
Parts with the same history of (step, choice) have the same classes at every (t, d), so the partition is kept as a small
table: one row of class labels for every distinct history ("profile"), and the profile of every part and node. Arcs,
objective and rows are then aggregated over profiles instead of over n x T x D variables.

Class 0 holds the variables fixed to zero (before a node's first step).

Source: Bienstock and Zuckerberg (2010), section 4; Munoz et al. (2018), section 3 (the partition and its refinement).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from solvers.relaxation.program import ClosureProgram, Floats, Integers


_FULL_MATRIX, _MOST_PATHS = 1_500, 200_000_000
"""Profiles up to which a matrix of them is full, and the most paths of two arcs looked at in others."""
_LARGEST_CODE = 2**62


@dataclass(frozen=True, eq=False)
class Partition:
    """Classes of the cumulative variables.

    Attributes:
        n_classes: K, class 0 included.
        node_profile: Profile of every node ``(n,)``.
        node_labels: Class of every profile and step ``(Qn, T)``.
        part_profile: Profile of every part ``(P,)``.
        part_labels: Class of every profile, step and choice ``(Qp, T, D)``; the last choice carries the node's class.
    """

    n_classes: int
    node_profile: Integers
    node_labels: Integers
    part_profile: Integers
    part_labels: Integers


def initial_partition(program: ClosureProgram) -> Partition:
    """Two classes: the variables fixed to zero and all others."""
    T, D = program.n_steps, program.n_choices
    start, node_profile = np.unique(program.starts, return_inverse=True)
    node_labels = (np.arange(T)[None, :] >= start[:, None]).astype(np.int64)
    position, part_profile = np.unique(_first_places(program), return_inverse=True)
    part_labels = (np.arange(T * D)[None, :] >= position[:, None]).astype(np.int64)
    return Partition(2, node_profile, node_labels, part_profile, part_labels.reshape(position.size, T, D))


def from_first_steps(program: ClosureProgram, partition: Partition) -> Partition:
    """Classes of a program whose nodes begin no later, with what lies before the first steps of this one in class 0."""
    T, D = program.n_steps, program.n_choices
    node_code, node_profile = np.unique(partition.node_profile * (T + 1) + program.starts, return_inverse=True)
    node_old, start = np.divmod(node_code, T + 1)
    node_labels = np.where(np.arange(T)[None, :] >= start[:, None], partition.node_labels[node_old], 0)
    places = (T + 1) * D
    part_code, part_profile = np.unique(partition.part_profile * places + _first_places(program), return_inverse=True)
    part_old, position = np.divmod(part_code, places)
    before = (np.arange(T * D)[None, :] < position[:, None]).reshape(-1, T, D)
    part_labels = np.where(before, 0, partition.part_labels[part_old])
    return _relabelled(node_profile, node_labels, part_profile, part_labels)


def _first_places(program: ClosureProgram) -> Integers:
    """Step times D plus choice of the first variable of every part that is not fixed to zero ``(P,)``; T D for none."""
    T, D = program.n_steps, program.n_choices
    start = program.starts[program.part_node]
    first_choice = np.zeros(program.n_parts, np.int64)
    if program.open_choices is not None and program.n_parts:
        at = np.minimum(start, T - 1)
        first_choice = program.open_choices[np.arange(program.n_parts), at].argmax(axis=1)
    return np.asarray(np.where(start < T, start * D + first_choice, T * D), dtype=np.int64)


def refine(program: ClosureProgram, partition: Partition, closures: Sequence[Integers], choice: Integers) -> Partition:
    """The partition split by closures.

    Args:
        program: The program.
        partition: The partition so far.
        closures: For each closure, the step from which each node is a member ``(n,)``, T for never.
        choice: Choice each part would make in each step ``(P, T)``.
    """
    T, D = program.n_steps, program.n_choices
    places = [_places(program, step, choice) for step in closures]
    node_profile, node = _split_profiles(partition.node_profile, closures, T + 1)
    part_profile, part = _split_profiles(partition.part_profile, places, T * D + D)
    node_labels = partition.node_labels[partition.node_profile[node]]
    part_labels = partition.part_labels[partition.part_profile[part]]
    n_classes = partition.n_classes
    for step, place in zip(closures, places, strict=True):
        node_step, part_place = step[node][:, None], place[part][:, None]
        node_side = node_step * 2 + (np.arange(T) >= node_step)
        part_side = part_place // D * 2 + (np.arange(T * D) >= part_place)
        # Apart from membership, classes are split by the step of their node: more columns, a third fewer iterations.
        node_labels = np.where(node_labels > 0, node_labels * (2 * T + 2) + node_side, 0)
        part_labels = np.where(part_labels > 0, part_labels * (2 * T + 2) + part_side.reshape(-1, T, D), 0)
        n_classes, node_labels, part_labels = _renumbered(node_labels, part_labels)
    return Partition(n_classes, node_profile, node_labels, part_profile, part_labels)


def _places(program: ClosureProgram, step: Integers, choice: Integers) -> Integers:
    """Step times D plus choice from which a closure has the variables of every part ``(P,)``."""
    part_step = step[program.part_node]
    taken = part_step < program.n_steps
    made = np.zeros(program.n_parts, np.int64)
    made[taken] = choice[np.flatnonzero(taken), part_step[taken]]
    return part_step * program.n_choices + made


def _split_profiles(profile: Integers, codes: Sequence[Integers], size: int) -> tuple[Integers, Integers]:
    """Profiles of those that agree in profile and in all codes, each of these below a size; one member of each."""
    joint, count = profile, int(profile.max(initial=0)) + 1
    for code in codes:
        if count > _LARGEST_CODE // size:
            names, joint = np.unique(joint, return_inverse=True)
            count = names.size
        joint, count = joint * size + code, count * size
    _, member, split = np.unique(joint, return_index=True, return_inverse=True)
    return split, member


def merge(partition: Partition, class_value: Floats) -> Partition:
    """Classes of equal master value joined, and profiles that became the same; class 0 stays by itself.

    Args:
        partition: The partition.
        class_value: Value of every class in the master's vertex solution ``(K,)``.
    """
    rounded = np.round(class_value, 12)
    rounded[0] = -1.0
    _, group = np.unique(rounded, return_inverse=True)
    node_labels, node_map = _same_rows(group[partition.node_labels])
    part_labels, part_map = _same_rows(group[partition.part_labels])
    return _relabelled(node_map[partition.node_profile], node_labels, part_map[partition.part_profile], part_labels)


def _same_rows(table: Integers) -> tuple[Integers, Integers]:
    if not table.size:
        return table, np.zeros(table.shape[0], np.int64)
    rows, inverse = np.unique(table.reshape(table.shape[0], -1), axis=0, return_inverse=True)
    return rows.reshape(-1, *table.shape[1:]), inverse.reshape(-1)


def _relabelled(node_profile: Integers, node_fine: Integers, part_profile: Integers, part_fine: Integers) -> Partition:
    """The partition of labels with holes."""
    n_classes, node_labels, part_labels = _renumbered(node_fine, part_fine)
    return Partition(n_classes, node_profile, node_labels, part_profile, part_labels)


def _renumbered(node_fine: Integers, part_fine: Integers) -> tuple[int, Integers, Integers]:
    """Labels 0..K-1 without holes, and K; the smallest stays 0 and is reserved even where it is empty."""
    size = int(max(node_fine.max(initial=0), part_fine.max(initial=0))) + 1
    used = np.zeros(size, np.bool_)
    used[0] = True
    used[node_fine] = True
    used[part_fine] = True
    number = np.cumsum(used) - 1
    return int(used.sum()), number[node_fine], number[part_fine]


@dataclass(frozen=True, eq=False)
class ActiveColumns:
    """The x that can be positive: those whose variable and the one before it lie in different classes.

    Attributes:
        column: Flat index (p, t, d) of each ``(e,)``.
        upper_class: Class of the cumulative variable up to and including it ``(e,)``.
        lower_class: Class of the one before ``(e,)``; x = value of upper class - value of lower class.
    """

    column: Integers
    upper_class: Integers
    lower_class: Integers


def active_columns(program: ClosureProgram, partition: Partition) -> ActiveColumns:
    """Columns that carry weight in the master, part by part."""
    labels = partition.part_labels.reshape(-1, program.n_steps * program.n_choices)
    before = np.zeros_like(labels)
    before[:, 1:] = labels[:, :-1]
    changes = labels != before
    profile, place = np.nonzero(changes)
    count = changes.sum(axis=1)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    repeats = count[partition.part_profile]
    part = np.repeat(np.arange(partition.part_profile.size), repeats)
    offset = np.arange(part.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    entry = first[partition.part_profile[part]] + offset
    at, row = place[entry], profile[entry]
    return ActiveColumns(part * labels.shape[1] + at, labels[row, at], before[row, at])


def class_arcs(program: ClosureProgram, partition: Partition) -> tuple[Integers, Integers]:
    """Distinct pairs (a, b) of classes with value a <= value b: precedence between profiles and the chains within."""
    K, T = partition.n_classes, program.n_steps
    Q = partition.node_labels.shape[0]
    codes: list[NDArray[np.int64]] = []
    for lag in np.unique(program.lags):
        chosen = program.lags == lag
        tail = partition.node_profile[program.arc_tail[chosen]]
        head = partition.node_profile[program.arc_head[chosen]]
        pairs = _distinct(tail * Q + head, Q * Q)
        if lag == 0:
            pairs = _without_shortcuts(pairs, Q)
        if lag < T:
            low = partition.node_labels[pairs // Q, lag:]
            codes.append((low * K + partition.node_labels[pairs % Q, : T - lag]).ravel())
    if program.n_choices == 1 or program.has_bare_nodes:
        nodes = partition.node_labels
        codes.append((nodes[:, :-1] * K + nodes[:, 1:]).ravel())
    if program.n_choices > 1:
        parts = partition.part_labels.reshape(-1, program.n_steps * program.n_choices)
        codes.append((parts[:, :-1] * K + parts[:, 1:]).ravel())
    pairs = _distinct(np.concatenate(codes), K * K)
    low, high = pairs // K, pairs % K
    kept = (low != high) & (low > 0)
    return low[kept], high[kept]


def _without_shortcuts(pairs: Integers, Q: int) -> Integers:
    """Pairs a * Q + b of an arc list less those that a path a, c, b implies.

    Only arcs between different strong components count, so that the longest path between the components of a and b is
    longer than that of either part: by induction on it, every arc left out follows from arcs kept.
    """
    if pairs.size < 3:
        return pairs
    tail, head = np.divmod(pairs, Q)
    graph = sparse.csr_array((np.ones(pairs.size, np.int8), (tail, head)), shape=(Q, Q))
    component = csgraph.connected_components(graph, directed=True, connection="strong")[1]
    across = component[tail] != component[head]
    if Q <= _FULL_MATRIX:
        full = np.zeros((Q, Q), np.float32)
        full[tail[across], head[across]] = 1.0
        implied = (full @ full)[tail, head] > 0
    elif np.bincount(head[across], minlength=Q) @ np.bincount(tail[across], minlength=Q) <= _MOST_PATHS:
        ones = np.ones(int(across.sum()), np.float32)
        arcs = sparse.csr_array((ones, (tail[across], head[across])), shape=(Q, Q))
        implied = np.asarray((arcs @ arcs)[tail, head]).ravel() > 0
    else:
        return pairs
    return np.asarray(pairs[~(implied & across)], dtype=np.int64)


def _distinct(codes: Integers, size: int) -> Integers:
    """Distinct codes in 0..size-1, by marking where the table is small enough."""
    if size > 20_000_000:
        codes = np.sort(codes)
        return codes[np.diff(codes, prepend=-1) > 0]
    marked = np.zeros(size, np.bool_)
    marked[codes] = True
    return np.flatnonzero(marked)


def spread_out(
    program: ClosureProgram, partition: Partition, choices: list[Integers], window: tuple[Integers, Integers]
) -> Partition:
    """Every node profile and step of a window a class of its own, and within a step the parts split by some choices.

    Args:
        program: The program.
        partition: Gives the profiles; its classes are given up.
        choices: Each ``(P,)``: a choice per part, cutting every step into what comes before it and what from it on.
        window: First and last step ``(n,)`` in which each node is likely to be taken, the same for all of a profile.
            The steps before it share a class, and so do those from its last one on.
    """
    Qn, T = partition.node_labels.shape
    D = program.n_choices
    first, last = np.zeros(Qn, np.int64), np.zeros(Qn, np.int64)
    first[partition.node_profile], last[partition.node_profile] = window
    step = np.clip(np.arange(T)[None, :], first[:, None] - 1, last[:, None])
    node = np.where(partition.node_labels > 0, 1 + np.arange(Qn)[:, None] * T + np.clip(step, 0, T - 1), 0)
    kind = partition.node_profile[program.part_node]
    for choice in choices:
        kind = np.unique(kind * D + choice, return_inverse=True)[1]
    if program.open_choices is not None:
        _, pattern = _same_rows(program.open_choices.reshape(program.n_parts, -1).astype(np.int64))
        kind = np.unique(kind * (pattern.max(initial=0) + 1) + pattern, return_inverse=True)[1]
    # One part of each kind speaks for all of them.
    _, speaker, part_profile = np.unique(kind, return_index=True, return_inverse=True)
    now = node[partition.node_profile[program.part_node[speaker]]]
    cuts = np.zeros((speaker.size, D), np.int64)
    for choice in choices:
        cuts[np.arange(speaker.size), choice[speaker]] = 1
    segment = np.cumsum(cuts, axis=1)
    own = 1 + Qn * T + (np.arange(speaker.size * T).reshape(-1, T, 1) * (D + 1) + segment[:, None, :])
    part = np.where(now[:, :, None] > 0, own, 0)
    is_open = np.ones(part.shape, np.bool_) if program.open_choices is None else program.open_choices[speaker]
    before = np.zeros_like(now)
    before[:, 1:] = now[:, :-1]
    _settle(part, now, before, segment, is_open)
    return _relabelled(partition.node_profile, node, part_profile, part)


def _settle(part: Integers, now: Integers, before: Integers, segment: Integers, is_open: NDArray[np.bool_]) -> None:
    """Writes into ``part`` the class before the step, after it, and that of the choice before a closed one."""
    D = part.shape[2]
    last_open = D - 1 - is_open[:, :, ::-1].argmax(axis=2)
    for d in range(D):
        early = np.broadcast_to((segment[:, d] == 0)[:, None], now.shape)
        # Class 0 is fixed for good: in its first step a part keeps a class of its own for choices not made so far.
        part[:, :, d] = np.where(early & (before > 0), before, part[:, :, d])
        previous = before if d == 0 else part[:, :, d - 1]
        part[:, :, d] = np.where(is_open[:, :, d], part[:, :, d], previous)
        ended = (d >= last_open) | np.broadcast_to((segment[:, d] == segment[:, -1])[:, None], now.shape)
        ended &= is_open[:, :, d] | (d >= last_open)
        ended |= now == before
        part[:, :, d] = np.where(ended, now, part[:, :, d])
