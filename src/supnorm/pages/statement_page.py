"""The page of a proof (properties, norms, a solution's error, a bound): its record in, one self-contained HTML file out."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.rendering import render
from supnorm.pages.statement_picture import Seen, picture_of
from supnorm.pages.svg import two_sizes
from supnorm.results.about import AboutRecord
from supnorm.results.certify import CertifyRecord
from supnorm.results.norms import NormsRecord
from supnorm.results.numbers import ErrorUnit, at_least, at_most, count, pretty_unit, with_unit
from supnorm.results.parts import PointRecord
from supnorm.results.printable import file_word
from supnorm.results.properties import PropertiesRecord
from supnorm.results.solution import SolutionRecord
from supnorm.wording import Fact, Narrator, fact, units_of
from supnorm.wording.statement_page import TEMPLATES

Statement = CertifyRecord | NormsRecord | PropertiesRecord | SolutionRecord
CHIPS = {"proved": "proven", "within-tolerance": "proven", "tolerance-exceeded": "over", "refuted": "over"}
Rows = list[tuple[str, ...]]


def statement_page(record: Statement, certificate: str = "") -> str:
    """The HTML text of the page; ``certificate``: what has to be said of a certificate in the folder."""
    about, code, say = record.about, record.status.code, narrator(record).html
    title = "" if about is None else about.title
    bounded = isinstance(record, NormsRecord | PropertiesRecord) or record.sup.upper_kind != "none"
    head, rows = stated(record)
    parts_head, parts = parts_of(record)
    at = largest_seen(record)
    drawn = (
        (Markup(""), Markup(""))
        if about is None or about.picture is None
        else two_sizes(picture_of, (about, at))
    )
    menu = [
        ("statement", "Statement"),
        ("box", "Box"),
        ("picture", "Picture"),
        ("parts", "Parts"),
        ("rests", "Assumptions"),
    ]
    absent = {"box": about is None, "picture": not drawn[0], "parts": not parts}
    values = {
        "title": f"{title or 'model'}: {code} – supnorm certify",
        "problem_title": title,
        "subject": _subject(record),
        "skip": "statement",
        "menu": [(key, name) for key, name in (*menu, ("again", "Check it")) if not absent.get(key)],
        "chip": CHIPS.get(code, "open"),
        "word": say(fact(f"chip-{code}")),
        "headline": say(headline(record)),
        "advice": record.status.advice,
        "kind": say(*reach(record)),
        "certificate": certificate,
        "head": head,
        "rows": rows,
        "bounded": bounded,
        "box_what": say(fact("box-held" if bounded else "box-asked")),
        "box": box_rows(about),
        "picture": drawn,
        "picture_what": say(*seen(about, at)),
        "parts_head": parts_head,
        "parts": parts,
        "rests": rests(record),
        "record": again(record),
    }
    return render("statement.html.j2", values)


def narrator(record: Statement) -> Narrator:
    """What writes the facts of a proof."""
    about = record.about
    unit, inputs = (about.unit, about.inputs) if about is not None else (getattr(record, "unit", ""), ())
    return Narrator(TEMPLATES, ErrorUnit("absolute", pretty_unit(unit)), units_of(inputs))


def headline(record: Statement) -> Fact:
    """The statement in one sentence."""
    if isinstance(record, NormsRecord):
        n, ended = len(record.norms), sum(math.isfinite(norm.upper) for norm in record.norms)
        if record.believed:  # a bound that is only as a file states it is not proved
            ended = 0
        if ended < n:
            return fact("headline-norms-open", n=n, bounded=ended, open=n - ended)
        return fact("headline-norms", n=n)
    if isinstance(record, PropertiesRecord):
        answers = [answer.status for answer in record.answers]
        numbers = {
            "proved": answers.count("proved"),
            "refuted": answers.count("refuted"),
            "open": answers.count("undecided"),
        }
        return fact("headline-properties", n=len(answers), **numbers)
    bounded = {"bounded": record.sup.upper_kind != "none", "upper": record.sup.upper}
    if isinstance(record, SolutionRecord):
        return fact("headline-solution", **bounded)
    above = record.status.code == "tolerance-exceeded"
    return fact("headline-certify", lower=record.sup.lower, above=above, **bounded)


def reach(record: Statement) -> list[Fact]:
    """What the bound holds for: exact arithmetic, assumptions, the model as it runs."""
    if isinstance(record, NormsRecord | PropertiesRecord):
        return []
    kinds = {"none": "kind-none", "conditional": "kind-conditional"}
    facts = [fact(kinds.get(record.sup.upper_kind, "kind-exact-arithmetic"))]
    if record.sup.deployed_upper is not None:
        facts.append(fact("deployed", upper=record.sup.deployed_upper))
    return facts


def stated(record: Statement) -> tuple[tuple[str, ...], Rows]:
    """The head and the rows of the table of what is stated."""
    say = narrator(record).text

    def bracket(lower: float, upper: float, words: Callable[[Fact], str] = say) -> str:
        if upper == math.inf:
            return words(fact("at-least", lower=lower))
        return words(fact("between", lower=lower or None, upper=upper))

    def where(x: Any) -> str:
        return say(fact("at", at=x)) if x else ""

    if isinstance(record, PropertiesRecord):
        answers: Rows = [(answer.property, answer.status, answer.text) for answer in record.answers]
        return ("property", "answer", "in words"), answers
    if isinstance(record, NormsRecord):
        of_norms: Rows = [
            (
                _joined(one.norm, one.input or "", one.output or ""),
                bracket(one.lower, one.upper, _slope(record, one.input).text if one.input else say),
                where(one.x),
            )
            for one in record.norms
        ]
        return ("norm of the error", "size", "where it was seen"), of_norms
    witness = record.witness
    at = witness.x if isinstance(witness, PointRecord) else witness
    rows: Rows = [("largest error", bracket(record.sup.lower, record.sup.upper), where(at))]
    if isinstance(record, SolutionRecord):
        of_v = record.reference_error
        kind = say(fact(f"reference-{record.reference}"))
        rows.append(("error of the function whose residual is bounded", bracket(0.0, of_v), kind))
    elif record.proved_volume > 0 and (record.sup.upper is None or record.target < record.sup.upper):
        share, target = (
            fact("share", share=record.proved_volume),
            fact("share-target", target=record.target),
        )
        rows.append(("proved so far", say(share), say(target)))
    return ("quantity", "size", "where it was seen, or what it is"), rows


def _slope(record: NormsRecord, name: str) -> Narrator:
    """What writes the sizes of a derivative: in the unit of the error by that of the input, if both are known."""
    about = record.about
    of_input = "" if about is None else next((a.unit for a in about.inputs if a.name == name), "")
    unit = f"{about.unit} / {of_input}" if about is not None and about.unit and of_input else ""
    return Narrator(TEMPLATES, ErrorUnit("absolute", pretty_unit(unit)))


def box_rows(about: AboutRecord | None) -> Rows:
    """Each input with its ends, and its scale where one is logarithmic."""
    axes = () if about is None else about.inputs
    logs = any(a.scale == "log" for a in axes)
    return [
        (
            a.name,
            *(with_unit(end, pretty_unit(a.unit), 6) for end in (a.low, a.high)),
            *(("logarithmic" if a.scale == "log" else "",) if logs else ()),
        )
        for a in axes
    ]


def largest_seen(record: Statement) -> Seen | None:
    """The point of the largest error, of a proof about an error."""
    if not isinstance(record, CertifyRecord) or record.witness is None or record.sup.lower is None:
        return None
    return Seen(record.witness.x, record.sup.lower)


def seen(about: AboutRecord | None, at: Seen | None) -> list[Fact]:
    """What the picture shows."""
    if about is None or about.picture is None:
        return []
    picture = about.picture
    marked = {"marked": at is not None, "map": bool(picture.y)}
    return [fact(f"picture-{picture.what}", band=picture.band, **marked), fact("picture-shows")]


def parts_of(record: Statement) -> tuple[tuple[str, ...], Rows]:
    """The head and the rows of the table of parts."""
    say = narrator(record).text
    rows: Rows
    if isinstance(record, SolutionRecord):
        rows = [
            (say(_part(one.name, record)), at_least(one.lower, 6), at_most(one.upper, 6), count(one.boxes))
            for one in record.parts
        ]
        return ("part", "at least", "at most", "boxes"), rows
    if isinstance(record, PropertiesRecord):
        rows = [
            (
                _joined(one.extreme, one.quantity),
                at_least(one.lower, 6),
                at_most(one.upper, 6),
                count(one.boxes),
            )
            for answer in record.answers
            for one in answer.extremes
        ]
        return ("extreme", "at least", "at most", "boxes"), list(dict.fromkeys(rows))
    if isinstance(record, NormsRecord):
        return ("norm", "at least", "at most", "boxes"), [
            (
                _joined(one.norm, one.input or ""),
                at_least(one.lower, 6),
                at_most(one.upper, 6),
                count(one.boxes),
            )
            for one in record.norms
        ]
    return (), []


def _joined(*words: str) -> str:
    return " ".join(filter(None, words))


def _part(name: str, record: SolutionRecord) -> Fact:
    """What a part of a solution's proof bounds."""
    word, *rest = name.split(" ")
    if word == "face" and record.about is None:
        return fact("part-face", axis=None)
    if word == "face" and record.about is not None:
        axis = record.about.inputs[int(rest[0])]
        start = f"face {rest[0]} high" not in {part.name for part in record.parts}
        at = axis.low if rest[1] == "low" else axis.high
        return fact("part-start" if start else "part-face", axis=axis.name, at=at)
    return fact(f"part-{word}" if f"part-{word}" in TEMPLATES else "part-difference")


