"""``pitwise bound``: what no schedule of a MineLib instance is worth more than."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.arguments import JsonOption
from scheduler.cli.minelib_arguments import BlocksOption, PrecedenceOption, ReplaceOption
from scheduler.cli.progress import ProgressLine
from scheduler.outcome import ExitCode

if TYPE_CHECKING:
    from scheduler.certificates import Certificate
    from scheduler.minelib import MineLibInstance
    from solvers.relaxation import ClosureProgram, Iteration, RelaxationResult
    from solvers.result import Progress

REACHED, STOPPED, NONE = "bound within the gap", "bound: stopped at a limit", "infeasible"
_EXIT = {REACHED: ExitCode.DONE, STOPPED: ExitCode.STOPPED_WITH_PLAN, NONE: ExitCode.INFEASIBLE}


class BoundLine(ProgressLine):
    """Tells of the iterations of a relaxation."""

    def iteration(self, iteration: Iteration) -> None:
        """Tells where the search stands after an iteration; amounts in money."""
        bound, value = iteration.best_bound, iteration.master_value
        gap = f", gap {100 * (bound - value) / max(abs(bound), 1e-300):.4f} %" if value > -math.inf else ""
        told = "no point yet" if value == -math.inf else f"point {value:,.0f}"
        self._write(f"iteration {iteration.number}: bound {bound:,.0f}, {told}{gap}, {iteration.classes:,} classes")

    def search(self, progress: Progress) -> None:
        """Tells where the search for a schedule stands; amounts in money."""
        plan = "none yet" if progress.objective is None else f"{progress.objective:,.0f}"
        bound = "none yet" if progress.bound is None else f"{progress.bound:,.0f}"
        gap = "" if progress.gap is None else f", gap {100 * progress.gap:.3f} %"
        self._write(f"bound {bound}, plan {plan}{gap}, {progress.nodes:,} parts solved")


def bound(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .cpit or .pcpsp file of MineLib.")],
    *,
    precedence: PrecedenceOption = None,
    blocks: BlocksOption = None,
    gap: Annotated[
        float, typer.Option(metavar="FRACTION", help="Relative gap between bound and linear optimum, a fraction.")
    ] = 1e-6,
    time_limit: Annotated[
        float | None, typer.Option(metavar="S", help="Stop after so many seconds of wall time.")
    ] = None,
    iteration_limit: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after so many iterations, a count.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the certificate, multipliers and bound, as JSON.")
    ] = None,
    replace: ReplaceOption = False,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing on stderr but errors: no progress.")] = False,
) -> None:
    """Bound a problem: the optimum of its linear relaxation by Bienstock-Zuckerberg, with a certificate on demand."""
    from scheduler.certificates import certify  # noqa: PLC0415
    from scheduler.cli.interrupt import first_interrupt_stops  # noqa: PLC0415
    from scheduler.cli.minelib_arguments import refuse_file  # noqa: PLC0415
    from scheduler.memory import refuse_beyond_memory, size_of_program  # noqa: PLC0415
    from scheduler.minelib import read_instance  # noqa: PLC0415
    from solvers.relaxation import StopRule  # noqa: PLC0415
    from solvers.ultimate_pit import relaxation_within  # noqa: PLC0415

    refuse_limits(gap, time_limit, iteration_limit)
    refuse_file(out, replace=replace)
    instance = read_instance(file, precedence, blocks)
    line = BoundLine(shown=not quiet)

    def sized(within: ClosureProgram) -> None:
        size = size_of_program(instance.program, within, 0)
        line.note(str(size))
        refuse_beyond_memory(size, file)

    try:
        with first_interrupt_stops() as interrupted:
            rule = StopRule(gap, time_limit, iteration_limit, interrupted)
            result = relaxation_within(
                instance.program,
                rule,
                threads=0,
                on_program=sized,
                on_iteration=line.iteration,
            )
    finally:
        line.clear()
    if out is not None:
        write_certificate(out, instance, certify(instance, result))
    raise typer.Exit(_told(Path(file), instance, result, out, as_json=as_json))


def refuse_limits(
    gap: float, time_limit: float | None, iteration_limit: int | None, *, seed: int = 0, threads: int = 0
) -> None:
    """Refuses limits, a seed or a number of threads that make no sense."""
    from instances.findings import BadInput, Finding  # noqa: PLC0415

    findings = []
    if not 0.0 <= gap < math.inf:
        findings.append(Finding("--gap", gap, "a fraction of 0 or more"))
    if time_limit is not None and not time_limit >= 0.0:
        findings.append(Finding("--time-limit", time_limit, "seconds, 0 or more"))
    if iteration_limit is not None and iteration_limit < 1:
        findings.append(Finding("--iteration-limit", iteration_limit, "a count of 1 or more"))
    if seed < 0:
        findings.append(Finding("--seed", seed, "a whole number of 0 or more"))
    if threads < 0:
        findings.append(Finding("--threads", threads, "a count of 1 or more, or 0 for one a core"))
    if findings:
        raise BadInput(findings)


def write_certificate(out: str, instance: MineLibInstance, certificate: Certificate) -> None:
    """Writes a certificate as JSON."""
    from scheduler.certificate_file import certificate_object  # noqa: PLC0415
    from scheduler.cli.minelib_arguments import write_whole  # noqa: PLC0415
    from scheduler.cli.output import own_version  # noqa: PLC0415
    from scheduler.runfolder import json_text  # noqa: PLC0415

    text = json_text(certificate_object(certificate, instance, own_version()))
    write_whole(out, lambda scratch: scratch.write_text(text, encoding="utf-8"))


def _told(
    file: Path, instance: MineLibInstance, result: RelaxationResult, out: str | None, *, as_json: bool
) -> ExitCode:
    """Prints the answer; the exit code."""
    from scheduler.cli.output import page, print_json  # noqa: PLC0415
    from solvers.relaxation import Outcome  # noqa: PLC0415

    status = {Outcome.OPTIMAL: REACHED, Outcome.BOUNDED: STOPPED, Outcome.INFEASIBLE: NONE}[result.outcome]
    problem = instance.problem
    size = {
        "blocks": problem.n_blocks,
        "arcs": int(instance.precedence.block.size),
        "periods": problem.n_periods,
        "destinations": problem.n_destinations,
    }
    if as_json:
        figures = {
            "lp_bound": None if status == NONE else result.bound,
            "lp_value": result.value if math.isfinite(result.value) else None,
            "gap": result.gap if math.isfinite(result.gap) else None,
        }
        told = {"name": problem.name, "kind": problem.kind, "instance_hash": instance.hash, **size, **figures}
        told |= {"status": status, "stop_reason": result.reason.name.lower(), "iterations": result.iterations}
        told |= {"seconds": result.seconds, "kernel": result.kernel, "certificate": out}
        print_json({**told, "exit_code": int(_EXIT[status])})
        return _EXIT[status]
    counts = ", ".join(f"{number:,} {name if number != 1 else name[:-1]}" for name, number in size.items())
    with page() as console:
        title = f"{problem.name or file.name} {problem.kind}: {counts}; hash {instance.hash[:12]}"
        console.print(title, soft_wrap=True)
        if status == NONE:
            console.print("  no schedule keeps every limit: proven by multipliers")
        else:
            console.print(f"  lp_bound    {result.bound:,.2f}: no schedule is worth more")
            point = f"{result.value:,.2f}; gap {result.gap:.2e}" if math.isfinite(result.value) else "none found"
            console.print(f"  lp point    {point}")
        console.print(f"  iterations  {result.iterations}, {result.seconds:.2f} s; {result.reason.value}")
        console.print(f"  kernel      {result.kernel}")
        if out is not None:
            console.print(f"  certificate written to {out}", soft_wrap=True)
    return _EXIT[status]
