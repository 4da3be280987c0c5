"""Samples: marginals, strata, correlations and price paths against what theory says of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, spearmanr, triang, uniform

from scheduler.studies.sampling import Times, price_factors, samples
from scheduler.studies.schema import (
    Correlation,
    Discrete,
    LatinHypercubeDesign,
    LogNormal,
    MonteCarloDesign,
    Normal,
    PricePath,
    Triangular,
    Uniform,
)

YEARS = Times(np.arange(5) + 0.5)
LOW_HIGH = Uniform(kind="uniform", low=2.0, high=6.0)
PEAK = Triangular(kind="triangular", low=0.0, mode=1.0, high=4.0)


def hypercube(samples_wanted: int, seed: int = 0, correlations: tuple[Correlation, ...] = ()) -> LatinHypercubeDesign:
    """A Latin hypercube design."""
    return LatinHypercubeDesign(kind="latin_hypercube", samples=samples_wanted, seed=seed, correlations=correlations)


def column(rows: list[dict[str, object]], name: str) -> np.ndarray:
    """One parameter of all samples."""
    return np.array([row[name] for row in rows], dtype=float)


@given(st.integers(2, 40), st.integers(0, 1000), st.floats(-0.95, 0.95))
def test_a_latin_hypercube_keeps_one_sample_a_slice_under_correlation(n: int, seed: int, value: float):
    """Each of n slices of equal probability of each parameter holds exactly one sample."""
    pair = Correlation(between=("a", "b"), value=value)
    rows = samples(hypercube(n, seed, (pair,)), {"a": LOW_HIGH, "b": PEAK}, YEARS)
    for name, law in (("a", uniform(2, 4)), ("b", triang(0.25, 0, 4))):
        slices = np.floor(np.clip(law.cdf(column(rows, name)) * n, 0, n - 1e-9) + 0.0)
        # Values are rounded to six digits, so one at the very edge of a slice may fall beside it.
        assert len(np.unique(slices)) >= n - 1


def test_correlated_samples_have_the_rank_correlation_of_the_normal_copula():
    """Spearman's rho of a normal copula of correlation r is 6 / pi asin(r / 2)."""
    pair = Correlation(between=("a", "b"), value=0.7)
    for design in (
        hypercube(3000, 1, (pair,)),
        MonteCarloDesign(kind="monte_carlo", samples=3000, seed=1, correlations=(pair,)),
    ):
        rows = samples(design, {"a": LOW_HIGH, "b": PEAK}, YEARS)
        found = spearmanr(column(rows, "a"), column(rows, "b")).statistic
        assert found == pytest.approx(6 / np.pi * np.arcsin(0.35), abs=0.03)


def test_marginals_are_those_asked_for():
    """Kolmogorov-Smirnov distances of a large Latin hypercube are of the order of a slice."""
    laws = {
        "u": LOW_HIGH,
        "t": PEAK,
        "n": Normal(kind="normal", mean=3.0, deviation=0.5),
        "l": LogNormal(kind="lognormal", median=2.0, log_deviation=0.3),
    }
    rows = samples(hypercube(1000), laws, YEARS)
    assert kstest(column(rows, "u"), uniform(2, 4).cdf).statistic < 2e-3
    assert kstest(column(rows, "t"), triang(0.25, 0, 4).cdf).statistic < 2e-3
    assert kstest((column(rows, "n") - 3.0) / 0.5, "norm").statistic < 2e-3
    assert kstest(np.log(column(rows, "l") / 2.0) / 0.3, "norm").statistic < 2e-3


def test_discrete_values_come_as_often_as_they_weigh():
    """In a Latin hypercube exactly as often, to one sample."""
    law = Discrete(kind="discrete", values=("early", "late"), weights=(3.0, 1.0))
    drawn = [row["x"] for row in samples(hypercube(100), {"x": law}, YEARS)]
    assert drawn.count("early") == pytest.approx(75, abs=1)


@pytest.mark.parametrize("reversion", [0.0, 0.5])
def test_price_factors_have_mean_one_and_the_variance_of_the_process(reversion: float):
    """Var of the logarithm at t: sigma^2 t, or sigma^2 (1 - exp(-2 k t)) / (2 k)."""
    path = PricePath(kind="price_path", volatility_per_year=0.25, reversion_per_year=reversion)
    scores = np.random.default_rng(5).standard_normal((200_000, 5))
    factors = price_factors(path, scores, YEARS)
    t = YEARS.middle_years
    variance = 0.25**2 * (t if reversion == 0 else (1 - np.exp(-2 * reversion * t)) / (2 * reversion))
    assert factors.mean(axis=0) == pytest.approx(np.ones(5), abs=0.01)
    assert np.log(factors).var(axis=0) == pytest.approx(variance, rel=0.02)


def test_paths_of_two_parameters_move_together_in_each_period():
    """The shocks of the same period are correlated, those of different periods are not."""
    path = PricePath(kind="price_path", volatility_per_year=0.2, reversion_per_year=0.0)
    pair = Correlation(between=("a", "b"), value=0.8)
    design = MonteCarloDesign(kind="monte_carlo", samples=4000, seed=3, correlations=(pair,))
    rows = samples(design, {"a": path, "b": path}, YEARS)
    a, b = (np.diff(np.log(np.array([row[name] for row in rows])), axis=1) for name in ("a", "b"))
    assert np.corrcoef(a[:, 1], b[:, 1])[0, 1] == pytest.approx(0.8, abs=0.03)
    assert np.corrcoef(a[:, 1], b[:, 2])[0, 1] == pytest.approx(0.0, abs=0.05)


def test_the_same_seed_gives_the_same_sample():
    """And another seed another."""
    laws = {"u": LOW_HIGH, "t": PEAK}
    assert samples(hypercube(5, 4), laws, YEARS) == samples(hypercube(5, 4), laws, YEARS)
    assert samples(hypercube(5, 4), laws, YEARS) != samples(hypercube(5, 5), laws, YEARS)
