"""A function that changes its number of outputs is refused with the point, both numbers and what to do."""

import signal
from typing import Any

import numpy as np
import pytest

from supnorm.evaluation.guarded import guarded
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import PartialFailure
from supnorm.results import BadInput


def test_another_number_of_outputs_is_refused_with_the_point():
    def widens(x):
        return x if (x[:, 0] > 0.9).any() else x[:, :1]

    y, messages = guarded(widens, np.array([[0.1, 0.2]]), 1)
    assert y.shape == (1, 1)
    assert not messages
    with pytest.raises(
        BadInput, match=r"returned 2 outputs for 1 points, the first of them \[0.95, 0.2\], and 1 before"
    ):
        guarded(widens, np.array([[0.95, 0.2]]), 1)


def test_parts_of_a_batch_that_raised_have_one_number_of_outputs():
    """The values of the narrower parts became NaN, without a message."""

    def widens(x):
        if len(x) > 1 and x[:, 0].max() > 2:
            raise ValueError("too many")
        return x if x[0, 0] > 2 else x[:, :1]

    with pytest.raises(BadInput, match=r"returned 2 outputs .* and 1 before"):
        guarded(widens, np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0]]), None)


@pytest.mark.parametrize("whole", [True, False])
def test_a_failure_while_a_request_waits_is_none_of_the_point(whole: bool) -> None:
    """Ctrl-C ends the programs that a cheap function has started, too; the request waits for the end of the batch."""

    def value(x: Any) -> Any:
        INTERRUPTS.asked = True
        if whole:
            raise RuntimeError("the program ended with signal 2")
        raise PartialFailure(np.full((1, 1), np.nan), {0: "the program ended with signal 2"})

    with pytest.raises(KeyboardInterrupt):
        guarded(value, np.array([[0.5]]), None)
    INTERRUPTS.taken()


@pytest.mark.parametrize("ends", ["raises", "returns"])
def test_what_code_makes_of_an_interrupt_is_no_value_and_no_failure(ends: str) -> None:
    """It was stored as a failure of the point, and a resumed run told it as one of the reference."""

    def value(x: Any) -> Any:
        try:
            INTERRUPTS.hear(signal.SIGINT, None)
        except BaseException:
            if ends == "raises":
                raise RuntimeError("the solver failed") from None
        return x[:, 0]

    with pytest.raises(KeyboardInterrupt):
        guarded(value, np.array([[0.5]]), None)
    INTERRUPTS.taken()
    assert guarded(lambda x: x[:, 0], np.array([[0.5]]), None)[0].tolist() == [[0.5]]
