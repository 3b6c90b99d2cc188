"""The precision of ball arithmetic is one for all threads: each has it alone."""

from __future__ import annotations

from threading import Event, Thread

import pytest

pytest.importorskip("flint")

from flint import ctx

from supnorm.program.ball_precision import precision


def test_threads_leave_the_precision_as_it_was_and_never_change_it_for_one_another() -> None:
    """Two that overlap left that of the one which ended last, and the other computed in it."""
    before, inside, leave = ctx.prec, Event(), Event()

    def other() -> None:
        with precision(200):
            inside.set()
            leave.wait(60)

    thread = Thread(target=other)
    with precision(100):
        thread.start()
        assert not inside.wait(0.05), "it has to wait"
        assert ctx.prec == 100
    assert inside.wait(60)
    assert ctx.prec == 200
    leave.set()
    thread.join()
    assert ctx.prec == before


def test_an_exception_and_a_precision_inside_another_leave_it_as_it_was() -> None:
    before = ctx.prec
    with precision(100):
        with precision(300):
            assert ctx.prec == 300
        assert ctx.prec == 100
    with pytest.raises(ZeroDivisionError), precision(100):
        raise ZeroDivisionError
    assert ctx.prec == before
