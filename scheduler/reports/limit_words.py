"""Limits in words: a board reads "mill capacity", the key of ``mine.toml`` stands in the tables beside it."""

from __future__ import annotations

from instances.schema import Mine

WORDS = {
    "limits.mill_t_per_day": "mill capacity",
    "limits.mill_min_t_per_day": "least mill feed",
    "limits.mining_mt_per_year": "mining capacity",
    "limits.mining_min_mt_per_year": "least mining",
    "limits.rehandle_mt_per_year": "rehandling capacity",
    "limits.strip_ratio_max": "strip limit",
    "limits.strip_ratio_min": "least strip ratio",
    "limits.strip_ratio_cumulative_max": "strip limit to date",
    "limits.strip_ratio_cumulative_min": "least strip ratio to date",
    "limits.movement_change_max_mt": "change of tonnes moved",
    "limits.phases_active_max": "phases worked at once",
}
GROUPS = {
    "limits.head_grade": {"max": "most {} in the feed", "min": "least {} in the feed"},
    "limits.metal": {"max_t_per_year": "most {} recovered", "min_t_per_year": "least {} recovered"},
    "destinations": {
        "": "intake of {}",
        "storage_mt": "room of {}",
        "capacity_mt": "room of {}",
        "reclaim_mt_per_year": "reclaim from {}",
        "opens": "opening of {}",
    },
    "phases": {"release": "release of {}", "max_benches_per_year": "sinking rate of {}"},
}


def limit_words(key: str, mine: Mine | None = None) -> str:
    """What a limit is called.

    Args:
        key: key of the limit in ``mine.toml``.
        mine: gives destinations and phases their titles; without it they go by their names.

    Returns:
        The words, or the key as it is where there are none for it.
    """
    if key in WORDS:
        return WORDS[key]
    for group, endings in GROUPS.items():
        name, _, ending = key.removeprefix(f"{group}.").partition(".")
        if key.startswith(f"{group}.") and name and ending in endings:
            return endings[ending].format(_titled(group, name, mine))
    return key


def _titled(group: str, name: str, mine: Mine | None) -> str:
    """A destination or phase by its title, where it has one."""
    if mine is not None and group == "destinations" and name in mine.destinations:
        return mine.destinations[name].title or _plain(name)
    if mine is not None and group == "phases" and name in mine.phases:
        return mine.phases[name].title or _plain(name)
    return _plain(name)


def _plain(name: str) -> str:
    return name.replace("_", " ")
