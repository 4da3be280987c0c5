"""Work in a process of its own: its answer, its bad input, its death, and its end on an interruption."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from instances.findings import BadInput, Finding
from scheduler.aside import Aside, _do
from solvers.spawning import spawn


def never() -> bool:
    return False


def double(number: int, cancel: Callable[[], bool]) -> tuple[int, bool]:
    return 2 * number, cancel()


def refuse(cancel: Callable[[], bool]) -> int:  # noqa: ARG001 - called with it
    raise BadInput([Finding("key", 1, "a two"), Finding("other", None, "a value")])


def die(cancel: Callable[[], bool]) -> int:  # noqa: ARG001 - called with it
    os._exit(3)


def fail(cancel: Callable[[], bool]) -> int:  # noqa: ARG001 - called with it
    raise RuntimeError("no more")


def until_told(cancel: Callable[[], bool]) -> str:
    while not cancel():
        time.sleep(0.01)
    return "what there is"


def test_the_answer_is_that_of_the_work():
    with Aside(double, 21) as aside:
        assert aside.answer(never) == (42, False)


def test_bad_input_is_raised_with_every_finding():
    with Aside(refuse) as aside, pytest.raises(BadInput) as told:
        aside.answer(never)
    assert [finding.place for finding in told.value.findings] == ["key", "other"]


def test_a_process_that_dies_gives_no_answer():
    with Aside(die) as aside:
        assert aside.answer(never) is None


def test_work_that_fails_gives_no_answer_and_is_told_of(caplog):
    with Aside(fail) as aside:
        assert aside.answer(never) is None
    assert "no more" in caplog.text


def test_a_process_killed_before_it_reads_what_it_is_given_is_not_waited_for():
    """As while it imports; what it is given is more than a pipe holds."""
    process, connection = spawn(_do)
    process.kill()
    process.join()
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        connection.send(b"0" * 10_000_000)


def test_an_interrupt_of_the_terminal_does_not_reach_it_even_while_it_imports():
    with Aside(double, 21) as aside:
        os.kill(aside._process.pid, signal.SIGINT)
        assert aside.answer(never) == (42, False)


def test_an_interruption_is_passed_on_and_what_there_is_comes_back():
    with Aside(until_told) as aside:
        assert aside.answer(lambda: True) == "what there is"


def test_leaving_ends_work_that_goes_on():
    with Aside(until_told) as aside:
        process = aside._process
        assert process.is_alive()
    assert not process.is_alive()


def test_a_script_without_its_guard_is_told_so_once(tmp_path):
    """Its process runs the script again and would begin another one, and so on."""
    script = tmp_path / "script.py"
    script.write_text(
        "from scheduler.aside import Aside\n"
        "from tests.scheduler.test_aside import double\n"
        "with Aside(double, 21) as aside:\n"
        "    print(aside.answer(lambda: False))\n"
    )
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, script], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert run.stdout == "None\n"
    assert run.stderr.count("RuntimeError: a script that solves needs its calls under if __name__ == '__main__'") == 1
