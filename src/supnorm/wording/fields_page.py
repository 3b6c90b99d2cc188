"""What the page and the summary of an audit of fields say besides its findings; one template for each fact."""

from supnorm.wording.fields import OF_THEIR, OF_WHAT

KAPPA = "{kappa:num} times the RMS error" + OF_THEIR
WITHOUT = "{missing?: At {missing:one grid point|{missing:count} grid points} the prediction has no value.}"
TEMPLATES = {
    "chip-tolerance-exceeded": "above the tolerance",
    "chip-missing-values": "values are missing",
    "chip-out-of-bounds": "values out of bounds",
    "chip-within-tolerance": "within the tolerance",
    "chip-nothing-compared": "nothing compared",
    "chip-no-tolerance": "no tolerance given",
    "chip-interrupted": "interrupted",
    "compared": "{n:one variable|{n:count} variables}, {fields:count} pairs of fields, {points:count} grid points",
    "nothing": "No grid point could be compared.",
    "headline": "{name} is wrong by {error:num 4}{unit?: {unit}}{ratio?:, {ratio:ratio} times the RMS error"
    + OF_WHAT
    + "}."
    + WITHOUT,
    "ratio-row": "over the RMS error" + OF_WHAT,
    "headline-same": "Prediction and truth are the same at every grid point that both have." + WITHOUT,
    "exact": "{some?:Every grid point with a value on both sides was compared: the largest error {missing?:of these points }"
    "is exact for these data, and says nothing of others.|No grid point has a value on both sides.}",
    "part": "The run was cut short: {done:count} of {of:count} pairs of fields were compared.",
    "map": "map of the largest error of {name} at each place, up to {largest:num}",
    "colours": "colours from {low:num} to {high:num}",
    "lead-chart": "errors of {name} by lead time",
    "spectrum-chart": "spectrum of {name} by wavenumber",
    "outside-row": "values outside of {low:num} to {high:num}{usual?: (usual bounds)}",
    "map-what": "The largest error at each place, of all fields{unit?:, in {unit}}.{events?: The rings are around the "
    "peaks of the events below.}",
    "events-what": "An event is a set of grid points that touch each other, in space, from level to level and "
    "from one lead time to the next, and whose error is at least {threshold?:{threshold:num}{unit?: {unit}}|"
    + KAPPA
    + "}. {all:One was|{all:count} were} found.{shown?: The table has {shown:count} of them: those with the "
    "largest errors, and those with the largest multiples of the RMS error.}",
    "events-none": "No grid point has an error above {threshold?:{threshold:num}{unit?: {unit}}|"
    + KAPPA
    + "}.",
    "radius": "**Nearest value** is how far the predicted value is from the nearest one of the truth within 2, 6 and 12 "
    "cells; 0 says that the truth has this value, or values on both sides of it. **Moved** is by how many rows and columns "
    "the truth has to be moved to fit the prediction. It is stated where this halves the error of the place and the RMS "
    "difference within 6 cells, and fits twice as well as the mean of the prediction there: then the prediction may be in "
    "the wrong place. A dash says that no move by up to 12 cells does all three.",
    "quantiles-what": "{weighed?:Shares are of the area.|Each grid point counts the same.} The true quantile lies "
    "between the two numbers.",
    "bad-what": "The table gives {led?:for each init the first lead time|each time} at which a value is missing or "
    "outside of its bounds, or an error is above {kappa:num} times the RMS error"
    + OF_WHAT
    + ", and the place.",
    "spectrum-what": "Along circles of latitude, of {fields:one field|{fields:count} fields}. Where the error has "
    "more power than the "
    "truth, or the prediction less than half of it, the prediction says nothing of these scales.",
    "resolved": "That is so from wavenumber {k:count} on.",
}
