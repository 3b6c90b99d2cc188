"""Files of models whose words and arrays were edited are read as what they say, or refused with their name."""

import json
import math

import numpy as np
import pytest

from supnorm.approximants import (
    AAA,
    ChebyshevTensor,
    FloaterHormann,
    GaussianProcess,
    PiecewiseChebyshev,
    PolynomialLeastSquares,
    SimplexInterpolation,
    TensorTrain,
    load,
    save,
)
from supnorm.networks import Network, Scaling
from supnorm.problem import Axis, Domain
from supnorm.results import BadInput

PLANE = Domain(a=(1.0, 3.0), p=Axis(10.0, 1000.0, "Pa", scale="log"))
LINE = Domain(x=(0.0, 2.0))
SCALING = Scaling([1.0, 3.0], [2.0, 0.5], [5.0, 1.0], [2.0, 0.1], log=(False, True))
NAMES = {"inputs": ("a", "p"), "outputs": ("y", "z"), "scaling": SCALING}


def smooth(x):
    return np.sin(x).sum(axis=1, keepdims=True)


def network(**kind):
    return Network.init(np.random.default_rng(0), 2, 2, 4, 2, **NAMES, **kind)


def fitted(method, domain):
    if hasattr(method, "from_function"):
        return method.from_function(smooth, domain, 500).model
    x = domain.from_unit(np.random.default_rng(0).random((40, domain.d)))
    return method.from_samples(x, smooth(x), domain, np.random.default_rng(0)).model


MODELS = {
    "plain": lambda: network(residual=True),
    "fourier": lambda: network(fourier=2),
    "modular": lambda: Network.modular(
        np.random.default_rng(0), 2, 2, takes=((0, 1), (1, 2)), width=3, **NAMES
    ),
    "chebyshev": lambda: fitted(ChebyshevTensor(), PLANE),
    "pieces": lambda: fitted(PiecewiseChebyshev(), LINE),
    "fractions": lambda: fitted(AAA(), LINE),
    "barycentric": lambda: fitted(FloaterHormann(), LINE),
    "train": lambda: fitted(TensorTrain(), PLANE),
    "polynomial": lambda: fitted(PolynomialLeastSquares("total"), PLANE),
    "simplices": lambda: fitted(SimplexInterpolation(), PLANE),
    "line": lambda: fitted(SimplexInterpolation(), LINE),
    "gaussian": lambda: fitted(GaussianProcess(), PLANE),
}


@pytest.fixture(params=sorted(MODELS))
def saved(request, tmp_path):
    """Words and arrays of a good file, and a function that reads an edited one."""
    path = tmp_path / "model.npz"
    save(MODELS[request.param](), path)
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files}
    words = json.loads(str(arrays.pop("metadata")))

    def read(words, arrays):
        np.savez(path, metadata=np.array(json.dumps(words)), **arrays)
        return load(path)

    return words, arrays, read


def places(tree, path=()):
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield (*path, key)
        yield from places(tree[key], (*path, key))


def edited(tree, path, value):
    tree = json.loads(json.dumps(tree))
    holder = tree
    for key in path[:-1]:
        holder = holder[key]
    before = holder[path[-1]]
    holder[path[-1]] = value
    return tree, before


def kind(value):
    """Of a JSON value: what a reader may not confuse."""
    if isinstance(value, bool) or value is None:
        return type(value)
    return "number" if isinstance(value, int | float) else type(value)


ODD = (None, True, 7.5, "1", "1_0", "１", [0.9], [[0.2, 1.2]], {"a": 1}, math.nan, 10**30)


@pytest.mark.slow
@pytest.mark.sampled(3)
def test_a_word_of_another_type_is_refused(saved):
    words, arrays, read = saved
    for path in places(words):
        for value in ODD:
            bad, before = edited(words, path, value)
            if path[-1] == "values" or (kind(value) == kind(before) and value != 7.5):
                continue  # of its own type: another model, or refused for its size
            if value == 7.5 and isinstance(before, float):
                continue
            with pytest.raises(BadInput, match=r"model\.npz: "):
                read(bad, arrays)


