"""Every verdict template, and the rule that nothing is called safe without a bound."""

import copy
import json
import re

import pytest
from tests.pages.cases import read, said

from supnorm.auditing import audit
from supnorm.pages import power, sections, words
from supnorm.pages.page import page
from supnorm.pages.view import View
from supnorm.problem import Domain, ErrorMeasure, Problem


def chip_words(view):
    return view.say.text(words.chip(view).words)


def row(volume, found, shape="bump", side="error"):
    row = {"height": 1.0, "volume": volume, "shape": shape, "side": side, "found": found, "runs": 10}
    return row | {"evaluations": 8000, "pair": "the audited pair", "searched": "the audited pair"}


def confirm(data, verdict, second=None):
    data["witness"] |= {"recheck": verdict, "recheck_value": second}
    data["recheck"] = {"name": "a second code", "precision": "float64", "notes": []}
    return data


def test_exceeded(result):
    view = View(read(result("d1")))
    assert chip_words(view) == "Tolerance exceeded"
    assert said(words.headline, view) == "At x = 0.332 the model is wrong by 0.52. You allow 0.05."
    lead = said(words.lead, view)
    assert "times the typical (RMS) error of" in lead
    assert "10 times the tolerance" in lead
    assert lead.endswith("There is no upper bound: a worse point may exist.")
    assert words.recheck_note(view) == []


def test_a_large_relative_error_is_a_factor(result):
    view = View(read(result("d2")))
    assert re.search(
        r"the model is wrong by a factor of 14,600\. You allow 0\.1 %\.", said(words.headline, view)
    )
    assert "3,984 random test points would have shown at most" in said(words.lead, view)


def test_a_factor_is_only_said_where_it_is_one(result):
    data = result("d2")
    data["witness"]["reference"] = [-data["witness"]["reference"][0]]
    assert "factor" not in said(words.headline, View(read(data)))
    assert "%" in said(words.headline, View(read(data)))


def test_every_coordinate_is_named_up_to_ten_inputs(result):
    headline, view = said(words.headline, View(read(result("d8")))), View(read(result("d8")))
    assert headline.startswith("At ")
    for axis in view.axes:
        assert f"{axis.name} = {axis.at(view.witness.x[axis.name])}" in headline
    many = said(words.headline, View(read(result("d20"))))
    assert re.match(
        r"At (input_\d+ = [0-9.]+ m, ){5}input_\d+ = [0-9.]+ m and 14 more inputs the model is wrong by", many
    )


def test_the_output_that_is_wrong_is_named(result):
    """By its name, and a number such as a wavelength as the output of this number."""
    data = result("profile")
    assert "the model’s output " in said(words.headline, View(read(data)))
    text = (
        json.dumps(data).replace('"output": "0.5"', '"output": "R"').replace('"name": "0.5"', '"name": "R"')
    )
    assert "the model’s R is wrong by" in said(words.headline, View(read(json.loads(text))))


def test_unresolved(result):
    view = View(read(confirm(result("d1"), "unresolved", [1.5])))
    assert "differ by 0.52, and a second reference does not settle which is right." in said(
        words.headline, view
    )
    note = said(words.recheck_note, view)
    assert note.startswith("Re-check unresolved.")
    for value in ("1.5", "1.205", "1.7246"):
        assert value in note


def test_reference_fault(result):
    view = View(read(confirm(result("d1"), "reference-fault", [1.7])))
    assert "the reference itself is in doubt" in said(words.headline, view)
    assert words.chip(view).kind == "open"
    assert "in doubt" in said(words.recheck_note, view)


def test_a_recheck_without_a_value_says_so(result):
    view = View(read(confirm(result("d1"), "unresolved", None)))
    note = said(words.recheck_note, view)
    assert "could not compute this point" in note
    # A TypeError of the second reference was told as "the question may have no sharp answer".
    assert note.endswith("So it does not say which of the two is right.")


def test_confirmed_has_no_note(result):
    view = View(read(confirm(result("d1"), "confirmed", [1.2])))
    assert words.recheck_note(view) == []
    assert "confirms it: 1.2" in said(sections.where, view)


def open_result(result):
    data = result("d1")
    data["tolerance"] = 2.0
    return data


def test_open(result):
    view = View(read(open_result(result)))
    text = said(words.headline, view)
    assert text == "No error above your tolerance of 2 was found. The worst found is 0.52, at x = 0.332."
    assert words.chip(view).kind == "open"
    assert "not proven" in chip_words(view)


