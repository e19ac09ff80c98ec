"""Plots as SVG text, for pages that open offline; drawn by matplotlib without any global state."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's, told apart by every kind of colour vision."""


def lines(
    x: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    title: str,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = (0.0, 1.0),
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    marks: Sequence[tuple[float, float, str]] = (),
) -> str:
    """Draw curves over one axis.

    Args:
        x: (N,) shared by all curves.
        curves: name -> (N,).
        title: what the plot shows.
        x_label: name and unit of the axis.
        y_label: likewise.
        y_range: limits of the vertical axis; None to fit.
        bands: name of a curve -> (N,) lower and (N,) upper limits, shaded.
        marks: points with a text.
    """
    figure, axes = _figure(title, x_label, y_label)
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(np.asarray(x), np.asarray(curve), color=colour, label=name, linewidth=1.6)
        if bands and name in bands:
            low, high = bands[name]
            axes.fill_between(np.asarray(x), np.asarray(low), np.asarray(high), color=colour, alpha=0.15, linewidth=0)
    for at_x, at_y, text in marks:
        axes.plot([at_x], [at_y], "o", color="#000000", markersize=5)
        axes.annotate(text, (at_x, at_y), xytext=(6, -12), textcoords="offset points", fontsize=8)
    if y_range is not None:
        axes.set_ylim(*y_range)
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=8, ncols=1 + len(curves) // 7)
    return svg(figure)


def stacked(x: ArrayLike, parts: Mapping[str, ArrayLike], *, title: str, x_label: str, y_label: str) -> str:
    """Draw (N,) counts of several kinds on top of one another."""
    figure, axes = _figure(title, x_label, y_label)
    axes.stackplot(
        np.asarray(x),
        *(np.asarray(part) for part in parts.values()),
        labels=list(parts),
        colors=COLOURS[: len(parts)],
        step="mid",
        linewidth=0,
    )
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    return svg(figure)


def reliability_diagram(diagrams: Mapping[str, Any], *, title: str) -> str:
    """Draw `Reliability` objects by name beside the diagonal."""
    figure, axes = _figure(title, "stated probability", "share that is right")
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=1, linestyle="--")
    for number, (name, diagram) in enumerate(diagrams.items()):
        label = f"{name} (ECE {diagram.ece:.3f})"
        axes.plot(diagram.confidence, diagram.accuracy, "o-", color=COLOURS[number], label=label, markersize=3.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, fontsize=8)
    return svg(figure)


def matrix(values: ArrayLike, names: Sequence[str], *, title: str, x_label: str, y_label: str) -> str:
    """Draw an (N, N) table of counts, shaded by the share of its row."""
    table = np.asarray(values, np.float64)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    figure, axes = _figure(title, x_label, y_label, height=max(3.0, 0.32 * len(names) + 1.4))
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), list(names), rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), list(names), fontsize=8)
    axes.grid(visible=False)
    if len(names) <= 16:
        for row, column in np.argwhere(table > 0).tolist():
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{table[row, column]:.0f}", ha="center", va="center", fontsize=7, color=colour)
    return svg(figure)


def svg(figure: Figure) -> str:
    """Return a figure as an <svg> element; the same figure gives the same text."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "framelabel"}):
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def _figure(title: str, x_label: str, y_label: str, *, height: float = 3.4) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure as MatplotlibFigure

    figure = MatplotlibFigure(figsize=(6.4, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(x_label, fontsize=9)
    axes.set_ylabel(y_label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes
