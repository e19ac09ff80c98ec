"""Shows what an export could not hold, and what a reader skipped."""

from __future__ import annotations

from pathlib import Path

import click

from framelabel.formats.report import LossReport, Report

_SHOWN = 20


def show_losses(path: Path, loss: LossReport) -> None:
    """Print one line for the target and one for each kind of loss."""
    click.echo(f"{path}: {loss.labels} labels in {loss.frames} frames written as {loss.format}")
    for line in loss.lines():
        click.echo(f"  lost: {line}")
    if loss:
        click.echo(f"  (the same list: {path}.losses.txt)")


def show_report(report: Report, shown: int = _SHOWN) -> None:
    """Print the first issues of a reader on standard error, and how many there are."""
    for number, line in enumerate(report.lines()):
        if number == shown:
            click.echo(f"... {len(report) - shown} more; `framelabel validate` lists them", err=True)
            break
        click.echo(line, err=True)
