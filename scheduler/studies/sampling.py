"""Samples of parameters: Latin hypercube or Monte Carlo, with correlations and price paths.

Every parameter has a normal score (a price path one for each period). Correlations hold between these scores: between
those of two single numbers, and between those of two paths in the same period. A Latin hypercube keeps its strata under
correlation by the rank method of Iman and Conover (1982, Communications in Statistics B 11:311).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from scheduler.studies.schema import (
    Discrete,
    Distribution,
    LatinHypercubeDesign,
    LogNormal,
    Normal,
    PricePath,
    SampledDesign,
    Triangular,
    Uniform,
)

Array = NDArray[np.float64]
DIGITS = 6
"""Significant digits of a sampled value: what is written into a scenario is what is solved."""


@dataclass(frozen=True)
class Times:
    """When prices of each period fall.

    Attributes:
        middle_years: middle of each period, years after the start of the calendar, shape ``(T,)``.
    """

    middle_years: Array


def correlation_matrix(design: SampledDesign, names: list[str]) -> Array:
    """Correlations between parameters in the order of ``names``, 1 on the diagonal, shape ``(k, k)``."""
    matrix = np.eye(len(names))
    for correlation in design.correlations:
        i, j = (names.index(name) for name in correlation.between)
        matrix[i, j] = matrix[j, i] = correlation.value
    return matrix


def is_correlation(matrix: Array) -> bool:
    """Whether a matrix of ones on the diagonal can be one of correlations: no negative eigenvalue."""
    return bool(np.linalg.eigvalsh(matrix).min() >= -1e-9) if len(matrix) else True


def samples(design: SampledDesign, distributions: Mapping[str, Distribution], times: Times) -> list[dict[str, object]]:
    """Values of each parameter in each sample; of a price path a list of factors, one a period.

    Args:
        design: how many, with which seed and correlations.
        distributions: by name of the parameter.
        times: when the prices of a path fall.
    """
    names = list(distributions)
    widths = [len(times.middle_years) if _is_path(distributions[name]) else 1 for name in names]
    starts = np.concatenate([[0], np.cumsum(widths)]).astype(int)
    scores = _scores(design, names, starts, widths)
    drawn: list[dict[str, object]] = [{} for _ in range(design.samples)]
    for number, name in enumerate(names):
        values = _values(distributions[name], scores[:, starts[number] : starts[number + 1]], times)
        for row, value in zip(drawn, values, strict=True):
            row[name] = value
    return drawn


def _is_path(distribution: Distribution) -> bool:
    return isinstance(distribution, PricePath)


def _scores(design: SampledDesign, names: list[str], starts: NDArray[np.int_], widths: list[int]) -> Array:
    """Correlated normal scores, shape ``(samples, all dimensions)``."""
    dimensions = int(starts[-1])
    stratified = isinstance(design, LatinHypercubeDesign)
    rng = np.random.default_rng(design.seed)
    if stratified:
        from scipy.stats import qmc  # noqa: PLC0415 - more than a second, which every command would wait for

        independent = ndtri(qmc.LatinHypercube(dimensions, rng=rng).random(design.samples))
    else:
        independent = rng.standard_normal((design.samples, dimensions))
    whole = correlation_matrix(design, names)
    scores = independent.copy()
    for step in range(max(widths, default=1)):
        for wide in (True, False):
            members = [k for k, width in enumerate(widths) if (width > 1) == wide and step < width]
            if len(members) > 1:
                columns = [int(starts[k]) + step for k in members]
                root = _root(whole[np.ix_(members, members)])
                scores[:, columns] = independent[:, columns] @ root.T
    if stratified:
        for column in range(dimensions):
            scores[np.argsort(scores[:, column], kind="stable"), column] = np.sort(independent[:, column])
    return np.asarray(scores, dtype=np.float64)


def _root(matrix: Array) -> Array:
    """A matrix R with R R' = ``matrix``, which may be singular."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _values(distribution: Distribution, scores: Array, times: Times) -> list[object]:
    if isinstance(distribution, PricePath):
        return [[_rounded(x) for x in row] for row in price_factors(distribution, scores, times).tolist()]
    score = scores[:, 0]
    share = np.clip(ndtr(score), 1e-12, 1 - 1e-12)
    if isinstance(distribution, Discrete):
        weights = np.ones(len(distribution.values)) if distribution.weights is None else np.array(distribution.weights)
        edges = np.cumsum(weights / weights.sum())
        which = np.minimum(np.searchsorted(edges, share), len(edges) - 1)
        return [distribution.values[k] for k in which.tolist()]
    return [_rounded(x) for x in _numbers(distribution, score, share).tolist()]


def _numbers(distribution: Uniform | Triangular | Normal | LogNormal, score: Array, share: Array) -> Array:
    if isinstance(distribution, Uniform):
        return np.asarray(distribution.low + share * (distribution.high - distribution.low))
    if isinstance(distribution, Triangular):
        width = distribution.high - distribution.low
        peak = (distribution.mode - distribution.low) / width
        from scipy.stats import triang  # noqa: PLC0415 - as above

        return np.asarray(triang.ppf(share, peak, loc=distribution.low, scale=width))
    if isinstance(distribution, Normal):
        return np.asarray(distribution.mean + distribution.deviation * score)
    return np.asarray(distribution.median * np.exp(distribution.log_deviation * score))


def price_factors(path: PricePath, scores: Array, times: Times) -> Array:
    """Factors on a price deck from normal scores, both of shape ``(samples, T)``.

    With x the logarithm's deviation, ``x_t = x_s exp(-k d) + sigma sqrt((1 - exp(-2 k d)) / (2 k)) z_t`` over a step
    of d years, and the factor is ``exp(drift t + x_t - var(x_t) / 2)``, so that its mean is ``exp(drift t)``.
    """
    k, sigma = path.reversion_per_year, path.volatility_per_year
    x, variance, before = np.zeros(len(scores)), 0.0, 0.0
    factors = np.empty_like(scores)
    for t, year in enumerate(times.middle_years.tolist()):
        step = year - before
        keeps = np.exp(-k * step)
        added = sigma**2 * (step if k == 0 else (1 - keeps**2) / (2 * k))
        x = x * keeps + np.sqrt(added) * scores[:, t]
        variance = variance * keeps**2 + added
        factors[:, t] = np.exp(path.drift_per_year * year + x - variance / 2)
        before = year
    return factors


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
