"""`framelabel doctor`: what this machine can do, and what is missing for the rest."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from framelabel import __version__, plugins
from framelabel.core.config import setting
from framelabel.core.errors import FramelabelError
from framelabel.core.protocols import SILENT
from framelabel.inference.models import find_model
from framelabel.inference.session import available_devices, usable_cores
from framelabel.plugins.building import model_source

_NEEDED = ("av", "numpy", "scipy", "onnxruntime", "opencv-python-headless", "shapely", "pycocotools", "starlette")
_OPTIONAL = {
    "decord": "a faster reader for some files: pip install 'framelabel[decord]'",
    "pyarrow": "Parquet tables: pip install 'framelabel[tables]'",
    "crowd-kit": "Dawid-Skene and other consensus: pip install 'framelabel[consensus]'",
    "torch": "framelabel train: pip install 'framelabel[train]'",
}


@dataclass(frozen=True, slots=True)
class DoctorConfig:
    """Nothing to choose but the disk to look at."""

    folder: Path = setting(Path(), help="Folder whose free disk space counts.")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about this machine."""

    topic: str
    is_good: bool
    text: str
    is_optional: bool = False


def run(config: DoctorConfig) -> list[Finding]:
    """Return what was found, needed things first."""
    python = f"framelabel {__version__}, Python {platform.python_version()}, {platform.platform()}"
    findings = [Finding("program", sys.version_info >= (3, 10), python)]
    findings += [_package(name, "reinstall framelabel", is_optional=False) for name in _NEEDED]
    devices = ", ".join(available_devices())
    findings.append(Finding("devices", bool(devices), f"{devices}; {usable_cores()} CPU cores"))
    free = shutil.disk_usage(config.folder).free / 1e9
    findings.append(Finding("disk", free > 1.0, f"{free:.1f} GB free in {config.folder.absolute()}"))
    findings += _plugins()
    findings += [_package(name, hint, is_optional=True) for name, hint in _OPTIONAL.items()]
    return findings


def _package(name: str, hint: str, *, is_optional: bool) -> Finding:
    try:
        return Finding(name, True, importlib.metadata.version(name), is_optional)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, f"not installed; {hint}", is_optional)


def _plugins() -> Iterator[Finding]:
    """Say of each plugin whether its model is on this machine."""
    for name in plugins.known_plugins():
        try:
            path = find_model(*model_source(plugins.load(name)), SILENT)
            yield Finding(f"plugin {name}", True, str(path))
        except FramelabelError as error:
            yield Finding(f"plugin {name}", False, str(error), is_optional=True)
