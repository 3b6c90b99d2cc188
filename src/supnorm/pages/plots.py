"""The charts of an audit as matplotlib figures: the same data as on the page, for papers and slides.

matplotlib is not installed with supnorm. Nothing is evaluated here: all data are in the record.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.pages.ruler import marks
from supnorm.pages.view import View
from supnorm.results import BadInput
from supnorm.results.audit import AuditRecord
from supnorm.results.charts import GridMapRecord, LineMapRecord, PanelRecord

MODEL, REFERENCE, ERROR = "#0068b3", "#1b1e24", "#c2410c"  # the colours of the pages


class Plots:
    """The charts of one audit; each method draws into ``ax`` (or a new figure) and returns the axes.

    Args:
        record: of the audit.
    """

    def __init__(self, record: AuditRecord) -> None:
        self._view = View(record)

    def ruler(self, ax: Any = None) -> Any:
        """RMS, high level, tolerance, worst error and bound on one logarithmic axis."""
        ax = ax or _pyplot().figure(figsize=(8, 2)).gca()
        for row, mark in enumerate(m for m in marks(self._view) if np.isfinite(m.value)):
            color = ERROR if mark.kind == "sup" else REFERENCE
            ax.axvline(mark.value, color=color, lw=2 if mark.kind == "sup" else 1)
            words = f" {mark.short} {self._view.error(mark.value)}"
            ax.text(mark.value, 1 - 0.17 * (row + 1), words, color=color, transform=ax.get_xaxis_transform())
        ax.set(xscale="log", yticks=[], xlabel=self._view.error.name)
        return ax

    def distribution(self, ax: Any = None) -> Any:
        """The histogram of the error at the independent points.

        Raises:
            BadInput: where no point has a positive error.
        """
        histogram = self._view.charts.histogram
        if histogram is None:
            raise BadInput("no independent point has a positive error, so there is no distribution to draw")
        ax = ax or _pyplot().figure().gca()
        factor = self._view.error.factor
        ax.stairs(histogram.counts, np.array(histogram.edges) * factor, fill=True, color="#8fa3b8")
        if self._view.tolerance > 0:
            ax.axvline(self._view.tolerance * factor, color=REFERENCE, ls=":", label="tolerance")
            ax.legend()
        ax.set(xscale="log", xlabel=self._name, ylabel=self._view.sampled)
        return ax

    def cuts(self) -> Any:
        """Model and reference, and the error below, along each input through the worst point; returns the figure.

        Raises:
            BadInput: where nothing was drawn, as for a table.
        """
        cuts = self._view.charts.cuts
        if not cuts:
            raise BadInput(
                "this audit has no cuts through the worst point: there was no time, or it is a table"
            )
        figure = _pyplot().figure(figsize=(4 * len(cuts), 5), layout="constrained")
        axes = figure.subplots(2, len(cuts), squeeze=False, sharex="col")
        for (top, bottom), cut in zip(axes.T, cuts, strict=True):
            axis, s = self._view.axis(cut.axis), cut.whole
            # Between listed values there is nothing to draw.
            dots, dashes = (
                ({"marker": ".", "ls": ""}, {"marker": "o", "ls": "", "mfc": "none"})
                if axis.values
                else ({}, {"ls": "--"})
            )
            top.plot(s.x, s.model, color=MODEL, label="model", **dots)
            top.plot(s.x, s.reference, color=REFERENCE, label="reference", **dashes)
            bottom.plot(s.x, np.array(s.error) * self._view.error.factor, color=ERROR, **dots)
            bottom.set(yscale="log", xlabel=f"{cut.axis}{f' ({axis.unit})' if axis.unit else ''}")
            if axis.scale == "log":
                bottom.set_xscale("log")
        axes[0, 0].legend()
        axes[1, 0].set_ylabel(self._name)
        return figure

    def map(self, ax: Any = None) -> Any:
        """The largest error in each cell of the domain, of one or two inputs.

        Raises:
            BadInput: for more inputs, whose pictures are on the page, and where nothing was drawn.
        """
        drawn = self._view.charts.map
        if isinstance(drawn, LineMapRecord):
            ax = ax or _pyplot().figure().gca()
            ax.plot(drawn.x, np.array(drawn.error) * self._view.error.factor, color=ERROR)
            ax.set(yscale="log", xlabel=self._view.axes[0].name, ylabel=self._name)
            return ax
        if not isinstance(drawn, GridMapRecord):
            raise BadInput(
                f"a map is drawn of one or two inputs, this audit has {self._view.d}; "
                "the page (report.to_html()) has the pairs of inputs"
            )
        return self._grid(drawn, ax or _pyplot().figure().gca())

    @property
    def _name(self) -> str:
        return self._view.error.name + (" (%)" if self._view.error.suffix == " %" else "")

    def _grid(self, panel: PanelRecord, ax: Any) -> Any:
        colors = _pyplot().matplotlib.colors
        across, up = (self._view.axis(name) for name in panel.axes)
        values = np.array(panel.values, dtype=float) * self._view.error.factor
        edges = [
            np.geomspace(a.low, a.high, n + 1) if a.scale == "log" else np.linspace(a.low, a.high, n + 1)
            for a, n in zip((across, up), (values.shape[1], values.shape[0]), strict=True)
        ]
        positive = values[(values > 0) & np.isfinite(values)]
        norm = colors.LogNorm(np.quantile(positive, 0.02), positive.max()) if positive.size else None
        mesh = ax.pcolormesh(*edges, values, norm=norm, cmap="inferno_r")
        ax.figure.colorbar(mesh, ax=ax, label=self._name)
        for axis, name in ((across, "x"), (up, "y")):
            getattr(ax, f"set_{name}label")(f"{axis.name}{f' ({axis.unit})' if axis.unit else ''}")
            if axis.scale == "log":
                getattr(ax, f"set_{name}scale")("log")
        return ax


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise BadInput(
            "report.plot needs matplotlib, which supnorm does not install: pip install matplotlib; "
            "report.to_html() has the same charts without it"
        ) from None
    return pyplot