@pytest.mark.parametrize(
    ("kind", "green"), [("certified", True), ("exact-arithmetic", True), ("conditional", False)]
)
def test_proven_only_with_a_bound(result, kind, green):
    data = open_result(result)
    data["sup"] |= {"upper": 0.6, "upper_kind": kind, "assumptions": ["a Lipschitz constant of 3"]}
    view = View(read(data))
    assert said(words.headline, view).startswith("The error is at most 0.6 everywhere")
    assert (words.chip(view).kind == "proven") is green
    if kind == "conditional":
        assert "a Lipschitz constant of 3" in said(words.lead, view)
        assert "on assumptions" in said(words.headline, view)


def test_many_assumptions_stand_with_the_proof(result):
    data = open_result(result)
    given = [f"a Lipschitz constant of {k} on the whole box, whatever it is" for k in range(3)]
    data["sup"] |= {"upper": 0.6, "upper_kind": "conditional", "assumptions": given}
    view = View(read(data))
    assert "provided these assumptions hold: the 3 named with the proof." in said(words.lead, view)
    html = page(view.record)
    assert all(f"<li>{text}</li>" in html for text in given)


def test_a_bound_above_the_tolerance_proves_nothing(result):
    data = open_result(result)
    data["sup"] |= {"upper": 3.0, "upper_kind": "certified"}
    assert words.chip(View(read(data))).kind == "open"
    assert "It is proven that the error is nowhere above 3." in said(words.lead, View(read(data)))


def test_no_tolerance(result):
    data = result("d1")
    data["tolerance"] = None
    assert said(words.headline, View(read(data))) == "The worst error found is 0.52, at x = 0.332."


def test_infinite_error(result):
    data = result("d1")
    data["witness"] |= {"error": "inf", "model": [None]}
    data["sup"]["lower"] = "inf"
    view = View(read(data))
    assert "the model gives no value where the reference does" in said(words.headline, view)
    assert "no upper bound" in said(words.lead, view)


def test_per_output_tolerances(result):
    data = result("d1")
    data["measure"]["per_output"] = True
    data["tolerance"] = 1.0
    for place in (data["witness"], *data["peaks"]):
        place["error"] *= 20
    data["sup"]["lower"] *= 20
    assert (
        said(words.headline, View(read(data)))
        == "At x = 0.332 the model’s f is wrong by 10.4 times its tolerance."
    )


def test_nothing_evaluated(result):
    data = result("d1") | {"witness": None}
    data["sup"]["lower"] = None
    assert said(words.headline, View(read(data))) == "The error could be computed at no point."
    assert words.chip(View(read(data))).kind == "open"


def test_a_mask_that_leaves_nothing_is_no_failure(result):
    data = result("d1") | {"witness": None, "exceedance": []}
    data["sup"]["lower"] = None
    data["plain_sample"] = {"n": 0, "drawn": 800, "worst": None}
    data["charts"]["progress"] = {"search": [], "random": None}
    data["failures"] |= {"count": 0, "masked": 4000}
    view = View(read(data))
    assert said(words.lead, view) == "The mask of the problem leaves out every point that was tried."
    assert said(sections.spread, view).startswith("None of 800 random points has an error that counts")
    assert said(sections.random_points, view) == "None of 800 random points has an error that counts."
    assert said(sections.progress, view) == "No point had an error, from the first to the last."
    data["failures"]["count"] = 3
    assert "failed or the mask" in said(words.lead, View(read(data)))
    data["failures"]["masked"] = 0
    assert said(words.lead, View(read(data))).startswith("Every evaluation of model or reference failed")


@pytest.mark.parametrize(
    ("measure", "begin"),
    [
        ({"side": "both"}, "Model and reference agree exactly"),
        ({"side": "over"}, "The model is at or below the reference"),
        ({"side": "under"}, "The model is at or above the reference"),
        ({"side": "both", "kind": "function"}, "The error is exactly zero"),
    ],
)
def test_what_an_error_of_zero_means(result, measure, begin):
    data = result("d1") | {"tolerance": None}
    data["measure"] |= measure
    data["sup"]["lower"] = data["witness"]["error"] = data["rms"]["value"] = 0.0
    data["charts"]["progress"] = {"search": [[1, 0.0]], "random": None}
    assert said(words.headline, View(read(data))) == f"{begin} at every point tried."
    own = {"function": lambda model, reference, x: abs(model - reference)} if "kind" in measure else {}
    same = Problem(lambda x: x, lambda x: x, Domain(x=(0.0, 1.0)), ErrorMeasure(**measure, **own))
    assert audit(same, evaluations=200).explain().startswith(f"{begin} at all of ")
    assert said(sections.progress, View(read(data))).startswith("Every error was zero")
    data["failures"]["masked"] = 7
    assert said(words.headline, View(read(data))).endswith("at every point tried where the error counts.")


