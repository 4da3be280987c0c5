"""The whole of ``study.toml``: a base mine, what is varied on it, by which design, and how each scenario is solved."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from instances.schema.base import (
    Count,
    Flag,
    Fraction,
    Name,
    Names,
    NotNegative,
    Number,
    Part,
    Positive,
    Text,
    as_tuple,
)

Change = Annotated[Text, Field(min_length=1)]
Changes = Annotated[tuple[Change, ...], BeforeValidator(as_tuple)]
Value = Any
"""A number, date, text or list of numbers, as the key of ``mine.toml`` takes it; checked against that key."""
Values = Annotated[tuple[Value, ...], BeforeValidator(as_tuple)]
Seed = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]


class Uniform(Part):
    """Every value between two is as likely."""

    kind: Annotated[Literal["uniform"], Field(description="what it is")]
    low: Annotated[Number, Field(description="least value")]
    high: Annotated[Number, Field(description="largest value")]


class Triangular(Part):
    """Rises from the least value to the most likely one and falls to the largest."""

    kind: Annotated[Literal["triangular"], Field(description="what it is")]
    low: Annotated[Number, Field(description="least value")]
    mode: Annotated[Number, Field(description="most likely value")]
    high: Annotated[Number, Field(description="largest value")]


class Normal(Part):
    """The normal distribution."""

    kind: Annotated[Literal["normal"], Field(description="what it is")]
    mean: Annotated[Number, Field(description="mean")]
    deviation: Annotated[Positive, Field(description="standard deviation")]


class LogNormal(Part):
    """The logarithm is normal."""

    kind: Annotated[Literal["lognormal"], Field(description="what it is")]
    median: Annotated[Positive, Field(description="median")]
    log_deviation: Annotated[Positive, Field(le=5, description="standard deviation of the logarithm")]


class Discrete(Part):
    """One of a few values, each with a weight."""

    kind: Annotated[Literal["discrete"], Field(description="what it is")]
    values: Annotated[Values, Field(min_length=1, description="values")]
    weights: Annotated[
        tuple[Positive, ...] | None, BeforeValidator(as_tuple), Field(description="weights, equal unless given")
    ] = None


class PricePath(Part):
    """A path of factors over the periods, of mean 1 (times the drift) in each.

    Its logarithm is an Ornstein-Uhlenbeck process (Schwartz 1997, Journal of Finance 52:923, model 1); without
    reversion geometric Brownian motion.
    """

    kind: Annotated[Literal["price_path"], Field(description="what it is")]
    volatility_per_year: Annotated[Positive, Field(le=5, description="standard deviation of the logarithm in a year")]
    reversion_per_year: Annotated[NotNegative, Field(le=50, description="rate of return to the mean path, 0 for none")]
    drift_per_year: Annotated[Number, Field(ge=-0.5, le=0.5, description="growth of the mean, logarithmic")] = 0.0


Distribution = Annotated[Uniform | Triangular | Normal | LogNormal | Discrete | PricePath, Field(discriminator="kind")]


class Parameter(Part):
    """Something of the mine that is varied.

    It is a column of the study's tables by its name, which none of their other columns may have.
    """

    title: Annotated[Text, Field(description="name for tables")] = ""
    paths: Annotated[Changes, Field(min_length=1, description="key paths of mine.toml that all take the value")]
    change: Annotated[
        Literal["set", "factor", "delta"], Field(description="whether a value replaces, multiplies or is added")
    ] = "set"
    values: Annotated[Values, Field(description="values of a grid, in order")] = ()
    low: Annotated[Value, Field(description="value below the base, of a tornado")] = None
    high: Annotated[Value, Field(description="value above the base, of a tornado")] = None
    distribution: Annotated[Distribution | None, Field(description="of a sampled design")] = None


class Entry(Part):
    """A scenario of a list."""

    name: Annotated[Name, Field(description="name of the scenario")]
    title: Annotated[Text, Field(description="name for tables")] = ""
    use: Annotated[Names, Field(description="named overrides, applied in this order")] = ()
    parameters: Annotated[dict[Name, Value], Field(description="values of parameters")] = Field(default_factory=dict)
    changes: Annotated[Changes, Field(description="further overrides, such as limits.mill_t_per_day=14000")] = ()


class Correlation(Part):
    """How two sampled parameters go together; of price paths, their shocks in the same period."""

    between: Annotated[Names, Field(min_length=2, max_length=2, description="the two parameters")]
    value: Annotated[Number, Field(ge=-1, le=1, description="correlation of their normal scores")]


class _Design(Part):
    name: Annotated[Name | None, Field(description="put before the names of its scenarios")] = None
    changes: Annotated[Changes, Field(description="overrides of every scenario of the design")] = ()


class ListDesign(_Design):
    """Scenarios one by one."""

    kind: Annotated[Literal["list"], Field(description="what it is")]
    scenarios: Annotated[tuple[Entry, ...], BeforeValidator(as_tuple), Field(min_length=1, description="the scenarios")]


class GridDesign(_Design):
    """Every combination of the values of parameters."""

    kind: Annotated[Literal["grid"], Field(description="what it is")]
    parameters: Annotated[Names, Field(min_length=1, description="the axes; their `values` are combined")]


class TornadoDesign(_Design):
    """One parameter at a time, at its `low` and its `high`, all else as in the base.

    With `changes` it has a base of its own, the scenario `<design>-base`, that has them too.
    """

    kind: Annotated[Literal["tornado"], Field(description="what it is")]
    parameters: Annotated[Names, Field(description="those varied; all with `low` and `high` unless given")] = ()


class _Sampled(_Design):
    parameters: Annotated[Names, Field(description="those sampled; all with a distribution unless given")] = ()
    samples: Annotated[Count, Field(description="number of scenarios")]
    seed: Annotated[Seed, Field(description="seed of the sample")] = 0
    correlations: Annotated[
        tuple[Correlation, ...], BeforeValidator(as_tuple), Field(description="correlations, 0 where not given")
    ] = ()
    shared_plan: Annotated[
        Flag,
        Field(description="whether the best one plan for all samples is solved too; parameters are prices then"),
    ] = False


class LatinHypercubeDesign(_Sampled):
    """Samples of which each slice of equal probability of each parameter holds exactly one."""

    kind: Annotated[Literal["latin_hypercube"], Field(description="what it is")]


class MonteCarloDesign(_Sampled):
    """Independent samples."""

    kind: Annotated[Literal["monte_carlo"], Field(description="what it is")]


SampledDesign = LatinHypercubeDesign | MonteCarloDesign
Design = Annotated[
    ListDesign | GridDesign | TornadoDesign | LatinHypercubeDesign | MonteCarloDesign, Field(discriminator="kind")
]


class Settings(Part):
    """How each scenario is solved."""

    gap: Annotated[Fraction, Field(description="relative gap to prove, fraction")] = 0.005
    time_limit_s: Annotated[Positive | None, Field(description="most wall time of a scenario, seconds")] = None
    node_limit: Annotated[
        int | None, Field(strict=True, ge=1, le=2**31 - 1, description="most branch-and-bound nodes of a scenario")
    ] = None
    seed: Annotated[Seed, Field(description="random seed of the solver")] = 0
    warm: Annotated[Flag, Field(description="whether scenarios start from a neighbour's plan")] = True
    plans: Annotated[
        Literal["full", "compact"],
        Field(description="whether each scenario is a whole run folder or figures only"),
    ] = "full"


class OptionValue(Part):
    """What an option is worth: scenarios with it at several costs, against one without."""

    without: Annotated[Name, Field(description="scenario without the option")]
    cost_parameter: Annotated[Name, Field(description="parameter of the cost of the option, currency")]


class StudyFile(Part):
    """A study as ``study.toml`` gives it."""

    format: Annotated[Literal[1], Field(description="version of this file format")]
    name: Annotated[Name, Field(description="short name")]
    title: Annotated[Text, Field(description="name for tables")] = ""
    mine: Annotated[Text, Field(min_length=1, description="bundled mine, or folder of a mine as seen from this file")]
    base: Annotated[Flag, Field(description="whether the mine with no change but `changes` is a scenario, `base`")] = (
        True
    )
    changes: Annotated[Changes, Field(description="overrides of every scenario")] = ()
    overrides: Annotated[dict[Name, Changes], Field(description="named overrides, for the scenarios of lists")] = Field(
        default_factory=dict
    )
    parameters: Annotated[dict[Name, Parameter], Field(description="what is varied")] = Field(default_factory=dict)
    designs: Annotated[
        tuple[Design, ...], BeforeValidator(as_tuple), Field(min_length=1, description="which scenarios are made of it")
    ]
    solve: Annotated[Settings, Field(description="how each scenario is solved")] = Settings()
    option: Annotated[OptionValue | None, Field(description="an option whose value is worked out")] = None
    regret: Annotated[
        Names, Field(description="designs whose scenarios are futures: each plan is priced in each of them")
    ] = ()


__all__ = [
    "Design",
    "Discrete",
    "Distribution",
    "Entry",
    "GridDesign",
    "LatinHypercubeDesign",
    "ListDesign",
    "LogNormal",
    "MonteCarloDesign",
    "Normal",
    "OptionValue",
    "Parameter",
    "PricePath",
    "SampledDesign",
    "Settings",
    "StudyFile",
    "TornadoDesign",
    "Triangular",
    "Uniform",
]
