"""Rows with named columns: what results give out as a table, for CSV, data frames and arrays."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results.numbers import num
from supnorm.results.printable import in_cell, printable
from supnorm.results.status import BadInput

SHOWN = 10  # rows in a notebook


@dataclass(frozen=True, eq=False)
class Table(Sequence[Any]):
    """Rows of numbers, each with labels in words; the rows of an audit begin with the highest error.

    It is a sequence of rows, each a mapping by name, so that ``pandas.DataFrame(table)`` has the right columns;
    ``table["error"]`` is a column, and ``numpy.asarray(table)`` the numbers.

    Attributes:
        columns: names of the numbers; of an audit the inputs, ``model_<output>``, ``reference_<output>``, ``error``. An
            input that has the name of another column stands as ``input_<name>``.
        rows: shape ``(n, len(columns))``.
        labels: text by name, a text for each row. Of the rows of a table of data: ``row`` (counted from 1 below the header),
            ``line`` of the file where that is not the row's number plus 1, and what the table's other columns hold.

    >>> table = Table(("a", "error"), np.array([[1.0, 0.5], [2.0, 0.25]]), {"row": ("3", "1")})
    >>> table[0], table["error"], len(table)
    ({'row': '3', 'a': 1.0, 'error': 0.5}, array([0.5 , 0.25]), 2)
    """

    columns: tuple[str, ...]
    rows: NDArray[np.float64]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def __getitem__(self, which: Any) -> Any:
        """A row as a mapping, some rows as a table (a slice), or a column by name.

        Raises:
            KeyError: for a name that no column has; it lists the names.
            IndexError: for a row that is not there.
        """
        if isinstance(which, str):
            return self._column(which)
        if isinstance(which, slice):
            return replace(
                self, rows=self.rows[which], labels={k: column[which] for k, column in self.labels.items()}
            )
        row = self.rows[which]
        return {k: column[which] for k, column in self.labels.items()} | dict(
            zip(self.columns, row.tolist(), strict=True)
        )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows as mappings by name."""
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The numbers, shape ``(n, len(columns))``, without the labels."""
        return np.array(self.rows, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        """One line; the rows can be hundreds."""
        return f"Table({len(self)} rows of {', '.join((*self.labels, *self.columns))})"

    def to_csv(self) -> str:
        """The table as CSV text, labels first; numbers with all their digits, text as `in_cell` writes it."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(in_cell, (*self.labels, *self.columns)))
        for i, row in enumerate(self.rows):
            labels = (in_cell(column[i]) for column in self.labels.values())
            writer.writerow([*labels, *(repr(float(v)) for v in row)])
        return text.getvalue()

    def to_pandas(self) -> Any:
        """The table as a ``pandas.DataFrame``.

        Raises:
            BadInput: without pandas, which supnorm does not install.

        >>> frame = Table(("a", "error"), np.array([[1.0, 0.5]])).to_pandas()
        >>> list(frame.columns)
        ['a', 'error']
        """
        try:
            import pandas
        except ImportError:
            raise BadInput(
                "a data frame needs pandas, which supnorm does not install: pip install pandas; without it, "
                "numpy.asarray(table) gives the numbers and table.to_csv() the text"
            ) from None
        labels = {k: list(column) for k, column in self.labels.items()}
        return pandas.DataFrame(labels | dict(zip(self.columns, self.rows.T, strict=True)))

    def _column(self, name: str) -> Any:
        if name in self.columns:
            return self.rows[:, self.columns.index(name)]
        if name in self.labels:
            return self.labels[name]
        raise KeyError(f"the table has no column {name!r}; it has {', '.join((*self.labels, *self.columns))}")

    def _repr_html_(self) -> str:
        """The first rows, for notebooks."""
        cells = [*self.labels, *self.columns]
        head = "".join(f"<th>{escape(printable(name))}</th>" for name in cells)
        body = ""
        for row in self[:SHOWN]:
            shown = (v if isinstance(v, str) else num(v, 6) for v in row.values())
            body += "<tr>" + "".join(f"<td>{escape(printable(v))}</td>" for v in shown) + "</tr>"
        rest = f"<p>{len(self) - SHOWN} more rows</p>" if len(self) > SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def input_columns(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns of inputs; another one where a column of results, or of labels, has that of an input.

    >>> input_columns(["x", "error"], ["model_y", "reference_y", "error"])
    ('x', 'input_error')
    """
    taken, columns = {*others, "row", "line"}, list[str]()
    for name in names:
        free = name
        while free in taken:
            free = f"input_{free}"
        taken.add(free)
        columns.append(free)
    return tuple(columns)
