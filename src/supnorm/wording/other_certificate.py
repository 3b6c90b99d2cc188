"""What a page, and the terminal with it, says of a certificate beside the result that is not the proof of its bound."""

TEMPLATES = {
    "other-certificate": "{file} states the bound {stated:error at most 6}{upper?:: it is not the proof of "
    "{upper:error at most 6} in this result|, which this result does not have}. Whether it is a certificate of this "
    "problem was not looked at: supnorm certify PROBLEM.toml --out {folder} --resume says so, and proves it again.",
}
