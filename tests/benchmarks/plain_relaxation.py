"""The baseline of the benchmarks: Bienstock-Zuckerberg exactly as published, with no speed-up.

One file, no import from the package, so that a change to the package never moves the baseline. It solves

    max c'z   s.t.   H z <= h,   z[tail] <= z[head] for every arc,   0 <= z <= 1

with rows of the form <= and h >= 0 only. Every iteration prices the whole graph, refines the partition, builds the
aggregated master afresh and solves it cold.

Source: Bienstock and Zuckerberg (2010), "Solving LP relaxations of large-scale precedence constrained problems";
Munoz, Espinoza, Goycoolea, Moreno, Queyranne, Rivera Letelier (2018), Comput. Optim. Appl. 69:501, algorithm 1.
"""

import importlib.machinery
import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highspy
import numpy as np
from scipy import sparse


def _kernel_class() -> Any:
    """The compiled closure class, loaded without the plotting modules of its package."""
    package = importlib.util.find_spec("pymineflow")
    assert package is not None
    assert package.submodule_search_locations is not None
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        for path in Path(package.submodule_search_locations[0]).glob("_mineflow*" + suffix):
            spec = importlib.util.spec_from_file_location("pymineflow._mineflow", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.ExplicitPit
    raise ImportError("pymineflow's extension module was not found")


@dataclass(frozen=True)
class PlainProgram:
    """Flat arrays: objective ``(N,)``, arcs ``(A,)`` each, H ``(M, N)`` CSR, row limits ``(M,)``."""

    objective: np.ndarray
    arc_tail: np.ndarray
    arc_head: np.ndarray
    rows: sparse.csr_matrix
    row_upper: np.ndarray


@dataclass(frozen=True)
class PlainResult:
    """Bound, master value, point ``(N,)``, iterations and seconds; pricing seconds apart."""

    bound: float
    master: float
    point: np.ndarray
    iterations: int
    seconds: float
    pricing_seconds: float
    multipliers: list[np.ndarray]


def expand(
    value: np.ndarray, arcs: tuple[np.ndarray, np.ndarray], use: np.ndarray, capacity: np.ndarray
) -> PlainProgram:
    """Cumulative variables for nodes x steps x choices.

    ``value`` is ``(n, T, D)``, ``arcs`` base arcs (tail needs head), ``use`` ``(R, n, D)``, ``capacity`` ``(R, T)``.
    The element of (u, t, d) is ``(u * T + t) * D + d``.
    """
    n, T, D = value.shape
    index = np.arange(n * T * D).reshape(n, T * D)
    difference = value.reshape(n, T * D).copy()
    difference[:, :-1] -= value.reshape(n, T * D)[:, 1:]
    last = np.arange(T) * D + D - 1
    tail = np.concatenate([index[:, :-1].ravel(), index[np.ix_(arcs[0], last)].ravel()])
    head = np.concatenate([index[:, 1:].ravel(), index[np.ix_(arcs[1], last)].ravel()])
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for r in range(use.shape[0]):
        for t in range(T):
            row = r * T + t
            for d in range(D):
                k = t * D + d
                entries.append((np.full(n, row), index[:, k], use[r, :, d]))
                if k > 0:
                    entries.append((np.full(n, row), index[:, k - 1], -use[r, :, d]))
    i, j, x = (np.concatenate(part) for part in zip(*entries, strict=True))
    rows = sparse.csr_matrix((x, (i, j)), shape=(use.shape[0] * T, n * T * D))
    return PlainProgram(difference.ravel(), tail, head, rows, capacity.ravel())


def _scaled(weights: np.ndarray) -> tuple[np.ndarray, float]:
    total = float(np.abs(weights).sum())
    scale = 2.0**61 / total if total > 0 else 1.0
    return np.ceil(weights * scale).astype(np.int64), scale


def _master(program: PlainProgram, label: np.ndarray, K: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Aggregate and solve: values of the classes ``(K,)``, multipliers ``(M,)``, objective."""
    classes = sparse.csr_matrix((np.ones(label.size), (np.arange(label.size), label)), shape=(label.size, K))
    H = sparse.csr_matrix(program.rows @ classes)
    c = np.bincount(label, program.objective, K)
    pairs = np.unique(label[program.arc_tail].astype(np.int64) * K + label[program.arc_head])
    tail, head = pairs // K, pairs % K
    tail, head = tail[tail != head], head[tail != head]
    A = sparse.csr_matrix(
        (np.tile([1.0, -1.0], tail.size), np.column_stack([tail, head]).ravel(), np.arange(tail.size + 1) * 2),
        shape=(tail.size, K),
    )
    M = sparse.csr_matrix(sparse.vstack([H, A]))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = K, M.shape[0]
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = c, np.zeros(K), np.ones(K)
    lp.row_lower_ = np.full(M.shape[0], -highspy.kHighsInf)
    lp.row_upper_ = np.concatenate([program.row_upper, np.zeros(tail.size)])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = M.indptr, M.indices, M.data
    highs = highspy._core._Highs()
    highs.setOptionValue("output_flag", False)
    highs.resetGlobalScheduler(True)
    highs.passModel(lp)
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    solution = highs.getSolution()
    dual = np.asarray(solution.row_dual)[: H.shape[0]]
    return np.asarray(solution.col_value), np.maximum(dual, 0.0), float(highs.getInfo().objective_function_value)


def solve_plain(program: PlainProgram, tolerance: float = 1e-6, max_iterations: int = 500) -> PlainResult:
    """Price, refine, master, until bound and master agree to ``tolerance`` relative."""
    started = time.perf_counter()
    N = program.objective.size
    order = np.argsort(program.arc_tail, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(program.arc_tail, minlength=N))])
    kernel = _kernel_class().from_csr(indptr, program.arc_head[order], np.ones(N, np.int64))
    label, K = np.zeros(N, np.int64), 1
    multipliers = np.zeros(program.row_upper.size)
    best, master, value = np.inf, -np.inf, np.zeros(1)
    pricing, seen = 0.0, []
    iterations = 0
    while iterations < max_iterations:
        iterations += 1
        seen.append(multipliers)
        weights, scale = _scaled(program.objective - program.rows.T @ multipliers)
        begun = time.perf_counter()
        member, closure, _, _ = kernel.solve_with_values(weights)
        pricing += time.perf_counter() - begun
        best = min(best, closure / scale + float(multipliers @ program.row_upper))
        if best - master <= tolerance * abs(best):
            break
        _, label = np.unique(label * 2 + member, return_inverse=True)
        K = int(label.max()) + 1
        value, multipliers, master = _master(program, label, K)
        if best - master <= tolerance * abs(best):
            break
    seconds = time.perf_counter() - started
    return PlainResult(best, master, value[label], iterations, seconds, pricing, seen)
