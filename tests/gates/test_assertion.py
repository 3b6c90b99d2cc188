"""`assert_sup_error`: what passes, what fails, what the message says, and when an audit is left out."""

import re
import signal

import numpy as np
import pytest

import supnorm as sn
from supnorm.gates import assertion
from supnorm.gates.assertion import assert_sup_error

BOX = sn.Domain(a=(0.0, 1.0, "K"), b=(1.0, 2.0))


def truth(x):
    return x[:, 0] * x[:, 1]


def off(x):
    return x[:, 0] * x[:, 1] + 0.4 * x[:, 0]


def test_a_small_error_passes_and_a_large_one_fails_with_place_values_and_repetition():
    report = assert_sup_error(off, truth, BOX, 0.5, evaluations=400)
    assert report.status.code == "nothing-found"
    with pytest.raises(AssertionError) as caught:
        assert_sup_error(off, truth, BOX, below=0.3, evaluations=400)
    message = str(caught.value)
    assert "the model is wrong by 0.4" in message
    assert "a = 1" in message
    model, reference = map(float, re.search(r"model ([\d.]+), reference ([\d.]+)", message).groups())
    assert model - reference == pytest.approx(0.4, abs=2e-5)
    assert "seed 0" in message
    names = {"supnorm": sn, "model": off, "reference": truth, "domain": BOX}
    again = eval(message.partition("repeat: ")[2].partition("\n")[0], names)
    assert again["error"][0] == pytest.approx(0.4)


def test_each_output_can_have_a_limit_of_its_own_and_another_limit_is_another_question():
    both = lambda x: np.stack([truth(x), 100 * truth(x)], 1)  # noqa: E731
    wrong = lambda x: np.stack([off(x), 100 * off(x)], 1)  # noqa: E731
    passed = {}
    asked = {"evaluations": 200, "passed": passed, "key": "weights"}
    assert assert_sup_error(wrong, both, BOX, below=[0.5, 50.0], **asked).status.code == "nothing-found"
    assert assert_sup_error(wrong, both, BOX, below=[0.5, 50.0], **asked) is None
    with pytest.raises(AssertionError, match="times its tolerance"):
        assert_sup_error(wrong, both, BOX, below=[0.5, 30.0], **asked)
    with pytest.raises(sn.BadInput, match="each number of below"):
        assert_sup_error(wrong, both, BOX, below=[0.5, -1.0])


def test_what_is_not_decided_fails():
    nothing = lambda x: np.full(len(x), np.nan)  # noqa: E731
    with pytest.raises(AssertionError, match=r"infinite|no value"):
        assert_sup_error(nothing, truth, BOX, 1.0, evaluations=200)
    with pytest.raises(AssertionError, match="no point"):
        assert_sup_error(off, nothing, BOX, 1.0, evaluations=200)


@pytest.mark.parametrize("proved", [False, True])
def test_ctrl_c_ends_the_tests_and_leaves_the_page(proved, tmp_path, monkeypatch):
    """It was a failed assertion, after which pytest began the next test."""
    returned, seen = [], []
    wavy = lambda x: off(x) + 0.1 * np.sin(40 * x[:, 0]) * np.cos(30 * x[:, 1])  # noqa: E731

    def stop(event):
        seen.append(event)
        if len(seen) == 8:  # there is something to return by then
            signal.raise_signal(signal.SIGINT)

    def stopped(verb):
        def call(problem, **given):
            result = verb(problem, **given, observer=stop)
            returned.append(result.status.code)
            return result

        return call

    monkeypatch.setattr(assertion, "audit", stopped(sn.audit))
    monkeypatch.setattr(assertion, "certify", stopped(sn.certify))
    passed = {}
    asked = {"evaluations": 4000, "passed": passed, "key": "weights", "page": tmp_path / "page.html"}
    with pytest.raises(KeyboardInterrupt):
        assert_sup_error(wavy, truth, BOX, 0.4935, proved=proved, **asked)
    assert len(returned) == 1  # and the proof may be whole: two seconds are left for it
    assert passed == {}
    assert (tmp_path / "page.html").exists()


def test_a_proof_can_be_demanded():
    result = assert_sup_error(off, truth, BOX, 0.5, proved=True)
    assert result.sup.upper <= 0.5 if hasattr(result, "sup") else result.record.sup.upper <= 0.5
    with pytest.raises(AssertionError):
        assert_sup_error(off, truth, BOX, 0.39, proved=True)
    declared = sn.with_bound(lambda x: np.array([p[0] for p in x.tolist()]), 10.0)
    # Conditional, or unreadable: no proof without conditions.
    with pytest.raises((AssertionError, sn.BadInput)):
        assert_sup_error(declared, truth, BOX, 1e6, proved=True, seconds=5)


def test_what_cannot_be_asked_is_refused(tmp_path):
    with pytest.raises(sn.BadInput, match="needs a limit"):
        assert_sup_error(off, truth, BOX)
    with pytest.raises(sn.BadInput, match="takes model, reference and domain"):
        assert_sup_error(off, truth, below=1.0)
    with pytest.raises(sn.BadInput, match="give it alone"):
        assert_sup_error(sn.Problem(off, truth, BOX), truth, below=1.0)
    with pytest.raises(sn.BadInput, match="below must be"):
        assert_sup_error(off, truth, BOX, below=-1.0)


