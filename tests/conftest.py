"""Settings of all tests."""

from __future__ import annotations

import signal
from itertools import groupby

import numpy as np
import pytest
from hypothesis import settings
from tests.schema import demand_as_published

from supnorm.results import encoding

# A busy machine is no failure: times belong to the benchmarks.
settings.register_profile("supnorm", settings.default, deadline=None)
settings.load_profile("supnorm")

# A suite that was started in the background ignores Ctrl-C, and so would the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # started by nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _every_result_as_published() -> None:
    """All JSON of results is made in one place: what is made there while tests run must be as its schema says."""
    made = encoding.in_json

    def checked(text: str) -> str:
        demand_as_published(text)
        return made(text)

    encoding.in_json = checked


_every_result_as_published()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test that is marked ``sampled(k)``, all but k cases, spread evenly, are slow ones."""
    for _, group in groupby(items, lambda item: (item.path, getattr(item, "originalname", item.name))):
        cases = list(group)
        mark = cases[0].get_closest_marker("sampled")
        if mark is not None:
            kept = {*np.linspace(0, len(cases) - 1, mark.args[0]).round().astype(int)}
            for i, case in enumerate(cases):
                if i not in kept:
                    case.add_marker("slow")
