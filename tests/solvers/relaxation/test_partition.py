"""The partition of the cumulative variables: what closures split, and that several split as each in turn does."""

import numpy as np
import pytest

from solvers.relaxation import ClosureProgram
from solvers.relaxation.partition import Partition, _without_shortcuts, initial_partition, refine


def random_choices(rng):
    """A program of nodes with one to three parts, arcs and rows aside: only its sizes count here."""
    n, T, D = int(rng.integers(1, 30)), int(rng.integers(1, 9)), int(rng.integers(1, 4))
    part_node = np.sort(np.concatenate([np.arange(n), rng.integers(0, n, n)]))
    return ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=np.zeros(0, int),
        arc_head=np.zeros(0, int),
        part_node=part_node,
        value=np.zeros((part_node.size, T, D)),
        rows=np.zeros((0, part_node.size * T * D)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
        first_step=np.where(rng.random(n) < 0.3, rng.integers(0, T + 1, n), 0),
    )


def random_closures(rng, program, count):
    """First steps of nodes, none before a node may begin, and choices."""
    n, T = program.n_nodes, program.n_steps
    steps = [np.maximum(rng.integers(0, T + 1, n), program.starts) for _ in range(count)]
    return steps, rng.integers(0, program.n_choices, (program.n_parts, T))


def labels(partition: Partition):
    """Class of every variable: of nodes by step, and of parts by step and choice."""
    nodes = partition.node_labels[partition.node_profile]
    return nodes, partition.part_labels[partition.part_profile]


@pytest.mark.parametrize("seed", range(40))
def test_several_closures_split_as_one_after_the_other(seed, monkeypatch):
    """The same classes but for their numbers, even where the joint code of profiles would not fit."""
    rng = np.random.default_rng(seed)
    program = random_choices(rng)
    steps, choice = random_closures(rng, program, int(rng.integers(1, 6)))
    if seed % 2:
        monkeypatch.setattr("solvers.relaxation.partition._LARGEST_CODE", 100)
    together = refine(program, initial_partition(program), steps, choice)
    in_turn = initial_partition(program)
    for step in steps:
        in_turn = refine(program, in_turn, [step], choice)
    assert together.n_classes == in_turn.n_classes
    pairs = zip(labels(together), labels(in_turn), strict=True)
    both = np.concatenate([np.column_stack([one.ravel(), other.ravel()]) for one, other in pairs])
    assert len(np.unique(both, axis=0)) == len(np.unique(both[:, 0])) == len(np.unique(both[:, 1]))


@pytest.mark.parametrize("seed", range(40))
def test_a_closure_is_a_union_of_classes(seed):
    """No class lies on both sides of a closure it was split by, and a part's last choice has its node's class."""
    rng = np.random.default_rng(seed)
    program = random_choices(rng)
    T, D = program.n_steps, program.n_choices
    steps, choice = random_closures(rng, program, 4)
    partition = refine(program, initial_partition(program), steps, choice)
    nodes, parts = labels(partition)
    np.testing.assert_array_equal(parts[:, :, -1], nodes[program.part_node])
    for step in steps:
        taken = np.arange(T)[None, :] >= step[:, None]
        of_part = step[program.part_node]
        made = choice[np.arange(program.n_parts), np.minimum(of_part, T - 1)]
        place = np.where(of_part < T, of_part * D + made, T * D)
        held = (np.arange(T * D)[None, :] >= place[:, None]).reshape(parts.shape)
        inside = set(nodes[taken].tolist()) | set(parts[held].tolist())
        outside = set(nodes[~taken].tolist()) | set(parts[~held].tolist())
        assert not inside & outside - {0}
        assert 0 not in inside


@pytest.mark.parametrize("seed", range(40))
def test_arcs_left_out_follow_from_those_kept(seed, monkeypatch):
    """By full matrices or sparse ones the same; none is left out where there are too many paths to look at."""
    rng = np.random.default_rng(seed)
    Q = int(rng.integers(1, 30))
    linked = rng.random((Q, Q)) < rng.uniform(0.0, 0.5)
    if seed % 4:
        linked = np.tril(linked, -1) | (np.triu(linked) & (rng.random((Q, Q)) < 0.05))
    pairs = np.flatnonzero(linked)
    full = _without_shortcuts(pairs, Q)
    monkeypatch.setattr("solvers.relaxation.partition._FULL_MATRIX", 0)
    np.testing.assert_array_equal(_without_shortcuts(pairs, Q), full)
    assert np.isin(full, pairs).all()
    np.testing.assert_array_equal(reached(full, Q), reached(pairs, Q))
    monkeypatch.setattr("solvers.relaxation.partition._MOST_PATHS", -1)
    assert pairs.size < 3 or np.array_equal(_without_shortcuts(pairs, Q), pairs)


def reached(pairs, Q):
    """Which of the profiles leads to which by some path."""
    paths = np.eye(Q, dtype=bool)
    paths[np.divmod(pairs, Q)] = True
    for _ in range(Q.bit_length()):
        paths = (paths.astype(np.int64) @ paths) > 0
    return paths
