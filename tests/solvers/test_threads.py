"""Calls in threads: answers in their order, errors where they are asked for."""

import threading

import pytest

from solvers.threads import begun, each


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
def test_answers_come_in_the_order_of_the_cases(threads):
    assert each(lambda case: case * case, range(20), threads) == [case * case for case in range(20)]


def test_a_call_goes_on_beside_and_gives_its_answer_as_often_as_asked():
    go_on, here = threading.Event(), threading.get_ident()

    def work():
        assert go_on.wait(30.0)
        return threading.get_ident()

    answer = begun(work)
    go_on.set()
    assert answer() == answer() != here


def test_what_a_call_raises_is_raised_where_its_answer_is_asked_for():
    def work():
        raise ValueError("so far")

    answer = begun(work)
    with pytest.raises(ValueError, match="so far"):
        answer()
