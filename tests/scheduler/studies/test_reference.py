"""The page on ``study.toml`` is that of the schema."""

from __future__ import annotations

from pathlib import Path

from scheduler.studies.reference import PAGE, study_toml_page

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_the_one_that_the_schema_gives():
    """Made anew by ``python -m scheduler.studies.reference docs``."""
    assert (DOCS / PAGE).read_text(encoding="utf-8") == study_toml_page()
