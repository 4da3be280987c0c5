"""The report as one page that opens without network: plotly and its charts, the pit, and every number."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from scheduler.published import REASON_OVER_PCT
from scheduler.reports import headline, tables
from scheduler.reports.comparison import Compared, line_figure, lines_of, moves_figure, worth_table
from scheduler.reports.facts import Facts
from scheduler.reports.figure import Swatch
from scheduler.reports.maps import pit_maps
from scheduler.reports.money import binding_figure, money_figures
from scheduler.reports.palette import material_colours
from scheduler.reports.production import production_figures
from scheduler.reports.sequence import sequence_figures
from scheduler.reports.surfaces import pit_scene

TEMPLATES = Path(__file__).parent / "templates"
FINDINGS_SHOWN = 20
SECTIONS = (
    ("production", "Production"),
    ("pit", "The pit"),
    ("cash-flow", "Cash flow"),
    ("limits", "What binds"),
    ("published", "Published figures"),
    ("audit", "Audit and proof"),
    ("assumptions", "Assumptions"),
)


@cache
def environment() -> Environment:
    """Templates with escaping always on; a name that a template does not know is an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def own_file(name: str) -> Markup:
    """A style sheet or script of ours, which goes into a page as it is."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - ours, nothing of a mine


@cache
def plotly_script() -> Markup:
    """Plotly itself, as its package brings it."""
    return Markup(get_plotlyjs())  # noqa: S704 - a library's script, nothing of a mine


def scripts_for(*names: str) -> list[Markup]:
    """The scripts of a page with charts, in the order in which they run: plotly, ours for charts, and these."""
    return [plotly_script(), own_file("charts.js"), *(own_file(name) for name in names)]


def policy_for(scripts: Sequence[str]) -> str:
    """What a browser may load and run for a page: its own styles, these scripts, and nothing from anywhere else."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "script-src": " ".join(f"'sha256-{digest}'" for digest in digests),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{kind} {source}" for kind, source in allowed.items())


def report_page(facts: Facts) -> str:
    """The page of a run."""
    scripts = scripts_for("pit.js")
    published = tables.published_table(facts)
    colours = material_colours(facts.mine)
    audit = facts.summary["audit"]
    return (
        environment()
        .get_template("report.html")
        .render(
            facts=facts,
            css=own_file("report.css"),
            scripts=scripts,
            policy=policy_for(scripts),
            sections=[one for one in SECTIONS if one[0] != "published" or published],
            tiles=headline.tiles(facts),
            badges=headline.badges(facts),
            sentences=headline.sentences(facts),
            proof=headline.proof_lines(facts),
            findings=[] if audit.get("passed") else audit.get("findings", [])[:FINDINGS_SHOWN],
            production=production_figures(facts),
            sequence=sequence_figures(facts),
            money=money_figures(facts),
            binding=binding_figure(facts),
            maps=pit_maps(facts),
            counted_from_corner=facts.mine.blocks.origin_m is None,
            scene=pit_scene(facts),
            middle=(len(facts.labels) + 1) // 2,
            panels=facts.plan.resolution == "panel",
            material_legend=[Swatch(m.title or name, colours[name]) for name, m in facts.mine.materials.items()],
            schedule=tables.schedule_page_table(facts),
            moved_by_material=tables.moved_table(facts),
            cash_table=tables.cash_page_table(facts),
            published=published,
            reason_over=f"{REASON_OVER_PCT:g}",
            assumptions=tables.assumptions_table(facts),
            marks_told=tables.marks_told(facts),
            made=made_words(facts),
        )
    )


def made_words(facts: Facts) -> str:
    """What is needed to make the run again."""
    summary = facts.summary
    versions = ", ".join(f"{name} {version}" for name, version in sorted(summary["versions"].items()))
    return (
        f"Made by pitwise from the run of the mine {summary['instance']}, hash {str(summary['instance_hash'])[:12]}, "
        f"seed {summary.get('seed')}. Versions: {versions}. Money is {facts.mine.money.currency}; tonnes are metric."
    )


def comparison_page(compared: Compared) -> str:
    """The page of runs side by side."""
    scripts, places = scripts_for(), range(1, len(compared.runs))
    return (
        environment()
        .get_template("compare.html")
        .render(
            compared=compared,
            css=own_file("report.css"),
            scripts=scripts,
            policy=policy_for(scripts),
            one_mine=len({run.summary["instance_hash"] for run in compared.runs}) == 1,
            worth=worth_table(compared),
            figures=[line_figure(compared, line) for line in lines_of(compared)],
            moved=[one for place in places if (one := moves_figure(compared, place)) is not None],
            pairs=list(zip(compared.names, compared.runs, strict=True)),
        )
    )
