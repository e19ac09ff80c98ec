"""`framelabel plugins list`."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from framelabel import plugins
from framelabel.cli import flags
from framelabel.core.errors import FramelabelError


@dataclass(frozen=True, slots=True)
class PluginListConfig:
    """Nothing to choose."""


def _run(config: PluginListConfig) -> int:  # noqa: ARG001 - a command's signature
    table = Table("plugin", "title", "classes", "rules", "folder")
    broken = 0
    for name, folder in plugins.known_plugins().items():
        try:
            manifest = plugins.load(folder)
        except FramelabelError as error:
            broken += 1
            table.add_row(name, f"BAD: {error}", "", "", str(folder))
            continue
        table.add_row(name, manifest.title, str(len(manifest.classes)), str(len(manifest.rules)), str(folder))
    Console(soft_wrap=True).print(table)
    return 1 if broken else 0


command = flags.command("list", PluginListConfig, _run, help="List the plugins that can be named.")
