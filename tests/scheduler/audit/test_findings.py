"""What the audit says, and what it may not know."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from scheduler.audit import AuditFinding, audit
from scheduler.audit.findings import MOST_LISTED, Ledger


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (
            AuditFinding("mining_max", "2021", "pit", 4_000_000.0, 3_900_000.0, "t"),
            "2021: tonnes moved, pit: 4,000,000 t, at most 3,900,000 t",
        ),
        (
            AuditFinding("head_grade_min", "2020", "cu", 1.2, 1.25, "%"),
            "2020: head grade, cu: 1.2 %, at least 1.25 %",
        ),
        (
            AuditFinding("material", "2022", "a:rock:0 to mill", "rock", "ore", ""),
            "2022: material sent, a:rock:0 to mill: rock, expected ore",
        ),
        (
            AuditFinding("objective", None, "plan", 1.5, 2.0, "C$"),
            "discounted cash claimed, plan: 1.5 C$, expected 2 C$",
        ),
    ],
)
def test_finding_on_one_line(finding, line):
    """A finding reads as a planner would say it."""
    assert str(finding) == line


def test_near_name_is_offered(toy):
    """An unknown name is answered with the nearest known one."""
    instance = toy.instance()
    plan = toy.plan(instance)
    plan.mined.loc[1, "destination"] = "dmp"
    line = str(audit(instance, plan).findings[0])
    assert line.endswith("destination dmp, expected a destination of the mine (nearest: dump)")
    assert "mined row 2 (north/3/all, north/3/all:rock:0, dmp)" in line


def test_breaches_beyond_the_list_are_counted():
    """A thousand breaches of a rule are listed, all are counted, and the largest is kept."""
    ledger = Ledger(("2020",))
    many = MOST_LISTED + 500
    value = np.linspace(2.0, 3.0, many)[:, None]
    ledger.compare("mining_max", [str(row) for row in range(many)], value, np.ones(1), "t")
    assert len(ledger.findings()) == MOST_LISTED
    assert ledger.found == {"mining_max": many}
    assert ledger.checked["mining_max"] == many
    assert ledger.max_excess["mining_max"] == pytest.approx(2.0 / 3.0)


def test_limits_that_are_not_given_are_not_checked():
    """An infinite limit is none, and zero against zero holds."""
    ledger = Ledger(("2020", "2021"))
    ledger.compare("mining_max", ["pit"], np.array([5.0, 0.0]), np.array([np.inf, 0.0]), "t")
    assert ledger.checked["mining_max"] == 1
    assert ledger.findings() == ()


def test_audit_knows_no_engine():
    """Importing the audit imports no solver, no formulation and nothing that prices plans."""
    code = "import sys, scheduler.audit; print(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "scheduler.audit.money" in loaded
    assert not {"highspy", "pyomo", "solvers"} & loaded
    ours = {name for name in loaded if name.startswith("scheduler.") and not name.startswith("scheduler.audit")}
    assert ours == {"scheduler.plan"}