def rests(record: Statement) -> list[str]:
    """On what the statement rests: theorem, constants, assumptions."""
    first = []
    if isinstance(record, SolutionRecord):
        barrier = record.barrier
        say = narrator(record).text
        first = [barrier.words, say(fact("constants", on=barrier.on_faces, inside=barrier.inside))]
    return [*first, *record.assumptions]


def _subject(record: Statement) -> str:
    if isinstance(record, SolutionRecord):
        return record.equation
    return (
        ""
        if record.about is None
        else " against ".join(filter(None, (record.about.model, record.about.reference)))
    )


def _check(certificate: str) -> str:
    """The command, in the folder of the run, which has a copy of the problem file."""
    return f"supnorm check {file_word(Path(certificate))} --problem problem.toml"


def again(record: Statement) -> Rows:
    """What it takes to check the proof."""
    packages = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    boxes = sum(one.boxes for one in record.norms) if isinstance(record, NormsRecord) else 0
    if isinstance(record, PropertiesRecord):
        boxes = sum(one.boxes for answer in record.answers for one in answer.extremes)
    if isinstance(record, CertifyRecord | SolutionRecord):
        boxes = record.boxes
    say, compared = narrator(record).text, None
    if isinstance(record, CertifyRecord) and record.agreement.sides:
        seen = record.agreement
        compared = fact("compared", points=seen.points, difference=seen.difference or None)
    rows = [
        ("certificate", Path(record.certificate).name if record.certificate else ""),
        ("in this folder", _check(Path(record.certificate).name) if record.certificate else ""),
        ("work", say(fact("boxes", boxes=boxes, seconds=record.seconds))),
        ("measured", say(compared) if compared else ""),
        ("versions", packages),
    ]
    return [(name, said) for name, said in rows if said]
