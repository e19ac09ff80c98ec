"""Unpack a plugin from a zip: nothing of it runs, nothing of it lands outside its folder."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from framelabel.core.errors import InvalidManifestError, UsageError
from framelabel.plugins.loading import MANIFEST, installed_folder, read
from framelabel.plugins.schema import Manifest

MOST_BYTES = 2 << 30
"""Unpacked size that is accepted; a zip bomb stops here."""
MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a plugin wants to do on this machine, known before anything of it is kept."""

    name: str
    title: str
    classes: tuple[str, ...]
    hook: str
    """"file.py:function" that runs on every frame; "" for a plugin without code."""
    url: str
    """Where the model is fetched from; "" for none."""
    licence: str
    files: int
    bytes: int


def inspect(archive: Path) -> Permissions:
    """Return what a zip holds and asks for. It is unpacked to a temporary folder; none of its code runs.

    Raises:
        UsageError: not a zip, or one whose entries lead outside, link elsewhere or are too large.
        InvalidManifestError: its plugin.yaml is missing or wrong.
    """
    with tempfile.TemporaryDirectory() as folder:
        return permissions_of(_unpack(archive, Path(folder)))


def permissions_of(manifest: Manifest) -> Permissions:
    """Return what a checked manifest asks for."""
    files = [path for path in manifest.folder.rglob("*") if path.is_file()]
    return Permissions(
        manifest.name,
        manifest.title,
        tuple(entry.name for entry in manifest.classes),
        manifest.hook,
        manifest.model.url,
        manifest.model.licence,
        len(files),
        sum(path.stat().st_size for path in files),
    )


def install(archive: Path, *, replace: bool = False) -> Path:
    """Unpack a plugin where `framelabel plugins list` finds it; return its folder.

    Raises:
        UsageError: as `inspect`, or a plugin of this name is installed and `replace` is not given.
    """
    root = installed_folder()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as folder:
        manifest = _unpack(archive, Path(folder))
        target = root / manifest.name
        if target.exists() and not replace:
            msg = f"plugin '{manifest.name}' is already installed in {target}; give --replace to replace it"
            raise UsageError(msg)
        if target.exists():
            shutil.rmtree(target)
        manifest.folder.replace(target)
    return target


def _unpack(archive: Path, folder: Path) -> Manifest:
    """Unpack into an empty folder and return the checked manifest."""
    try:
        with zipfile.ZipFile(archive) as packed:
            top = _check_entries(archive, packed)
            packed.extractall(folder / "content")
    except zipfile.BadZipFile as error:
        msg = f"{archive}: not a zip file: {error}"
        raise UsageError(msg) from error
    return read(folder / "content" / top)


def _check_entries(archive: Path, packed: zipfile.ZipFile) -> PurePosixPath:
    """Return the folder of plugin.yaml inside the zip, after every entry has been found harmless."""
    entries = packed.infolist()
    for entry in entries:
        name = entry.filename
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            msg = f"{archive}: entry '{name}' leads outside the plugin's folder; nothing was unpacked"
            raise UsageError(msg)
        mode = entry.external_attr >> 16
        if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
            msg = f"{archive}: entry '{name}' is a link or device; nothing was unpacked"
            raise UsageError(msg)
    size = sum(entry.file_size for entry in entries)
    if size > MOST_BYTES or len(entries) > MOST_FILES:
        msg = f"{archive}: {len(entries)} files of {size / 1e9:.1f} GB are more than a plugin may hold (2 GB)"
        raise UsageError(msg)
    manifests = [PurePosixPath(entry.filename) for entry in entries if PurePosixPath(entry.filename).name == MANIFEST]
    tops = [path.parent for path in manifests if len(path.parts) <= 2]
    if len(tops) != 1:
        msg = f"{archive}: needs one {MANIFEST}, at the top or in one folder; found {len(tops)}"
        raise InvalidManifestError(msg)
    return tops[0]
