"""Writes the pages of the documentation that follow from the data: the references, and the bundled mine.

``python -m instances.documentation docs`` writes ``docs/reference/mine-toml.md``, ``docs/reference/columns.md`` and
``docs/mzo.md``. The same inputs give the same pages, byte for byte.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from instances.file_reference import mine_toml_page
from instances.importing.page import columns_page
from instances.mzo.page import mzo_page

PAGES = {
    Path("reference") / "mine-toml.md": mine_toml_page,
    Path("reference") / "columns.md": columns_page,
    Path("mzo.md"): mzo_page,
}

log = logging.getLogger(__name__)


def write_pages(docs: Path, pages: Mapping[Path, Callable[[], str]] = PAGES) -> None:
    """Writes pages below the folder ``docs``, by their place in it."""
    for name, page in pages.items():
        file = docs / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(), encoding="utf-8")
        log.info("wrote %s", file)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
