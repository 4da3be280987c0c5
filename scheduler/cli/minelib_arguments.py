"""Arguments, and files written, that the commands on MineLib files share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from instances.findings import BadInput, Finding

PrecedenceOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--precedence", metavar="FILE", help="The .prec file; the one of the same name beside unless given."),
]
BlocksOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--blocks", metavar="FILE", help="The .blocks file; the one of the same name beside, if any."),
]
ReplaceOption: TypeAlias = Annotated[bool, typer.Option("--replace", help="Replace a file that is there already.")]


def refuse_file(path: str | None, *, replace: bool) -> None:
    """Refuses a file that cannot be written or would be overwritten, before time is spent; None is no file."""
    if path is None:
        return
    file = Path(path)
    if file.is_dir():
        raise BadInput([Finding(path, None, "the name of a file, not of a folder")])
    if file.exists() and not replace:
        raise BadInput([Finding(path, None, "a file that does not exist yet, or --replace")])
    folder = file.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput([Finding(path, None, f"a file in a folder that can be written; {folder} is none")])


def write_whole(path: str, write: Callable[[Path], object]) -> None:
    """Writes a file beside and renames it, so that it is there whole or not at all."""
    file = Path(path)
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write(scratch)
        scratch.replace(file)
    except OSError as error:
        raise BadInput([Finding(path, str(error), "a file that can be written")]) from None
    finally:
        scratch.unlink(missing_ok=True)
