"""What the comparison of several models says; one template for each fact."""

TEMPLATES = {
    "no-model": "No model could be evaluated.",
    "smallest-worst": "The smallest worst error found is {worst:error}, by {name}.{also?: It also has the smallest RMS.}"
    "{other?: By the RMS alone one would have chosen {other} (worst found {other_worst:error}).}",
    # Cells of the table.
    "worst": "{no_value?:no value at {no_value:count} points; else {worst:error}|{worst:error}}",
    "at": "{row?:row {row:count}: }{at}",
    "q999": "{known?:{q999:error}|not known}",
}
