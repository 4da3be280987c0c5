"""MineLib instances: files found and refused, the hash, the program and the ultimate pit."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.findings import BadInput
from instances.minelib import Precedence, UltimatePit
from scheduler.minelib import PitInstance, read_instance, read_pit, ultimate_pit
from solvers.closure import StagedFlowKernel


def test_the_files_beside_are_found(mine):
    """Precedence and blocks of the same name are read without being named."""
    instance = read_instance(mine / "tiny.pcpsp")
    assert instance.precedence.needed.tolist() == [0, 1]
    assert instance.blocks is not None
    assert instance.blocks.coordinates[2].tolist() == [0, 0, 0]


def test_blocks_may_be_missing(mine):
    """Without a blocks file there are no places, and nothing else changes."""
    before = read_instance(mine / "tiny.cpit").hash
    (mine / "tiny.blocks").unlink()
    after = read_instance(mine / "tiny.cpit")
    assert after.blocks is None
    assert after.hash == before


@pytest.mark.parametrize(
    ("prepare", "arguments", "expected"),
    [
        (lambda m: (m / "tiny.prec").rename(m / "other.prec"), {}, "--precedence FILE (nearest: other.prec)"),
        (lambda m: (m / "tiny.blocks").write_text("0 0 0 0\n"), {}, "expected the 3 blocks of tiny.cpit"),
        (lambda m: (m / "tiny.prec").write_text("0 1 1\n1 1 0\n2 0\n"), {}, "cycle"),
        (lambda _: None, {"precedence": "nowhere.prec"}, "nowhere.prec: expected a file of this name"),
        (lambda m: (m / "tiny.cpit").unlink(), {}, "expected a file of this name"),
    ],
)
def test_faults_are_told_on_a_line(mine, prepare, arguments, expected):
    """Each missing or contradicting file is one finding."""
    prepare(mine)
    with pytest.raises(BadInput) as caught:
        read_instance(mine / "tiny.cpit", **arguments)
    assert len(caught.value.findings) == 1
    assert expected in str(caught.value)


def test_another_ending_is_refused(mine):
    """A pit is not a schedule."""
    with pytest.raises(BadInput, match=r"ends in \.cpit or \.pcpsp"):
        read_instance(mine / "tiny.upit")


def test_the_hash_sees_the_problem_and_not_the_layout(mine):
    """Comments, separators, name, a byte order mark, order and ends of lines leave the hash alone; a value does not."""
    before = read_instance(mine / "tiny.pcpsp").hash
    text = (mine / "tiny.pcpsp").read_text()
    lines = text.replace("NAME: tiny", "% note\nNAME: another").splitlines()
    lines[lines.index("2 0 0 1")], lines[lines.index("2 1 0 1")] = "2:1:0:1.0", "2\t0\t0\t1"
    (mine / "tiny.pcpsp").write_text("\n".join(lines))
    (mine / "tiny.prec").write_text("2 2 1 0\n1 0\n0 0\n")
    assert read_instance(mine / "tiny.pcpsp").hash == before
    for name in ("tiny.pcpsp", "tiny.prec"):
        (mine / name).write_text("\ufeff" + (mine / name).read_text(), encoding="utf-8", newline="\r\n")
    assert read_instance(mine / "tiny.pcpsp").hash == before
    for old, new in (("2 6 1\n", "2 6.000001 1\n"), ("0 G 0.25", "0 L 0.25"), ("0.25\nRES", "0.24\nRES")):
        (mine / "tiny.pcpsp").write_text(text.replace(old, new))
        assert read_instance(mine / "tiny.pcpsp").hash != before
    (mine / "tiny.pcpsp").write_text(text)
    (mine / "tiny.prec").write_text("0 0\n1 0\n2 1 0\n")
    assert read_instance(mine / "tiny.pcpsp").hash != before


def test_the_program_discounts_from_the_first_period_and_carries_every_row(mine):
    """Value / (1 + rate)^t with t from 0; resources first, general rows after; forbidden destinations closed."""
    program = read_instance(mine / "tiny.pcpsp").program
    assert program.value[2, :, 0].tolist() == [6.0, pytest.approx(4.8)]
    assert program.row_lower.tolist() == [-np.inf, 0.5, 0.25]
    assert program.row_upper.tolist() == [2.0, 2.0, np.inf]
    assert program.allowed is not None
    assert program.allowed[1].tolist() == [[True, False], [True, False]]
    dense = program.rows.toarray().reshape(3, 3, 2, 2)
    assert dense[2].nonzero()[0].tolist() == [0, 2]
    assert dense[0, :, 0].sum() == 5.0
    assert dense[0, :, 1].sum() == 0.0


def test_the_pit_of_the_tiny_mine(mine):
    """Six is worth two and three."""
    pit = ultimate_pit(read_pit(mine / "tiny.upit"))
    assert (pit.value, pit.bound) == (1.0, 1.0)
    assert pit.member.all()
    assert "pymineflow" in pit.kernel


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_pit_is_the_best_closure(data):
    """Against every subset of up to six blocks; both kernels agree."""
    n = data.draw(st.integers(1, 6))
    value = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=n, max_size=n)), float)
    pairs = [(b, a) for a, b in itertools.combinations(range(n), 2)]
    arcs = data.draw(st.lists(st.sampled_from(pairs), max_size=8, unique=True)) if pairs else []
    table = np.array(arcs, np.int64).reshape(-1, 2)
    instance = PitInstance(UltimatePit("random", value), Precedence(n, table[:, 0], table[:, 1]), None)
    best = max(
        sum(v for v, taken in zip(value, chosen, strict=True) if taken)
        for chosen in itertools.product((False, True), repeat=n)
        if all(chosen[a] or not chosen[b] for b, a in arcs)
    )
    for pit in (ultimate_pit(instance), ultimate_pit(instance, StagedFlowKernel)):
        assert pit.value == pytest.approx(best, abs=1e-9)
        assert pit.bound >= pit.value - 1e-9
        assert all(pit.member[a] or not pit.member[b] for b, a in arcs)
