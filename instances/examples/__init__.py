"""Block models made by generators, written as exports of other programs, to try pitwise on.

None of them is a real deposit. The same name always gives the same file, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable

from instances.examples.layered import layered
from instances.examples.porphyry import porphyry
from instances.examples.vein import vein

EXAMPLES: dict[str, Callable[[], str]] = {"porphyry": porphyry, "vein": vein, "layered": layered}
"""Text of the export by the name of the example."""

__all__ = ["EXAMPLES", "layered", "porphyry", "vein"]
