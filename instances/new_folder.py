"""New folders, written whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from instances.findings import BadInput, Finding


def write_folder(folder: str | Path, write: Callable[[Path], None]) -> Path:
    """Writes a new folder beside its place and renames it, so that it is there whole or not at all.

    Args:
        folder: where; it must not hold anything.
        write: fills the folder that it is given.

    Raises:
        BadInput: where there is something in the folder already, or it cannot be written.
    """
    refuse_folder(folder)
    target = Path(folder).resolve()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir()
        write(part)
        if target.is_dir():
            target.rmdir()
        part.rename(target)
    except OSError as error:
        raise BadInput([Finding(str(folder), None, f"a folder that can be written ({error.strerror})")]) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Path(folder)


def refuse_folder(folder: str | Path) -> None:
    """Refuses a folder that holds something, or that stands in none, before time is spent.

    Raises:
        BadInput: where it is no folder, is not empty, or the folder above it is not there.
    """
    path = Path(folder)
    try:
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise BadInput([Finding(str(folder), None, "a new folder; there is a file of this name")])
        if path.is_dir() and any(path.iterdir()):
            raise BadInput([Finding(str(folder), None, "an empty folder or a new one; this one holds something")])
        if not path.resolve().parent.is_dir():
            raise BadInput([Finding(str(folder), None, "a new folder in one that exists")])
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput([Finding(str(folder), None, "the path of a new folder")]) from error
