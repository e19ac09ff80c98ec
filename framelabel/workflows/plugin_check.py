"""`framelabel plugins check`: prove a plugin on this machine and say in one line what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from framelabel.core.config import setting
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.session import DEVICES
from framelabel.plugins.check import Step, check


@dataclass(frozen=True, slots=True)
class PluginCheckConfig:
    """Which plugin to prove."""

    plugin: str = setting(help="A plugin's name, or its folder.", argument=True)
    device: str = setting("auto", help="Where to run it.", choices=DEVICES)
    picture: Path | None = setting(None, help="A picture or clip of the domain; the first sample when not given.")


def run(config: PluginCheckConfig, report: Reporter = SILENT) -> Iterator[Step]:
    """Yield each step as it is done; the first problem ends it."""
    return check(config.plugin, device=config.device, picture=config.picture, reporter=report)
