"""Where plugins come from: bundled, a folder, a zip, or a Python package's entry point."""

from __future__ import annotations

import os
from importlib import metadata
from itertools import chain
from pathlib import Path

from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import InvalidManifestError, UnknownNameError, UsageError
from framelabel.plugins.choices import choice_problems
from framelabel.plugins.places import place_problems
from framelabel.plugins.schema import Manifest, check
from framelabel.plugins.yaml_lines import parse

MANIFEST = "plugin.yaml"
ENTRY_POINTS = "framelabel.plugins"
"""An entry point of this group names a package (or package:attribute, a path) whose folder holds plugin.yaml."""


def bundled_folder() -> Path:
    """Return the folder of the plugins that come with framelabel: in the wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "bundled" / "plugins"
    return inside if inside.is_dir() else package.parent / "plugins"


def installed_folder() -> Path:
    """Return where `framelabel plugins install` unpacks plugins: $FRAMELABEL_PLUGINS or ~/.framelabel/plugins."""
    return Path(os.environ.get("FRAMELABEL_PLUGINS", Path.home() / ".framelabel" / "plugins"))


def known_plugins() -> dict[str, Path]:
    """Return name -> folder of every plugin that can be named; nothing of them is imported.

    An installed plugin stands before a bundled one of the same name, a package's entry point behind both.
    """
    found: dict[str, Path] = {}
    for point in metadata.entry_points(group=ENTRY_POINTS):
        folder = _package_folder(point.value)
        if folder is not None:
            found[point.name] = folder
    for root in (bundled_folder(), installed_folder()):
        if root.is_dir():
            found.update({path.parent.name: path.parent for path in sorted(root.glob(f"*/{MANIFEST}"))})
    return dict(sorted(found.items()))


def _package_folder(value: str) -> Path | None:
    """Return the folder of an entry point's package without importing it."""
    module = value.partition(":")[0]
    top, *rest = module.split(".")
    for distribution in metadata.packages_distributions().get(top, ()):
        root = Path(str(metadata.distribution(distribution).locate_file("")))
        folder = root.joinpath(top, *rest)
        if (folder / MANIFEST).is_file():
            return folder
    return None


def load(name_or_folder: str | Path) -> Manifest:
    """Return the checked manifest of a plugin, by name or by folder (or by its plugin.yaml). Runs none of its code.

    Raises:
        UnknownNameError: no plugin has this name and no folder this path; the nearest name is in the message.
        InvalidManifestError: its plugin.yaml is wrong; file, line and the nearest known key are in the message.
    """
    path = Path(name_or_folder)
    if path.suffix == ".zip":
        raise UsageError(f"{path}: a zip is installed first: framelabel plugins install {path}")
    folder = path.parent if path.name == MANIFEST else path
    is_path = isinstance(name_or_folder, Path) or len(path.parts) > 1 or path.name == MANIFEST
    if not is_path or not folder.exists():
        plugins = known_plugins()
        if str(name_or_folder) in plugins:
            return read(plugins[str(name_or_folder)])
        if not (folder / MANIFEST).is_file():
            msg = f"no plugin '{name_or_folder}' and no such folder.{did_you_mean(str(name_or_folder), plugins)}"
            raise UnknownNameError(msg)
    return read(folder)


def read(folder: Path) -> Manifest:
    """Return the checked manifest of a folder."""
    file = folder / MANIFEST
    if not file.is_file():
        msg = f"{folder}: no {MANIFEST} in this folder"
        raise InvalidManifestError(msg)
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{file}: not UTF-8 text"
        raise InvalidManifestError(msg) from error
    return check_text(text, folder)


def check_text(text: str, folder: Path) -> Manifest:
    """Return the manifest that a folder's plugin.yaml would be with this text; nothing is read or written.

    Raises:
        InvalidManifestError: what is wrong first, with its line.
    """
    document = parse(text, str(folder / MANIFEST))
    manifest = check(document).placed(folder)
    for location, message in chain(choice_problems(manifest), place_problems(manifest)):
        raise InvalidManifestError(f"{document.where(location)}: {message}")
    return manifest
