"""What may be asked of a solve, checked before anything runs."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import highspy
from highspy._core import _Highs

if TYPE_CHECKING:
    from collections.abc import Mapping

OptionValue = bool | int | float | str
Presolve = Literal["choose", "on", "off"]

_OWN_FIELD = {
    "mip_rel_gap": "gap",
    "mip_abs_gap": "gap_abs",
    "time_limit": "time_limit_s",
    "mip_max_nodes": "node_limit",
    "simplex_iteration_limit": "iteration_limit",
    "random_seed": "seed",
    "threads": "threads",
    "presolve": "presolve",
}
_NOT_OFFERED = {
    "output_flag": "give solve() a log_file",
    "log_to_console": "give solve() a log_file",
    "log_file": "give solve() a log_file",
    "solve_relaxation": "solve Program.relaxed()",
}
_LARGEST_INT = 2**31 - 1


class OptionError(ValueError):
    """Options that cannot be honoured; the message has one line a finding."""


@dataclass(frozen=True)
class SolveOptions:
    """Limits and parameters of a solve.

    Attributes:
        gap: relative gap at which a mixed-integer solve may stop, over the absolute objective.
        gap_abs: absolute gap at which a mixed-integer solve may stop, in the unit of the objective.
        time_limit_s: wall time in seconds, or None. With a time limit, runs repeat only within their gaps.
        node_limit: branch-and-bound nodes, or None.
        iteration_limit: simplex iterations of a linear program, or None.
        seed: random seed.
        threads: threads to use, 0 for the solver's own choice.
        presolve: "choose", "on" or "off".
        progress_interval_s: least time between two progress reports, in seconds.
        extra: further HiGHS options by their HiGHS names.

    Raises:
        OptionError: all findings at once, one a line: unknown option with the nearest known one, wrong type,
            value out of range, or an option that has a field of its own here.
    """

    gap: float = 1e-4
    gap_abs: float = 1e-6
    time_limit_s: float | None = None
    node_limit: int | None = None
    iteration_limit: int | None = None
    seed: int = 0
    threads: int = 0
    presolve: Presolve = "choose"
    progress_interval_s: float = 1.0
    extra: Mapping[str, OptionValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extra", dict(self.extra))
        findings = [
            *_number_findings(self),
            *(finding for name, value in self.extra.items() if (finding := _extra_finding(name, value))),
        ]
        if self.presolve not in get_args(Presolve):
            findings.append(f"presolve: {self.presolve!r} is not one of {', '.join(get_args(Presolve))}")
        if findings:
            raise OptionError("\n".join(findings))

    def highs_values(self) -> dict[str, OptionValue]:
        """Return the options by their HiGHS names; a limit that is None stays at HiGHS's default, none."""
        values: dict[str, OptionValue] = dict(self.extra)
        for name, own in _OWN_FIELD.items():
            value = getattr(self, own)
            if value is not None:
                values[name] = value
        return values

    def after(self, seconds: float) -> SolveOptions:
        """Return the same options with the time limit shortened by the seconds already spent."""
        if self.time_limit_s is None:
            return self
        return replace(self, time_limit_s=max(self.time_limit_s - seconds, 0.0))

    def apply(self, highs: _Highs, log_file: Path | str | None) -> None:
        """Set the options on a HiGHS instance, and the file its log goes to, which is emptied.

        Raises:
            OSError: the log file cannot be written; HiGHS itself would keep silent about that.
            OptionError: HiGHS refuses a value.
        """
        values = self.highs_values()
        if log_file is not None:
            Path(log_file).write_text("", encoding="utf-8")
            values |= {"log_file": str(log_file), "output_flag": True}
        for name, value in values.items():
            if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                raise OptionError(f"HiGHS refuses {name} = {value!r}")


def known_options() -> dict[str, type]:
    """Return every option HiGHS knows with the type of its value, asked of HiGHS itself."""
    defaults = highspy.HighsOptions()
    return {name: type(getattr(defaults, name)) for name in dir(defaults) if not name.startswith("_")}


def _number_findings(options: SolveOptions) -> list[str]:
    findings = []
    for name in ("gap", "gap_abs", "time_limit_s", "progress_interval_s"):
        value = getattr(options, name)
        if value is None and name == "time_limit_s":
            continue
        if not _is_number(value) or not value >= 0 or (name != "time_limit_s" and math.isinf(value)):
            findings.append(f"{name}: {value!r} is not a number >= 0")
    for name in ("node_limit", "iteration_limit", "seed", "threads"):
        value = getattr(options, name)
        if value is None and name.endswith("limit"):
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_INT:
            findings.append(f"{name}: {value!r} is not an integer in [0, {_LARGEST_INT}]")
    return findings


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _extra_finding(name: str, value: OptionValue) -> str | None:
    """Return what is wrong with a raw HiGHS option, or None."""
    if name in _OWN_FIELD:
        return f"extra[{name!r}]: set {_OWN_FIELD[name]} instead"
    if name in _NOT_OFFERED:
        return f"extra[{name!r}]: not offered; {_NOT_OFFERED[name]}"
    known = known_options()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"; the nearest known option is {near[0]!r}" if near else ""
        return f"extra[{name!r}]: HiGHS has no such option{hint}"
    expected = known[name]
    fits = _is_number(value) if expected is float else type(value) is expected
    if not fits:
        return f"extra[{name!r}]: {value!r} is {type(value).__name__}, expected {expected.__name__}"
    probe = quiet_highs()
    if probe.setOptionValue(name, float(value) if expected is float else value) != highspy.HighsStatus.kOk:
        return f"extra[{name!r}]: HiGHS refuses the value {value!r}"
    return None


def quiet_highs() -> _Highs:
    """Return a HiGHS instance that writes nothing to the console.

    The public subclass prints a banner while it is constructed, before it can be told not to.
    """
    highs = _Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("log_to_console", False)
    return highs
