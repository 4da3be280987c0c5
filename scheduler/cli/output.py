"""What goes to stdout and stderr, and how."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from scheduler.outcome import BAD_INPUT

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100
"""Columns of the tables where stdout is no terminal."""


@contextmanager
def page() -> Iterator[Console]:
    """Where tables are printed: what is printed inside goes to stdout at its end, lines without trailing blanks.

    In plain text of fixed width unless stdout is a terminal.
    """
    from rich.console import Console  # noqa: PLC0415

    on_terminal = sys.stdout.isatty()
    console = Console(
        file=sys.stdout,
        width=None if on_terminal else WIDTH,
        force_terminal=on_terminal,
        color_system="auto" if on_terminal else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as printed:
        yield console
    emit("\n".join(line.rstrip() for line in printed.get().splitlines()))


def emit(text: str) -> None:
    """Text on stdout. Where its reader has had enough, as ``head`` has, the rest is dropped without complaint."""
    try:
        typer.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(console: Console, text: str, indent: str = "") -> None:
    """A sentence, broken at the width of the page; further lines are indented."""
    lines = textwrap.wrap(
        text, console.width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )
    for line in lines:
        console.print(line, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON object on stdout."""
    from scheduler.runfolder import json_text  # noqa: PLC0415

    emit(json_text(value).rstrip())


def tell_bad_input(findings: Sequence[str], *, as_json: bool) -> None:
    """Each finding on a line of stderr; with ``as_json`` an object on stdout too."""
    for finding in findings:
        typer.echo(finding, err=True)
    if as_json:
        text = json.dumps({"findings": list(findings), "status": BAD_INPUT}, indent=2, ensure_ascii=False)
        emit(text)


def own_version() -> str:
    """Version of pitwise."""
    import importlib.metadata  # noqa: PLC0415

    try:
        return importlib.metadata.version("pitwise")
    except importlib.metadata.PackageNotFoundError:
        return "0+not-installed"
