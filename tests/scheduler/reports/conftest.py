"""Runs to report: the plan of the Huckleberry mine made by hand, a small mine solved, and one full of hostile text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from instances.geometry.units import Resolution, scheduling_units
from instances.instance import Instance
from instances.reading import mine_in_memory, read_mine
from scheduler.audit import audit
from scheduler.baseline import baseline
from scheduler.cashflow import cash_flow
from scheduler.compiling import compile_problem
from scheduler.outcome import OPTIMAL
from scheduler.plan import Plan
from scheduler.reports.facts import Facts, read_facts
from scheduler.reports.page import report_page
from scheduler.runfolder import write_run
from scheduler.schedule import figures, schedule_table
from scheduler.solution import Solution, to_plan
from scheduler.solving import audit_summary, versions
from tests.builders import tiny_blocks, tiny_data

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>'",
    '=HYPERLINK("http://example.com","x")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1,2)",
    "-2+3",
    "{{ 7 * 7 }}",
    "</script></style></title>",
    "עברית \u202eRTL\u202c العربية",
    "\x01\x0b control",
)

FIGURES = (
    "strip_ratio",
    "ore_mt",
    "moved_mt",
    "milled_mt",
    "npv",
    "objective_mixed_pile",
    "stock_peak_mt",
    "strip_ratio_on_milled",
    "grade_pct",
    "copper_mlb_total",
)


def hand_plan(instance: Instance, resolution: Resolution = "panel") -> Plan:
    """The plan that is made by hand, without a solver."""
    problem = compile_problem(instance, scheduling_units(instance, resolution))
    made, reason = baseline(problem)
    assert made is not None, reason
    placed = {pair: made.placed[m, f] for m, f, pair in _pairs(problem)}
    works = {name: values > 0.5 for name, values in made.works().items()}
    bought = made.mined[: len(problem.options)] * 0 > 1
    return to_plan(problem, Solution(made.sent, made.reclaimed, placed, works, bought), resolution)


def _pairs(problem: Any) -> list[tuple[int, int, tuple[str, str]]]:
    mills = list(problem.mills())
    return [
        (m, f, (mill, facility)) for m, mill in enumerate(mills) for f, facility in enumerate(problem.tailings_most)
    ]


def write_plan(folder: Path, instance: Instance, plan: Plan, **changes: Any) -> Path:
    """The run of a plan, as solving would have left it; its bound is a tenth of a per cent above it."""
    cash = cash_flow(instance, plan)
    bound = cash.objective + 1e-3 * abs(cash.objective)
    summary: dict[str, Any] = {
        "status": OPTIMAL,
        "stop_reason": "gap reached",
        "objective": cash.objective,
        "bound": bound,
        "solver_bound": bound,
        "gap": 1e-3,
        "gap_abs": bound - cash.objective,
        "solver": "HiGHS 1.0",
        "baseline_objective": cash.objective,
        "uplift": 0.0,
        "uplift_fraction": 0.0,
        "currency": instance.mine.money.currency,
        "instance": instance.mine.name,
        "instance_hash": instance.hash(),
        "seed": 0,
        "versions": versions(),
        "audit": audit_summary(audit(instance, plan)),
        "shadow_prices": [
            {"key": "limits.mill_t_per_day", "period": label, "unit": "t", "value": 1.5 + place}
            for place, label in enumerate(instance.mine.calendar.labels())
        ],
        **figures(instance, plan, cash),
        **changes,
    }
    tables = {"schedule": schedule_table(instance, plan, cash), "cashflow": cash.table}
    return write_run(folder, instance, plan, tables, summary, "solved\n")


@pytest.fixture(scope="session")
def mzo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the Huckleberry mine's plan made by hand; not to be written to."""
    instance = read_mine("mzo")
    return write_plan(tmp_path_factory.mktemp("mzo") / "run", instance, hand_plan(instance))


@pytest.fixture(scope="session")
def mzo(mzo_run: Path) -> Facts:
    return read_facts(mzo_run)


@pytest.fixture(scope="session")
def mzo_page(mzo: Facts) -> str:
    return report_page(mzo)