def test_a_share_above_infinity_is_not_given(result):
    data = result("d1")
    data["exceedance"][0]["above"] = "inf"
    assert said(sections.spread, View(read(data))).startswith("Random points have infinite errors themselves")


@pytest.mark.parametrize(("n", "largest"), [(3, "63 %"), (20, "14 %"), (600, "1 in 200")])
def test_what_random_points_rule_out(result, n, largest):
    """With few of them 3 / n is more than they need."""
    data = result("d1")
    data["plain_sample"]["n"] = n
    assert f"only regions larger than {largest} of" in said(sections.random_points, View(read(data)))


def test_table(result):
    data = result("table")
    assert "nothing is known between rows" in chip_words(View(read(data)))
    assert "nothing could be searched" in said(words.lead, View(read(data)))
    assert "no search" in said(power.sentence, View(read(data)))


FORBIDDEN = re.compile(r"\b(passed|passes|safe|accurate|✓|hallucinat\w*)", re.IGNORECASE)


@pytest.mark.parametrize("name", ["d1", "d2", "d3", "d8"])
@pytest.mark.parametrize("tolerance", [None, 1e-6, 1e9])
def test_no_praise_without_a_bound(result, name, tolerance):
    view = View(read(result(name) | {"tolerance": tolerance}))
    chip = words.chip(view)
    text = f"{chip.icon} {chip_words(view)} {said(words.headline, view)} {said(words.lead, view)}"
    assert not FORBIDDEN.search(text)
    assert chip.kind != "proven"


def test_the_floor_of_the_rms_is_said(result):
    data = result("d2")
    data["rms"]["at_least"] = 3.6
    assert "the true RMS is at least 360 % (95 % confidence)" in said(words.lead, View(read(data)))


@pytest.mark.parametrize(
    ("n", "begin"), [(0, "No peak counts"), (1, "One peak counts"), (5, "Five peaks count")]
)
def test_glitches_are_counted_in_words(result, n, begin):
    data = result("d2")
    data["glitches"] = data["peaks"][:1] * n
    assert said(sections.peaks, View(read(data))).startswith(begin)


def test_glitches_are_not_denied_when_sizes_are_unknown(result):
    data = result("d2") | {"glitches": []}
    for place in data["peaks"]:
        place["volume"] = None
    assert "not measured" in said(sections.peaks, View(read(data)))


def test_a_late_find_asks_for_more(result):
    data = result("d1")
    worst = data["sup"]["lower"]
    data["charts"]["progress"]["search"] = [[10, worst / 2], [15900, worst]]
    assert "A longer search may well find more" in said(sections.progress, View(read(data)))
    data["charts"]["progress"]["search"] = [[10, worst / 2], [900, worst]]
    assert "did not improve on it" in said(sections.progress, View(read(data)))
    data["charts"]["progress"]["search"] = [[10, worst / 2]]
    data["evaluations"]["power"] = 1000
    assert "for pictures or planted errors. A longer" in said(sections.progress, View(read(data)))
    data["evaluations"]["power"] = 0
    assert "for pictures. A longer" in said(sections.progress, View(read(data)))


def test_most_peaks_not_seen(result):
    data = result("d1")
    data["unseen_peak_mass"] |= {"value": 0.9, "peaks": 58, "once": 55}
    assert "most peaks have not been seen" in said(sections.unseen, View(read(data)))
    data["unseen_peak_mass"] |= {"value": 0.02, "once": 1}
    assert "one of these was reached only once" in said(sections.unseen, View(read(data)))
    assert "Not measured" in said(sections.unseen, View(read(data | {"unseen_peak_mass": None})))


