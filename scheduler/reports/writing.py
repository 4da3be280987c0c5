"""Writes the reports of a run: beside what the run holds, or to another folder, each file whole or not at all.

A report never changes a run: it only ever adds the files named here, and replaces none but an earlier report. Such a
one is known by the title of its page and by the mine that its workbook says it is of; its other files by lying beside
either of these, or in a run.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from instances.findings import BadInput, Finding
from scheduler.reports.facts import Facts
from scheduler.reports.page import report_page
from scheduler.reports.workbook import write_workbook
from scheduler.reports.workbook_sheets import PLAN_FILE, plan_fits
from scheduler.runfolder import MANIFEST

PAGE, WORKBOOK = "report.html", "report.xlsx"
HEAD_BYTES = 65_536
"""The title of a page is in so many first bytes of it."""
OF_A_MINE = re.compile(rb"<dc:description>mine [0-9a-f]{64}</dc:description>")


def write_reports(
    facts: Facts, out: str | Path | None = None, *, exports: Sequence[str] = (), stills: bool = False
) -> list[Path]:
    """Writes the page and the workbook of a run, and its block model and pictures where they are asked for.

    Args:
        facts: the run.
        out: folder, made where there is none; the run's own unless given.
        exports: endings of the files of the block model: of :data:`scheduler.reports.export.FORMS`.
        stills: whether the pit is drawn at the end of each period too.

    Returns:
        The files written.

    Raises:
        BadInput: where a form is not known, a file there is no earlier report, or the folder cannot be written.
    """
    from scheduler.reports.export import BLOCKS, write_blocks, writer_of  # noqa: PLC0415 - loads libraries of its own

    for form in exports:
        writer_of(form)
    folder = facts.run.folder if out is None else Path(out)
    writers: list[tuple[str, Callable[[Path], None]]] = [
        (PAGE, lambda path: write_text(path, report_page(facts))),
        (WORKBOOK, lambda path: write_workbook(facts, path)),
    ]
    if not plan_fits(facts):
        writers.append((PLAN_FILE, lambda path: facts.plan.mined.to_parquet(path, index=False)))
    writers += [(f"{BLOCKS}.{form}", partial(write_blocks, facts, form)) for form in exports]
    if stills:
        from scheduler.reports.stills import periods_drawn, write_still  # noqa: PLC0415 - loads VTK

        writers += [(f"pit-{facts.labels[one]}.png", partial(write_still, facts, one)) for one in periods_drawn(facts)]
    refuse_others(folder, [name for name, _ in writers])
    return [write_file(folder, name, write) for name, write in writers]


def refuse_others(folder: Path, names: Sequence[str]) -> None:
    """Refuses to replace what is no earlier report.

    Raises:
        BadInput: with every file of these names that is none.
    """
    signs = {PAGE: _is_page, WORKBOOK: _is_workbook}
    reported = (folder / MANIFEST).is_file() or any(is_own(folder / name) for name, is_own in signs.items())
    findings = [
        Finding(str(folder / name), None, "an earlier report, or no file of this name; this is something else")
        for name in names
        if os.path.lexists(folder / name) and not (signs[name](folder / name) if name in signs else reported)
    ]
    if findings:
        raise BadInput(findings)


def _is_page(file: Path) -> bool:
    """Whether a file is the page of a report."""
    try:
        with file.open("rb") as page:
            return b": production schedule</title>" in page.read(HEAD_BYTES)
    except OSError:
        return False


def _is_workbook(file: Path) -> bool:
    """Whether a file is the workbook of a report: its properties name the mine by its hash."""
    try:
        with zipfile.ZipFile(file) as book:
            return OF_A_MINE.search(book.read("docProps/core.xml")) is not None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False


def write_file(folder: Path, name: str, write: Callable[[Path], None]) -> Path:
    """Writes a file beside its place and then moves it there, so that it is never seen half written.

    Raises:
        BadInput: where the folder cannot be written.
    """
    part = folder / f".{secrets.token_hex(4)}.{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(part)
        os.replace(part, folder / name)  # noqa: PTH105 - replaces a file on every system
    except OSError as error:
        raise BadInput(
            [Finding(str(folder / name), None, f"a file that can be written ({error.strerror or error})")]
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return folder / name


def write_text(path: Path, text: str) -> None:
    """A text in UTF-8."""
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
