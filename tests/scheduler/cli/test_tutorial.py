"""The tutorial on three exports, run as it stands: from file to audited plan with at most five lines edited."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from instances.examples import EXAMPLES

PAGE = Path(__file__).parents[3] / "docs" / "own-mine-tutorial.md"
RUN = re.compile(r"<!-- run -->\n```bash\n(.*?)```", re.DOTALL)
MOST_EDITED = 5


def commands() -> str:
    return "".join(RUN.findall(PAGE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", EXAMPLES)
def test_at_most_five_lines_are_edited(name: str):
    edits = [
        line for line in commands().splitlines() if line.startswith("sed ") and line.endswith(f" {name}/mine.toml")
    ]
    assert 0 < sum(1 + line.count("\\n") for line in edits) <= MOST_EDITED


@pytest.mark.slow
def test_the_tutorial_runs_as_it_stands(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    entry = tmp_path / "bin" / "pitwise"
    entry.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scheduler.cli "$@"\n', encoding="utf-8")
    entry.chmod(0o755)
    root = str(PAGE.parents[1])
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": root}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands()],  # noqa: S607
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("audit passed") == len(EXAMPLES)
    for name in EXAMPLES:
        assert (tmp_path / f"{name}-run" / "summary.json").is_file()
    assert "rotated\n    35 degrees" in done.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_the_same_every_time(name: str):
    assert EXAMPLES[name]() == EXAMPLES[name]()