def test_shares_speak_of_the_part_with_a_value(result):
    data = result("d2")
    assert "of the domain" in said(sections.spread, View(read(data)))
    data["exceedance"] = [
        {"above": 0.1, "count": 0, "n": 900, "fraction": 0.0, "fraction_at_most": 0.0033, "confidence": 0.95,
         "of": "the part with a value"}
    ]  # fmt: skip
    text = said(sections.spread, View(read(data)))
    assert "None of 900 random points that have a value exceeds" in text
    assert "of that part of the domain does" in text
    data["exceedance"][0] |= {"count": 9, "fraction": 0.01}
    assert "of the part of the domain that has a value exceeds" in said(sections.spread, View(read(data)))


def test_the_size_of_a_place_has_its_limits(result):
    data = result("d2")
    data["witness"] |= {"volume": 1e-4, "volume_at_least": 7.7e-5, "volume_at_most": 1.25e-4}
    text = said(sections.where, View(read(data)))
    assert "1 in 10,000 of the domain (between 1 in 13,000 and 1 in 8,000, with 95 % confidence)" in text
    data["witness"] |= {"volume_at_most": None}
    text = said(sections.where, View(read(data)))
    assert "at least 1 in 10,000 of the domain (1 in 13,000 with 95 % confidence; the region goes on" in text
    # A point without a value may lie in the region as well.
    data["plain_sample"] |= {"n": 19_000, "drawn": 30_000}
    assert "about 3 of 30,000 random points fall" in said(sections.why_average, View(read(data)))
    data["witness"] |= {"volume": 0.099, "volume_at_least": 0.09, "volume_at_most": 0.11}
    assert "1 in 10 of the domain (between 9 % and 11 %, with" in said(sections.where, View(read(data)))


def test_both_values_have_digits_enough_to_differ(result):
    data = result("d2")
    data["witness"] |= {"model": [1.1806874], "reference": [1.1806861], "recheck_value": [1.1806874]}
    data["witness"] |= {"recheck": "unresolved"}
    data["peaks"][0] |= data["witness"]
    where = said(sections.where, View(read(data)))
    assert "model gives 1.1806874; the reference gives 1.1806861." in where
    note = said(words.recheck_note, View(read(data)))
    assert re.findall(r"1\.\d+", note) == ["1.1806874", "1.1806861", "1.1806874"]
    text = re.sub("<[^>]*>", "", page(read(data))).replace("\xa0", " ")
    assert "model 1.1806874, reference 1.1806861, second reference 1.1806874" in text
    data["witness"] |= {"model": [1.5], "reference": [1.25]}
    assert "model gives 1.5; the reference gives 1.25." in said(sections.where, View(read(data)))


def test_grey_of_a_thumbnail_is_what_is_there(result):
    data = result("d2")
    assert "grey: no value or outside the domain." in page(read(data))
    data["failures"]["masked"] = 7
    assert "grey: no value, outside the domain or not counted." in page(read(data))


def test_an_average_that_shows_the_place_is_not_said_to_hide_it(result):
    data = result("d2")
    worst = data["sup"]["lower"]
    data["witness"] |= {"volume": 0.09, "volume_at_least": 0.08, "volume_at_most": 0.1}
    data["plain_sample"]["worst"] = 0.6 * worst
    data["rms"]["value"] = worst / 3.5  # of it the region makes up 0.08 (3.5 / 2)^2 at least
    text = said(sections.why_average, View(read(data)))
    assert text.startswith(
        "The region around the worst point where the error is at least half as large fills about 1 part in 11.1 of the"
    )
    assert text.endswith("% of the mean square: the average shows it.")
    # Without a random point in the region their mean square lacks it.
    unseen = copy.deepcopy(data)
    unseen["plain_sample"]["worst"], unseen["rms"]["value"] = 0.4 * worst, worst / 4
    text = said(sections.why_average, View(read(unseen)))
    assert "None of the random points lies in it, so their RMS does not contain it." in text
    assert " of the mean square, and the RMS is about " in text
    data["rms"]["value"] = worst / 2.9
    data["witness"] |= {"volume": 0.01, "volume_at_least": 0.009, "volume_at_most": 0.011}
    assert said(sections.why_average, View(read(data))).endswith("so the average hardly notices it.")
    # A region that no random point has hit does not show in their average, however much it makes up.
    data["witness"] |= {"volume": 1e-6, "volume_at_least": 9e-7}
    data["rms"]["value"] = worst / 1e6
    text = said(sections.why_average, View(read(data)))
    assert (
        "about one in 250 tests with 4,000 random points hits it. That region alone makes the true RMS larger"
        in text
    )


