"""The data dictionary of a mine: every key of ``mine.toml``, its type, unit, default and meaning."""

from instances.schema.mine import Mine

__all__ = ["Mine"]
