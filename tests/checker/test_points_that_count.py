"""Files of several parts about the whole box, beside problems that count some points of it only."""

from __future__ import annotations

import json

import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import certify_norms, certify_properties, statement_mismatch
from supnorm.certification.assumed import assumptions_in_words
from supnorm.certification.certificate import digest
from supnorm.checker import check
from supnorm.program import program_of

BOX = {"x": (0.0, 1.0), "y": (-1.0, 1.0)}
LISTED = sn.Domain.from_axes(BOX | {"x": sn.Axis(0.0, 1.0, values=(0.0, 1.0))})
CUT = sn.Domain.from_axes(BOX, (lambda x: x[:, 0] <= 0.5,))


def model(x):
    return 0.6 - x[:, 0] + 0.1 * x[:, 1] * x[:, 0] * (1.0 - x[:, 0])


def flat(x):
    return 0.0 * x[:, 0]


def bump(x):
    return x[:, 0] * (1.0 - x[:, 0])


def of_another_domain(result, domain, programs, path):
    """The file of the box with the assumptions of a domain that has fewer points."""
    data = result.statement.to_json()
    data["assumptions"] = list(assumptions_in_words(domain, [program_of(f, 2) for f in programs]))
    data["digest"] = digest(data)
    path.write_text(json.dumps(data))
    return path


def test_a_point_that_does_not_count_refutes_no_property(tmp_path):
    """The model is positive wherever the constraint holds; `check --problem` said REFUTED."""
    path = tmp_path / "p.json"
    whole = certify_properties(model, sn.Domain.from_axes(BOX), ["positive"], boxes=100)
    of_another_domain(whole, CUT, [model], path)
    assert check(path).verdict == "refuted"  # a true statement about the whole box
    assert "not a point that counts" in str(statement_mismatch(path, sn.Problem(model, flat, CUT)))
    honest = certify_properties(model, CUT, ["bounded:0.05:1"], boxes=2000)
    honest.statement.save(path)
    assert statement_mismatch(path, sn.Problem(model, flat, CUT)) is None


@pytest.mark.parametrize("asked", ["monotone:-x", "convex:x", "lipschitz:x", "lipschitz"])
def test_no_property_is_about_a_derivative_between_values_of_a_list(asked, tmp_path):
    path = tmp_path / "p.json"
    whole = certify_properties(model, sn.Domain.from_axes(BOX), [asked], boxes=100)
    data = whole.statement.to_json()
    for part in data["parts"].values():
        part.update(witness=None, lower=(0.0).hex())
        part["digest"] = digest(part)
    of_another_domain(whole, LISTED, [model], path)
    data |= {"assumptions": json.loads(path.read_text())["assumptions"]}
    data["digest"] = digest(data)
    path.write_text(json.dumps(data))
    assert "list of values" in str(statement_mismatch(path, sn.Problem(model, flat, LISTED)))


@pytest.mark.parametrize("domain", [LISTED, CUT], ids=["list", "constraint"])
def test_norms_of_the_box_are_not_those_of_some_points(domain, tmp_path):
    """With a list of values `check --problem` said that an error of 0 is above the tolerance."""
    path = tmp_path / "n.json"
    whole = certify_norms(sn.Problem(bump, flat, sn.Domain.from_axes(BOX)), ["sup"], boxes=100)
    of_another_domain(whole, domain, [bump, flat], path)
    assert check(path).lower > 0.2
    asked = sn.Problem(bump, flat, domain)
    assert np.allclose(bump(np.array([[0.0, 0.0], [1.0, 1.0]])), 0.0)
    assert "other points" in str(statement_mismatch(path, asked))
