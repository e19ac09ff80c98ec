"""`framelabel plugins install FILE`."""

from __future__ import annotations

import sys

import click

from framelabel.cli import flags
from framelabel.core.errors import UsageError
from framelabel.plugins.install import Permissions
from framelabel.workflows import plugin_install


def _run(config: plugin_install.PluginInstallConfig) -> int:
    def show(permissions: Permissions) -> None:
        code = f"runs {permissions.hook} on every frame" if permissions.hook else "no code"
        size = f"{permissions.files} files, {permissions.bytes / 1e6:.1f} MB"
        click.echo(f"plugin   {permissions.name}: {permissions.title}".rstrip(": "))
        click.echo(f"classes  {', '.join(permissions.classes)}")
        click.echo(f"hook     {code}")
        click.echo(f"network  {permissions.url or 'none'}")
        click.echo(f"licence  {permissions.licence or 'not stated'}")
        click.echo(f"size     {size}")
        if permissions.hides:
            click.echo(f"note     the bundled plugin '{permissions.name}' is hidden by this one")

    def agree(permissions: Permissions) -> bool:
        show(permissions)
        if not sys.stdin.isatty():
            msg = f"{config.file}: not installed; give --yes to agree to the above"
            raise UsageError(msg)
        return click.confirm("install it?")

    if config.yes:
        from framelabel.plugins.install import inspect

        show(inspect(config.file))
    folder = plugin_install.run(config, agree)
    click.echo(f"installed: {folder}" if folder is not None else "not installed")
    return 0 if folder is not None else 1


command = flags.command(
    "install", plugin_install.PluginInstallConfig, _run, help="Install a plugin from a zip or a folder."
)
