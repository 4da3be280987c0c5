"""MineLib files: what the readers accept, every fault they name, and round trips through the writers."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.findings import BadInput
from instances.minelib import (
    Constrained,
    GeneralRows,
    Limits,
    Precedence,
    Resources,
    ScheduleRows,
    UltimatePit,
    plain,
    read_blocks,
    read_cpit,
    read_pcpsp,
    read_precedence,
    read_schedule,
    read_upit,
    tables,
    write_blocks,
    write_precedence,
    write_problem,
    write_schedule,
    write_upit,
)
from instances.minelib import problem as problem_file
from instances.minelib.plain import lists

FOLDER = os.environ.get("PITWISE_MINELIB")

CPIT = """% a comment line
NAME: tiny
TYPE:\tCPIT
NBLOCKS: 3
NPERIODS: 2
NRESOURCE_SIDE_CONSTRAINTS: 1
DISCOUNT_RATE: 0.1
RESOURCE_CONSTRAINT_LIMITS:
0 0 L 10   % a comment after the fields
0:1:I:2:8
OBJECTIVE_FUNCTION:
0 5
1\t-1.5
2 3e2
RESOURCE_CONSTRAINT_COEFFICIENTS:
0 0 1
2 0 2.5
EOF
"""

PCPSP = """NAME: two
TYPE: PCPSP
NBLOCKS: 2
NPERIODS: 1
NDESTINATIONS: 2
NRESOURCE_SIDE_CONSTRAINTS: 1
NGENERAL_SIDE_CONSTRAINTS: 2
DISCOUNT_RATE: 0
RESOURCE_CONSTRAINT_LIMITS:
0 0 G 1
OBJECTIVE_FUNCTION:
0 -1 7
1 -2 -5.36E+19
RESOURCE_CONSTRAINT_COEFFICIENTS:
0 1 0 4
GENERAL_CONSTRAINT_COEFFICIENTS:
0 1 0 0 2.5
1 0 0 1 -1
GENERAL_CONSTRAINT_LIMITS:
0 L 3
1 I -2 0
EOF
"""


def write(folder: Path, text: str, name: str = "mine.cpit") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def findings(reader, *arguments) -> list[str]:
    with pytest.raises(BadInput) as caught:
        reader(*arguments)
    return [str(finding) for finding in caught.value.findings]


def test_cpit_with_blanks_tabs_colons_and_comments(tmp_path):
    """Separators are interchangeable, comments vanish, absent coefficients are zero."""
    problem = read_cpit(write(tmp_path, CPIT))
    assert (problem.name, problem.n_blocks, problem.n_periods, problem.discount_rate) == ("tiny", 3, 2, 0.1)
    assert problem.value.tolist() == [[5.0], [-1.5], [300.0]]
    assert problem.resource_limits.lower.tolist() == [[-np.inf, 2.0]]
    assert problem.resource_limits.upper.tolist() == [[10.0, 8.0]]
    assert problem.resources.amount.tolist() == [1.0, 2.5]
    assert problem.discount().tolist() == pytest.approx([1.0, 1 / 1.1])


def test_pcpsp_with_general_rows_minimum_and_forbidden_destination(tmp_path):
    """Limits L, G and I, general rows, and a destination forbidden by a huge negative value."""
    problem = read_pcpsp(write(tmp_path, PCPSP))
    assert problem.forbidden.tolist() == [[False, False], [False, True]]
    assert problem.value.tolist() == [[-1.0, 7.0], [-2.0, 0.0]]
    assert (problem.resource_limits.lower.tolist(), problem.resource_limits.upper.tolist()) == ([[1.0]], [[np.inf]])
    assert problem.general_limits.lower.tolist() == [-np.inf, -2.0]
    assert problem.general_limits.upper.tolist() == [3.0, 0.0]
    assert problem.general.coefficient.tolist() == [2.5, -1.0]


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("2 3e2\n", "", "mine.cpit:13", "3 lines, one a block"),
        ("2 3e2", "7 3e2", "mine.cpit:14", "block in 0..2"),
        ("2 3e2", "1 3e2", "mine.cpit:14", "each block once"),
        ("2 3e2", "2 3e2 9", "mine.cpit:14", "1 values, one a destination"),
        ("2 3e2", "2 nan", "mine.cpit:14", "finite"),
        ("2 3e2", "2 1e300", "mine.cpit:14", "finite number up to"),
        ("2 3e2", "2 many", "mine.cpit:14", "a number"),
        ("0 0 L 10", "0 0 L 0", "mine.cpit:9", "a capacity above zero"),
        ("0 0 L 10", "0 0 L -4", "mine.cpit:9", "a capacity above zero"),
        ("0 0 L 10", "0 0 Q 10", "mine.cpit:9", "L limit, G limit or I lower upper"),
        ("0 0 L 10", "0 0 I 10", "mine.cpit:9", "I lower upper"),
        ("0 0 L 10", "0 0 I 10 9", "mine.cpit:9", "lower <= upper"),
        ("0 0 L 10", "0 5 L 10", "mine.cpit:9", "period in 0..1"),
        ("0:1:I:2:8\n", "", "mine.cpit:9", "2 limits"),
        ("NPERIODS: 2", "NPERIODS: 0", "mine.cpit:5", "NPERIODS, a whole number from 1"),
        ("NPERIODS: 2", "NPERIOD: 2", "mine.cpit:5", "nearest: NPERIODS"),
        ("DISCOUNT_RATE: 0.1", "DISCOUNT_RATE: 8", "mine.cpit:7", "a fraction"),
        ("DISCOUNT_RATE: 0.1", "DISCOUNT_RATE: nan", "mine.cpit:7", "finite"),
        ("2 0 2.5", "2 3 2.5", "mine.cpit:17", "resource in 0..0"),
        ("2 0 2.5", "0 0 2.5", "mine.cpit:17", "each coefficient once"),
        ("2 0 2.5", "2 0", "mine.cpit:17", "3: block, resource, coefficient"),
        ("TYPE:\tCPIT", "TYPE: PCPSP", "mine.cpit:3", "TYPE CPIT"),
    ],
)
def test_faults_are_named_with_file_and_line(tmp_path, old, new, place, words):
    """Each fault gives a finding at its line that says what was expected."""
    assert old in CPIT
    found = findings(read_cpit, write(tmp_path, CPIT.replace(old, new, 1)))
    assert any(line.split()[0].rstrip(":") == place and words in line for line in found), found


def test_all_findings_at_once(tmp_path):
    """Three faults in three sections are three findings."""
    text = CPIT.replace("0 0 L 10", "0 0 L -1").replace("1\t-1.5", "1 nan").replace("2 0 2.5", "9 0 2.5")
    assert len(findings(read_cpit, write(tmp_path, text))) == 3


@pytest.mark.parametrize("length", range(0, len(CPIT) - 4, 17))
def test_truncated_files_are_refused(tmp_path, length):
    """A file cut off anywhere is refused, never read as a smaller mine."""
    assert findings(read_cpit, write(tmp_path, CPIT[:length]))


def test_missing_and_unreadable_files_are_findings(tmp_path):
    """No such file, and a file that is not text."""
    assert "a file of this name" in findings(read_cpit, tmp_path / "none.cpit")[0]
    (tmp_path / "binary.cpit").write_bytes(b"\xff\xfe\x00\x80")
    assert "readable text" in findings(read_cpit, tmp_path / "binary.cpit")[0]


def test_a_block_with_every_destination_forbidden(tmp_path):
    """A block that may go nowhere is a finding."""
    text = PCPSP.replace("1 -2 -5.36E+19", "1 -1e19 -5.36E+19")
    assert "a destination the block may go to" in findings(read_pcpsp, write(tmp_path, text))[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0\n1 1 0\n2 2 1 5\n", "needed block in 0..2"),
        ("0 0\n1 2 0\n2 0\n", "the number of blocks that follow, 1"),
        ("0 0\n1 1 0\n", "1 blocks missing, first 2"),
        ("0 0\n0 0\n1 0\n2 0\n", "each block once"),
        ("0 1 1\n1 1 2\n2 1 0\n", "cycle 0 needs 1 needs 2 needs 0"),
        ("0 1 0\n1 0\n2 1 1\n", "cycle 0 needs 0"),
        ("0 0\n1 x\n2 0\n", "the number of blocks that follow"),
    ],
)
def test_precedence_faults(tmp_path, text, words):
    """Arcs to missing blocks, wrong counts, missing and repeated blocks, and a cycle named block by block."""
    assert any(words in line for line in findings(read_precedence, write(tmp_path, text, "mine.prec"), 3))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0 0\n", "4 fields"),
        ("9 0 0 1\n", "block in 0..2"),
        ("0 1 0 1\n", "destination in 0..0"),
        ("0 0 2 1\n", "period in 0..1"),
        ("0 0 0 1.2\n", "a share in 0..1"),
    ],
)
def test_schedule_faults(tmp_path, text, words):
    """Ids out of range and impossible shares."""
    assert words in findings(read_schedule, write(tmp_path, text, "a.sol"), 3, 1, 2)[0]


@pytest.mark.parametrize("text", ["", "0 1 2 3 a\n1 1 2 3\n", "0 1 2\n", "0 1 2 3\n0 1 2 3\n"])
def test_block_table_faults(tmp_path, text):
    """Empty, ragged, too narrow, repeated."""
    assert findings(read_blocks, write(tmp_path, text, "mine.blocks"))


def same(first, second):
    """Frozen arrays equal field by field."""
    for name in type(first).__dataclass_fields__:
        one, other = getattr(first, name), getattr(second, name)
        if hasattr(one, "__dataclass_fields__"):
            same(one, other)
        else:
            np.testing.assert_array_equal(one, other)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_written_is_read_back_equal(tmp_path_factory, seed):
    """Problem, precedence, pit and schedule go through files unchanged, digit for digit."""
    folder = tmp_path_factory.mktemp("minelib")
    rng = np.random.default_rng(seed)
    n, T, R, M = (int(rng.integers(1, 6)) for _ in range(4))
    kind = "CPIT" if rng.random() < 0.5 else "PCPSP"
    D = 1 if kind == "CPIT" else int(rng.integers(2, 4))
    M = 0 if kind == "CPIT" else M
    forbidden = np.zeros((n, D), np.bool_)
    forbidden[:, 1:] = rng.random((n, D - 1)) < 0.3
    used = np.argwhere(rng.random((n, D, R)) < 0.5)
    cells = np.argwhere(rng.random((n, D, T, M)) < 0.3)
    limit = rng.uniform(1, 9, (R, T))
    general = rng.normal(0, 5, M)
    problem = Constrained(
        name="round trip",
        kind=kind,
        n_periods=T,
        discount_rate=float(rng.uniform(0, 0.2)),
        value=np.where(forbidden, 0.0, rng.normal(0, 1e6, (n, D))),
        forbidden=forbidden,
        resource_limits=Limits(np.where(rng.random((R, T)) < 0.5, 0.5 * limit, -np.inf), limit),
        resources=Resources(used[:, 0], used[:, 1], used[:, 2], rng.uniform(0, 9, len(used))),
        general_limits=Limits(general, np.where(rng.random(M) < 0.5, general + 1, np.inf)),
        general=GeneralRows(cells[:, 0], cells[:, 1], cells[:, 2], cells[:, 3], rng.normal(0, 1, len(cells))),
    )
    write_problem(problem, folder / "a")
    same((read_cpit if kind == "CPIT" else read_pcpsp)(folder / "a"), problem)
    pit = UltimatePit("pit", problem.value[:, 0])
    write_upit(pit, folder / "b")
    same(read_upit(folder / "b"), pit)
    arcs = np.argwhere(np.tril(rng.random((n, n)) < 0.5, -1))
    precedence = Precedence(n, arcs[:, 0], arcs[:, 1])
    write_precedence(precedence, folder / "c")
    same(read_precedence(folder / "c", n), precedence)
    rows = rng.integers(0, n, 4)
    schedule = ScheduleRows(rows, rows * 0, rows * 0, rng.uniform(0, 1, 4))
    write_schedule(schedule, folder / "d")
    same(read_schedule(folder / "d", n, 1, 1), schedule)


DAMAGE = [*" \n:%\t-+.017ex_\r\x0c\u0663", "", "\r\n", "nan", "1e16"]
TABLES = {
    "mine.cpit": (read_cpit, CPIT, ()),
    "mine.pcpsp": (read_pcpsp, PCPSP, ()),
    "mine.upit": (read_upit, "NBLOCKS: 2\nOBJECTIVE_FUNCTION:\n0 1\n1 -2.5\nEOF\n", ()),
    "mine.blocks": (read_blocks, "1 0 0 1 7 x\n0 2 3 4 8 y\n2 1 1 1 1 z\n", ()),
    "mine.prec": (read_precedence, "0 0\n1 1 0\n2 2 0 1\n", (3,)),
    "mine.sol": (read_schedule, "0 0 0 1\n1 0 1 0.5\n", (3, 1, 2)),
}


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=100, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2), st.sampled_from(DAMAGE)), max_size=3))
def test_read_at_once_or_line_by_line_is_the_same(tmp_path_factory, name, changes):
    """Whatever stands in a file: the same arrays, or the same findings, whether or not its lines are read at once."""
    reader, text, arguments = TABLES[name]
    for at, gone, come in changes:
        place = at % (len(text) + 1)
        text = text[:place] + come + text[place + gone :]
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(text.encode())

    def outcome():
        try:
            return reader(path, *arguments)
        except BadInput as error:
            return [str(finding) for finding in error.findings]

    at_once = outcome()
    with pytest.MonkeyPatch.context() as patch:
        for module, function in (
            (problem_file, "columns"),
            (tables, "columns"),
            (tables, "lists"),
        ):
            patch.setattr(module, function, lambda *_: None)
        by_line = outcome()
    assert isinstance(at_once, list) == isinstance(by_line, list)
    if isinstance(by_line, list):
        assert at_once == by_line
    else:
        same(at_once, by_line)


def test_a_file_too_large_for_the_memory_is_a_finding(tmp_path, monkeypatch):
    """One line with its size."""

    def too_much(*_):
        raise MemoryError

    monkeypatch.setattr(tables, "lists", too_much)
    found = findings(read_precedence, write(tmp_path, "0 0\n", "mine.prec"), 1)
    assert found == ["mine.prec is '0 MB'; expected a file that fits into the memory that is free"]


@pytest.mark.parametrize("chunk", [1, 7, 30, 1000])
def test_precedence_in_chunks(tmp_path, monkeypatch, chunk):
    """However many bytes are looked at together, the arcs are the same."""
    rng = np.random.default_rng(chunk)
    arcs = np.argwhere(np.tril(rng.random((30, 30)) < 0.3, -1))
    precedence = Precedence(30, arcs[:, 0], arcs[:, 1])
    write_precedence(precedence, tmp_path / "mine.prec")
    monkeypatch.setattr(plain, "_CHUNK", chunk)
    assert lists((tmp_path / "mine.prec").read_bytes(), 30) is not None
    same(read_precedence(tmp_path / "mine.prec", 30), precedence)


@pytest.mark.skipif(FOLDER is None, reason="PITWISE_MINELIB does not name a folder with the MineLib files")
def test_published_files_round_trip(tmp_path):
    """Every file of newman1 is read, written and read again without a difference."""
    files = Path(str(FOLDER)) / "newman1"
    for ending, reader in (("cpit", read_cpit), ("pcpsp", read_pcpsp)):
        problem = reader(files / f"newman1.{ending}")
        assert (problem.n_blocks, problem.n_periods) == (1060, 6)
        write_problem(problem, tmp_path / ending)
        same(reader(tmp_path / ending), problem)
    precedence = read_precedence(files / "newman1.prec", 1060)
    assert precedence.block.size == 3922
    write_precedence(precedence, tmp_path / "prec")
    same(read_precedence(tmp_path / "prec", 1060), precedence)
    blocks = read_blocks(files / "newman1.blocks")
    write_blocks(blocks, tmp_path / "blocks")
    same(read_blocks(tmp_path / "blocks"), blocks)
    pit = read_upit(files / "newman1.upit")
    write_upit(pit, tmp_path / "upit")
    same(read_upit(tmp_path / "upit"), pit)
    schedule = read_schedule(files / "newman1_pcpsp_gmunoz120723.sol", 1060, 2, 6)
    write_schedule(schedule, tmp_path / "sol")
    same(read_schedule(tmp_path / "sol", 1060, 2, 6), schedule)
