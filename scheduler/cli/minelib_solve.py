"""``pitwise solve`` on a MineLib problem: schedule, bound, certificate, in a folder of their own."""

from __future__ import annotations

import datetime as dt
import errno
import itertools
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from instances.findings import BadInput, Finding
from scheduler.cli.bound import BoundLine, refuse_limits, write_certificate
from scheduler.cli.minelib_arguments import refuse_file
from scheduler.outcome import INFEASIBLE, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scheduler.minelib import MineLibInstance
    from scheduler.minelib_solving import Scheduled

SOLUTION, SUMMARY, CERTIFICATE = "solution.sol", "summary.json", "certificate.json"
FINDINGS_SHOWN = 20
MINED = {"whole": "whole blocks", "partial": "blocks over several periods (partial integrality)"}


@dataclass(frozen=True)
class MineLibSolve:
    """What the command line asked for.

    Attributes:
        file: the problem.
        gap: relative gap at which the plan counts as proven.
        time_limit: seconds for reading, bound, certificate and search, or ``None`` to search until nothing is gained.
        seed: of the choice of neighbourhoods.
        threads: processes that search at the same time; 0 for one a core.
        prove: whether HiGHS is given the whole program in the end.
        mining: whether blocks are mined whole or may be over several periods.
        out: folder of the run, or ``None`` for a new one.
        proof: file for the proof that there is no schedule, or ``None``.
        precedence: the ``.prec`` file, or ``None`` for the one beside.
        blocks: the ``.blocks`` file, or ``None`` for the one beside.
        refused: options that have no meaning here, by name, and whether they were given.
        as_json: whether the summary is printed as JSON.
        quiet: whether there is no progress.
    """

    file: str
    gap: float
    time_limit: float | None
    seed: int
    threads: int
    prove: bool
    mining: str
    out: str | None
    proof: str | None
    precedence: str | None
    blocks: str | None
    refused: Mapping[str, bool]
    as_json: bool
    quiet: bool

    def concerned(self) -> bool:
        """Whether this is about MineLib at all, and not about a mine."""
        return (
            self.precedence is not None
            or self.blocks is not None
            or Path(self.file).suffix.lower() in {".cpit", ".pcpsp"}
        )

    def run(self) -> ExitCode:
        """Reads, solves, writes and prints; the exit code."""
        from scheduler.certificates import certify_found  # noqa: PLC0415
        from scheduler.cli.interrupt import first_interrupt_stops  # noqa: PLC0415
        from scheduler.cli.session import refuse_unwritable  # noqa: PLC0415
        from scheduler.minelib import read_instance  # noqa: PLC0415
        from scheduler.minelib_solving import schedule_minelib  # noqa: PLC0415
        from solvers.course import ScheduleOptions  # noqa: PLC0415

        given = [name for name, told in self.refused.items() if told]
        if given:
            raise BadInput([Finding(name, None, "a mine; the option has no meaning for MineLib") for name in given])
        refuse_limits(self.gap, self.time_limit, None, seed=self.seed, threads=self.threads)
        stamp = dt.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        folder = self.out or f"runs/{Path(self.file).name.replace('.', '-')}-{stamp}"
        refuse_unwritable(folder, replace=False)
        refuse_file(self.proof, replace=False)
        began = time.perf_counter()
        instance = read_instance(self.file, self.precedence, self.blocks)
        line, spent = BoundLine(shown=not self.quiet), time.perf_counter() - began
        try:
            with first_interrupt_stops() as interrupted:
                options = ScheduleOptions(
                    gap=self.gap,
                    seconds=None if self.time_limit is None else max(self.time_limit - spent, 0.0),
                    seed=self.seed,
                    workers=self.threads,
                    prove=self.prove,
                    spread=self.mining == "partial",
                )
                found = schedule_minelib(
                    instance,
                    options,
                    on_size=lambda size: line.note(str(size)),
                    on_iteration=line.iteration,
                    on_progress=line.search,
                    on_stage=line.stage,
                    interrupted=interrupted,
                )
        finally:
            line.clear()
        status, code = found.status(self.gap), found.exit_code(self.gap)
        summary = {
            **_summary(instance, found),
            "mining": self.mining,
            "status": status,
            "seconds": time.perf_counter() - began,
        }
        written = None if found.rows is None else _write(Path(folder), instance, found, summary)
        if code is ExitCode.INFEASIBLE:
            if self.proof is not None:
                write_certificate(self.proof, instance, certify_found(instance, found.found, found.mining))
            summary["proof"] = self.proof
        self._tell({**summary, "exit_code": int(code), "run": written}, found)
        return code

    def _tell(self, summary: Mapping[str, object], found: Scheduled) -> None:
        from scheduler.cli.output import page, print_json  # noqa: PLC0415

        if self.as_json:
            print_json(summary)
            return
        with page() as console:
            console.print(f"{summary['name']} {summary['kind']}, {MINED[self.mining]}: {summary['status']}")
            if found.checked is not None:
                console.print(
                    f"  objective  {found.checked.objective:,.2f}; {found.checked.blocks_mined:,} blocks mined"
                )
            for line in _bound_lines(found, infeasible=summary["lp_bound"] is None):
                console.print(line)
            if found.checked is not None:
                broken = found.checked.findings
                console.print(f"  audit      {f'{len(broken):,} findings' if broken else 'keeps every rule'}")
                for finding in broken[:FINDINGS_SHOWN]:
                    console.print(f"FAILED  {finding}", soft_wrap=True)
            if "proof" in summary:
                told = summary["proof"] or "--proof FILE writes it, for pitwise verify FILE to check"
                console.print(f"  proof      no schedule keeps every limit, by multipliers: {told}", soft_wrap=True)
            console.print(f"  seconds    {summary['seconds']:.2f}")
            if summary["run"] is not None:
                console.print(f"  written to {summary['run']}", soft_wrap=True)


