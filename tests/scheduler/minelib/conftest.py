"""Tiny MineLib files, written by hand."""

from pathlib import Path

import pytest

PRECEDENCE = "0 0\n1 0\n2 2 0 1\n"
BLOCKS = "0 0 0 1\n1 1 0 1\n2 0 0 0\n"
UPIT = """NAME: tiny
TYPE: UPIT
NBLOCKS: 3
OBJECTIVE_FUNCTION:
0 -2
1 -3
2 6
EOF
"""
PCPSP = """NAME: tiny
TYPE: PCPSP
NBLOCKS: 3
NPERIODS: 2
NDESTINATIONS: 2
NRESOURCE_SIDE_CONSTRAINTS: 1
NGENERAL_SIDE_CONSTRAINTS: 1
DISCOUNT_RATE: 0.25
RESOURCE_CONSTRAINT_LIMITS:
0 0 L 2
0 1 I 0.5 2
OBJECTIVE_FUNCTION:
0 -2 -1
1 -3 -1E+19
2 6 1
RESOURCE_CONSTRAINT_COEFFICIENTS:
0 0 0 1
0 1 0 1
1 0 0 1
2 0 0 1
2 1 0 1
GENERAL_CONSTRAINT_COEFFICIENTS:
2 0 1 0 1
0 0 0 0 1
GENERAL_CONSTRAINT_LIMITS:
0 G 0.25
EOF
"""
CPIT = """NAME: tiny
TYPE: CPIT
NBLOCKS: 3
NPERIODS: 2
NRESOURCE_SIDE_CONSTRAINTS: 1
DISCOUNT_RATE: 0.25
RESOURCE_CONSTRAINT_LIMITS:
0 0 L 2
0 1 L 2
OBJECTIVE_FUNCTION:
0 -2
1 -3
2 9
RESOURCE_CONSTRAINT_COEFFICIENTS:
0 0 1
1 0 1
2 0 1
EOF
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Folder with tiny.cpit, .pcpsp, .upit, .prec and .blocks: block 2 needs blocks 0 and 1."""
    for ending, text in (
        ("prec", PRECEDENCE),
        ("blocks", BLOCKS),
        ("upit", UPIT),
        ("pcpsp", PCPSP),
        ("cpit", CPIT),
    ):
        (tmp_path / f"tiny.{ending}").write_text(text, encoding="utf-8")
    return tmp_path
