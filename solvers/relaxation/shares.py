"""Shares of a point of the relaxation, kept where they are not 0: in most steps nothing of a part is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from solvers.relaxation.program import Floats, Integers


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares by part, step and choice.

    Attributes:
        shape: Parts, steps and choices.
        cell: Places in the table of that shape that are not 0 ``(k,)``, rising.
        share: What stands there ``(k,)``.
    """

    shape: tuple[int, ...]
    cell: Integers
    share: Floats

    @classmethod
    def of(cls, x: Floats) -> Self:
        """Those of a table ``(P, T, D)``."""
        cell = np.flatnonzero(x)
        return cls(x.shape, cell, x.ravel()[cell])

    def table(self) -> Floats:
        """All of them ``(P, T, D)``."""
        x = np.zeros(self.shape)
        x.ravel()[self.cell] = self.share
        return x
