"""The JSON Schema of the problem file, for editors: from the fields that the reader itself has."""

from __future__ import annotations

from typing import Any

from supnorm.problem.specification import ProblemSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What an editor shows at a key, by the name of the class of its table and the key.
WORDS = {
    "ProblemSpec.title": "Name of the problem, on pages and in the terminal.",
    "ProblemSpec.model": "The function under test: an emulator, a surrogate, a network, a column of predictions.",
    "ProblemSpec.reference": "What the model stands in for: a code, a formula, a column of measurements.",
    "ProblemSpec.recheck": "A second or refined reference, called at the points that are reported.",
    "ProblemSpec.equation": "The differential equation that the model solves.",
    "ProblemSpec.claim": "What is published about the accuracy of the model; supnorm claim judges it.",
    "ProblemSpec.error": "How model and reference are compared, and the largest error that is allowed.",
    "ProblemSpec.domain": "One line for each input: x = [0.0, 1.0], or x = { low = .., high = .., unit = .. }.",
    "ProblemSpec.constraints": "Which points of the box exist.",
    "ProblemSpec.data": "The points that the model was trained on.",
    "ProblemSpec.law": "How the inputs are distributed in use: averages are taken over it.",
    "ProblemSpec.audit": "Budget and options of the audit.",
    "ProblemSpec.power": "Errors that are planted to measure what the search misses.",
    "SourceSpec.file": "A model file (.onnx, .pt2, .pt, .npz) or a table (.csv, .parquet, .nc).",
    "SourceSpec.python": '"file.py:name": a function of points (n, d), an nn.Module or an object with predict.',
    "SourceSpec.command": "A program and its arguments; it reads points as lines on stdin and answers with lines.",
    "SourceSpec.root": '"file.py:g": the function is the y with g(x, y) = 0.',
    "SourceSpec.flow": '"file.py:f": the function is y(t, p) with y\' = f(t, y, p).',
    "SourceSpec.integral": '"file.py:f": the function is the integral of f(x, s) over s.',
    "SourceSpec.mpmath": "A function of mpmath, such as hyp2f1, with as many bits as make its float64 value correct.",
    "SourceSpec.arguments": "mpmath: the arguments in their order; a number is fixed, a text names an input.",
    "SourceSpec.start": "root: where Newton's method begins; flow: the time of initial.",
    "SourceSpec.between": "root: the two ends of the branch.",
    "SourceSpec.initial": 'flow: y at the start, as numbers or "file.py:name".',
    "SourceSpec.time": "flow: the axis that is time.",
    "SourceSpec.components": "flow: those of y that are outputs, from 0 on.",
    "SourceSpec.limits": "integral: from and to.",
    "SourceSpec.name": "Name on pages and in the terminal.",
    "SourceSpec.inputs": "Columns or inputs of the graph, in the order of the axes.",
    "SourceSpec.outputs": "Names of the outputs; of a table or a graph the ones that are taken.",
    "SourceSpec.key": "Columns that say which rows of two tables belong together.",
    "SourceSpec.by": "Columns of a table, such as a site: the errors are reported for each of their values.",
    "SourceSpec.output_units": "Units of the outputs.",
    "SourceSpec.per_point": "Whether the function takes one point at a time.",
    "SourceSpec.batch": "Rows of a call.",
    "SourceSpec.device": "Where torch and graphs run, such as cpu or cuda.",
    "SourceSpec.precision": '"float32" or "float64".',
    "SourceSpec.timeout": "Seconds a point may take.",
    "SourceSpec.retries": "How often a failed point is tried again.",
    "SourceSpec.residuals": "Networks of supnorm repair that are added.",
    "SourceSpec.patches": "Networks of supnorm repair that correct parts of the domain.",
    "SourceSpec.declared": "Bounds that you declare for code that cannot be read.",
    "SourceSpec.template": "command: an input file in which names of inputs stand in braces.",
    "SourceSpec.json_path": "command with names in braces: where each output is in its JSON, such as result.power.",
    "SourceSpec.pattern": "command with names in braces: a regular expression for each output; the last match counts.",
    "SourceSpec.output_file": "command with names in braces: the file with the outputs, instead of stdout.",
    "SourceSpec.protocol": '"batch" (the program is started for each batch) or "point" (it keeps running).',
    "DeclaredSpec.bound": "Largest size of each output.",
    "DeclaredSpec.stretch": "How far beyond the domain, as a share of each axis, the bound holds.",
    "DeclaredSpec.order": "Order of the declared derivatives.",
    "DeclaredSpec.derivatives": "Largest size of that derivative by each input.",
    "DeclaredSpec.accuracy": "How far values may be from the function that is meant.",
    "AxisSpec.low": "Smallest value.",
    "AxisSpec.high": "Largest value.",
    "AxisSpec.unit": "Unit of the input.",
    "AxisSpec.scale": '"linear" or "log".',
    "AxisSpec.values": "All values that the input can have, instead of low and high.",
    "ErrorSpec.kind": '"absolute", "relative", "scaled", "ulp" or "function".',
    "ErrorSpec.side": '"both", "over" or "under": which deviations count.',
    "ErrorSpec.floor": "relative, ulp: size of the reference below which the divisor stays the same.",
    "ErrorSpec.scale": "scaled: the number, or one for each output, by which errors are divided.",
    "ErrorSpec.python": '"file.py:name": an error of your own, (model, reference, x) -> (n,).',
    "ErrorSpec.mask": '"file.py:name": where the error counts, (n, d) -> (n,) of booleans.',
    "ErrorSpec.tolerance": "The largest error that is allowed; above it the exit code is 1.",
    "ErrorSpec.derivatives": "Whether the first derivatives are compared too.",
    "ErrorSpec.step": "Step of differences that stand in for derivatives, as a share of each axis.",
    "ErrorSpec.failures": 'What a model without a value counts as: "error" (infinite) or "ignore".',
    "ErrorSpec.precision": 'ulp: "float64" or "float32", whose unit in the last place it is.',
    "ConstraintSpec.python": '"file.py:name", one or several: (n, d) -> (n,) of booleans.',
    "DataSpec.file": "Table or array of points.",
    "DataSpec.inputs": "Columns of the inputs.",
    "DataSpec.domain": "Whether these points define the domain.",
    "LawSpec.python": '"file.py:name": a sampler (n, rng) -> (n, d).',
    "LawSpec.file": "Points as they occur.",
    "LawSpec.name": "Name of the law on pages.",
    "AuditSpec.evaluations": "Budget of search and statistics.",
    "AuditSpec.seconds": "Time limit.",
    "AuditSpec.seed": "Same seed, same result.",
    "AuditSpec.workers": "Processes for an expensive reference.",
    "AuditSpec.gradients": "Whether the search uses derivatives.",
    "AuditSpec.norms": "Powers p of the sample norms L^p.",
    "AuditSpec.cost": "cheap, expensive, expensive-model or expensive-both.",
    "AuditSpec.power": "Whether errors are planted.",
    "PowerSpec.heights": "Heights of planted errors, in multiples of the worst error.",
    "PowerSpec.volumes": "Their sizes, as shares of the domain.",
    "PowerSpec.sheets": "Thicknesses of planted sheets.",
    "PowerSpec.runs": "How many are planted of each.",
    "PowerSpec.evaluations": "Evaluations of the search for each.",
    "SideSpec.neumann": "The outward normal derivative.",
    "SideSpec.robin": "Coefficient r of du/dn + r u = value.",
    "SideSpec.value": "Value of a Robin condition.",
    "ClaimSpec.says": "The sentence, word for word.",
    "ClaimSpec.source": "DOI, or package, version, file and line.",
    "ClaimSpec.published": "Its number as it is printed.",
    "ClaimSpec.of": "What it is about: a function, a formula or a network.",
    "ClaimSpec.reference": "What stands for the truth, with its version.",
    "ClaimSpec.second": "What confirms a witness.",
    "ClaimSpec.subject": "formula, learned or code.",
    "ClaimSpec.package": "The distribution that contains the function.",
    "ClaimSpec.version": "The version of the package that the sentence is about.",
    "ClaimSpec.needs": "Requirements for pip.",
    "ClaimSpec.not_comparable": "Why the numbers decide nothing.",
    "ClaimSpec.prove": "Seconds for a proof.",
    "ClaimSpec.notes": "What a reader has to know.",
    "ClaimSpec.known": "How the claim was judged when it was written down.",
    "KnownSpec.verdict": "The verdict.",
    "KnownSpec.worst": "Two numbers between which the largest error found lies.",
    "EquationSpec.kind": "Which equation.",
    "EquationSpec.time": "Name of the axis that is time.",
    "EquationSpec.k": "Helmholtz: the wave number.",
    "EquationSpec.diffusivity": "Heat, AdvectionDiffusion: the diffusivity.",
    "EquationSpec.viscosity": "Burgers: the viscosity.",
    "EquationSpec.velocity": "AdvectionDiffusion: the velocity along each axis of space.",
    "EquationSpec.reaction": "AdvectionDiffusion: the coefficient of u.",
    "EquationSpec.source": "The right-hand side.",
    "EquationSpec.boundary": "Values on the boundary.",
    "EquationSpec.initial": "Values at the first time.",
    "EquationSpec.sides": "Neumann, Robin or periodic conditions, by axis.",
    "EquationSpec.approximation": "A function near the solution whose residual is bounded.",
}


def problem_schema() -> dict[str, Any]:
    """The schema: draft 2020-12, with a description at each key.

    >>> sorted(problem_schema()["properties"])[:4]
    ['audit', 'claim', 'constraints', 'data']
    """
    made = ProblemSpec.model_json_schema()
    tables = {"ProblemSpec": made, **made.get("$defs", {})}
    for name, table in tables.items():
        table.pop("title", None)
        for key, field in table.get("properties", {}).items():
            field.pop("title", None)
            field["description"] = WORDS[f"{name}.{key}"]
    named = {"type": "string", "pattern": "^mpmath:"}
    for side in ("model", "reference", "recheck"):
        made["properties"][side]["anyOf"] = [*made["properties"][side]["anyOf"], named]
    axis = tables["AxisSpec"]
    pair = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    domain = made["properties"]["domain"]
    domain["additionalProperties"] = {"anyOf": [{"$ref": "#/$defs/AxisSpec"}, pair]}
    axis["description"] = "One input; [low, high] is short for { low = .., high = .. }."
    return {"$schema": DIALECT, "$id": "supnorm.problem/1", "title": "supnorm problem file", **made}
