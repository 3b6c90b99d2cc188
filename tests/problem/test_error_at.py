"""`Problem.error_at`: the error at points of the user's own, in the forms in which points come."""

import numpy as np
import pytest

from supnorm import BadInput, Domain, ErrorMeasure, Problem

PROBLEM = Problem(
    lambda x: x[:, 0] - 2 * x[:, 1], lambda x: x[:, 0] + x[:, 1], Domain(a=(0.0, 1.0), b=(0.0, 4.0))
)


def test_every_form_of_the_same_points_has_the_same_errors():
    pandas = pytest.importorskip("pandas")
    points = np.array([[0.5, 1.0], [0.25, 3.0]])
    forms = [
        points,
        points.tolist(),
        {"b": [1.0, 3.0], "a": [0.5, 0.25]},
        pandas.DataFrame({"b": points[:, 1], "c": [0, 0], "a": points[:, 0]}),
    ]
    for form in forms:
        table = PROBLEM.error_at(form)
        assert table.columns == ("a", "b", "model_y", "reference_y", "error")
        assert table["error"].tolist() == [3.0, 9.0]
        assert np.array_equal(np.column_stack([table["a"], table["b"]]), points)
    assert PROBLEM.error_at([0.5, 1.0])["error"].tolist() == [3.0]
    assert PROBLEM.error_at({"a": [0.0, 1.0], "b": 1.0})["model_y"].tolist() == [-2.0, -1.0]
    assert PROBLEM.error_at(points[:0]).rows.shape == (0, 5)


def test_it_is_the_error_of_the_problem():
    relative = Problem(
        lambda x: np.column_stack([1.1 * x[:, 0], np.full(len(x), np.nan)]),
        lambda x: np.column_stack([x[:, 0], x[:, 0]]),
        Domain(a=(0.0, 1.0)),
        error=ErrorMeasure("relative", floor=0.0, mask=lambda x: x[:, 0] > 0.1),
    )
    table = relative.error_at([0.05, 0.5])
    assert np.isnan(table["error"][0])  # masked
    assert table["error"][1] == np.inf  # the model has no value in one output
    assert table.columns[1:3] == ("model_y1", "model_y2")


def test_points_outside_of_the_domain_are_evaluated():
    assert PROBLEM.error_at([[7.0, -1.0]])["error"].tolist() == [3.0]


def test_bad_points_say_what_is_wanted():
    with pytest.raises(BadInput, match="have no b; give a number or a column for each of a, b"):
        PROBLEM.error_at({"a": 0.5})
    with pytest.raises(BadInput, match=r"shape \(2,\) or \(n, 2\), in the order a, b; got \(3,\)"):
        PROBLEM.error_at([1.0, 2.0, 3.0])
    with pytest.raises(BadInput, match="not numbers of one length"):
        PROBLEM.error_at({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0]})
    with pytest.raises(BadInput, match="needs a model"):
        Problem(None, PROBLEM.reference, PROBLEM.domain).error_at([0.5, 1.0])


def test_what_the_model_raises_passes_through_with_its_line():
    def model(x):
        raise ValueError("division by lawyers")

    broken = Problem(model, lambda x: x[:, 0], Domain(a=(0.0, 1.0)))
    with pytest.raises(ValueError, match="division by lawyers") as caught:
        broken.error_at([0.5])
    assert caught.traceback[-1].name == "model"


def test_a_dataset_gives_a_dataset_on_its_dimensions():
    xarray = pytest.importorskip("xarray")
    data = xarray.Dataset({"extra": ("b", [7.0, 8.0, 9.0])}, coords={"a": [0.0, 1.0], "b": [1.0, 2.0, 4.0]})
    result = PROBLEM.error_at(data)
    assert result["error"].dims == ("a", "b")
    assert np.allclose(result["error"], np.broadcast_to([3.0, 6.0, 12.0], (2, 3)))
    assert result["extra"].identical(data["extra"])
    assert float(result["model_y"].sel(a=1.0, b=4.0)) == -7.0
    with pytest.raises(BadInput, match="the dataset has no b"):
        PROBLEM.error_at(data.drop_vars("b"))
