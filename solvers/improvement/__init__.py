"""Better whole schedules by solving small parts of the program again: large-neighbourhood search.

Source: Shaw (1998), "Using constraint programming and local search methods to solve vehicle routing problems"; Ropke
and Pisinger (2006), Transportation Science 40:455, for the adaptive choice of neighbourhoods.
"""

from solvers.improvement.search import ImprovementOptions, ImprovementResult, Round, improve
from solvers.improvement.settling import merit, row_penalties, settle
from solvers.improvement.spread_subprogram import SpreadSubprogramBuilder
from solvers.improvement.subprogram import SubprogramBuilder
from solvers.improvement.trail import Guidance

__all__ = [
    "Guidance",
    "ImprovementOptions",
    "ImprovementResult",
    "Round",
    "SpreadSubprogramBuilder",
    "SubprogramBuilder",
    "improve",
    "merit",
    "row_penalties",
    "settle",
]