def test_power_of_two_sides_is_that_of_the_worse_one(result):
    data = result("d2")
    data["power"] = [row(1e-2, 10, side="model"), row(1e-2, 4, side="reference")]
    assert said(power.sentence, View(read(data))).startswith("Even errors that fill 1 in 100")
    cells = [r["cube"] for r in power.table(View(read(data)))["power_rows"]]
    assert cells[0].endswith(", in the model")
    assert cells[1].endswith(", in the reference")
    data["power"][0]["searched"] = (
        "a stand-in: a Gaussian process of the reference through 100 computed values"
    )
    assert "These searches used a stand-in: a Gaussian process of the reference" in said(
        power.caption, View(read(data))
    )


def test_power_sentence(result):
    data = result("d2")
    data["power"] = [row(1e-4, 10), row(1e-5, 3)]
    text = said(power.sentence, View(read(data)))
    assert (
        "Of 10 planted errors that fill 1 in 10,000 of the domain, such searches found 10: with 95 %" in text
    )
    assert (
        "they find at least 69 % of errors of this size" in text
    )  # 0.025 ** (1 / 10): one of two sizes was chosen
    assert "that fill only 1 in 100,000 of the domain could have been missed: 3 of 10 were found" in text
    data["power"] = [row(1e-2, 3)]
    assert (
        said(power.sentence, View(read(data)))
        == "Even errors that fill 1 in 100 of the domain could have been missed: 3 of 10 were found."
    )
    data["power"] = [row(1e-2, 10), row(1e-2, 2, "sheet")]
    text = said(power.sentence, View(read(data)))
    assert (
        "Thin errors between two jumps 0.01 of the range apart could have been missed: 2 of 10 were found."
        in text
    )
    assert "not measured" in said(power.sentence, View(read(data | {"power": []})))


def test_a_share_of_a_domain_that_is_no_box_is_no_cube_of_the_ranges(result):
    data = result("d2")
    for kind, words_of in (
        ("box", "a cube 1 % of each range wide"),
        ("constraints", "a random place of the domain"),
        ("data", "a random place of the data"),
    ):
        data["domain"] = {"kind": kind}
        data["power"] = [row(1e-4, 1)]
        assert words_of in power.table(View(read(data)))["power_rows"][0]["cube"]


def test_failures_come_first(result):
    from supnorm.pages import failures

    data = result("d2")
    count, of = data["failures"]["count"], f"{data['failures']['of']:,}"
    assert said(failures.sentence, View(read(data))).startswith(
        f"The reference or the model gave no finite value at {count} of {of} points"
    )
    none = copy.deepcopy(data)
    none["failures"]["count"] = 0
    assert said(failures.sentence, View(read(none))).startswith(f"Nowhere: all {of} evaluations")
    none["failures"]["count"] = data["failures"]["of"]
    none |= {"witness": None}
    assert said(failures.sentence, View(read(none))).startswith(f"Everywhere: none of {of} points")


def test_nothing_is_called_finite_that_was_not(result):
    from supnorm.pages import failures

    data = result("d2")
    data["failures"]["count"] = 0
    infinite = copy.deepcopy(data)
    infinite["sup"]["lower"] = infinite["witness"]["error"] = "inf"
    assert "finite or infinite" in said(failures.sentence, View(read(infinite)))
    data["outputs"] = [{"name": "rho", "unit": ""}, {"name": "mu", "unit": ""}]
    text = said(failures.sentence, View(read(data)))
    assert "at least one output" in text
    assert "finite values" not in text
    assert "no value" not in text
    data["findings"] = [{"code": "output-without-value", "text": "..."}]
    assert said(failures.sentence, View(read(data))).endswith("have none at some points.")


def test_an_interrupted_audit_says_that_nothing_was_found_before_it_was_stopped(result):
    data = open_result(result)
    data["status"] = {"code": "interrupted", "advice": "", "exit": 3}
    begin = "No error above your tolerance of 2 was found before the audit was stopped. The worst found is"
    assert said(words.headline, View(read(data))).startswith(begin)


def test_the_title_of_the_problem_stands_above_model_and_reference(result):
    data = result("d1")
    data["title"] = "Density <v3>"
    html = page(read(data))
    assert "<b>Density &lt;v3&gt;</b><br>Audit of" in html
    data["title"] = ""
    assert '<p class="kick">Audit of' in page(read(data))
