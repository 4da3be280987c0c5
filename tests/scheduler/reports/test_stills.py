"""Pictures of the pit: what is left stands in the colour of the period in which it goes, until it has gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scheduler.reports.blocks import NEVER
from scheduler.reports.facts import Facts
from scheduler.reports.still_legend import SWATCH
from scheduler.reports.stills import SIZE, legend_entries

DRAW = """
import sys
from pathlib import Path
from scheduler.reports.facts import read_facts
from scheduler.reports.writing import write_reports
write_reports(read_facts(sys.argv[1]), sys.argv[2], stills=True)
"""


@pytest.fixture(scope="module")
def stills(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures, drawn in a process of its own: where VTK cannot draw at all it takes its process with it."""
    folder = tmp_path_factory.mktemp("stills")
    done = subprocess.run([sys.executable, "-c", DRAW, small_run, folder], capture_output=True, text=True, check=False)
    if done.returncode < 0:
        pytest.skip("VTK cannot draw off screen here: no picture of the pit was drawn")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder


def hues(path: Path) -> set[tuple[int, ...]]:
    """Colours of a picture that are no shade of grey or of the ground, coarsely."""
    with Image.open(path) as picture:
        assert picture.size == SIZE
        pixels = np.asarray(picture.convert("RGB"))[:500].reshape(-1, 3).astype(int)
    vivid = pixels[np.ptp(pixels, axis=1) > 60]
    return {tuple(colour) for colour in np.unique(vivid // 16, axis=0).tolist()}


def test_there_is_a_picture_for_each_period_in_which_the_pit_works(stills: Path, small: Facts):
    worked = [label for label, moved in zip(small.labels, small.series("moved_mt"), strict=True) if moved > 0]
    assert sorted(path.name for path in stills.glob("*.png")) == [f"pit-{label}.png" for label in worked]


def test_what_is_left_is_seen_until_it_has_gone(stills: Path):
    pictures = sorted(stills.glob("*.png"))
    assert hues(pictures[0])
    assert hues(pictures[-1]) == set()
    assert len({path.read_bytes() for path in pictures}) == len(pictures)


def test_the_words_of_the_legend_are_dark_whatever_the_colour(stills: Path, small: Facts):
    """A period's colour is in its swatch, and nowhere else in the legend."""
    for path in stills.glob("*.png"):
        with Image.open(path) as picture:
            legend = np.asarray(picture.convert("RGB")).astype(int)[-260:, -220:]
        for period in sorted(set(small.blocks["period"]) - {NEVER}):
            colour = [int(small.period_colours[period][at : at + 2], 16) for at in (1, 3, 5)]
            alike = int((np.abs(legend - colour).max(axis=2) <= 8).sum())
            assert 0.7 * SWATCH**2 <= alike <= 1.2 * SWATCH**2
        assert (legend.max(axis=2) < 90).sum() > 300


def test_fill_from_earlier_mining_is_named(mzo: Facts, small: Facts):
    last = legend_entries(mzo)[-1]
    assert (last.name, last.outlined) == ("backfilled rock and tailings", True)
    assert not any(entry.outlined for entry in legend_entries(small))
