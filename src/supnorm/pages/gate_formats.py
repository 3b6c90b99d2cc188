"""A gate's result for other programs: Markdown for pull requests, JUnit XML, SARIF and a badge.

* JUnit XML: one test case; a tolerance that is exceeded is a failure, what was not decided an error. Nothing that is not
  decided looks like a pass.
* SARIF 2.1.0 (OASIS): one result for each of the worst points above the tolerance, at the problem file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from xml.etree import ElementTree

from supnorm.pages.gate import Gate
from supnorm.pages.svg import el
from supnorm.results.printable import printable
from supnorm.results.versions import __version__
from supnorm.wording import Narrator, fact
from supnorm.wording.gate import TEMPLATES

COLORS = {"over": "#c2410c", "open": "#8a5a00", "proven": "#0a6b50"}
WIDTH = 6.6  # pixels of a character of a badge
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def markdown(gate: Gate, uri: str = "problem.toml") -> str:
    """A summary for a pull request or the summary page of a job.

    Args:
        gate: what is told.
        uri: unused here; the problem file.
    """
    say = Narrator(TEMPLATES).text
    lines = [
        f"### {gate.icon} {_md(gate.title)}: {_md(gate.verdict)}",
        "",
        *(f"{_md(sentence)}\n" for sentence in gate.sentences),
    ]
    if gate.facts:
        lines += ["| | | |", "|---|---|---|"]
        lines += [f"| {_md(name)} | **{_md(value)}** | {_md(note)} |" for name, value, note in gate.facts]
        lines.append("")
    if gate.worst:
        lines += ["<details><summary>", say(fact("gate-points", n=len(gate.worst))), "</summary>", ""]
        lines += ["| " + " | ".join(map(_md, gate.head)) + " |", "|" + "---|" * len(gate.head)]
        lines += ["| " + " | ".join(map(_md, point.cells)) + " |" for point in gate.worst]
        lines += ["", "</details>", ""]
    if gate.advice:
        lines += [f"**{say(fact('gate-next', advice=''))}** {_md(gate.advice)}", ""]
    if gate.command:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", gate.command)), default=0))
        lines += [fence, printable(gate.command), fence, ""]
    return "\n".join(lines)


def _md(text: str) -> str:
    """Text of a user as it is: neither a table's bar nor a tag nor emphasis."""
    return re.sub(r"([\\`*_\[\]|<>#~@])", r"\\\1", printable(text.replace("\n", " "))).replace("\\<", "&lt;")


def junit(gate: Gate, uri: str = "problem.toml") -> str:
    """One test suite with one case."""
    failed, undecided = gate.exit == 1, gate.exit not in (0, 1)
    counts = {"tests": "1", "failures": str(int(failed)), "errors": str(int(undecided)), "skipped": "0"}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "supnorm", **counts})
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "classname": f"supnorm.{gate.verb}",
            "name": _xml(gate.title),
            "file": _xml(uri),
            "time": f"{gate.seconds:.3f}",
        },
    )
    body = "\n".join([*gate.sentences, gate.advice, *(point.words for point in gate.worst), gate.command])
    if failed or undecided:
        kind = {
            "type": _xml(gate.code),
            "message": _xml(gate.sentences[0] if gate.sentences else gate.verdict),
        }
        ElementTree.SubElement(case, "failure" if failed else "error", kind).text = _xml(body)
    else:
        ElementTree.SubElement(case, "system-out").text = _xml(body)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _xml(text: str) -> str:
    """The text without what XML cannot hold."""
    return NO_XML.sub("�", "\n".join(map(printable, text.split("\n"))))


def sarif(gate: Gate, uri: str = "problem.toml") -> str:
    """A log with a result for each of the worst points above the tolerance."""
    where = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri.replace("\\", "/")},
            "region": {"startLine": 1},
        }
    }
    results = [
        {
            "ruleId": "supnorm/sup-error",
            "level": "error",
            "message": {"text": printable(f"{gate.title}: {point.words}")},
            "locations": [where],
            "partialFingerprints": {"supnorm/1": f"{gate.fingerprint}-{i}"},
            "properties": {"error": repr(point.error), "x": {k: repr(v) for k, v in point.x.items()}},
        }
        for i, point in enumerate(gate.worst)
        if point.above
    ]
    if gate.exit and not results:
        results = [
            {
                "ruleId": f"supnorm/{gate.code}",
                "level": "error" if gate.exit == 1 else "warning",
                "message": {"text": printable(" ".join([gate.title + ":", *gate.sentences, gate.advice]))},
                "locations": [where],
            }
        ]
    rules = {
        "supnorm/sup-error": "The error of a model against its reference is above the tolerance at a point."
    }
    rules |= {result["ruleId"]: gate.verdict for result in results if result["ruleId"] not in rules}  # type: ignore[misc]
    driver = {
        "name": "supnorm",
        "version": __version__,
        "rules": [{"id": name, "shortDescription": {"text": words}} for name, words in rules.items()],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def badge(gate: Gate, uri: str = "problem.toml") -> str:
    """A badge of two fields as SVG: "sup error", and the answer."""
    left, right = "sup error", printable(gate.short)
    a, b = (round(WIDTH * len(words)) + 14 for words in (left, right))
    color, words = COLORS.get(gate.kind, COLORS["open"]), f"{left}: {right}"
    style = {"font_family": "Verdana,DejaVu Sans,sans-serif", "font_size": "11", "fill": "#fff"}
    texts = [
        el("text", text, x=x, y=14.0, text_anchor="middle", **style)
        for text, x in ((left, a / 2), (right, a + b / 2))
    ]
    end = f"M{a} 0h{b - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{b - 3}z"
    whole = el("rect", width=float(a + b), height=20.0, rx=3.0, fill="#555")
    size = {"width": float(a + b), "height": 20.0, "xmlns": "http://www.w3.org/2000/svg"}
    return (
        el("svg", el("title", words), whole, el("path", d=end, fill=color), *texts, role="img", **size) + "\n"
    )


FORMATS: dict[str, Callable[[Gate, str], str]] = {
    "markdown": markdown,
    "junit": junit,
    "sarif": sarif,
    "badge": badge,
}
