"""Writes the reference of ``study.toml`` from its schema: ``python -m scheduler.studies.reference docs``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from instances.documentation import write_pages
from instances.file_reference import part_section
from scheduler.studies.columns import COLUMNS
from scheduler.studies.scenarios import MOST
from scheduler.studies.schema import StudyFile

PAGE = Path("reference") / "study-toml.md"


def study_toml_page() -> str:
    """The file reference: every key of ``study.toml``, and the columns of the table of scenarios."""
    lines = [
        "# study.toml, key by key",
        "",
        "Made from the schema by `python -m scheduler.studies.reference docs`. How to use it is told in",
        "[](../studies.md).",
        "",
        "A study is one file (TOML, UTF-8). What is varied is named by the key paths of",
        "[mine.toml](mine-toml.md), and every scenario is checked as strictly as a mine is, before anything is solved.",
        f"A study has at most {MOST:,} scenarios. Unknown keys are refused.",
        "",
        *part_section(StudyFile, "", "The whole file"),
        "## The table of scenarios",
        "",
        "`scenarios.csv`, `scenarios.parquet`, and `Study(folder).results()` in Python.",
        "",
        "| column | meaning |",
        "|---|---|",
        *[f"| `{name}` | {meaning.replace('|', chr(92) + '|')} |" for name, meaning in COLUMNS.items()],
    ]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"), {PAGE: study_toml_page})
