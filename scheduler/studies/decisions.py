"""What a neighbouring scenario starts from, on file: the decisions of a plan, and the cases that bound it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from scipy import sparse

from scheduler.mine_certificates import Case, Cover
from scheduler.problem import Problem
from scheduler.solution import Solution

FILE = "decisions.npz"
CASES = "cases.npz"


def signature(problem: Problem) -> str:
    """A hash over units, parcels, routes and periods: decisions carry over between problems of one signature."""
    named = [
        problem.labels,
        problem.unit_names,
        problem.parcel_names,
        [(place.name, place.kind, place.bin) for place in problem.places],
        sorted((mill, facility) for mill in problem.tailings_ratio for facility in problem.tailings_most),
        sorted(i.name for i in problem.installations),
    ]
    digest = hashlib.sha256(json.dumps(named).encode())
    for array in (problem.arcs, problem.parcel_unit, problem.route_parcel, problem.route_place):
        digest.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
    for array in (problem.reclaim_place, problem.reclaim_mill):
        digest.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
    digest.update(np.ascontiguousarray(problem.parcel_kt).tobytes())
    return digest.hexdigest()


def write_decisions(file: Path, problem: Problem, solution: Solution) -> None:
    """Writes decisions with the signature of their problem; options by name."""
    sent = sparse.coo_array(solution.sent)
    pairs, works = sorted(solution.placed), sorted(solution.works)
    np.savez_compressed(
        file,
        signature=np.array(signature(problem)),
        row=np.asarray(sent.row, dtype=np.int32),
        column=np.asarray(sent.col, dtype=np.int32),
        share=np.asarray(sent.data),
        shape=np.array(sent.shape),
        reclaimed=solution.reclaimed,
        placed_names=np.array([json.dumps(pair) for pair in pairs], dtype=str),
        placed=np.array([solution.placed[pair] for pair in pairs]).reshape(len(pairs), problem.periods),
        works_names=np.array(works, dtype=str),
        works=np.array([solution.works[name] for name in works], dtype=bool).reshape(len(works), problem.periods),
        option_names=np.array([option.name for option in problem.options], dtype=str),
        bought=solution.bought,
    )


def read_decisions(file: Path, problem: Problem) -> Solution | None:
    """Decisions as those of ``problem``; ``None`` where there are none or they are of another signature.

    What is not known of an option is that it is not bought; options that ``problem`` has not are left out.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            if str(stored["signature"]) != signature(problem):
                return None
            shape = tuple(int(n) for n in stored["shape"])
            sent = sparse.coo_array((stored["share"], (stored["row"], stored["column"])), shape=shape).toarray()
            names = [str(name) for name in stored["option_names"]]
            bought = np.zeros((len(problem.options), problem.periods), dtype=bool)
            for number, option in enumerate(problem.options):
                if option.name in names:
                    bought[number] = stored["bought"][names.index(option.name)]
            pairs = [json.loads(str(pair)) for pair in stored["placed_names"]]
            return Solution(
                sent,
                stored["reclaimed"],
                {(mill, facility): stored["placed"][k] for k, (mill, facility) in enumerate(pairs)},
                {str(name): stored["works"][k] for k, name in enumerate(stored["works_names"])},
                bought,
            )
    except (OSError, ValueError, KeyError, BadZipFile):
        return None


def write_cases(file: Path, certificate: Mapping[str, Any]) -> None:
    """Writes the cases of a certificate, as the object of its file, with the rows that their multipliers belong to."""
    cases = certificate["cases"]
    np.savez_compressed(
        file,
        rows=np.array([json.dumps(row) for row in certificate["reductions"]["rows"]], dtype=str),
        ranges=np.array([json.dumps(case["ranges"]) for case in cases], dtype=str),
        multipliers=np.array([case["multipliers"] for case in cases]),
    )


def read_cases(file: Path) -> Cover | None:
    """Cases to begin with; ``None`` where there are none or the file is damaged."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            rows = tuple(tuple(json.loads(str(row))) for row in stored["rows"])
            ranges = [json.loads(str(text)) for text in stored["ranges"]]
            cases = [
                Case({name: (low, high) for name, (low, high) in one.items()}, None, multipliers)
                for one, multipliers in zip(ranges, stored["multipliers"], strict=True)
            ]
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    return Cover(rows, tuple(cases))
