"""`framelabel plugins new MODEL`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.plugins.trials import in_words
from framelabel.workflows import plugin_new

_SHOWN_CLASSES = 12


def _run(config: plugin_new.PluginNewConfig) -> int:
    if sys.stdin.isatty() and not (config.name or config.sample or config.classes):
        config = _ask(config)
    with ConsoleReporter() as reporter:
        made = plugin_new.run(config, reporter)
    proposal = made.proposal
    click.echo(f"recognised: {proposal.family.decoder}: {proposal.family.evidence}")
    shown = ", ".join(proposal.classes[:_SHOWN_CLASSES])
    rest = len(proposal.classes) - _SHOWN_CLASSES
    click.echo(f"classes: {shown}" + (f" and {rest} more" if rest > 0 else ""))
    for trial in proposal.trials:
        mark = "->" if trial.input == proposal.input else "  "
        click.echo(f"{mark} fed as {in_words(trial.input)}: agrees with its mirror image by {trial.agreement:.2f}")
    for doubt in proposal.doubts:
        click.echo(f"to confirm: {doubt}")
    for suspicion in made.suspicions:
        click.echo(f"suspicion: {suspicion}")
    click.echo(f"plugin: {made.folder}")
    if made.preview is not None:
        click.echo(f"look at: {made.preview}")
    click.echo(f"next: framelabel plugins check {made.folder}")
    return 0


def _ask(config: plugin_new.PluginNewConfig) -> plugin_new.PluginNewConfig:
    """Ask what cannot be read from the file."""
    name = click.prompt("name of the plugin", default=config.model.stem.lower().replace(" ", "_"))
    classes = click.prompt("class names in the model's order, separated by commas (empty: as in the file)", default="")
    sample = click.prompt("a picture or clip of your domain (empty: none)", default="")
    return replace(config, name=name, classes=classes, sample=(Path(sample),) if sample else ())


command = flags.command("new", plugin_new.PluginNewConfig, _run, help="Make a plugin folder from an ONNX file.")