def _problem_file(folder, slope="0.4"):
    (folder / "m.py").write_text(
        "import pathlib\n"
        f"def off(x):\n    return x[:, 0] * x[:, 1] + {slope} * x[:, 0]\n"
        "def late(x):\n    return off(x) + float((pathlib.Path(__file__).parent / 'late.txt').read_text())\n"
        "def truth(x):\n    return x[:, 0] * x[:, 1]\n"
    )
    path = folder / "problem.toml"
    path.write_text(
        '[model]\npython = "m.py:off"\n[reference]\npython = "m.py:truth"\n[error]\ntolerance = 0.5\n'
        "[domain]\na = [0.0, 1.0]\nb = [1.0, 2.0]\n"
    )
    return path


@pytest.mark.slow
def test_an_audit_that_passed_is_left_out_until_something_changes(tmp_path):
    passed, path = {}, _problem_file(tmp_path)
    ask = lambda **more: assert_sup_error(path, passed=passed, evaluations=200, **more)  # noqa: E731
    assert ask() is not None
    assert ask() is None
    assert ask(seed=1) is not None  # another question
    assert ask(below=0.45) is not None
    _problem_file(tmp_path, "0.45")
    assert ask() is not None  # another model
    assert ask() is None
    with pytest.raises(AssertionError):
        ask(below=0.3)
    with pytest.raises(AssertionError):  # a failure is never remembered
        ask(below=0.3)


@pytest.mark.slow
def test_a_file_that_is_opened_late_is_noticed_by_the_values(tmp_path):
    path = _problem_file(tmp_path)
    path.write_text(path.read_text().replace("m.py:off", "m.py:late"))
    late, passed = tmp_path / "late.txt", {}
    late.write_text("0.0")
    assert assert_sup_error(path, passed=passed, evaluations=200) is not None
    late.write_text("7.0")
    with pytest.raises(AssertionError):
        assert_sup_error(path, passed=passed, evaluations=200)


def test_a_problem_made_in_python_is_remembered_with_a_key_only():
    passed = {}
    for _ in range(2):
        assert assert_sup_error(off, truth, BOX, 0.5, evaluations=200, passed=passed) is not None
    assert passed == {}
    assert assert_sup_error(off, truth, BOX, 0.5, evaluations=200, passed=passed, key="v1") is not None
    assert assert_sup_error(off, truth, BOX, 0.5, evaluations=200, passed=passed, key="v1") is None
    other = lambda x: off(x) + 5.0  # noqa: E731
    with pytest.raises(AssertionError):  # the same key, another model: its values tell
        assert_sup_error(other, truth, BOX, 0.5, evaluations=200, passed=passed, key="v1")


def test_what_was_made_in_python_and_has_no_name_is_not_remembered():
    """The key is of model and reference; another mask, constraint or error function must be searched."""
    slope = lambda limit: lambda x: x[:, 0] < limit  # noqa: E731
    narrow, wide = (sn.ErrorMeasure(mask=slope(limit)) for limit in (0.1, 2.0))
    size = lambda scale: sn.ErrorMeasure("function", function=lambda n, f, x: scale * abs(n - f))  # noqa: E731
    for before, after in ((narrow, wide), (size(0.01), size(1.0))):
        passed = {}
        ask = lambda error, passed=passed: assert_sup_error(  # noqa: E731
            off, truth, BOX, 0.1, evaluations=200, passed=passed, key="v1", options={"error": error}
        )
        assert ask(before) is not None
        with pytest.raises(AssertionError):
            ask(after)
    passed = {}
    boxes = [sn.Domain(slope(limit), a=(0.0, 1.0), b=(1.0, 2.0)) for limit in (0.1, 2.0)]
    assert assert_sup_error(off, truth, boxes[0], 0.1, evaluations=200, passed=passed, key="v1") is not None
    with pytest.raises(AssertionError):
        assert_sup_error(off, truth, boxes[1], 0.1, evaluations=200, passed=passed, key="v1")


@pytest.mark.slow
def test_another_version_of_any_package_is_searched_again(tmp_path, monkeypatch):
    from supnorm.gates import passed as module

    passed, path = {}, _problem_file(tmp_path)
    assert assert_sup_error(path, passed=passed, evaluations=200) is not None
    assert assert_sup_error(path, passed=passed, evaluations=200) is None
    monkeypatch.setattr(module, "_installed", lambda: [("fluids", "9.9")])
    assert assert_sup_error(path, passed=passed, evaluations=200) is not None


@pytest.mark.slow
def test_a_file_that_only_a_call_opens_is_noticed_where_no_compared_value_changes(tmp_path):
    """A spike that is read from a file beside the model lies between the 64 points."""
    (tmp_path / "m.py").write_text(
        "import pathlib\n"
        "def off(x):\n"
        "    at = float((pathlib.Path(__file__).parent / 'spike.txt').read_text())\n"
        "    return x[:, 0] + 9.0 * (abs(x[:, 0] - at) < 1e-9)\n"
        "def truth(x):\n    return x[:, 0]\n"
    )
    path, passed, spike = tmp_path / "problem.toml", {}, tmp_path / "spike.txt"
    path.write_text(
        '[model]\npython = "m.py:off"\n[reference]\npython = "m.py:truth"\n[error]\ntolerance = 0.5\n'
        "[domain]\na = [0.0, 1.0]\n"
    )
    spike.write_text("7.0")
    assert assert_sup_error(path, passed=passed, evaluations=200) is not None
    assert assert_sup_error(path, passed=passed, evaluations=200) is None
    spike.write_text("1.0")  # an end of the range: the search is there, the 64 points are not
    with pytest.raises(AssertionError):
        assert_sup_error(path, passed=passed, evaluations=200)
