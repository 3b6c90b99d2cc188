"""The words of `certify --property`: what is proved, refuted or left open of each property."""

from __future__ import annotations

from collections.abc import Mapping

# What is proved of a property.
PROVED = {
    "positive-proved": "{output} is above zero everywhere: at least {least:at least 4}.",
    "bounded-proved": "{output} stays within the limits: its values are {least?:at least {least:at least 6}}"
    "{both?: and }{most?:at most {most:at most 6}}.",
    "monotone-proved": "{output} never {falls?:rises|falls} as {axis} grows: {quantity} is {falls?:at most "
    "{most:at most 4}|at least {least:at least 4}} everywhere.",
    "convex-proved": "{output} is {falls?:concave|convex} in {axis}: {quantity} is {falls?:at most {most:at most 4}|at "
    "least {least:at least 4}} everywhere.",
    "lipschitz-proved": "{output} changes by at most {constant:at most 4} times {axis?:the change of {axis}|the Euclidean "
    "distance of the inputs (each in its own unit)}.",
}
# By what a property is refuted.
REFUTED = {
    "positive-refuted": "{output} is not positive: the model gives {value:num 6} at {at:point}.",
    "bounded-refuted": "{output} leaves the limits: the model gives {value:num 6} at {at:point}.",
    "monotone-refuted": "{output} {falls?:rises|falls} as {axis} grows: the model gives {before:num 8} and {after:num 8} "
    "at the two ends of a step in {axis}, around {at:point}.",
    "convex-refuted": "{output} is not {falls?:concave|convex} in {axis}: {quantity} is {falls?:above|below} zero at "
    "{at:point}.",
    "slope-refuted": "{output} {falls?:rises|falls} as {axis} grows at {at:point}: {quantity} is {value:num 4} there, too "
    "small a slope to be seen in values of the model.",
}
# What is left open.
UNDECIDED = {
    "property-undecided": "{property} of {output} is not decided: it is proved on {almost?:more than "
    "99.99 %|{share:percent 4}} of the domain{where?:; the rest lies in {where}}{quantity?:; {quantity} is "
    "{most?:at most {most:at most 4}}{least?:at least {least:at least 4}} at {at:point}}.",
    "without-value": "{property} of {output} is not decided: {quantity} has no finite value at a point of the domain.",
    "runs-too-near": "{property} of {output} holds in exact arithmetic with a margin of {margin:num 4}, but the model as it "
    "runs was seen up to {difference:num 4} from exact arithmetic, and the margin has no room for twice as much.",
    "without-verdict": "{property} of {output}: no verdict, for want of time to prove all bounds of the file again.",
}
# The whole answer, and the lines of the summary.
WHOLE = {
    "all-proved": "{n:The property is|All {n:count} properties are} proved on the whole domain.",
    "some-refuted": "{n:A property is|{n:count} properties are} refuted.",
    "some-undecided": "{n:A property is|{n:count} properties are} not decided; give more seconds, or a smaller domain, or "
    "resume.",
    "undecided-by-rounding": "{n:A property is|{n:count} properties are} not decided, and more seconds do not help: the "
    "extreme is too near the limit for float64. If it is the limit itself, no proof can decide; ask for a limit a little "
    "beyond it, as in bounded:-1e-9:inf, or take a smaller domain.",
    "properties-stopped": "{cause?:Stopped: {cause}|You stopped it}; resume.",
    "extreme": "{extreme} of {quantity}: between {lower:at least 6} and {upper:at most 6}",
    "no-bound-of-extreme": "{extreme} of {quantity}: no bound",
}
# Norms of an error.
NORMS = {
    "norms-proved": "{n:The norm is|All {n:count} norms are} proved between bounds whose ratio is at most {ratio:num 6}.",
    "norms-undecided": "{n:A bracket is|{n:count} brackets are} wider than the ratio {ratio:num 6}; give more seconds, a "
    "larger ratio or a smaller domain.",
    "norm": "{lower:at least 6} to {upper:at most 6}{at?: (at least at {at:point})}",
}
PROPERTIES: Mapping[str, str] = PROVED | REFUTED | UNDECIDED | WHOLE | NORMS