def test_a_word_that_is_missing_or_unknown_is_refused(saved):
    words, arrays, read = saved
    for key in words:
        with pytest.raises(BadInput, match=r"model\.npz: "):
            read({k: v for k, v in words.items() if k != key}, arrays)
    with pytest.raises(BadInput, match="skip: "):
        read({**words, "skip": True}, arrays)


@pytest.mark.sampled(3)
def test_an_array_of_another_type_or_shape_or_without_a_value_is_refused(saved):
    words, arrays, read = saved
    for name, good in arrays.items():
        if not good.size:  # the frequencies of a network without any
            continue
        numbers = good.astype(float)
        first = np.arange(good.size).reshape(good.shape) == 0
        bad = [good.astype("U30"), np.full(good.shape, "1_0"), good > 0, good[None, None], np.full((), 1.5)]
        bad += [np.where(first, odd, numbers) for odd in (np.nan, np.inf)]
        bad += [np.full(good.shape, 2**53 + 1)]
        if words.get("surface") != "ChebyshevSeries":  # of which any number is a model
            bad += [np.concatenate([good, good[:1]]), good[:-1]]
        for array in bad:
            with pytest.raises(BadInput, match=r"model\.npz: "):
                read(words, {**arrays, name: array})
        with pytest.raises(BadInput, match=r"model\.npz: "):
            read(words, {k: v for k, v in arrays.items() if k != name})


def test_an_array_that_nothing_uses_is_refused(saved):
    words, arrays, read = saved
    with pytest.raises(BadInput, match="W9, which no part of the model uses"):
        read(words, {**arrays, "W9": np.zeros(2)})


def test_weights_of_fewer_digits_are_read_as_they_are(saved):
    words, arrays, read = saved
    domain = PLANE if read(words, arrays).d == 2 else LINE
    x = domain.from_unit(np.random.default_rng(1).random((9, domain.d)))
    short = {k: v if v.dtype.kind == "i" else v.astype(np.float32) for k, v in arrays.items()}
    same = {k: v.astype(float) if v.dtype.kind == "f" else v for k, v in short.items()}
    np.testing.assert_array_equal(read(words, short).value(x), read(words, same).value(x))


def polynomial(tmp_path, **changes):
    path = tmp_path / "p.npz"
    save(MODELS["polynomial"](), path)
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files}
    np.savez(path, **arrays | {k: v(arrays[k]) for k, v in changes.items()})
    return load(path)


def test_a_degree_that_would_fill_the_memory_is_refused(tmp_path):
    with pytest.raises(BadInput, match="indices that are not from 0 to 20,000"):
        polynomial(tmp_path, indices=lambda i: np.where(np.arange(i.size).reshape(i.shape) == 3, 10**9, i))
    with pytest.raises(BadInput, match="indices that are not from 0"):
        polynomial(tmp_path, indices=lambda i: i - 1)
    with pytest.raises(BadInput, match="indices contains float64, not whole numbers"):
        polynomial(tmp_path, indices=lambda i: i + 0.5)


@pytest.mark.parametrize(
    ("name", "array", "change", "message"),
    [
        ("pieces", "ends", lambda a: a[::-1], "ends that do not increase"),
        ("line", "points", lambda a: a[::-1], "points that do not increase"),
        ("gaussian", "lengths", lambda a: 0.0 * a, "lengths that are not positive"),
        ("simplices", "points", lambda a: a * [1.0, 0.0], "points that span no simplices"),
        ("train", "cores.0", lambda a: np.concatenate([a, a], axis=2), "whose ranks do not meet"),
    ],
)
def test_arrays_that_are_no_such_surface_are_refused(tmp_path, name, array, change, message):
    path = tmp_path / "m.npz"
    save(MODELS[name](), path)
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files}
    np.savez(path, **arrays | {array: change(arrays[array])})
    with pytest.raises(BadInput, match=message):
        load(path)
