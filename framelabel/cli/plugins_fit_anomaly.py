"""`framelabel plugins fit-anomaly --good FOLDER --out PLUGIN`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import plugin_fit_anomaly


def _run(config: plugin_fit_anomaly.PluginFitAnomalyConfig) -> int:
    with ConsoleReporter() as reporter:
        made = plugin_fit_anomaly.run(config, reporter)
    what = "disturbed copies" if made.is_made_up else "good pictures, each judged without itself,"
    span = f"{min(made.reached):.2f} to {max(made.reached):.2f} {made.unit}"
    click.echo(f"{made.count} good pictures; {what} reached {span}")
    click.echo(f"threshold: {made.threshold:.2f} {made.unit}")
    click.echo(f"plugin: {made.folder}")
    click.echo(f"next: framelabel plugins check {made.folder}")
    return 0


command = flags.command(
    "fit-anomaly",
    plugin_fit_anomaly.PluginFitAnomalyConfig,
    _run,
    help="Make a plugin from good pictures alone: what differs from them is an anomaly.",
)
