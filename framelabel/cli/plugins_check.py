"""`framelabel plugins check FOLDER`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.plugins.check import Level
from framelabel.workflows import plugin_check


def _run(config: plugin_check.PluginCheckConfig) -> int:
    is_wrong = False
    with ConsoleReporter() as reporter:
        for step in plugin_check.run(config, reporter):
            is_wrong |= step.level is Level.PROBLEM
            click.echo(f"{step.level.value:10} {step.name}: {step.text}")
    return 1 if is_wrong else 0


command = flags.command(
    "check", plugin_check.PluginCheckConfig, _run, help="Prove a plugin on this machine; say in one line what is wrong."
)
