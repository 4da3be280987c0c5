"""``pitwise verify`` of certificates, and on MineLib: somebody's schedule, or a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from instances.findings import BadInput, Finding
from scheduler.outcome import ExitCode

if TYPE_CHECKING:
    from scheduler.minelib import MineLibInstance
    from scheduler.minelib_checking import CheckedSchedule, Mining
    from scheduler.verified import Verified
    from solvers.closure import KernelFactory

FINDINGS_SHOWN = 20


@dataclass(frozen=True)
class MineLibCheck:
    """What the command line asked for.

    Attributes:
        subject: the problem whose solution is checked, or a certificate, or the folder of a run.
        instance: the problem, or the mine, that a certificate or a run is checked against.
        solution: a ``.sol`` file.
        mining: how its blocks are mined, ``whole`` or ``partial``; whole unless given.
        precedence: the ``.prec`` file, or ``None`` for the one beside.
        blocks: the ``.blocks`` file, or ``None`` for the one beside.
        independent: whether the second closure kernel is used.
        as_json: whether JSON is printed.
    """

    subject: str
    instance: str | None
    solution: str | None
    mining: str | None
    precedence: str | None
    blocks: str | None
    independent: bool
    as_json: bool

    def concerned(self) -> bool:
        """Whether this is about MineLib at all, and not about a run."""
        own = (
            self.solution is not None
            or self.mining is not None
            or self.precedence is not None
            or self.blocks is not None
        )
        return own or Path(self.subject).suffix.lower() in {".cpit", ".pcpsp", ".json"} or self._is_run()

    def _is_run(self) -> bool:
        from scheduler.minelib_verifying import is_minelib_run  # noqa: PLC0415

        return is_minelib_run(self.subject)

    def run(self) -> ExitCode:
        """Checks and prints; the exit code."""
        if Path(self.subject).suffix.lower() == ".json":
            return self._certificate()
        if self._is_run():
            return self._run_folder()
        findings = []
        if self.solution is None:
            findings.append(Finding("--solution", None, f"the .sol file to check against {self.subject}"))
        if self.instance is not None:
            findings.append(Finding("--instance", self.instance, "none: the problem itself is given"))
        if self.independent:
            findings.append(Finding("--independent", None, "a certificate to check; a solution needs no closure"))
        known: dict[str | None, Mining] = {None: "whole", "whole": "whole", "partial": "partial"}
        if self.mining not in known:
            findings.append(Finding("--mining", self.mining, "whole or partial"))
        if findings:
            raise BadInput(findings)
        return self._solution(str(self.solution), known[self.mining])

    def _solution(self, solution: str, mining: Mining) -> ExitCode:
        from instances.minelib import read_schedule  # noqa: PLC0415
        from scheduler.minelib import read_instance  # noqa: PLC0415
        from scheduler.minelib_checking import check_schedule  # noqa: PLC0415

        read = read_instance(self.subject, self.precedence, self.blocks)
        problem = read.problem
        rows = read_schedule(Path(solution), problem.n_blocks, problem.n_destinations, problem.n_periods)
        checked = check_schedule(problem, read.precedence, rows, mining)
        if self.as_json:
            from scheduler.cli.output import print_json  # noqa: PLC0415

            identity = {"name": problem.name, "kind": problem.kind, "instance_hash": read.hash, "solution": solution}
            print_json({**identity, **_figures(checked)})
        else:
            _print_schedule(f"{problem.name} {problem.kind}, {solution}", problem.n_blocks, checked)
        return ExitCode.NOT_VERIFIED if checked.findings else ExitCode.DONE

    def _certificate(self) -> ExitCode:
        from scheduler.certificate_file import read_certificate  # noqa: PLC0415
        from scheduler.certificates import verify_certificate  # noqa: PLC0415
        from scheduler.mine_certificate_file import is_mine_certificate  # noqa: PLC0415

        self._refuse_all_but_instance("a certificate")
        if is_mine_certificate(self.subject):
            return self._mine_certificate()
        certificate = read_certificate(self.subject)
        checks = verify_certificate(certificate, self._read_instance(), self._kernel())
        return self._tell(checks, {"certificate": self.subject, "claim": certificate.claim, "bound": certificate.bound})

    def _mine_certificate(self) -> ExitCode:
        from instances.reading import read_mine  # noqa: PLC0415
        from scheduler.mine_certificate_check import verify_mine_certificate  # noqa: PLC0415
        from scheduler.mine_certificate_file import claim_of, read_mine_certificate  # noqa: PLC0415

        certificate = read_mine_certificate(self.subject)
        instance = read_mine(str(self.instance), certificate.overrides)
        checks = verify_mine_certificate(certificate, instance, self._kernel())
        bound = certificate.bound if certificate.bound > -math.inf else None
        return self._tell(checks, {"certificate": self.subject, "claim": claim_of(certificate), "bound": bound})

    def _run_folder(self) -> ExitCode:
        from scheduler.minelib_verifying import verify_minelib_run  # noqa: PLC0415

        self._refuse_all_but_instance("a run of MineLib")
        checks = verify_minelib_run(self.subject, self._read_instance(), self._kernel())
        return self._tell(checks, {"run": self.subject})

    def _refuse_all_but_instance(self, what: str) -> None:
        findings = []
        if self.solution is not None:
            findings.append(Finding("--solution", self.solution, f"none: {what} is checked"))
        if self.mining is not None:
            findings.append(Finding("--mining", self.mining, f"none: it goes with --solution; {what} says it itself"))
        if self.instance is None:
            findings.append(Finding("--instance", None, f"the .cpit or .pcpsp file, or the mine, that {what} is about"))
        if findings:
            raise BadInput(findings)

    def _read_instance(self) -> MineLibInstance:
        from scheduler.minelib import read_instance  # noqa: PLC0415

        return read_instance(str(self.instance), self.precedence, self.blocks)

    def _kernel(self) -> KernelFactory:
        from solvers.closure import PseudoflowKernel, StagedFlowKernel  # noqa: PLC0415

        return StagedFlowKernel if self.independent else PseudoflowKernel

    def _tell(self, checks: list[Verified], given: dict[str, object]) -> ExitCode:
        """Prints what was checked; the exit code."""
        from scheduler.cli.output import page, print_json  # noqa: PLC0415

        passed = all(check.passed for check in checks)
        trusted = "the second closure kernel" if self.independent else "the closure kernel that the search used"
        if self.as_json:
            told = [{"check": c.name, "passed": c.passed, "text": c.text, "findings": c.findings} for c in checks]
            trust = {"instance": self.instance, "trusts": trusted, "independent": self.independent}
            print_json({**given, **trust, "passed": passed, "checks": told})
        else:
            with page() as console:
                for check in checks:
                    word = "passed" if check.passed else "FAILED"
                    console.print(f"{word}  {check.name}: {check.text}", soft_wrap=True)
                    for finding in check.findings[:FINDINGS_SHOWN]:
                        console.print(f"        {finding}", soft_wrap=True)
                console.print(f"note    trusted: {trusted}")
                console.print(f"{self.subject}: {'verified' if passed else 'NOT verified'}", soft_wrap=True)
        return ExitCode.DONE if passed else ExitCode.NOT_VERIFIED


def _figures(checked: CheckedSchedule) -> dict[str, object]:
    return {
        "passed": not checked.findings,
        "mining": checked.mining,
        "objective": checked.objective,
        "objective_raw": checked.objective_raw,
        "value_by_period": checked.value_by_period.tolist(),
        "resource_use": checked.use.tolist(),
        "blocks_mined": checked.blocks_mined,
        "shares_snapped": checked.shares_snapped,
        "largest_snap": checked.largest_snap,
        "findings": [str(finding) for finding in checked.findings],
        "findings_raw": len(checked.findings_raw),
    }


def _print_schedule(title: str, n_blocks: int, checked: CheckedSchedule) -> None:
    from scheduler.cli.output import page  # noqa: PLC0415

    with page() as console:
        console.print(title, soft_wrap=True)
        console.print(f"  objective  {checked.objective:,.2f} (shares as on file: {checked.objective_raw:,.2f})")
        console.print(f"  blocks     {checked.blocks_mined:,} of {n_blocks:,} mined")
        if checked.shares_snapped:
            told = f"{checked.shares_snapped:,} shares moved, by {checked.largest_snap:.1e} at most"
            console.print(f"  rounding   {told}; {len(checked.findings_raw):,} findings without it")
        for finding in checked.findings[:FINDINGS_SHOWN]:
            console.print(f"FAILED  {finding}", soft_wrap=True)
        if len(checked.findings) > FINDINGS_SHOWN:
            console.print(f"        and {len(checked.findings) - FINDINGS_SHOWN:,} more")
        rules = "" if checked.mining == "whole" else " of partial integrality"
        console.print(f"breaks a rule{rules}" if checked.findings else f"keeps every rule{rules}")
