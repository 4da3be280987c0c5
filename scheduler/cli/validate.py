"""``pitwise validate``: whether a mine can be used."""

from __future__ import annotations

from scheduler.cli.arguments import JsonOption, MineArgument, SetOption


def validate(mine: MineArgument, *, changes: SetOption = None, as_json: JsonOption = False) -> None:
    """Check a mine: every fault on a line of its own, exit code 2; say what will bind. Nothing is written."""
    from instances.geometry.units import block_arcs, scheduling_units  # noqa: PLC0415
    from instances.reading import read_mine  # noqa: PLC0415
    from scheduler.cli.output import emit, print_json  # noqa: PLC0415
    from scheduler.compiling import compile_problem  # noqa: PLC0415
    from scheduler.outlook import outlook  # noqa: PLC0415

    instance = read_mine(mine, changes or ())
    slope_pairs = block_arcs(instance) if instance.mine.precedence.slopes else None
    problem = compile_problem(instance, scheduling_units(instance, "panel", slope_pairs))
    size = {
        "blocks": len(instance.blocks),
        "phases": len(instance.mine.phases),
        "panels": len(problem.unit_names),
        "arcs": len(problem.arcs),
        "periods": problem.periods,
    }
    foreseen = outlook(instance, slope_pairs)
    if as_json:
        contents = {
            "outlook": {**vars(foreseen), "by_period": foreseen.by_period.to_dict("records")},
            "will_bind": foreseen.sentences(),
        }
        head = {"status": "sound", "mine": instance.mine.name, "instance_hash": instance.hash()}
        print_json({**head, **size, **contents})
        return
    counts = ", ".join(f"{number:,} {name}" for name, number in size.items())
    emit(f"{instance.mine.name}: sound ({counts}; hash {instance.hash()[:12]})")
    for sentence in foreseen.sentences():
        emit(f"  {sentence}")
