"""The pytest plugin: the fixture ``assert_sup_error``, the marker ``sup_error``, and the option ``--supnorm-pages``.

It is loaded with every run of pytest where supnorm is installed. So it imports nothing of supnorm until a test asks for the
fixture.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CACHED = "supnorm/passed"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("supnorm")
    group.addoption(
        "--supnorm-pages",
        metavar="DIR",
        default=None,
        help="write the page of every audit of the fixture assert_sup_error into DIR",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "sup_error(below=..., evaluations=..., seconds=..., seed=..., proved=...): arguments of the fixture "
        "assert_sup_error in this test, where it does not give its own",
    )


def _marked(node: pytest.Item) -> dict[str, Any]:
    """The arguments of all markers of a test, its own before those of its class and module.

    Raises:
        pytest.UsageError: for a number without a name: as a limit it would count for nothing.
    """
    given: dict[str, Any] = {}
    for marker in node.iter_markers("sup_error"):
        if marker.args:
            raise pytest.UsageError(
                f"{node.nodeid}: the marker sup_error takes named arguments, such as below=1e-3; got {marker.args!r}"
            )
        given = {**marker.kwargs, **given}
    return given


def _stem(nodeid: str) -> str:
    """A name of files for a test; where it leaves something of the test out, with a hash of all of it.

    >>> _stem("tests/test_a.py::test_b")
    'tests_test_a.py_test_b'
    >>> _stem("test_a.py::test_b[x+y]") == _stem("test_a.py::test_b[x*y]")
    False
    """
    plain = re.sub(r"[^\w.-]+", "_", nodeid)
    if len(plain) <= 120 and re.fullmatch(r"[\w./:-]+", nodeid):
        return plain
    return f"{plain[-110:]}-{hashlib.sha256(nodeid.encode()).hexdigest()[:8]}"


@pytest.fixture
def assert_sup_error(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """``assert_sup_error(model, reference, domain, below=1e-3)``: fail where the worst error is above the limit.

    Arguments are those of `supnorm.gates.assert_sup_error`; those of the marker ``sup_error`` count where the test gives
    none, of several markers those of the closest one that gives the argument. Audits that passed are remembered in pytest's
    cache, and ``--cache-clear`` forgets them. The worst error goes into the JUnit XML of pytest as a property of the test.
    """
    from supnorm.gates.assertion import assert_sup_error as asserted

    given = _marked(request.node)
    cache = getattr(request.config, "cache", None)
    passed: dict[str, Any] = {} if cache is None else dict(cache.get(CACHED, {}))
    before, folder = dict(passed), request.config.getoption("--supnorm-pages")
    made = 0

    def check(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        nonlocal made
        made += 1
        named = given if len(args) < 4 else {k: v for k, v in given.items() if k != "below"}
        options = {"passed": passed, **named, **kwargs}
        if folder is not None:
            stem = _stem(request.node.nodeid)
            options.setdefault("page", Path(folder) / f"{stem}{'' if made == 1 else f'-{made}'}.html")
        result = asserted(*args, **options)
        sup = getattr(getattr(result, "record", None), "sup", None)
        if sup is not None:
            request.node.user_properties.append(("sup_error", repr(sup.lower)))
        return result

    yield check
    if cache is not None and passed != before:
        cache.set(CACHED, {**cache.get(CACHED, {}), **passed})
