"""Pages that follow from the data are the ones in the repository, and the schema is exported whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from instances.documentation import PAGES, write_pages
from instances.schema.dictionary import every_field
from instances.schema.units import unit_of
from instances.schema_export import json_schema

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES, ids=str)
def test_a_committed_page_is_the_generated_one(name: Path):
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


def test_pages_are_written_where_they_belong(tmp_path: Path):
    write_pages(tmp_path)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.md")) == sorted(PAGES)


def test_every_key_has_a_meaning():
    assert [path for path, info, _ in every_field() if not info.description] == []


def test_every_number_says_its_unit_or_needs_none():
    bare = {
        path
        for path, _, spec in every_field()
        if spec.kind in {"number", "per_period"} and not unit_of(path.rpartition(".")[2])
    }
    assert bare == {"materials.<name>.tonnes_factor", "published.value"}


def test_the_reference_names_every_key():
    page = PAGES[Path("reference/mine-toml.md")]()
    assert [path for path, _, _ in every_field() if f"| `{path.rpartition('.')[2]}` |" not in page] == []


def test_the_json_schema_refuses_unknown_keys_and_carries_units():
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema
    tables = [part for part in schema["$defs"].values() if part.get("type") == "object"]
    assert all(part["additionalProperties"] is False for part in [schema, *tables])
    assert schema["$defs"]["Limits"]["properties"]["mill_t_per_day"]["x-unit"] == "t/d"
    required = "format name calendar blocks elements materials phases destinations money products costs"
    assert sorted(schema["required"]) == sorted(required.split())
