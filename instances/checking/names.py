"""Names that refer to something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from instances.findings import Finding, nearest_name


def known(place: str, names: Iterable[str], valid: Sequence[str], what: str) -> Iterator[Finding]:
    """A finding at ``place`` for each name that is none of the valid ones."""
    for name in names:
        if name not in valid:
            yield Finding(place, name, what, nearest_name(name, valid) or (valid[0] if len(valid) == 1 else None))
