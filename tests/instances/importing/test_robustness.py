"""Whatever is done to a file, it becomes a mine or a list of findings, a line each: nothing else is ever raised."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from instances.findings import BadInput
from instances.importing.folder import new_mine
from tests.instances.importing.exports import EXPORTS, small_model

SCRAPS = [
    b",",
    b";",
    b"\n",
    b'"',
    b"-99",
    b"1e30",
    b"1e308",
    b"nan",
    b"inf",
    b"=",
    b"\0",
    b"\xff",
    b"9" * 400,
    b"#",
    b"",
]


def originals() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        found = [write(Path(folder) / name, small_model(4, 3, 3)).read_bytes() for name, write in EXPORTS.items()]
    gslib = "grid\n3 2 2 2 5 5 5 10 10 10\ncu\nau\ndensity\n" + "0.1 0.2 2.7\n" * 8
    return [*found, gslib.encode()]


ORIGINALS = originals()


@settings(max_examples=200, deadline=None)
@given(
    original=st.sampled_from(ORIGINALS),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(SCRAPS)), min_size=1, max_size=5),
)
def test_a_damaged_file_is_read_or_told(original: bytes, cuts: list[tuple[float, int, bytes]]):
    damaged = bytearray(original)
    for place, length, scrap in cuts:
        start = int(place * len(damaged))
        damaged[start : start + length] = scrap
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.csv"
        file.write_bytes(bytes(damaged))
        try:
            mine = new_mine(file, "damaged")
        except BadInput as refused:
            told = [str(finding) for finding in refused.findings]
        else:
            told = [] if (mine.model.blocks["tonnes"] > 0).all() else ["no tonnes"]
    assert all("expected" in line and "\n" not in line for line in told)
