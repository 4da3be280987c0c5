"""The model as arrays: built by Pyomo, or its rows read from a file where a like problem was built before.

Rows depend on tonnes, limits and precedence; money is in the objective alone. So scenarios that differ in prices, costs
or the discount rate share their rows, and Pyomo builds variables and objective only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from scipy import sparse

from scheduler.formulation.build import begin, finish
from scheduler.formulation.context import Context, Formulation
from scheduler.formulation.strengthening import cuts
from scheduler.problem import Problem
from solvers.program import Program
from solvers.rowpool import RowPool
from solvers.standard_form import CompiledModel, Place, compile_model, compiled_anew, place

MOST_KEPT = 16
"""Files in a folder; a study that changes the rows in every scenario would fill it for nothing."""


class Assembly(NamedTuple):
    """A model ready to be solved.

    Attributes:
        context: problem and Pyomo model; without constraints where the rows were read.
        compiled: the program of its families.
        pool: the strengthening rows.
    """

    context: Context
    compiled: CompiledModel
    pool: RowPool


def assembled(problem: Problem, formulation: Formulation | None = None, kept: Path | None = None) -> Assembly:
    """The model of a problem as arrays, the same to the bit whether its rows are built or read.

    Args:
        problem: the problem statement.
        formulation: which of the equivalent formulations; the strongest unless given.
        kept: folder of rows kept, made if its parent is there; rows that are not there are built, and kept as long as
            there is room. A file that is damaged, or cannot be written, is passed over.
    """
    context = begin(problem, formulation)
    if kept is None:
        return strengthened(finish(context))
    file = kept / f"{rows_key(context)}.npz"
    found = _read(file)
    if found is not None:
        return found.under(context)
    made = strengthened(finish(context))
    _Rows.of(made).write(file)
    return made


def strengthened(context: Context) -> Assembly:
    """The program of the model's families, and the strengthening rows as a pool."""
    compiled = compile_model(context.model, names=False)
    found = cuts(context, compiled.variables).values()
    pool = RowPool.empty(len(compiled.variables))
    if found:
        matrix = sparse.csr_array(sparse.vstack([family.matrix for family in found]))
        upper = np.concatenate([family.upper for family in found])
        pool = RowPool(matrix, np.full(len(upper), -np.inf), upper)
    return Assembly(context, compiled, pool)


def rows_key(context: Context) -> str:
    """A hash over all that the rows, and the order of the columns, depend on: all but money.

    Of money it is known where it is nothing: columns are numbered as the objective first speaks of them.
    """
    return _hash(_without_money(context.problem), context.formulation, context.usable)


def limits_key(problem: Problem) -> str:
    """A hash over all that says which plans keep the limits of a problem: all but money."""
    return _hash(_without_money(problem))


def _without_money(problem: Problem) -> Problem:
    """A problem that says of money no more than where there is none."""
    return replace(
        problem,
        discount=problem.discount != 0,
        route_cash=problem.route_cash != 0,
        reclaim_cash=problem.reclaim_cash != 0,
        options=tuple(replace(option, cost=option.cost != 0) for option in problem.options),
        installations=tuple(replace(i, fixed=i.fixed != 0, closure=i.closure != 0) for i in problem.installations),
        capital=np.zeros(0),
    )


def _hash(*parts: object) -> str:
    digest = hashlib.sha256()
    for what in parts:
        _feed(digest, what)
    return digest.hexdigest()[:32]


def _feed(digest: Any, what: Any) -> None:
    """Feeds a hash with a value, its kind and its size, so that no two values look alike."""
    if isinstance(what, np.ndarray):
        digest.update(f"{what.dtype.str}{what.shape}".encode())
        digest.update(np.ascontiguousarray(what).tobytes())
    elif dataclasses.is_dataclass(what):
        _feed(digest, {field.name: getattr(what, field.name) for field in dataclasses.fields(what) if field.compare})
    elif isinstance(what, Mapping):
        _feed(digest, [part for pair in what.items() for part in pair])
    elif isinstance(what, list | tuple):
        digest.update(f"[{len(what)}".encode())
        for part in what:
            _feed(digest, part)
    elif isinstance(what, frozenset):
        _feed(digest, sorted(what))
    else:
        text = repr(what)
        digest.update(f"{type(what).__name__}{len(text)}:{text}".encode())


@dataclass(frozen=True, eq=False)
class _Rows:
    """What is kept of an assembly: all but the objective.

    Attributes:
        program: with an objective of nothing.
        pool: the strengthening rows.
        columns: the variable of each column.
        rows: the constraint of each row.
    """

    program: Program
    pool: RowPool
    columns: tuple[Place, ...]
    rows: tuple[Place, ...]

    @classmethod
    def of(cls, made: Assembly) -> _Rows:
        compiled = made.compiled
        return cls(compiled.program, made.pool, tuple(map(place, compiled.variables)), compiled.rows)

    def under(self, context: Context) -> Assembly:
        """The assembly of a context of variables and objective."""
        compiled = compiled_anew(context.model, self.program, self.columns, self.rows)
        return Assembly(context, compiled, self.pool)

    def write(self, file: Path) -> None:
        """Writes the file, whole or not at all, where there is room for one more."""
        program, pool = self.program, self.pool
        content = io.BytesIO()
        np.savez(
            content,
            columns=np.array(json.dumps(self.columns)),
            rows=np.array(json.dumps(self.rows)),
            integer=program.integer,
            **{name: getattr(program, name) for name in _VECTORS},
            pool_lower=pool.lower,
            pool_upper=pool.upper,
            **_stored("matrix", program.matrix),
            **_stored("pool", pool.matrix),
        )
        try:
            file.parent.mkdir(exist_ok=True)
            if sum(1 for _ in file.parent.glob("*.npz")) < MOST_KEPT:
                part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
                part.write_bytes(content.getvalue())
                part.replace(file)
        except OSError:
            return


_VECTORS = ("lower", "upper", "row_lower", "row_upper")


def _read(file: Path) -> _Rows | None:
    """Rows kept in a file; None where there are none, or it is damaged."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            columns, rows = (_places(str(stored[name])) for name in ("columns", "rows"))
            program = Program(
                cost=np.zeros(len(columns)),
                integer=stored["integer"],
                matrix=_matrix(stored, "matrix"),
                **{name: stored[name] for name in _VECTORS},
            )
            pool = RowPool(_matrix(stored, "pool"), stored["pool_lower"], stored["pool_upper"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return _Rows(program, pool, columns, rows)


def _stored(name: str, matrix: sparse.csr_array) -> dict[str, Any]:
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": np.array(matrix.shape)}
    return {f"{name}_{part}": value for part, value in parts.items()}


def _matrix(stored: Any, name: str) -> sparse.csr_array:
    parts = tuple(stored[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
    return sparse.csr_array(parts, shape=tuple(stored[f"{name}_shape"].tolist()))


def _places(text: str) -> tuple[Place, ...]:
    return tuple((name, tuple(index) if isinstance(index, list) else index) for name, index in json.loads(text))
