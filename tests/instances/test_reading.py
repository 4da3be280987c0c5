"""Reading a mine: every fault is one clear line, and all are told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from instances.findings import BadInput
from instances.reading import read_mine
from tests.builders import tiny_blocks, tiny_data, tiny_mine, write_mine

JARGON = ("pydantic", "union", "tuple", "Input should", "type=", "constrained", "validation error", "dict")


def faults(folder: Path | str, *overrides: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read_mine(folder, overrides)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.findings)
    assert not [line for line in lines for word in JARGON if word in line]
    return lines


def with_changes(tmp_path: Path, **changes: object) -> list[str]:
    dotted = {path.replace("__", "."): value for path, value in changes.items()}
    return faults(write_mine(tmp_path / "mine", tiny_data(changes=dotted)))


def test_a_folder_its_file_and_memory_give_the_same_mine(tiny_folder: Path):
    assert read_mine(tiny_folder).hash() == read_mine(tiny_folder / "mine.toml").hash() == tiny_mine().hash()


def test_an_unknown_folder_names_the_mine_that_is_near(tiny_folder: Path):
    assert faults("mzoo")[0].endswith("(nearest: mzo)")
    assert str(tiny_folder) in faults(tiny_folder.parent / "tinny")[0]


def test_a_folder_without_the_file_names_the_nearest_file(tmp_path: Path):
    (tmp_path / "mime.toml").touch()
    (line,) = faults(tmp_path)
    assert line == f"{tmp_path}: expected a file mine.toml in this folder (nearest: mime.toml)"


@pytest.mark.parametrize("where", ["a\0b", "a" * 1000, ""])
def test_a_place_that_cannot_be_is_one_line(where: str):
    assert len(faults(where)) == 1


def test_another_kind_of_file_is_refused(tiny_folder: Path):
    assert "expected a folder with mine.toml" in faults(tiny_folder / "blocks.csv")[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"format = 1\nname = \n", "line 2, column 8"),
        (b"\xff\xfe\x00", "line 1: expected text in UTF-8"),
        (b'format = 1\ntitle = "caf\xe9"\n', "line 2: expected text in UTF-8"),
        (b"x = " + b"9" * 5000, "a number or list beyond reason"),
        (b"x = " + b"[" * 100_000, "a number or list beyond reason"),
    ],
    ids=["not-toml", "utf-16", "latin-1", "huge-number", "deep"],
)
def test_a_file_that_cannot_be_read_is_one_line(tiny_folder: Path, content: bytes, said: str):
    (tiny_folder / "mine.toml").write_bytes(content)
    (line,) = faults(tiny_folder)
    assert line.startswith("mine.toml")
    assert said in line


def test_a_byte_order_mark_is_tolerated(tiny_folder: Path):
    for name in ("mine.toml", "blocks.csv"):
        file = tiny_folder / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_mine(tiny_folder).hash() == tiny_mine().hash()


def test_a_wrong_sign_is_told_with_path_value_and_bound(tmp_path: Path):
    lines = with_changes(tmp_path, limits__mill_t_per_day=-5)
    assert lines == ["mine.toml: limits.mill_t_per_day is -5; expected a number >= 0"]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (
            "limits.mill_tpd",
            5,
            "limits.mill_tpd is 5; expected a key that [limits] knows (nearest: limits.mill_t_per_day)",
        ),
        (
            "limits.mining_kt_per_day",
            5,
            "limits.mining_kt_per_day is 5; expected a key that [limits] knows (nearest: limits.mining_mt_per_year)",
        ),
        (
            "destinations.mill.capacity_mt_per_day",
            1.0,
            (
                "destinations.mill.capacity_mt_per_day is 1.0; expected a key that [destinations.mill] knows "
                "(nearest: destinations.mill.capacity_mt_per_year)"
            ),
        ),
        (
            "discount_rate_per_year",
            0.08,
            (
                "discount_rate_per_year is 0.08; expected a key that the file knows (nearest: "
                "calendar.discount_rate_per_year)"
            ),
        ),
        (
            "limits.mill_t_per_day",
            "16000",
            "limits.mill_t_per_day is '16000'; expected a number >= 0, or a list with one for each period",
        ),
        (
            "limits.mill_t_per_day",
            True,
            "limits.mill_t_per_day is true; expected a number >= 0, or a list with one for each period",
        ),
        ("limits.mill_t_per_day", [1.0, -2.0, 3.0], "limits.mill_t_per_day.1 is -2.0; expected a number >= 0"),
        (
            "limits.mill_t_per_day",
            2e12,
            "limits.mill_t_per_day is 2000000000000.0; expected a number >= 0 and <= 1e+12",
        ),
        ("limits.mill_t_per_day", 10**30, f"limits.mill_t_per_day is {10**30}; expected a number >= 0 and <= 1e+12"),
        ("calendar.periods", 2_147_483_648, "calendar.periods is 2147483648; expected a whole number >= 1 and <= 200"),
        ("calendar.periods", 3.0, "calendar.periods is 3.0; expected a whole number >= 1 and <= 200"),
        ("calendar.start", "2020-01-01", "calendar.start is '2020-01-01'; expected a date, YYYY-MM-DD without quotes"),
        ("calendar.start", ..., "calendar.start: expected a date, YYYY-MM-DD without quotes; it is missing"),
        (
            "calendar.discounting",
            "mid",
            'calendar.discounting is \'mid\'; expected one of "start", "middle", "end" (nearest: middle)',
        ),
        (
            "destinations.dump.kind",
            "dumps",
            (
                'destinations.dump.kind is \'dumps\'; expected one of "mill", "stockpile", "dump", '
                '"tailings_facility" (nearest: dump)'
            ),
        ),
        (
            "destinations.dump.kind",
            ...,
            'destinations.dump.kind: expected one of "mill", "stockpile", "dump", "tailings_facility"; it is missing',
        ),
        ("destinations.mill.cost_per_t", -1.0, "destinations.mill.cost_per_t is -1.0; expected a number >= 0"),
        (
            "destinations.mill.recovery.cu.ore",
            89.0,
            "destinations.mill.recovery.cu.ore is 89.0; expected a number >= 0 and <= 1",
        ),
        (
            "destinations.pile.bins.low.leaves_at.cu",
            -1.0,
            "destinations.pile.bins.low.leaves_at.cu is -1.0; expected a number >= 0",
        ),
        (
            "blocks.size_m",
            [30.0, 30.0],
            "blocks.size_m is [30.0, 30.0]; expected a list of 3 values, each a number > 0",
        ),
        ("elements", {}, "elements is a table; expected a table with at least 1 entry"),
        ("limits", 3, "limits is 3; expected a table"),
        ("name", "1 tiny", "name is '1 tiny'; expected a name of at most 60 letters, digits, _ and -, a letter first"),
        ("format", 2, "format is 2; expected one of 1"),
        ("panels.bench_order", 1, "panels.bench_order is 1; expected true or false"),
    ],
)
def test_a_fault_of_a_key_is_one_line(tmp_path: Path, path: str, value: object, line: str):
    folder = write_mine(tmp_path / "mine", tiny_data(changes={path: value}))
    assert faults(folder) == [f"mine.toml: {line}"]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_no_number_is_infinite_or_missing(tiny_folder: Path, value: str):
    file = tiny_folder / "mine.toml"
    file.write_text(file.read_text().replace("mining_per_t = 2.0", f"mining_per_t = {value}"))
    (line,) = faults(tiny_folder)
    assert line.startswith(f"mine.toml: costs.mining_per_t is {value}; expected a number")


def test_a_misspelt_key_that_is_needed_is_told_once(tmp_path: Path):
    changes = {"destinations.mill.cost_per_t": ..., "destinations.mill.cost_per_tonne": 8.0}
    folder = write_mine(tmp_path / "mine", tiny_data(changes=changes))
    (line,) = faults(folder)
    assert line == (
        "mine.toml: destinations.mill.cost_per_tonne is 8.0; expected a key that [destinations.mill] knows, "
        "which needs cost_per_t (nearest: destinations.mill.cost_per_t)"
    )


def test_the_wrong_numbers_of_one_list_are_told_together(tmp_path: Path):
    folder = write_mine(tmp_path / "mine", tiny_data(periods=5, changes={"limits.mill_t_per_day": [-1, 2, -3, -4, -5]}))
    assert faults(folder) == [
        "mine.toml: limits.mill_t_per_day is -1 at 0, -3 at 2, -4 at 3 (4 in all); expected each a number >= 0"
    ]


def test_a_key_that_is_no_name_is_told(tmp_path: Path):
    folder = write_mine(tmp_path / "mine", tiny_data(changes={"phases": {"p1": {}, "9 lives": {}}}))
    (line,) = faults(folder)
    assert line.startswith("mine.toml: phases is '9 lives'; expected keys that are each a name")


def test_all_findings_come_at_once(tmp_path: Path):
    changes = {
        "limits.mill_t_per_day": -5,
        "limits.mining_tpd": 3,
        "calendar.discounting": "mid",
        "destinations.mill.accepts": ["ore", "lwo"],
        "products.copper.price_usd_per_lb": [3.0, 3.1],
        "phases.p1.after": "p0",
    }
    blocks = tiny_blocks()
    blocks.loc[0, "tonnes"] = -1
    blocks.loc[1, "block"] = "b2-0-1"
    lines = faults(write_mine(tmp_path / "mine", tiny_data(changes=changes), blocks), "limits.strp_ratio_max=2")
    for part in (
        "--set limits.strp_ratio_max=2",
        "limits.mill_t_per_day",
        "limits.mining_tpd",
        "calendar.discounting",
        "destinations.mill.accepts",
        "products.copper.price_usd_per_lb",
        "phases.p1.after",
        "blocks.csv: tonnes",
        "blocks.csv: block",
    ):
        assert [line for line in lines if part in line], part
    assert len(lines) == 9


def test_a_refused_value_brings_no_further_findings(tmp_path: Path):
    (line,) = with_changes(tmp_path, products__copper__price_usd_per_lb=-3.0)
    assert "price_usd_per_lb is -3.0" in line


@pytest.mark.parametrize("spoil", [lambda text: text, lambda text: "\n".join(reversed(text.split("\n")))])
def test_the_hash_does_not_see_the_order_of_lines(tiny_folder: Path, spoil: Callable[[str], str]):
    file = tiny_folder / "blocks.csv"
    heading, _, rows = file.read_text().strip().partition("\n")
    file.write_text(f"{heading}\n{spoil(rows)}\n")
    assert read_mine(tiny_folder).hash() == tiny_mine().hash()


def test_one_override_that_is_refused_hides_no_fault_of_another():
    """An unknown key and a wrong value in two overrides are both told."""
    with pytest.raises(BadInput) as caught:
        read_mine("mzo", ["foo.bar=1", "limits.mill_t_per_day=abc"])
    told = [str(finding) for finding in caught.value.findings]
    assert len(told) == 2
    assert any("foo.bar=1" in line for line in told)
    assert any("limits.mill_t_per_day" in line and "abc" in line for line in told)
