"""``python -m scheduler.cli``, the same as ``pitwise``."""

from scheduler.cli.main import run

run()
