"""What the files of MineLib hold, as frozen arrays.

Blocks, destinations, periods, resources and rows are numbered from 0. Values are money, undiscounted; MineLib discounts
period t (0, 1, ...) by (1 + rate)^t.

Source: Espinoza, Goycoolea, Moreno, Newman (2013), "MineLib: a library of open pit mining problems", Annals of
Operations Research 206:93.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """A ``.blocks`` file: grid coordinates ``(n, 3)`` and the further columns as text, whose meaning each mine sets."""

    coordinates: Integers
    attributes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Precedence:
    """A ``.prec`` file: block ``block[a]`` needs ``needed[a]`` mined before it or with it; ``n_blocks`` in all."""

    n_blocks: int
    block: Integers
    needed: Integers


@dataclass(frozen=True, eq=False)
class UltimatePit:
    """A ``.upit`` file: name and the value of every block ``(n,)``."""

    name: str
    value: Floats


@dataclass(frozen=True, eq=False)
class Limits:
    """Lower and upper limits, -inf and inf where there is none; resources: ``(R, T)``, general rows: ``(M,)``."""

    lower: Floats
    upper: Floats


@dataclass(frozen=True, eq=False)
class Resources:
    """Use of resources, one entry a nonzero: block, destination (0 in CPIT), resource, amount; all ``(k,)``."""

    block: Integers
    destination: Integers
    resource: Integers
    amount: Floats


@dataclass(frozen=True, eq=False)
class GeneralRows:
    """General side constraints, one entry a nonzero: block, destination, period, row, coefficient; all ``(k,)``."""

    block: Integers
    destination: Integers
    period: Integers
    row: Integers
    coefficient: Floats


@dataclass(frozen=True, eq=False)
class Constrained:
    """A ``.cpit`` or ``.pcpsp`` file; CPIT has one destination and no general rows.

    Attributes:
        name: Name of the instance.
        kind: ``CPIT`` or ``PCPSP``.
        n_periods: T.
        discount_rate: A fraction a period.
        value: Undiscounted value of every block at every destination ``(n, D)``; 0 where forbidden.
        forbidden: Destinations a block may not go to ``(n, D)``.
        resource_limits: Limits ``(R, T)``.
        resources: Use of the resources.
        general_limits: Limits ``(M,)``.
        general: Coefficients of the general rows.
    """

    name: str
    kind: str
    n_periods: int
    discount_rate: float
    value: Floats
    forbidden: NDArray[np.bool_]
    resource_limits: Limits
    resources: Resources
    general_limits: Limits
    general: GeneralRows

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.value.shape[0])

    @property
    def n_destinations(self) -> int:
        """Number of destinations."""
        return int(self.value.shape[1])

    def discount(self) -> Floats:
        """Discount factor of every period ``(T,)``, 1 in the first."""
        return np.asarray((1.0 + self.discount_rate) ** -np.arange(self.n_periods, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class ScheduleRows:
    """A ``.sol`` file: block, destination, period and share of the block; all ``(k,)``."""

    block: Integers
    destination: Integers
    period: Integers
    share: Floats
