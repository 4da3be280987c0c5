"""The command line's entry: commands, exit codes, and how errors are told."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from instances.findings import BadInput
from scheduler.cli import (
    board,
    bound,
    check,
    compare,
    example,
    instances,
    new,
    pit,
    pits,
    report_command,
    show,
    solve,
    study,
    validate,
    verify,
)
from scheduler.cli.output import tell_bad_input
from scheduler.outcome import ExitCode

INTERRUPTED = 130
"""As the shell has it for a program ended by Ctrl-C."""


class Guarded(TyperGroup):
    """Commands whose errors are told on a line and end in an exit code."""

    def main(self, args: Sequence[str] | None = None, *given: Any, **named: Any) -> Any:  # noqa: ANN401
        """Runs a command and leaves with its exit code."""
        arguments = list(sys.argv[1:] if args is None else args) or ["--help"]
        named["standalone_mode"] = False
        sys.exit(self._code(arguments, *given, **named))

    def _code(self, arguments: list[str], *given: Any, **named: Any) -> int:  # noqa: ANN401
        as_json = "--json" in arguments
        try:
            code = super().main(arguments, *given, **named)
        except BadInput as error:
            tell_bad_input([str(finding) for finding in error.findings], as_json=as_json)
            return ExitCode.BAD_INPUT
        except (KeyboardInterrupt, typer.Abort):
            typer.echo("pitwise: interrupted", err=True)
            return INTERRUPTED
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug, and told as one
            say = getattr(error, "format_message", None)
            if say is not None:
                tell_bad_input([f"pitwise: {' '.join(say().split())} (see pitwise --help)"], as_json=as_json)
                return ExitCode.BAD_INPUT
            typer.echo(f"pitwise: bug: {type(error).__name__}: {error}; please report it with what follows", err=True)
            typer.echo("".join(traceback.format_exception(error)), err=True, nl=False)
            return ExitCode.BUG
        return code if isinstance(code, int) else ExitCode.DONE


app = typer.Typer(
    name="pitwise",
    cls=Guarded,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 a bug; 2 bad input; 3 infeasible, proven and explained; 4 stopped at a limit, the "
    "plan is written; 5 audit or verification failed; 6 stopped at a limit with no plan found.",
)
app.command("solve")(solve.solve)
app.command("check")(check.check)
app.command("validate")(validate.validate)
app.command("example")(example.example)
app.command("new")(new.new)
app.command("show")(show.show)
app.command("verify")(verify.verify)
app.command("report")(report_command.report)
app.command("compare")(compare.compare)
app.command("board")(board.board)
app.command("pit")(pit.pit)
app.command("pits")(pits.pits)
app.command("bound")(bound.bound)
app.command("study")(study.study)
app.command("instances")(instances.instances)


def _version(*, wanted: bool) -> None:
    if wanted:
        from scheduler.cli.output import own_version  # noqa: PLC0415

        typer.echo(f"pitwise {own_version()}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback has done the work
        bool, typer.Option("--version", callback=lambda value: _version(wanted=value), is_eager=True, help="Version.")
    ] = False,
    allow_outside: Annotated[
        bool, typer.Option("--allow-outside", help="Let a mine.toml name tables outside its folder.")
    ] = False,
) -> None:
    """Open-pit mine production scheduling with a proven bound on every plan."""
    if allow_outside:
        from instances.table import files_outside_allowed  # noqa: PLC0415

        context.with_resource(files_outside_allowed())


def run() -> None:
    """Runs the command line; the entry point of ``pitwise``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app()