def two_phases(**changes: Any) -> Instance:
    """A small mine of two phases and four periods with a stockpile."""
    grades = [0.1, 0.3, 0.1, 0.6, 0.1, 0.25, 0.9, 0.3, 0.7, 0.1, 0.35, 1.1]
    phases = ("east", "west")
    data = tiny_data(periods=4, phases=phases, changes=changes)
    return mine_in_memory(data, tiny_blocks(nx=4, nz=3, grades=grades, phases=phases))


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a small mine; not to be written to."""
    instance = two_phases()
    return write_plan(tmp_path_factory.mktemp("small") / "run", instance, hand_plan(instance))


@pytest.fixture
def run_copy(small_run: Path, tmp_path: Path) -> Path:
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(small_run, tmp_path / "run"))


@pytest.fixture(scope="session")
def small(small_run: Path) -> Facts:
    return read_facts(small_run)


def hostile_instance() -> Instance:
    """A mine whose every text and free name tries to be something else."""
    text = list(HOSTILE)
    long = "=" + "x" * 1990
    data = tiny_data(
        periods=4,
        phases=("east", "west"),
        changes={
            "title": text[0],
            "money.currency": text[2],
            "materials.ore.title": text[3],
            "materials.low.title": text[8],
            "materials.rock.title": text[6],
            "phases.east.title": text[1],
            "phases.west.title": long,
            "destinations.pile.title": text[4],
            "products.copper.title": text[7],
            "capital": [{"title": text[5], "date": tiny_data()["calendar"]["start"], "amount": 1.0}],
            "published": [
                {
                    "title": words,
                    "figure": figure,
                    "value": 2.0 + place,
                    "unit": words[:60],
                    "source": words,
                    "reason": words,
                }
                for place, (words, figure) in enumerate(zip(text, FIGURES, strict=True))
            ],
            "provenance": {
                "limits": {"mark": "assumed", "source": long},
                "costs": {"mark": "published", "source": text[1]},
            },
        },
    )
    blocks = tiny_blocks(nx=4, nz=3, grades=[0.1, 0.3, 0.1, 0.6] * 3, phases=("east", "west"))
    endless = "=" + "y" * 9_999
    names = [endless, text[0], endless, *text[1:]]
    blocks["sector"] = [names[place % len(names)] for place in range(len(blocks))]
    blocks["block"] = [f"{names[place % len(names)]} {place}" for place in range(len(blocks))]
    return mine_in_memory(data, blocks)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """The run of that mine."""
    instance = hostile_instance()
    folder = tmp_path_factory.mktemp("hostile") / "run"
    prices = [{"key": words, "period": "2020", "unit": words, "value": 1.0} for words in HOSTILE]
    audit_told = {"passed": False, "found": {HOSTILE[0]: 1}, "findings": list(HOSTILE), "checks": 9, "rules": 1}
    plan = hand_plan(instance)
    write_plan(folder, instance, plan, shadow_prices=prices, audit=audit_told, message=HOSTILE[1], status=HOSTILE[0])
    return read_facts(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    chromium, driver = found_program("chromium", "chromium-browser", "google-chrome"), found_program("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and its driver are not installed: no page was opened in a browser")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: no page was opened")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--enable-unsafe-swiftshader",  # three dimensions without a graphics card
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def found_program(*names: str) -> str | None:
    """A program of one of these names, if there is one."""
    return next((path for name in names if (path := shutil.which(name)) is not None), None)


def quiet_run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(arguments, check=True, capture_output=True, timeout=240, env={**os.environ, **environment})


def frame_of(table: Any) -> pd.DataFrame:
    """A table of text as a frame, its first column as index."""
    return pd.DataFrame(list(table.rows), columns=list(table.heads)).set_index(table.heads[0])


def stays_text(page: str, *, scripts: int) -> None:
    """Hostile names are in a page as text alone: no script beside its own, no element of theirs."""
    for words in (HOSTILE[0], HOSTILE[1], HOSTILE[7]):
        assert words not in page
    ours = page.replace(get_plotlyjs(), "")
    tags = re.findall(r"<script[^>]*>", ours)
    assert tags.count("<script>") == scripts
    assert all(one == "<script>" or 'type="application/json"' in one for one in tags)
    assert "<img" not in ours
