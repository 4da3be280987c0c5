"""Studies read and checked: scenarios of every design, and one clear line for each fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from instances.findings import BadInput
from scheduler.studies.opening import open_study
from scheduler.studies.reading import shipped
from scheduler.studies.scenarios import differences
from tests.scheduler.studies.conftest import GRID, HEAD, REST, WriteStudy


def said(file: Path | str) -> list[str]:
    """The findings of a study that is refused."""
    with pytest.raises(BadInput) as caught:
        open_study(file)
    return [str(finding) for finding in caught.value.findings]


def test_a_grid_has_every_combination_and_only_what_is_named_is_changed(whole: Path):
    """Scenarios come in the order of the file, and each differs from the base by its values alone."""
    opened = open_study(whole)
    names = [scenario.name for scenario in opened.scenarios]
    assert names[:4] == ["base", "mill-200_mining-0.15", "mill-200_mining-0.2", "mill-250_mining-0.15"]
    assert names[7:] == [
        *("mining-low", "mining-high", "price-low", "price-high"),
        *("latin-hypercube-1", "latin-hypercube-2", "latin-hypercube-3"),
        *("latin-hypercube-shared-plan", "impossible"),
    ]
    changed = differences(opened.base, opened.instance(opened.scenarios[1]))
    assert changed == [
        ("limits.mill_t_per_day", 300.0, 200.0),
        ("limits.mining_mt_per_year", 0.2, 0.15),
    ]


def test_the_donor_tree_follows_from_the_design_alone(whole: Path):
    """Each grid point starts from the neighbour nearer to the middle, the middle and all others from the base."""
    donors = {scenario.name: scenario.donor for scenario in open_study(whole).scenarios}
    assert donors["base"] is None
    assert donors["mill-250_mining-0.15"] == "base"
    assert donors["mill-250_mining-0.2"] == "mill-250_mining-0.15"
    # A sixth less mill is a smaller step than a quarter less mining.
    assert donors["mill-300_mining-0.2"] == "mill-250_mining-0.2"
    assert donors["mill-200_mining-0.15"] == "mill-250_mining-0.15"
    assert {donors[name] for name in ("mining-low", "price-high", "latin-hypercube-2", "impossible")} == {"base"}


def test_without_warm_starts_there_are_no_donors(study: WriteStudy):
    """``warm = false`` makes every scenario start by hand."""
    opened = open_study(study(HEAD + GRID + "[solve]\nwarm = false\n"))
    assert all(scenario.donor is None for scenario in opened.scenarios)


def test_the_studies_that_ship_are_sound():
    """Every study that ships opens, with the number of scenarios that its page says."""
    sizes = {name: len(open_study(name).scenarios) for name in shipped()}
    assert sizes == {
        "mzo-capacity": 45,
        "mzo-mill-option": 7,
        "mzo-price": 29,
        "mzo-strip": 8,
        "mzo-tailings": 9,
    }


FAULTS = {
    "unknown key": (
        HEAD.replace('change = "factor"', 'chnge = "factor"') + GRID,
        (
            "study.toml: parameters.price.chnge is 'factor'; expected a key that [parameters.price] knows "
            "(nearest: change)"
        ),
    ),
    "unknown kind": (
        HEAD + GRID.replace('"grid"', '"gird"'),
        (
            'study.toml: designs.0.kind is \'gird\'; expected one of "list", "grid", "tornado", "latin_hypercube", '
            '"monte_carlo" (nearest: grid)'
        ),
    ),
    "unknown key path": (
        HEAD.replace("limits.mill_t_per_day", "limits.mil_t_per_day") + GRID,
        (
            "study.toml: parameters.mill.paths.0: limits.mil_t_per_day=200.0: expected a key that [limits] knows "
            "(nearest: limits.mill_t_per_day)"
        ),
    ),
    "factor on a text": (
        HEAD.replace("products.copper.price_usd_per_lb", "products.copper.element") + REST,
        (
            "study.toml: parameters.price.paths.0: products.copper.element*=0.8: expected a number, or a list of "
            "numbers, to change; products.copper.element is cu"
        ),
    ),
    "value out of range": (
        HEAD.replace("200.0, 250.0", "-200.0, 250.0") + GRID,
        (
            "study.toml: scenario mill--200_mining-0.15: limits.mill_t_per_day=-200.0: limits.mill_t_per_day is "
            "-200.0; expected a number >= 0"
        ),
    ),
    "ten million scenarios": (
        HEAD.replace("[200.0, 250.0, 300.0]", str([float(k) for k in range(2500)])).replace(
            "values = [0.15, 0.2]", f"values = {[k / 1e4 for k in range(1, 4001)]}"
        )
        + GRID,
        "study.toml: designs is 10,000,001 scenarios; expected at most 10,000",
    ),
    "two scenarios of one name": (
        HEAD + GRID + REST.replace("impossible", "Base"),
        "study.toml: scenario Base of list: expected a name of its own; base has a scenario base too",
    ),
    "no such parameter": (
        HEAD + GRID.replace('"mill", ', '"mil", '),
        "study.toml: designs.0.parameters.0 is 'mil'; expected a parameter of this study (nearest: mill)",
    ),
    "a parameter without values": (
        HEAD + GRID.replace('"mill", ', '"price", '),
        "study.toml: designs.0.parameters is 'price'; expected parameters with values",
    ),
    "no such override": (
        HEAD + REST.replace("changes =", 'use = ["late"]\nchanges ='),
        "study.toml: designs.2.scenarios.0.use.0 is 'late'; expected named overrides of this study",
    ),
    "path without factor": (
        HEAD.replace('change = "factor"', 'change = "set"') + REST,
        "study.toml: parameters.price.change is 'set'; expected \"factor\" for a price path, which multiplies a deck",
    ),
    "one plan for what is no price": (
        HEAD.replace("low = 0.15", 'distribution = { kind = "uniform", low = 0.1, high = 0.2 }\nlow = 0.15') + REST,
        "study.toml: designs.1.shared_plan is true with the parameter mining; expected false, or parameters that",
    ),
    "one plan for a price that is changed twice": (
        HEAD
        + '[parameters.all]\npaths = ["products.copper.price_usd_per_lb.1"]\nchange = "factor"\n'
        + 'distribution = { kind = "uniform", low = 0.9, high = 1.1 }\n'
        + REST,
        "price_usd_per_lb.1 of the parameter all and products.copper.price_usd_per_lb of price; expected false",
    ),
    "a parameter called as a column of results": (
        HEAD.replace("parameters.mining", "parameters.strip_ratio") + GRID.replace("mining", "strip_ratio"),
        "study.toml: parameters.strip_ratio: expected another name; the study's tables have a column of this one",
    ),
    "a parameter called as a product's column": (
        HEAD.replace("parameters.mining", "parameters.copper_mlb") + GRID.replace("mining", "copper_mlb"),
        "study.toml: parameters.copper_mlb: expected another name; the study's tables have a column of this one",
    ),
    "no such mine": (
        HEAD.replace('mine = "mine"', 'mine = "nowhere"') + GRID,
        "expected a folder with mine.toml, or a bundled mine (mzo); there is none",
    ),
    "missing mine": (HEAD.replace('mine = "mine"', "") + GRID, "study.toml: mine: expected a text of 1 to 2000"),
}


@pytest.mark.parametrize(("text", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_in_a_line_with_the_nearest_valid_thing(study: WriteStudy, text: str, expected: str):
    """Place, value, what was expected, nearest valid thing."""
    assert any(expected in line for line in said(study(text))), said(study(text))


def test_the_same_fault_of_a_key_path_is_told_once(study: WriteStudy):
    """An unknown key path is a fault of the parameter, not of each of its scenarios."""
    assert len(said(study(HEAD.replace("limits.mining_mt_per_year", "limits.minning_mt_per_year") + GRID))) == 1


def test_all_faults_are_told_at_once(study: WriteStudy):
    """Faults of several keys come together."""
    text = HEAD.replace('change = "factor"', 'change = "times"').replace("values = [0.15, 0.2]", 'values = "0.15"')
    assert len(said(study(text + GRID + "[solve]\ngap = 2.0\n"))) == 3


def test_a_study_that_is_not_there_names_the_nearest():
    """A slip in the name of a study that ships is answered with the name."""
    assert "(nearest: mzo-capacity)" in said("mzo-capacty")[0]


def test_correlations_that_cannot_hold_together_are_refused(study: WriteStudy):
    """Three correlations of -0.9 have no joint distribution."""
    parameters = "".join(
        f'[parameters.{name}]\npaths = ["costs.mining_per_t"]\n'
        'distribution = { kind = "normal", mean = 2.0, deviation = 0.1 }\n'
        for name in ("a", "b", "c")
    )
    pairs = ", ".join(f'{{ between = ["{one}", "{other}"], value = -0.9 }}' for one, other in ("ab", "bc", "ac"))
    design = f'[[designs]]\nkind = "monte_carlo"\nsamples = 4\nparameters = ["a", "b", "c"]\ncorrelations = [{pairs}]\n'
    assert "no negative eigenvalue" in said(study(HEAD + parameters + design))[0]
