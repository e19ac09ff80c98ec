"""`framelabel plugins test NAME`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import plugin_samples


def _run(config: plugin_samples.PluginTestConfig) -> int:
    with ConsoleReporter() as reporter:
        results = plugin_samples.run(config, reporter)
    for result in results:
        mark = "BAD" if result.problems else "ok "
        click.echo(f"{mark} {result.media}: {result.found} of {result.expected} expected boxes found")
        for problem in result.problems:
            click.echo(f"    {problem}")
    return 1 if any(result.problems for result in results) else 0


command = flags.command(
    "test", plugin_samples.PluginTestConfig, _run, help="Find in a plugin's samples the boxes that it promises."
)
