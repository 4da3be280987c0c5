"""The checker of MineLib schedules against plain enumeration, and each rule broken by itself."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.minelib import Constrained, GeneralRows, Limits, Precedence, Resources, ScheduleRows
from scheduler.minelib import read_instance
from scheduler.minelib_checking import MOST_BREACHES, check_schedule


def rows(*lines):
    """A schedule from (block, destination, period, share)."""
    table = np.array(lines, float).reshape(-1, 4)
    whole = table[:, :3].astype(np.int64)
    return ScheduleRows(whole[:, 0], whole[:, 1], whole[:, 2], table[:, 3].copy())


GOOD = ((0, 0, 0, 1.0), (1, 0, 0, 1.0), (2, 0, 1, 0.75), (2, 1, 1, 0.25))


def test_a_good_schedule_is_valued_by_period(mine):
    """Value of a period over 1.25 to its number; nothing to find."""
    instance = read_instance(mine / "tiny.pcpsp")
    checked = check_schedule(instance.problem, instance.precedence, rows(*GOOD))
    assert checked.findings == checked.findings_raw == ()
    assert checked.value_by_period.tolist() == [-5.0, pytest.approx((0.75 * 6 + 0.25 * 1) / 1.25)]
    assert checked.objective == checked.objective_raw == pytest.approx(-5 + 4.75 / 1.25)
    assert checked.use.tolist() == [[2.0, 1.0]]
    assert checked.blocks_mined == 3


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (((0, 0, 0, 0.9), *GOOD[1:]), "block 0 is mined to 0.9 of it; expected all of it or nothing"),
        ((*GOOD[:2], (2, 0, 1, 0.5), (2, 1, 0, 0.5)), "block 2 is mined in 2 periods; expected one period"),
        ((GOOD[0], (1, 1, 0, 1.0), *GOOD[2:]), "block 1 is sent to destination 1 in period 0"),
        ((GOOD[0], *GOOD[2:]), "expected block 1, which it needs, mined as far (0 of it is)"),
        ((*GOOD[:2], (2, 0, 0, 1.0)), "resource 0 in period 0 is 3, 1 beyond its limit; expected at most 2"),
        (GOOD[:2], "resource 0 in period 1 is 0, 0.5 beyond its limit; expected at least 0.5"),
        (
            ((0, 1, 0, 1.0), GOOD[1], (2, 1, 1, 1.0)),
            "general row 0 is 0, 0.25 beyond its limit; expected at least 0.25",
        ),
        ((*GOOD, (0, 0, 0, 1.0)), "block 0 is mined to 2 of it"),
        ((*GOOD[:2], (2, 0, 1, 1.5), (2, 1, 1, -0.5)), "block 2 is given a share of -0.5"),
    ],
)
def test_every_rule_is_held(mine, lines, expected):
    """Each rule broken by itself is found, with place, value and limit."""
    instance = read_instance(mine / "tiny.pcpsp")
    checked = check_schedule(instance.problem, instance.precedence, rows(*lines))
    assert any(expected in str(finding) for finding in checked.findings), checked.findings


SPANNING = ((0, 0, 0, 1.0), (1, 0, 0, 0.5), (1, 0, 1, 0.5), (2, 0, 1, 0.25), (2, 1, 1, 0.25))


def test_blocks_may_span_periods_only_where_that_is_said(mine):
    """Block 1 over two periods, block 2 left unfinished: a schedule of partial integrality and of nothing else."""
    instance = read_instance(mine / "tiny.pcpsp")
    partial = check_schedule(instance.problem, instance.precedence, rows(*SPANNING), "partial")
    assert partial.findings == ()
    assert partial.mining == "partial"
    assert partial.objective == pytest.approx(-2 - 1.5 + (-1.5 + 1.5 + 0.25) / 1.25)
    whole = [str(one) for one in check_schedule(instance.problem, instance.precedence, rows(*SPANNING)).findings]
    assert any("block 1 is mined in 2 periods" in one for one in whole)
    assert any("block 2 is mined to 0.5 of it" in one for one in whole)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((*SPANNING[:2], (1, 0, 1, 0.4), *SPANNING[3:]), "expected block 1, which it needs, finished (0.9 of it is)"),
        ((*SPANNING[:3], (2, 0, 0, 0.01), (2, 0, 1, 0.5)), "block 2 is mined to 0.01 of it by the end of period 0"),
        ((*SPANNING[:3], (2, 0, 0, 0.0001), (2, 0, 1, 0.5)), "block 2 is mined to 0.0001 of it by the end of period 0"),
        ((*SPANNING[:2], (1, 0, 1, 0.6), *SPANNING[3:]), "block 1 is mined to 1.1 of it; expected all of it at most"),
        ((*SPANNING[:3], (2, 0, 1, 0.3), (2, 1, 1, -0.1)), "block 2 is given a share of -0.1"),
    ],
)
def test_every_rule_of_partial_integrality_is_held(mine, lines, expected):
    """What is begun waits for what is finished; shares are not negative and no more than the block."""
    instance = read_instance(mine / "tiny.pcpsp")
    checked = check_schedule(instance.problem, instance.precedence, rows(*lines), "partial")
    assert any(expected in str(finding) for finding in checked.findings), checked.findings


def test_rounding_is_snapped_and_both_figures_given(mine):
    """Shares that add up to 0.99998 are one, a share of 0.00005 is none; the raw figure differs."""
    instance = read_instance(mine / "tiny.pcpsp")
    lines = ((0, 0, 0, 0.99995), (0, 1, 1, 0.00005), GOOD[1], (2, 0, 1, 0.74998), (2, 1, 1, 0.25))
    checked = check_schedule(instance.problem, instance.precedence, rows(*lines))
    assert checked.findings == ()
    assert len(checked.findings_raw) > 0
    assert checked.shares_snapped == 4
    assert checked.largest_snap == pytest.approx(5e-5)
    assert checked.objective == pytest.approx(-5 + (0.74998 * 6 + 0.25) / 0.99998 / 1.25)
    assert checked.objective_raw == pytest.approx(-3 - 2 * 0.99995 - 5e-5 / 1.25 + (0.74998 * 6 + 0.25) / 1.25)


def test_what_is_beyond_rounding_is_not_snapped(mine):
    """Shares that add up to 0.9998 are a block mined in part."""
    instance = read_instance(mine / "tiny.pcpsp")
    checked = check_schedule(instance.problem, instance.precedence, rows((0, 0, 0, 0.9998), *GOOD[1:]))
    assert any("mined to 0.9998" in str(finding) for finding in checked.findings)


def test_nothing_mined_is_a_schedule(mine):
    """An empty file is worth nothing and keeps upper limits."""
    instance = read_instance(mine / "tiny.cpit")
    checked = check_schedule(instance.problem, instance.precedence, rows())
    assert (checked.objective, checked.blocks_mined, checked.findings) == (0.0, 0, ())


def test_a_flood_of_breaches_is_counted():
    """Of one rule no more than the first are told, and how many are left."""
    n = MOST_BREACHES + 50
    problem = _problem(np.ones((n, 1)), np.zeros((n, 1), bool), 1, 0.1)
    chain = Precedence(n, np.arange(1, n), np.arange(n - 1))
    checked = check_schedule(problem, chain, rows(*((block, 0, 0, 0.5) for block in range(n))))
    assert len(checked.findings) == MOST_BREACHES + 1
    assert str(checked.findings[-1]) == "and more is 50 more blocks mined in part; expected none"


def _problem(value, forbidden, n_periods, rate, *, resources=(), limits=None, general=(), general_limits=None):
    used = np.array(resources, float).reshape(-1, 4)
    side = np.array(general, float).reshape(-1, 5)
    none = Limits(np.zeros((0, n_periods)), np.zeros((0, n_periods)))
    index, at = used[:, :3].astype(np.int64), side[:, :4].astype(np.int64)
    return Constrained(
        name="random",
        kind="PCPSP",
        n_periods=n_periods,
        discount_rate=rate,
        value=value,
        forbidden=forbidden,
        resource_limits=none if limits is None else limits,
        resources=Resources(index[:, 0], index[:, 1], index[:, 2], used[:, 3]),
        general_limits=Limits(np.zeros(0), np.zeros(0)) if general_limits is None else general_limits,
        general=GeneralRows(at[:, 0], at[:, 1], at[:, 2], at[:, 3], side[:, 4]),
    )


def _limits(draw, shape):
    lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
    for place in np.ndindex(shape):
        sense, low = draw(st.sampled_from("LGI")), draw(st.integers(-3, 4))
        if sense in "GI":
            lower[place] = low
        if sense in "LI":
            upper[place] = low + draw(st.integers(0, 4))
    return Limits(lower, upper)


@st.composite
def cases(draw):
    """A tiny problem with every kind of row, and a schedule with shares of all sorts."""
    n, D, T = draw(st.integers(1, 4)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    R, M = draw(st.integers(1, 2)), draw(st.integers(0, 2))
    small = st.integers(-5, 5)
    value = np.array(draw(st.lists(small, min_size=n * D, max_size=n * D)), float).reshape(n, D)
    forbidden = np.zeros((n, D), bool)
    if D == 2:
        forbidden[:, 1] = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    cells = [(*place, draw(small)) for place in itertools.product(range(n), range(D), range(R)) if draw(st.booleans())]
    places = itertools.product(range(n), range(D), range(T), range(M))
    general = [(*place, draw(small)) for place in places if draw(st.booleans())]
    problem = _problem(
        np.where(forbidden, 0.0, value),
        forbidden,
        T,
        draw(st.sampled_from((0.0, 0.1))),
        resources=cells,
        limits=_limits(draw, (R, T)),
        general=general,
        general_limits=_limits(draw, (M,)),
    )
    pairs = [(b, a) for a, b in itertools.combinations(range(n), 2)]
    arcs = draw(st.lists(st.sampled_from(pairs), max_size=4, unique=True)) if pairs else []
    share = st.sampled_from((1.0, 1.0, 1.0, 0.5, 0.25, 0.75, 0.99998, 0.00003, 0.3, 0.0))
    line = st.tuples(st.integers(0, n - 1), st.integers(0, D - 1), st.integers(0, T - 1), share)
    return problem, arcs, draw(st.lists(line, max_size=6))


def _snapped_by_hand(lines):
    """Share by (block, destination, period), snapped."""
    share = defaultdict(float)
    for b, d, t, s in lines:
        share[b, d, t] += s
    share = {key: s for key, s in share.items() if s > 1.00001e-4}
    for block in {key[0] for key in share}:
        total = sum(s for key, s in share.items() if key[0] == block)
        if abs(total - 1) <= 1.00001e-4:
            share = {key: s / total if key[0] == block else s for key, s in share.items()}
    return share


def _activity_by_hand(problem, share):
    """Activity and limits of every row by name."""
    use, general = problem.resources, problem.general
    amount = dict(zip(zip(use.block, use.destination, use.resource, strict=True), use.amount, strict=True))
    at = zip(general.block, general.destination, general.period, general.row, strict=True)
    factor = dict(zip(at, general.coefficient, strict=True))
    activity = {}
    for r, t in np.ndindex(problem.resource_limits.lower.shape):
        activity[f"resource {r} in period {t}"] = (
            sum(amount.get((b, d, r), 0) * s for (b, d, when), s in share.items() if when == t),
            (problem.resource_limits.lower[r, t], problem.resource_limits.upper[r, t]),
        )
    for m in range(problem.general_limits.lower.size):
        activity[f"general row {m}"] = (
            sum(factor.get((*key, m), 0) * s for key, s in share.items()),
            (problem.general_limits.lower[m], problem.general_limits.upper[m]),
        )
    return activity


def _by_hand(problem, arcs, lines):
    """Objective and the places of all breaches, block by block in plain Python."""
    share = _snapped_by_hand(lines)
    rate, T = problem.discount_rate, problem.n_periods
    objective = sum(problem.value[b, d] / (1 + rate) ** t * s for (b, d, t), s in share.items())
    broken = set()

    def mined(block, last):
        return sum(s for (b, _, t), s in share.items() if b == block and t <= last)

    for block in range(problem.n_blocks):
        if min(abs(mined(block, T)), abs(mined(block, T) - 1)) > 1e-6:
            broken.add(("partial", block))
        if len({t for b, _, t in share if b == block}) > 1:
            broken.add(("periods", block))
    broken |= {("forbidden", b) for b, d, _ in share if problem.forbidden[b, d]}
    broken |= {("needs", b) for b, a in arcs for t in range(T) if mined(b, t) > mined(a, t) + 1e-6}
    for name, (activity, (low, up)) in _activity_by_hand(problem, share).items():
        # Unscaled shares such as 0.99998 + 0.5 leave breaches of 2e-5 and more, far from the tolerance of 1e-6.
        allowed = 1e-6 * 10
        if activity > up + allowed or activity < low - allowed:
            broken.add(("limit", name))
    return objective, broken


def _places(findings):
    kinds = {
        "which it needs": "needs",
        "expected all of it": "partial",
        "expected one period": "periods",
        "sent to": "forbidden",
        "beyond its limit": "limit",
    }
    found = set()
    for finding in findings:
        kind = next(kinds[mark] for mark in kinds if mark in str(finding))
        found.add((kind, finding.place if kind == "limit" else int(finding.place.split()[1])))
    return found


@settings(max_examples=200, deadline=None)
@given(cases())
def test_value_and_breaches_are_those_counted_by_hand(case):
    """Objective and every broken rule against plain loops over dictionaries."""
    problem, arcs, lines = case
    table = np.array(arcs, np.int64).reshape(-1, 2)
    precedence = Precedence(problem.n_blocks, table[:, 0], table[:, 1])
    checked = check_schedule(problem, precedence, rows(*lines))
    objective, broken = _by_hand(problem, arcs, lines)
    assert checked.objective == pytest.approx(objective, abs=1e-9)
    assert float(checked.value_by_period.sum()) == pytest.approx(objective, abs=1e-9)
    assert _places(checked.findings) == broken
