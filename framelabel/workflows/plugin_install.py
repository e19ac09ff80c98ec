"""`framelabel plugins install`: what a zip or folder asks for, then its plugin among the installed ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from framelabel.core.config import setting
from framelabel.core.protocols import SILENT, Reporter
from framelabel.plugins.install import Permissions, inspect, install


@dataclass(frozen=True, slots=True)
class PluginInstallConfig:
    """What to install."""

    file: Path = setting(help="A zip or folder with one plugin.yaml.", argument=True)
    yes: bool = setting(False, help="Agree to what it asks for without being asked.")
    replace: bool = setting(False, help="Put it in the place of an installed plugin of the same name.")


def run(
    config: PluginInstallConfig,
    agree: Callable[[Permissions], bool],
    report: Reporter = SILENT,  # noqa: ARG001 - every workflow takes one
) -> Path | None:
    """Show the plugin's permissions to `agree` and install it when that says yes; return its folder, or None.

    Raises:
        UsageError: neither a zip nor a folder, a dangerous one, or already installed.
        InvalidManifestError: its plugin.yaml is missing or wrong.
    """
    permissions = inspect(config.file)
    if not config.yes and not agree(permissions):
        return None
    return install(config.file, replace=config.replace)
