"""Code with a number that is infinite is refused before a proof; a maximum may begin at one, and a limit be none."""

import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import certify_norms, certify_properties
from supnorm.checker import check
from supnorm.results import BadInput

DOMAIN = sn.Domain(x=(0.5, 2.0))
INFINITE = {
    "divisor": lambda x: x[:, 0] / np.inf,
    "factor": lambda x: np.tanh(x[:, 0] * np.inf),
    "term": lambda x: np.exp(x[:, 0] - np.inf),
}


@pytest.mark.parametrize("name", INFINITE)
@pytest.mark.parametrize("which", ["model", "reference"])
def test_no_error_is_proved_of_an_infinite_number(name, which):
    """`certify` said "proved" and wrote a file that `check` rejects."""
    sides = {"model": lambda x: x[:, 0], "reference": lambda x: 0.5 * x[:, 0]} | {which: INFINITE[name]}
    with pytest.raises(BadInput, match=f"the {which} has the number -?inf in its operation"):
        sn.certify(sn.Problem(sides["model"], sides["reference"], DOMAIN), ratio=1.2)


def test_nor_properties_norms_or_errors_against_solved_references():
    with pytest.raises(BadInput, match="number inf"):
        certify_properties(INFINITE["divisor"], DOMAIN, ["positive"])
    with pytest.raises(BadInput, match="number inf"):
        certify_norms(sn.Problem(INFINITE["divisor"], lambda x: x[:, 0], DOMAIN))
    root = sn.root(lambda x, y: y - x[:, 0] + x[:, 0] / np.inf, between=(0.1, 3.0))
    with pytest.raises(BadInput, match="number inf"):
        sn.certify(sn.Problem(lambda x: 1.01 * x[:, 0], root, DOMAIN), ratio=1.2)


def test_a_limit_that_is_none_is_left_out(tmp_path):
    result = sn.certify(
        sn.Problem(lambda x: np.clip(np.sin(x[:, 0]), -np.inf, 0.9), lambda x: x[:, 0], DOMAIN), ratio=1.2
    )
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
