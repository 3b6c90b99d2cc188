"""Models of other libraries: estimators fitted on data frames, boosters, torch modules."""

import pickle

import numpy as np
import pytest

from supnorm import Domain, Problem, audit, open_problem
from supnorm.problem import as_function

DOMAIN = Domain(T=(0.0, 1.0), p=(0.0, 2.0))
X = np.random.default_rng(0).random((200, 2)) * [1.0, 2.0]


def truth(x):
    return x[:, 0] - 3 * x[:, 1]


def _pipeline():
    """A pipeline that chooses its columns by name, in another order than the axes."""
    pandas = pytest.importorskip("pandas")
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    columns = ColumnTransformer([("p", StandardScaler(), ["p"]), ("T", StandardScaler(), ["T"])])
    frame = pandas.DataFrame({"p": X[:, 1], "T": X[:, 0]})
    return make_pipeline(columns, LinearRegression()).fit(frame, truth(X))


def test_a_pipeline_fitted_on_a_data_frame_gets_its_columns_by_name():
    problem = Problem(_pipeline(), truth, DOMAIN)
    assert problem.error_at(X)["error"].max() < 1e-12  # a warning would be an error here
    assert problem.model.name == "Pipeline"
    again = pickle.loads(pickle.dumps(problem.model))
    assert np.array_equal(again(X), problem.model(X))
    assert audit(problem, evaluations=200).worst.error < 1e-12


@pytest.mark.slow
def test_a_pipeline_of_a_problem_file_gets_its_columns_by_name(tmp_path):
    pytest.importorskip("pandas")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(_pipeline()))
    (tmp_path / "m.py").write_text(
        "import pathlib, pickle\n"
        "model = pickle.loads((pathlib.Path(__file__).parent / 'model.pkl').read_bytes())\n"
        "def truth(x):\n    return x[:, 0] - 3 * x[:, 1]\n"
    )
    text = '[model]\npython = "m.py:model"\n{}[reference]\npython = "m.py:truth"\n[domain]\nT = [0.0, 1.0]\np = [0.0, 2.0]\n'
    for line in ("", 'inputs = ["p", "T"]\n'):  # the file may name them too
        path = tmp_path / "problem.toml"
        path.write_text(text.format(line))
        assert open_problem(path).error_at(X)["error"].max() < 1e-12


def test_other_names_than_the_axes_are_taken_by_position():
    pandas = pytest.importorskip("pandas")
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression().fit(pandas.DataFrame(X, columns=["u", "v"]), truth(X))
    assert Problem(fitted, truth, DOMAIN).error_at(X)["error"].max() < 1e-12


def test_a_number_of_columns_that_does_not_fit_is_told():
    pandas = pytest.importorskip("pandas")
    from sklearn.linear_model import LinearRegression

    from supnorm import BadInput

    fitted = LinearRegression().fit(pandas.DataFrame(X, columns=["u", "v"]), truth(X))
    with pytest.raises(BadInput, match=r"fitted on 2 columns \(u, v\), and got 1 inputs"):
        as_function(fitted, "model").value(X[:, :1])


def test_a_torch_module_is_taken_as_it_is():
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(2, 1, dtype=torch.float64)
    function = Problem(module, truth, DOMAIN).model
    assert function.vjp is not None  # with derivatives, as from_torch gives them
    weight, bias = module.weight.detach().numpy(), module.bias.detach().numpy()
    assert np.allclose(function(X), X @ weight.T + bias)
    assert Problem(torch.nn.Linear(2, 1), truth, DOMAIN).model.precision == "float32"


def test_a_booster_of_xgboost():
    xgboost = pytest.importorskip("xgboost")
    for names in (None, ["T", "p"]):
        booster = xgboost.train({"max_depth": 3}, xgboost.DMatrix(X, truth(X), feature_names=names), 20)
        problem = Problem(booster, truth, DOMAIN)
        assert problem.error_at(X)["error"].max() < 2.0
        assert audit(problem, evaluations=300).worst.error > 0
    assert problem.model.precision == "float32"


def test_a_booster_of_lightgbm():
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, truth(X)), 20)
    assert Problem(booster, truth, DOMAIN).error_at(X)["error"].max() < 3.0
