"""The schema of ``mine.toml`` as JSON Schema, for editors and other programs."""

from __future__ import annotations

from typing import Any

from instances.schema import Mine
from instances.schema.units import unit_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``mine.toml``, each key with its unit in ``x-unit`` where it has one.

    It covers what the schema covers; checks between the parts of a mine are not in it.
    """
    schema = Mine.model_json_schema(mode="validation")
    _with_units(schema)
    return {"$schema": DIALECT, **schema, "title": "mine.toml"}


def _with_units(schema: Any) -> None:  # noqa: ANN401
    if isinstance(schema, list):
        for item in schema:
            _with_units(item)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    for key, prop in properties.items() if isinstance(properties, dict) else ():
        unit = unit_of(key)
        if isinstance(prop, dict) and unit:
            prop["x-unit"] = unit
    for value in schema.values():
        _with_units(value)
