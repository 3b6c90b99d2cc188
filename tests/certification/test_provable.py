"""What cannot be proved is refused before an audit is paid for."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import LINE, line, line_problem, peak

import supnorm as sn
from supnorm.certification.provable import demand_provable, rounding_is_known
from supnorm.results import BadInput


def opaque(x: Any) -> Any:
    return np.array([float(v) ** 2 for v in x[:, 0]])


@pytest.fixture
def no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise AssertionError("an audit was paid for")

    for room in ("mending.repair", "guarding.make"):
        monkeypatch.setattr(import_module(f"supnorm.{room}"), "audit", refuse)


def readable() -> sn.Function:
    return line()[0].as_function()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: peak, "because its rounding has no bound"),
        (lambda: opaque, "cannot read the model"),
        (lambda: sn.with_bound(opaque, bound=2.0), "declared and not proved"),
    ],
)
def test_a_guard_refuses_proofs_of_such_models_before_the_audit(
    model: Any, words: str, no_audit: None
) -> None:
    with pytest.raises(BadInput, match=words):
        sn.guard(sn.Problem(model(), peak, LINE, tolerance=0.1), prove=True)


def test_a_guard_with_proofs_asks_for_a_tolerance_before_the_audit(no_audit: None) -> None:
    with pytest.raises(BadInput, match="need a tolerance"):
        sn.guard(line_problem(), prove=True)


def test_a_repair_refuses_to_prove_what_cannot_be_read_before_the_audit(no_audit: None) -> None:
    with pytest.raises(BadInput, match="cannot read the reference"):
        sn.repair(sn.Problem(readable(), opaque, LINE, tolerance=0.1), certify=True)
    with pytest.raises(BadInput, match="cannot read the model"):
        sn.repair(sn.Problem(opaque, peak, LINE, tolerance=0.1), certify=True)
    with pytest.raises(BadInput, match="give a tolerance"):
        sn.repair(line_problem(), certify=True)


def test_what_can_be_proved_is_not_refused() -> None:
    demand_provable(line_problem(0.1), as_run=True)
    demand_provable(sn.Problem(peak, peak, LINE, tolerance=0.1))
    root = sn.root(lambda x, y: y**3 - x[:, 0] - 2.0, between=(0.0, 2.0))
    demand_provable(sn.Problem(readable(), root, LINE, tolerance=0.1))
    with pytest.raises(BadInput, match="the reference is a root"):
        demand_provable(sn.Problem(readable(), root, LINE, tolerance=0.1), as_run=True)


def test_a_root_whose_equation_cannot_be_read_is_refused() -> None:
    root = sn.root(lambda x, y: np.array([float(v) for v in y]), between=(0.0, 2.0))
    with pytest.raises(BadInput, match="cannot read the equation"):
        demand_provable(sn.Problem(readable(), root, LINE, tolerance=0.1))


def test_the_rounding_is_known_of_networks_and_not_of_code() -> None:
    assert rounding_is_known(readable())
    assert not rounding_is_known(sn.Problem(peak, peak, LINE).model)
