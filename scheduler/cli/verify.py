"""``pitwise verify``: whether a run stands up to checking."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.arguments import JsonOption
from scheduler.cli.minelib_arguments import BlocksOption, PrecedenceOption

BOUND_NOTE = "a solver's bound, where there is one, cannot be checked from the folder: only solving again can"
TRUSTED = {
    False: "the closure kernel that the search used; --independent uses another",
    True: "the second closure kernel, which shares no code with the first",
}
FINDINGS_SHOWN = 20


def verify(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run; or a certificate, or a MineLib problem.")],
    *,
    instance: Annotated[
        str | None,
        typer.Option(
            "--instance",
            metavar="MINE",
            help="The mine to check against, read as for solve with the run's "
            "own changes; the folder's copy unless given.",
        ),
    ] = None,
    solution: Annotated[
        str | None, typer.Option(metavar="FILE", help="A .sol file to value and check against a .cpit or .pcpsp file.")
    ] = None,
    mining: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="How the blocks of --solution are mined: whole, within one period (unless given), or partial, over "
            "several.",
        ),
    ] = None,
    precedence: PrecedenceOption = None,
    blocks: BlocksOption = None,
    independent: Annotated[
        bool, typer.Option("--independent", help="Recompute certified bounds with a second, slower closure kernel.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a run: the mine, the plan's audit, the certified bound, the gap and every figure; exit code 5 if not."""
    from scheduler.cli.minelib_verify import MineLibCheck  # noqa: PLC0415

    other = MineLibCheck(run, instance, solution, mining, precedence, blocks, independent=independent, as_json=as_json)
    if other.concerned():
        raise typer.Exit(other.run())
    from scheduler.cli.output import emit, print_json  # noqa: PLC0415
    from scheduler.outcome import ExitCode  # noqa: PLC0415
    from scheduler.verifying import verify_run  # noqa: PLC0415

    checks = verify_run(run, instance, independent=independent)
    passed = all(check.passed for check in checks)
    if as_json:
        rows = [{"check": c.name, "passed": c.passed, "text": c.text, "findings": c.findings} for c in checks]
        print_json(
            {
                "run": run,
                "passed": passed,
                "trusts_own_copy": instance is None,
                "checks": rows,
                "not_checked": BOUND_NOTE,
                "trusts": TRUSTED[independent],
                "independent": independent,
            }
        )
    else:
        for check in checks:
            emit(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.text}")
            for finding in check.findings[:FINDINGS_SHOWN]:
                emit(f"        {finding}")
            if len(check.findings) > FINDINGS_SHOWN:
                emit(f"        and {len(check.findings) - FINDINGS_SHOWN:,} more")
        emit(f"note    bound: {BOUND_NOTE}")
        emit(f"note    trusted: {TRUSTED[independent]}")
        emit(f"{run}: {'verified' if passed else 'NOT verified'}")
    raise typer.Exit(ExitCode.DONE if passed else ExitCode.NOT_VERIFIED)
