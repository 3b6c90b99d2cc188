"""Labels along a dimension in words, whatever type a file gives them: text, bytes, numbers, yes and no."""

from __future__ import annotations

from typing import Any

from supnorm.fields.stated import stated
from supnorm.problem.coordinates import value_texts


def label_texts(variable: Any) -> list[str]:
    """The labels of a coordinate of xarray, without blanks around them if they stay different."""
    texts = value_texts(stated(variable, tuple(map(str, variable.dims))).values)
    plain = [text.strip() for text in texts]
    return plain if len({*plain}) == len({*texts}) else texts