def _bound_lines(found: Scheduled, *, infeasible: bool) -> Iterator[str]:
    """The bounds, the loosest first, and the gaps to them."""
    if infeasible:
        return
    search = found.found
    yield f"  lp_bound   {found.relaxation.bound:,.2f}: nothing is worth more, not even with parts of blocks"
    if search.certified_bound < found.relaxation.bound:
        cases = 1 if search.cases is None else len(search.cases.leaves)
        why = "as no block begins too early" if cases == 1 else f"by {cases} cases of what is mined by when"
        yield f"  bound      {search.certified_bound:,.2f}: no schedule is worth more, {why}"
    if search.solver_bound is not None:
        yield f"  bound      {found.bound:,.2f}: no schedule is worth more, by HiGHS on the whole program"
    if found.gap is None or found.gap_published is None or found.gap_certified is None:
        return
    if found.gap < found.gap_certified:
        yield f"  gap        {100 * found.gap:.3f} % of the objective"
    of_bound = f"{100 * found.gap_published:.3f} % of lp_bound (as published)"
    yield f"  gap        {100 * found.gap_certified:.3f} % of the objective by the certificate, {of_bound}"


def _summary(instance: MineLibInstance, found: Scheduled) -> dict[str, object]:
    problem, relaxation, checked = instance.problem, found.relaxation, found.checked
    infeasible = found.status(0.0) == INFEASIBLE
    return {
        "name": problem.name,
        "kind": problem.kind,
        "instance_hash": instance.hash,
        "objective": None if checked is None else checked.objective,
        "lp_bound": None if infeasible else relaxation.bound,
        "bound": None if infeasible else found.bound,
        "solver_bound": found.found.solver_bound,
        "gap": found.gap,
        "gap_certified": found.gap_certified,
        "gap_published": found.gap_published,
        "bound_stop_reason": relaxation.reason.name.lower(),
        "iterations": relaxation.iterations,
        "kernel": relaxation.kernel,
        "origin": found.found.origin,
        "begun_with": found.found.begun_with,
        "search_stop_reason": found.found.stop.name.lower(),
        "parts_solved": 0 if found.found.improvement is None else found.found.improvement.parts,
        "gained": {} if found.found.improvement is None else found.found.improvement.gained,
        "seconds_by_stage": found.found.seconds,
        "history": [list(point) for point in found.found.history],
        "blocks_mined": None if checked is None else checked.blocks_mined,
        "value_by_period": None if checked is None else checked.value_by_period.tolist(),
        "resource_use": None if checked is None else checked.use.tolist(),
        "findings": [] if checked is None else [str(finding) for finding in checked.findings],
    }


def _write(folder: Path, instance: MineLibInstance, found: Scheduled, summary: Mapping[str, object]) -> str:
    """The folder, whole or not at all; one with a number behind its name where that was taken meanwhile."""
    from instances.minelib import write_schedule  # noqa: PLC0415
    from scheduler.runfolder import json_text  # noqa: PLC0415

    assert found.rows is not None  # noqa: S101
    assert found.certificate is not None  # noqa: S101
    scratch = folder.resolve().with_name(f".{folder.name}.{os.getpid()}")
    try:
        scratch.mkdir(parents=True)
        write_schedule(found.rows, scratch / SOLUTION)
        (scratch / SUMMARY).write_text(json_text(summary), encoding="utf-8")
        write_certificate(str(scratch / CERTIFICATE), instance, found.certificate)
        folder = _moved(scratch, folder)
    except OSError as error:
        raise BadInput([Finding(str(folder), str(error), "a folder that can be written")]) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return str(folder)


def _moved(scratch: Path, folder: Path) -> Path:
    """A folder given its name, or the first one free with a number behind it: another run may have begun with it."""
    for number in itertools.count(1):
        name = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            scratch.replace(name)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise
        else:
            return name
    raise AssertionError
