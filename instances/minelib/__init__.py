"""The files of MineLib: reading, checking, writing."""

from instances.minelib.model import (
    Blocks,
    Constrained,
    GeneralRows,
    Limits,
    Precedence,
    Resources,
    ScheduleRows,
    UltimatePit,
)
from instances.minelib.problem import read_cpit, read_pcpsp, read_upit
from instances.minelib.tables import read_blocks, read_precedence, read_schedule
from instances.minelib.writing import write_blocks, write_precedence, write_problem, write_schedule, write_upit

__all__ = [
    "Blocks",
    "Constrained",
    "GeneralRows",
    "Limits",
    "Precedence",
    "Resources",
    "ScheduleRows",
    "UltimatePit",
    "read_blocks",
    "read_cpit",
    "read_pcpsp",
    "read_precedence",
    "read_schedule",
    "read_upit",
    "write_blocks",
    "write_precedence",
    "write_problem",
    "write_schedule",
    "write_upit",
]
