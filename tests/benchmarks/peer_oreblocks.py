"""oreblocks on one MineLib problem, in a process and, if need be, an environment of its own.

    PYTHON tests/benchmarks/peer_oreblocks.py bound|plan|windows FILE.cpit|FILE.pcpsp FILE.prec

Prints one JSON object: value, seconds within the library, version. Bounds are those of ``cpit_bz_bound`` and
``pcpsp_lp_bound``. A plan is that of ``solve_cpit`` (the whole ladder: bound, TopoSort, shifts) and then
``exact_local_search``; for a PCPSP that of ``destination_toposort`` in the order of the relaxation and then
``exact_destination_local_search``; ``windows`` stands for ``sliding_window_schedule`` and then
``exact_local_search``, of a CPIT, every block a candidate. Defaults apart from that.
"""

import json
import sys
import time
from typing import Any


def bound(ob: Any, file: str, precedence: str) -> float:
    """The bound of the linear relaxation."""
    if file.endswith(".cpit"):
        instance = ob.read_cpit(file)
        return float(ob.cpit_bz_bound(instance, ob.read_prec(precedence, instance.n_blocks)).bound)
    instance = ob.read_pcpsp(file)
    found = ob.pcpsp_lp_bound(instance, ob.read_prec(precedence, instance.n_blocks))
    return float("nan") if found is None else float(found.bound)


def plan(ob: Any, file: str, precedence: str) -> float:
    """The value of the best plan."""
    if file.endswith(".cpit"):
        instance = ob.read_cpit(file)
        arcs = ob.read_prec(precedence, instance.n_blocks)
        result, _ = ob.solve_cpit(instance, arcs)
        return float(ob.exact_local_search(instance, arcs, result).npv)
    instance = ob.read_pcpsp(file)
    arcs = ob.read_prec(precedence, instance.n_blocks)
    relaxed = ob.pcpsp_lp_bound(instance, arcs, solution=True)
    weight = None if relaxed is None else -relaxed.expected_time
    start = ob.destination_toposort(instance, arcs, weight=weight)
    return float(ob.exact_destination_local_search(instance, arcs, start).npv)


def windows(ob: Any, file: str, precedence: str) -> float:
    """The value of the plan by sliding windows."""
    instance = ob.read_cpit(file)
    arcs = ob.read_prec(precedence, instance.n_blocks)
    start = ob.sliding_window_schedule(instance, arcs, cand_max=instance.n_blocks)
    return float(ob.exact_local_search(instance, arcs, start).npv)


def main() -> None:
    import oreblocks  # noqa: PLC0415 - an optional peer

    what, file, precedence = sys.argv[1:]
    begun = time.perf_counter()
    value = {"bound": bound, "plan": plan, "windows": windows}[what](oreblocks, file, precedence)
    told = {"value": value, "seconds": time.perf_counter() - begun, "version": oreblocks.__version__}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
