"""`framelabel plugins`: list, show, check, test, new, install, fit-anomaly."""

from __future__ import annotations

import click

from framelabel.core.catalog import Catalog, did_you_mean
from framelabel.core.errors import UnknownNameError

PLUGIN_COMMANDS: Catalog[click.Command] = Catalog(
    "plugins command",
    {
        "list": "framelabel.cli.plugins_list:command",
        "show": "framelabel.cli.plugins_show:command",
        "check": "framelabel.cli.plugins_check:command",
        "test": "framelabel.cli.plugins_test:command",
        "new": "framelabel.cli.plugins_new:command",
        "install": "framelabel.cli.plugins_install:command",
        "fit-anomaly": "framelabel.cli.plugins_fit_anomaly:command",
    },
)


class _LazyPlugins(click.Group):
    """Imports a subcommand's module only when that one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(PLUGIN_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        return PLUGIN_COMMANDS.load(cmd_name) if cmd_name in PLUGIN_COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in PLUGIN_COMMANDS:
            msg = f"unknown command 'plugins {args[0]}'.{did_you_mean(args[0], PLUGIN_COMMANDS)}"
            raise UnknownNameError(msg)
        return super().resolve_command(ctx, args)


command = _LazyPlugins("plugins", help="List, show, prove, test, make and install plugins.")
